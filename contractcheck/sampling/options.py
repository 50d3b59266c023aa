"""How to ask, whom, and how much trouble to bear."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.cassettes import EXACT
from contractcheck.providers.answer import read_answer
from contractcheck.providers.failures import remedy_for
from contractcheck.sampling.backoff import RetryPolicy
from contractcheck.sampling.bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contractcheck.auth import Authorizer
    from contractcheck.cassettes import Canonicalisation, OpenRun
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import Trial
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.providers.failures import Remedy
    from contractcheck.sampling.sdk_relay import SdkEnvironment


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How to ask, whoever is asked.

    Attributes:
        concurrency: Requests under way at once, >= 1.
        max_requests: Requests this session may send, retries among them; None is without bound.
        connect_timeout_s: Longest time (s) for a connection.
        keep_request_bodies: False stores prompts as digests only.
        rule: What may differ between equal requests.
        bounds: How much the session may take.
    """

    concurrency: int = 8
    max_requests: int | None = None
    connect_timeout_s: float = 10.0
    keep_request_bodies: bool = True
    rule: Canonicalisation = EXACT
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOptions(Pace):
    """How to ask, and whom.

    Attributes:
        base_url: Endpoint without trailing slash.
        authorizer: Puts the credential for this endpoint on requests.
    """

    base_url: str
    authorizer: Authorizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the runs that are sampled together.

    Attributes:
        run: An open run; a resumed one brings what was finished.
        cases: The run's cases.
        base_url: Endpoint without trailing slash.
        authorizer: Puts the credential for this endpoint on requests.
        sdk: Whose SDK asks; None for this program's own requests.
        tell_unread: Told of each answer that came and that the SDK could not read, and why.
    """

    run: OpenRun
    cases: Sequence[Case]
    base_url: str
    authorizer: Authorizer
    sdk: SdkEnvironment | None = None
    tell_unread: Callable[[Trial, str], None] = lambda _trial, _words: None

    def finished(self, retry: RetryPolicy) -> frozenset[tuple[str, int]]:
        """Case and index of the trials that the run brought, and that need no other attempt."""
        # An SDK's calls are never repeated by us.
        policy = RetryPolicy(attempts=1) if self.sdk is not None else retry
        return finished_trials(self.run.done, self.run.header.target, policy)


def finished_trials(
    exchanges: Sequence[Exchange], target: Target, retry: RetryPolicy
) -> frozenset[tuple[str, int]]:
    """Case and index of the trials that need no other attempt in a session to come.

    A trial that failed for trouble that passes has no answer yet, however often it was tried: a
    session that goes on with the run begins to count anew.

    Args:
        exchanges: Attempts, those of one trial in the order they were made.
        target: Whose dialect reads them.
        retry: How often a failed trial is tried again; a sealed run takes no more: one attempt.
    """
    made = defaultdict[tuple[str, int], list["Exchange"]](list)
    for exchange in exchanges:
        if exchange.ended != "closed":
            made[exchange.case, exchange.trial].append(exchange)
    if not retry.retries:
        return frozenset(made)
    return frozenset(
        key
        for key, attempts in made.items()
        if not wants_more([remedy_of(x, target) for x in attempts], retry, attempts=0)
    )


def remedy_of(exchange: Exchange, target: Target) -> Remedy:
    """What asking again may do about how a recorded exchange ended."""
    return remedy_for(exchange, read_answer(exchange, target.provider, target.mapping).completion)


def wants_more(remedies: Sequence[Remedy], retry: RetryPolicy, *, attempts: int) -> bool:
    """Whether a trial gets another attempt.

    Args:
        remedies: What its attempts so far were worth, in all sessions, at least one.
        retry: How often a failed trial is tried again.
        attempts: How many were made in this session.
    """
    return retry.allows(remedies[-1], attempts, remedies[:-1].count(remedies[-1]))

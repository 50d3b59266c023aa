"""One execution of a suite against a target: header and exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.exchange import Exchange
    from contractcheck.model.target import Target

RunStatus = Literal["complete", "interrupted", "partial"]
"""``complete``: the whole plan of the whole suite. ``interrupted``: stopped before its plan was
done. ``partial``: the whole plan of a selection of cases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One planned repetition: case, index within the case, block (time slot) in the run."""

    case: str
    index: int
    block: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePlan:
    """What was planned for a case, and what we sent.

    Attributes:
        samples: Trials planned.
        request_fingerprint: Digest of what we sent.
        parts: Digest per part, so that attribution can say which one is ours.
        checks: Digest of the checks that judge it; empty in runs of versions that kept none.
    """

    samples: int
    request_fingerprint: str
    parts: Mapping[str, str]
    checks: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHeader:
    """Everything about a run but its exchanges.

    Attributes:
        id: Sortable, unique: UTC start and a random suffix.
        suite: Suite name.
        suite_version: Semantic version.
        suite_fingerprint: Which rules stood at recording time.
        target: Who was asked.
        night: ISO date when ``watch`` made it, else None.
        started_at: UTC, RFC 3339.
        ended_at: UTC, RFC 3339; None while open.
        status: How it ended.
        cases: Plan per case id, in suite order.
        vantage: What on our side can matter: versions, platform, region.
        label: Free words such as ``simulated``; printed wherever the run is shown.
        endpoint: Base URL that was asked; empty when not known. A resumed run goes on there.
        gate: Id of the gate that this run is a side of; empty for a run of its own. A side is never
            a night, whatever became of it.
        shard: Which part of the suite's cases it asked, such as ``2/8``; empty for all of them.
        stopped: Why its latest session ended before its plan was done; empty otherwise.
    """

    id: str
    suite: str
    suite_version: str
    suite_fingerprint: str
    target: Target
    night: str | None
    started_at: str
    ended_at: str | None
    status: RunStatus
    cases: Mapping[str, CasePlan]
    vantage: Mapping[str, str]
    label: str = ""
    endpoint: str = ""
    gate: str = ""
    shard: str = ""
    stopped: str = ""

    @property
    def planned_trials(self) -> int:
        """Trials in the plan."""
        return sum(plan.samples for plan in self.cases.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A header and its exchanges, sorted by case, trial and attempt.

    Attributes:
        root: Digest over the digests of all its files once sealed; None while open.
    """

    header: RunHeader
    exchanges: tuple[Exchange, ...]
    root: str | None = None

    def last_attempts(self) -> dict[tuple[str, int], Exchange]:
        """The deciding attempt of each trial: the last one made."""
        return {(exchange.case, exchange.trial): exchange for exchange in self.exchanges}

"""Make the trials of one run or of several: bounded, no hidden retries, everything journalled."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx2

from contractcheck.cassettes import EXACT, in_trial, recording
from contractcheck.errors import ContractcheckError, LimitReachedError
from contractcheck.providers import dialect
from contractcheck.sampling.loop_lag import LoopLag
from contractcheck.sampling.plan import SideTrial, plan_trials
from contractcheck.sampling.progress import Tally
from contractcheck.sampling.sdk_relay import SdkRelay, SdkTrial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contractcheck.auth import Authorizer
    from contractcheck.cassettes import Canonicalisation, OpenRun
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import Trial
    from contractcheck.model.suite import Case
    from contractcheck.model.wire import WireRequest
    from contractcheck.providers.wire import Dialect
    from contractcheck.sampling.progress import Progress
    from contractcheck.sampling.sdk_relay import SdkEnvironment
    from contractcheck.sampling.spending import Spending


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How to ask, whoever is asked.

    Attributes:
        concurrency: Requests under way at once, >= 1.
        max_requests: Requests this session may send; None is without bound.
        idle_timeout_s: Longest silence (s) before headers and between chunks.
        connect_timeout_s: Longest time (s) for a connection.
        keep_request_bodies: False stores prompts as digests only.
        rule: What may differ between equal requests.
    """

    concurrency: int = 8
    max_requests: int | None = None
    idle_timeout_s: float = 120.0
    connect_timeout_s: float = 10.0
    keep_request_bodies: bool = True
    rule: Canonicalisation = EXACT


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

    def finished(self) -> frozenset[tuple[str, int]]:
        """Case and index of the trials that the run brought, and that need no other attempt."""
        return frozenset((x.case, x.trial) for x in self.run.done if x.ended != "closed")


def sample(
    run: OpenRun, cases: Sequence[Case], options: SamplingOptions, progress: Progress
) -> Tally:
    """Make every trial of the run that has no finished exchange yet.

    Args:
        run: An open run; a resumed one brings what was finished.
        cases: The run's cases.
        options: How to ask.
        progress: Told after every trial.

    Raises:
        LimitReachedError: If ``max_requests`` ended the run before its plan was complete.
        RecordingError: If the disk refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is in the journals.
    """
    side = Side(run=run, cases=cases, base_url=options.base_url, authorizer=options.authorizer)
    finished = side.finished()
    planned = plan_trials(cases, seed=run.header.id)
    left = [SideTrial(side=0, trial=t) for t in planned if (t.case, t.index) not in finished]
    tally = Tally(planned=len(planned), done=len(planned) - len(left))
    try:
        sample_sides([side], left, options, progress, tally=tally)
    finally:
        run.close()
    if tally.done < tally.planned:
        raise LimitReachedError(
            f"--max-requests {options.max_requests} reached with {tally.planned - tally.done} of "
            f"{tally.planned} trials to go; resume the run to make them"
        )
    return tally


def sample_sides(
    sides: Sequence[Side],
    trials: Sequence[SideTrial],
    pace: Pace,
    progress: Progress,
    *,
    tally: Tally,
    spending: Spending | None = None,
) -> tuple[SideTrial, ...]:
    """Make trials of several open runs at once, in the given order, under one bound.

    The runs stay open.

    Args:
        sides: The runs.
        trials: What to make; sides are indices into ``sides``.
        pace: How to ask.
        progress: Told after every trial.
        tally: Counted on.
        spending: Ends the session when the money is spent; None without bound.

    Returns:
        The trials that ``max_requests`` or ``spending`` left out; those under way were finished.

    Raises:
        RecordingError: If the disk refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is in the journals.
    """
    sampler = _Sampler(
        sides=sides,
        left=list(trials),
        pace=pace,
        progress=progress,
        tally=tally,
        spending=spending,
    )
    try:
        asyncio.run(sampler.run_all())
    except BaseExceptionGroup as group:
        # One worker's error cancels the others; the first one says what happened.
        ours, _ = group.split(ContractcheckError)
        raise (ours or group).exceptions[0] from group
    return tuple(sampler.left)


@dataclass(kw_only=True)
class _Sampler:
    sides: Sequence[Side]
    left: list[SideTrial]
    pace: Pace
    progress: Progress
    tally: Tally
    spending: Spending | None

    def __post_init__(self) -> None:
        self.sink = _SharedSink(self.sides, self.spending)
        self.dialects: list[Dialect] = [dialect(s.run.header.target.provider) for s in self.sides]
        self.cases = [{case.id: case for case in side.cases} for side in self.sides]
        self.attempts = [Counter((x.case, x.trial) for x in side.run.done) for side in self.sides]
        self.relays: dict[int, SdkRelay] = {}
        self.sent = 0

    async def run_all(self) -> None:
        pace = self.pace
        lag = LoopLag()
        limits = httpx2.Limits(
            max_connections=pace.concurrency, max_keepalive_connections=pace.concurrency
        )
        timeout = httpx2.Timeout(pace.idle_timeout_s, connect=pace.connect_timeout_s)
        with recording(
            self.sink,
            self.sides[0].run.scrubber,
            keep_request_bodies=pace.keep_request_bodies,
            lag_since_us=lag.since_us,
            rule=pace.rule,
        ):
            async with (
                lag.beating(),
                httpx2.AsyncClient(
                    limits=limits,
                    timeout=timeout,
                    # The environment's proxies would be part of the vantage without being named.
                    trust_env=False,
                    # Compressed answers would hide secrets from redaction and chunks from timing.
                    headers={"accept-encoding": "identity"},
                ) as client,
                AsyncExitStack() as stack,
            ):
                for index, side in enumerate(self.sides):
                    if side.sdk is not None:
                        relay = self._relay(side, side.sdk, client)
                        self.relays[index] = await stack.enter_async_context(relay)
                await self._work(client)

    def _relay(
        self, side: Side, environment: SdkEnvironment, client: httpx2.AsyncClient
    ) -> SdkRelay:
        return SdkRelay(
            environment=environment,
            base_url=side.base_url,
            authorizer=side.authorizer,
            client=client,
            at_once=self.pace.concurrency,
        )

    async def _work(self, client: httpx2.AsyncClient) -> None:
        """Workers take trials in plan order; one failing worker stops all."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.pace.concurrency, len(self.left))):
                group.create_task(self._worker(client))

    async def _worker(self, client: httpx2.AsyncClient) -> None:
        while self.left:
            limit = self.pace.max_requests
            if limit is not None and self.sent >= limit:
                return
            if self.spending is not None and not self.spending.allows_one_more():
                return
            next_one = self.left.pop(0)
            self.sent += 1
            self.tally.requests += 1
            await self._make(client, next_one)
            self.tally.done += 1
            self.progress.update(self.tally)

    async def _make(self, client: httpx2.AsyncClient, planned: SideTrial) -> None:
        """Make one trial; what goes wrong on the wire is in the journal, not an exception."""
        trial, side = planned.trial, self.sides[planned.side]
        case = self.cases[planned.side][trial.case]
        wire = self.dialects[planned.side].build(case, side.run.header.target)
        made = self.attempts[planned.side][trial.case, trial.index]
        number = self.sink.number(planned.side, trial.index)
        relay = self.relays.get(planned.side)
        if relay is not None:
            sdk_trial = SdkTrial(case=trial.case, number=number, first_attempt=made)
            answer = await relay.ask(sdk_trial, wire.body)
            # An SDK repeats what the provider said, which may name the key.
            words = side.run.scrubber.scrub_text(answer.error)
            if words:
                self._note_error(words)
            if answer.is_unread:
                side.tell_unread(trial, words)
            return
        with in_trial(trial.case, number, first_attempt=made):
            try:
                status = await self._send(client, side, wire)
            except httpx2.HTTPError as error:
                self._note_error(type(error).__name__)
            else:
                if status != httpx2.codes.OK:
                    self._note_error(f"HTTP {status}")

    async def _send(self, client: httpx2.AsyncClient, side: Side, wire: WireRequest) -> int:
        headers = await side.authorizer.authorize(wire, side.base_url)
        async with client.stream(
            wire.method, side.base_url + wire.path, headers=list(headers), content=wire.body
        ) as response:
            async for _ in response.aiter_raw():
                pass
            return response.status_code

    def _note_error(self, words: str) -> None:
        self.tally.errors += 1
        self.tally.last_error = words


@dataclass(frozen=True, slots=True)
class _SharedSink:
    """Takes the exchanges of one session apart again: one run for each side.

    A session knows an exchange by case and trial. While it lasts, the number of a trial carries
    its side; what is stored has the trial's own number.
    """

    sides: Sequence[Side]
    spending: Spending | None

    def number(self, side: int, trial: int) -> int:
        return trial * len(self.sides) + side

    def append(self, exchange: Exchange) -> None:
        trial, index = divmod(exchange.trial, len(self.sides))
        side = self.sides[index]
        side.run.append(replace(exchange, trial=trial))
        if self.spending is not None:
            self.spending.note(side.run.header.target, exchange)

"""Make the trials of one run or of several: bounded, every attempt journalled."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from contractcheck.cassettes import recording
from contractcheck.errors import ContractcheckError, LimitReachedError
from contractcheck.providers import dialect
from contractcheck.sampling.attempts import Asker
from contractcheck.sampling.breaker import Breaker
from contractcheck.sampling.hearing import Ear
from contractcheck.sampling.limiter import Limiter
from contractcheck.sampling.loop_lag import LoopLag
from contractcheck.sampling.options import Side
from contractcheck.sampling.plan import SideTrial, plan_trials
from contractcheck.sampling.progress import Tally
from contractcheck.sampling.quota import Rate
from contractcheck.sampling.quotas import Quotas
from contractcheck.sampling.sdk_relay import SdkRelay
from contractcheck.sampling.sending import OwnSender, SdkSender
from contractcheck.sampling.session import Session
from contractcheck.sampling.sink import SharedSink
from contractcheck.sampling.spending import count_only
from contractcheck.sampling.stop import Stop, StoppedError
from contractcheck.sampling.trust import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from contractcheck.cassettes import OpenRun
    from contractcheck.model.suite import Case
    from contractcheck.providers.wire import Dialect
    from contractcheck.sampling.options import Pace, SamplingOptions
    from contractcheck.sampling.progress import Progress
    from contractcheck.sampling.sending import Sender
    from contractcheck.sampling.spending import Spending

_SECONDS: float = 60.0

_WORKERS_PER_PLACE = 2
"""One whose request is under way, and one who stands ready while the first reads its answer."""


def sample(
    run: OpenRun,
    cases: Sequence[Case],
    options: SamplingOptions,
    progress: Progress,
    *,
    spending: Spending | None = None,
) -> Tally:
    """Make every trial of the run that is not finished yet.

    Args:
        run: An open run; a resumed one brings what was finished.
        cases: The run's cases.
        options: How to ask.
        progress: Told after every trial.
        spending: Counts, and ends the run when its bound is reached; None only counts.

    Raises:
        LimitReachedError: If a bound, or the provider's state, ended the run before its plan was
            complete; says which.
        RecordingError: If the disk refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is in the journals.
    """
    side = Side(run=run, cases=cases, base_url=options.base_url, authorizer=options.authorizer)
    finished = side.finished(options.bounds.retry)
    planned = plan_trials(cases, seed=run.header.id)
    left = [SideTrial(side=0, trial=t) for t in planned if (t.case, t.index) not in finished]
    tally = Tally(planned=len(planned), done=len(planned) - len(left))
    try:
        sample_sides([side], left, options, progress, tally=tally, spending=spending)
    finally:
        run.close()
    if tally.done < tally.planned:
        raise LimitReachedError(
            f"{tally.stopped} with {tally.planned - tally.done} of "
            f"{tally.planned} trials to go; resume the run to make them",
            reason=tally.stopped,
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
    quotas: Quotas | None = None,
) -> tuple[SideTrial, ...]:
    """Make trials of several open runs at once, in the given order, under one bound.

    The runs stay open.

    Args:
        sides: The runs.
        trials: What to make; sides are indices into ``sides``.
        pace: How to ask.
        progress: Told after every trial.
        tally: Counted on; tells why the session ended early.
        spending: Ends the session when the money is spent; None without bound.
        quotas: What is known of limits from earlier sessions; None knows nothing.

    Returns:
        The trials that were left out, in order. What was under way when a bound was reached was
        finished, except at the deadline.

    Raises:
        RecordingError: If the disk refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is in the journals.
    """
    sampler = _Sampler(
        sides=sides,
        left=deque(trials),
        pace=pace,
        progress=progress,
        tally=tally,
        spending=spending or count_only(),
        quotas=quotas or Quotas(folder=pace.bounds.shared),
    )
    try:
        asyncio.run(sampler.run_all())
    except BaseExceptionGroup as group:
        # One worker's error cancels the others; the first one says what happened.
        ours, _ = group.split(ContractcheckError)
        raise (ours or group).exceptions[0] from group
    missing = {*sampler.unmade, *sampler.left}
    return tuple(planned for planned in trials if planned in missing) if missing else ()


@dataclass(kw_only=True)
class _Sampler:
    sides: Sequence[Side]
    left: deque[SideTrial]
    pace: Pace
    progress: Progress
    tally: Tally
    spending: Spending
    quotas: Quotas
    unmade: list[SideTrial] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        self.sink = SharedSink(self.sides)
        self.ways: dict[tuple[str, ...], tuple[Limiter, Breaker]] = {}
        for side in self.sides:
            # A token that is granted later is known before it is sent, so it is never written;
            # not in the recording of another side either.
            for other in self.sides:
                side.authorizer.tell(other.run.scrubber.learn)

    async def run_all(self) -> None:
        deadline_s = self.pace.bounds.deadline_s
        try:
            # Workers take trials in plan order; one failing worker stops all.
            async with (
                asyncio.timeout(deadline_s) as deadline,
                self._open() as askers,
                asyncio.TaskGroup() as group,
            ):
                workers = _WORKERS_PER_PLACE * self.pace.concurrency
                for _ in range(min(workers, len(self.left))):
                    group.create_task(self._work(askers))
        except TimeoutError:
            if deadline_s is None or not deadline.expired():
                raise
            self.stop.call("--deadline reached", is_trouble=True)
        self.tally.stopped, self.tally.is_troubled = self.stop.words, self.stop.is_trouble

    async def _work(self, askers: Sequence[Asker]) -> None:
        while self.left and not self.stop.words:
            planned = self.left.popleft()
            try:
                await askers[planned.side].make(planned.trial)
            except BaseException as error:
                self.unmade.append(planned)
                if isinstance(error, StoppedError):
                    return
                raise
            self.tally.done += 1
            self.progress.update(self.tally)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[list[Asker]]:
        """Open the way to every side, and record what goes over it."""
        pace = self.pace
        lag = LoopLag()
        limits = httpx2.Limits(
            max_connections=pace.concurrency, max_keepalive_connections=pace.concurrency
        )
        timeout = httpx2.Timeout(pace.bounds.idle_timeout_s, connect=pace.connect_timeout_s)
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
                    verify=trusted(side.base_url for side in self.sides),
                    # The environment's proxies would be part of the vantage without being named.
                    trust_env=False,
                    # Compressed answers would hide secrets from redaction and chunks from timing.
                    headers={"accept-encoding": "identity"},
                ) as client,
                AsyncExitStack() as stack,
            ):
                session = Session(
                    client=client,
                    pace=pace,
                    sink=self.sink,
                    stop=self.stop,
                    tally=self.tally,
                    spending=self.spending,
                    places=asyncio.Semaphore(pace.concurrency),
                    settled=asyncio.Event(),
                )
                yield [await self._asker(i, session, stack) for i in range(len(self.sides))]

    async def _asker(self, index: int, session: Session, stack: AsyncExitStack) -> Asker:
        side = self.sides[index]
        target = side.run.header.target
        speaker = dialect(target.provider, target.mapping)
        limiter, breaker = self._way(side)
        return Asker(
            session=session,
            index=index,
            side=side,
            dialect=speaker,
            sender=await self._sender(side, speaker, session.client, stack),
            limiter=limiter,
            breaker=breaker,
        )

    async def _sender(
        self, side: Side, speaker: Dialect, client: httpx2.AsyncClient, stack: AsyncExitStack
    ) -> Sender:
        ear = Ear(client=client, dialect=speaker, bounds=self.pace.bounds)
        if side.sdk is None:
            return OwnSender(ear=ear, side=side)
        relay = SdkRelay(
            environment=side.sdk,
            base_url=side.base_url,
            authorizer=side.authorizer,
            ear=ear,
            at_once=self.pace.concurrency,
        )
        return SdkSender(relay=await stack.enter_async_context(relay), side=side)

    def _tell_wait(self, wait_s: float) -> None:
        self.tally.notice = f"waiting {wait_s:.0f} s for the provider's limits" if wait_s else ""
        self.progress.update(self.tally)

    def _way(self, side: Side) -> tuple[Limiter, Breaker]:
        """Limiter and breaker of a side's target; sides that ask the same share them."""
        bounds = self.pace.bounds
        key = (side.base_url, side.run.header.target.model, side.authorizer.account)
        if key not in self.ways:
            store = self.quotas.of(key)
            self.tally.notice = self.tally.notice or self.quotas.trouble
            declared = None
            if bounds.requests_per_minute is not None:
                per_s = bounds.requests_per_minute / _SECONDS
                declared = Rate(per_s=per_s, burst=max(1.0, per_s))
            self.ways[key] = (
                Limiter(
                    store=store,
                    policy=bounds.retry,
                    declared=declared,
                    patience_s=bounds.patience_s,
                    tell=self._tell_wait,
                ),
                Breaker(patience_s=bounds.patience_s if bounds.retry.retries else None),
            )
        return self.ways[key]

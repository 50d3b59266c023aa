"""Make the trials of a run: bounded concurrency, no hidden retries, everything journalled."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from contractcheck.cassettes import EXACT, in_trial, recording
from contractcheck.errors import ContractcheckError, LimitReachedError
from contractcheck.providers import dialect
from contractcheck.sampling.loop_lag import LoopLag
from contractcheck.sampling.plan import plan_trials
from contractcheck.sampling.progress import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.cassettes import Canonicalisation, OpenRun
    from contractcheck.model.run import Trial
    from contractcheck.model.suite import Case
    from contractcheck.providers.wire import Dialect, WireRequest
    from contractcheck.sampling.progress import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOptions:
    """How to ask.

    Attributes:
        base_url: Endpoint without trailing slash.
        key: Credential for this endpoint.
        concurrency: Requests under way at once, >= 1.
        max_requests: Requests this session may send; None is without bound.
        idle_timeout_s: Longest silence (s) before headers and between chunks.
        connect_timeout_s: Longest time (s) for a connection.
        keep_request_bodies: False stores prompts as digests only.
        rule: What may differ between equal requests.
    """

    base_url: str
    key: str = field(repr=False)
    concurrency: int = 8
    max_requests: int | None = None
    idle_timeout_s: float = 120.0
    connect_timeout_s: float = 10.0
    keep_request_bodies: bool = True
    rule: Canonicalisation = EXACT


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
    try:
        return asyncio.run(_Sampler(run, cases, options, progress).run_all())
    except BaseExceptionGroup as group:
        # One worker's error cancels the others; the first one says what happened.
        ours, _ = group.split(ContractcheckError)
        raise (ours or group).exceptions[0] from group
    finally:
        run.close()


class _Sampler:
    def __init__(
        self, run: OpenRun, cases: Sequence[Case], options: SamplingOptions, progress: Progress
    ) -> None:
        self.run = run
        self.options = options
        self.progress = progress
        self.dialect: Dialect = dialect(run.header.target.provider)
        self.cases = {case.id: case for case in cases}
        self.attempts = Counter((x.case, x.trial) for x in run.done)
        finished = {(x.case, x.trial) for x in run.done if x.ended != "closed"}
        planned = plan_trials(cases, seed=run.header.id)
        self.left = [t for t in planned if (t.case, t.index) not in finished]
        self.tally = Tally(planned=len(planned), done=len(planned) - len(self.left))

    async def run_all(self) -> Tally:
        options = self.options
        lag = LoopLag()
        limits = httpx2.Limits(
            max_connections=options.concurrency, max_keepalive_connections=options.concurrency
        )
        timeout = httpx2.Timeout(options.idle_timeout_s, connect=options.connect_timeout_s)
        with recording(
            self.run,
            self.run.scrubber,
            keep_request_bodies=options.keep_request_bodies,
            lag_since_us=lag.since_us,
            rule=options.rule,
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
            ):
                await self._work(client)
        if self.left:
            raise LimitReachedError(
                f"--max-requests {options.max_requests} reached with {len(self.left)} of "
                f"{self.tally.planned} trials to go; resume the run to make them"
            )
        return self.tally

    async def _work(self, client: httpx2.AsyncClient) -> None:
        """Workers take trials in plan order; one failing worker stops all."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.options.concurrency, len(self.left))):
                group.create_task(self._worker(client))

    async def _worker(self, client: httpx2.AsyncClient) -> None:
        while self.left:
            limit = self.options.max_requests
            if limit is not None and self.tally.requests >= limit:
                return
            trial = self.left.pop(0)
            self.tally.requests += 1
            await self._make(client, trial)
            self.tally.done += 1
            self.progress.update(self.tally)

    async def _make(self, client: httpx2.AsyncClient, trial: Trial) -> None:
        """Make one trial; what goes wrong on the wire is in the journal, not an exception."""
        model = self.run.header.target.model
        wire = self.dialect.build(self.cases[trial.case], model, self.options.key)
        made = self.attempts[trial.case, trial.index]
        with in_trial(trial.case, trial.index, first_attempt=made):
            try:
                status = await self._send(client, wire)
            except httpx2.HTTPError as error:
                self._note_error(type(error).__name__)
            else:
                if status != httpx2.codes.OK:
                    self._note_error(f"HTTP {status}")

    async def _send(self, client: httpx2.AsyncClient, wire: WireRequest) -> int:
        async with client.stream(
            wire.method,
            self.options.base_url + wire.path,
            headers=list(wire.headers),
            content=wire.body,
        ) as response:
            async for _ in response.aiter_raw():
                pass
            return response.status_code

    def _note_error(self, words: str) -> None:
        self.tally.errors += 1
        self.tally.last_error = words

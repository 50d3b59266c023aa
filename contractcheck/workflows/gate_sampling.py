"""The recordings of a gate: opened or resumed together, sampled block by block, sealed."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from contractcheck.cassettes import (
    Canonicalisation,
    create_run,
    declare_cases,
    is_sealed,
    read_header,
    read_run,
    resume_run,
    seal_run,
)
from contractcheck.errors import LimitReachedError, RecordingError, UsageError
from contractcheck.model.gate import UnreadAnswer
from contractcheck.redaction import Scrubber
from contractcheck.sampling import (
    Pace,
    Quotas,
    RetryPolicy,
    Side,
    Spending,
    Tally,
    finished_trials,
    plan_blocks,
    sample_sides,
)
from contractcheck.workflows.record import begin_header, pack_sealed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from contractcheck.cassettes import OpenRun
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import Run, Trial
    from contractcheck.sampling import Bounds, Progress, SideTrial
    from contractcheck.store import GateStore
    from contractcheck.workflows.gate_setup import GateOptions, PreparedGate, PreparedSide


@dataclass(kw_only=True, slots=True)
class GateSampling:
    """Everything of a gate that asks and records.

    Attributes:
        store: Where it is written down what an SDK could not read.
        gate: What is asked.
        options: What it may cost.
        progress: Told after every request.
        spending: Money spent, in earlier sessions too.
    """

    store: GateStore
    gate: PreparedGate
    options: GateOptions
    progress: Progress
    spending: Spending
    _begun_s: float = 0.0
    _plan: tuple[SideTrial, ...] = ()
    _open: dict[int, Side] = field(default_factory=dict)
    _finished: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    _quotas: Quotas = field(init=False)

    def __post_init__(self) -> None:
        """Know nothing of limits yet: what one look is told holds for the next."""
        self._quotas = Quotas(folder=self.options.bounds.shared)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the run of every side, created or resumed, while the context is open.

        Raises:
            RecordingError: If the disk refuses, or another process samples this gate.
        """
        self._begun_s = time.monotonic()
        self._plan = plan_blocks(
            [side.suite.cases for side in self.gate.sides],
            self.gate.plan.slots,
            seed=self.gate.plan.id,
        )
        asked = self._asked()
        # A secret of one side must not be in the recording of another.
        secrets = [s for side in asked.values() if side.endpoint for s in side.endpoint.secrets]
        scrubber = Scrubber.for_secrets(secrets)
        with ExitStack() as stack:
            for index, side in asked.items():
                if is_sealed(folder_of(side)) or side.endpoint is None:
                    sealed = read_run(folder_of(side)).exchanges
                    made = {(x.case, x.trial) for x in sealed if x.ended != "closed"}
                    self._finished[index] = made
                    continue
                run = self._open_run(side, side.endpoint.base_url, scrubber)
                stack.callback(run.close)
                self._finished[index] = self._ended(side, run.done)
                cases = {case.id: case for case in side.suite.cases}
                for exchange in (one for one in run.done if one.case in cases):
                    self.spending.note(side.target, cases[exchange.case], exchange)
                self._open[index] = Side(
                    run=run,
                    cases=side.suite.cases,
                    base_url=side.endpoint.base_url,
                    authorizer=side.endpoint.authorizer,
                    sdk=side.sdk,
                    tell_unread=partial(self._note_unread, side.name),
                )
            yield

    def sample(self, blocks: int, needed: Collection[int]) -> int:
        """Sample until so many blocks are finished on the needed sides, or the money is spent.

        Args:
            blocks: How many, from the beginning.
            needed: Indices of the sides that still count.

        Returns:
            Leading blocks that are finished on all of them.

        Raises:
            LimitReachedError: If the provider, or the deadline, ended the session: the gate is
                gone on with later.
        """
        if self.gate.plan.stopped:
            return min(blocks, self.gate.plan.stopped_blocks)
        asked = self._asked().keys() & set(needed)
        wanted = [p for p in self._plan if p.side in asked and p.trial.block < blocks]
        missing = [p for p in wanted if not self._is_finished(p)]
        if missing:
            self._make(missing)
        lacking = (p.trial.block for p in wanted if not self._is_finished(p))
        return min(lacking, default=blocks)

    def read(self, index: int) -> Run | None:
        """What is recorded of a side so far; None for accepted nights."""
        side = self.gate.sides[index]
        return None if side.endpoint is None else read_run(folder_of(side))

    def seal(self, blocks: Mapping[int, int]) -> None:
        """Seal every run as what was made of it: part of a gate, never a night.

        Args:
            blocks: Finished blocks of each side, by its index.
        """
        for index, side in self._asked().items():
            folder = folder_of(side)
            if not is_sealed(folder):
                cases = read_header(folder).cases
                made = {c: replace(plan, samples=blocks[index]) for c, plan in cases.items()}
                declare_cases(folder, made)
                now = datetime.now(UTC).isoformat()
                seal_run(folder, status="partial", ended_at=now)
            pack_sealed((folder,))

    def _asked(self) -> dict[int, PreparedSide]:
        return {i: side for i, side in enumerate(self.gate.sides) if side.endpoint is not None}

    def _open_run(self, side: PreparedSide, base_url: str, scrubber: Scrubber) -> OpenRun:
        folder = folder_of(side)
        if folder.is_dir():
            run = resume_run(folder, scrubber)
            if side.sdk and run.header.vantage["http_client"] != side.sdk_words:
                run.close()
                raise UsageError(
                    f"{side.name} began through {run.header.vantage['http_client']}, and "
                    f"{side.spec.environment} has {side.sdk_words} by now: start a new gate"
                )
            return run
        header = begin_header(
            side.suite,
            side.target,
            side.suite.cases,
            run_id=folder.name,
            endpoint=base_url,
            label=f"gate {self.gate.plan.id}: {side.name}",
            night=None,
            now=datetime.now(UTC),
        )
        header = replace(header, gate=self.gate.plan.id)
        if side.sdk is not None:
            vantage = {**header.vantage, "http_client": side.sdk_words}
            header = replace(header, vantage=vantage)
        return create_run(folder, header, scrubber)

    def _note_unread(self, side: str, trial: Trial, words: str) -> None:
        answer = UnreadAnswer(side=side, case=trial.case, trial=trial.index, words=words)
        self.store.note_unread(self.gate.plan.id, answer)

    def _is_finished(self, planned: SideTrial) -> bool:
        trial = planned.trial
        return (trial.case, trial.index) in self._finished[planned.side]

    def _bounds_left(self) -> Bounds:
        """The session's bounds: its deadline is one for all looks together."""
        bounds = self.options.bounds
        if bounds.deadline_s is None:
            return bounds
        left_s = bounds.deadline_s - (time.monotonic() - self._begun_s)
        return replace(bounds, deadline_s=max(0.0, left_s))

    def _make(self, missing: list[SideTrial]) -> None:
        places = sorted(self._open)
        if lost := {p.side for p in missing} - set(places):
            names = ", ".join(self.gate.sides[index].name for index in sorted(lost))
            raise RecordingError(
                f"gate {self.gate.plan.id}: the run of {names} is sealed, and lacks answers that "
                "its gate needs; start a new gate"
            )
        suites = [self.gate.sides[index].suite for index in places]
        volatile = {path for suite in suites for path in suite.policy.volatile}
        pace = Pace(
            concurrency=self.options.concurrency,
            # One session records all sides: what one of them must not keep, none keeps.
            keep_request_bodies=all(s.policy.store_prompts == "full" for s in suites),
            rule=Canonicalisation(fields=tuple(sorted(volatile))),
            bounds=self._bounds_left(),
        )
        already = sum(map(len, self._finished.values()))
        planned = sum(p.side in self._finished for p in self._plan)
        tally = Tally(planned=planned, done=already)
        left = sample_sides(
            [self._open[index] for index in places],
            [replace(p, side=places.index(p.side)) for p in missing],
            pace,
            self.progress,
            tally=tally,
            spending=self.spending,
            quotas=self._quotas,
        )
        not_made = {replace(p, side=places[p.side]) for p in left}
        for made in missing:
            if made not in not_made:
                self._finished[made.side].add((made.trial.case, made.trial.index))
        if left and tally.is_troubled:
            raise LimitReachedError(
                f"{tally.stopped} with {len(left)} requests of this look to go; go on with: "
                f"contractcheck gate --resume {self.gate.plan.id}"
            )

    def _ended(self, side: PreparedSide, exchanges: Sequence[Exchange]) -> set[tuple[str, int]]:
        """Case and index of the trials that need no other attempt."""
        retry = self.options.bounds.retry if side.sdk is None else RetryPolicy(attempts=1)
        return set(finished_trials(exchanges, side.target, retry))


def folder_of(side: PreparedSide) -> Path:
    """Where the run of a side that is asked lies.

    Raises:
        ValueError: If accepted nights stand in for it.
    """
    if side.folder is None:
        raise ValueError(f"{side.words}: nobody is asked")
    return side.folder

"""Measure recorded nights again, by the suite as it is now: years of runs under a new check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import NothingToCheckError, RecordingError
from contractcheck.judging.labels_over_time import split_blocks, sum_up
from contractcheck.measuring import observe
from contractcheck.model.rescored import RescoredNights
from contractcheck.sampling import SilentProgress, Tally
from contractcheck.store import stored_form
from contractcheck.workflows.engine import map_in_order
from contractcheck.workflows.night_runs import night_record, with_completeness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from contractcheck.model.history import NightRecord
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.store.history import History
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class NightPiece:
    """One recorded night to measure again: a piece of work.

    Attributes:
        folder: Its run; a worker elsewhere must find it under the same path.
        record: As the history has it.
        suite: The contract as it is now.
    """

    folder: Path
    record: NightRecord
    suite: Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredNight:
    """A night, measured again.

    Attributes:
        record: What the history keeps of it now; as it was when it could not be measured.
        statistics: What it comes to, in the stored form; None when it could not be measured.
        rates: Per check the answers that passed, and all that it judged.
        problem: Why it could not be measured; empty otherwise.
    """

    record: NightRecord
    statistics: NightStatistics | None = None
    rates: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    problem: str = ""


def rescore_history(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    history: History,
    *,
    since: str,
    executor: Executor,
    progress: Progress | None = None,
) -> RescoredNights:
    """Measure every recorded night since a date again, and let the history have the numbers.

    What nights were judged by is worked out anew when they are next judged; the judgements of the
    time stand as they were made.

    Args:
        workspace: Where runs lie.
        suite: The contract as it is now.
        target: Whose nights.
        history: Which nights there are, and where the numbers go.
        since: ISO date of the first night.
        executor: Makes the pieces (:func:`contractcheck.workflows.engine.open_engine`).
        progress: Told after every night.

    Raises:
        NothingToCheckError: If the history has no night since then.
        RecordingError: If the history cannot be read or written.
    """
    records = [night for night in history.nights(suite.name, target.id) if night.night >= since]
    if not records:
        raise NothingToCheckError(
            f"{history.shown} has no night of {suite.name} × {target.id} since {since}; "
            "`contractcheck history rebuild` makes it from the recorded runs"
        )
    folders = [workspace.runs.folder(suite.name, target, record.run_id) for record in records]
    pieces = [
        NightPiece(folder=folder, record=record, suite=suite)
        for folder, record in zip(folders, records, strict=True)
    ]
    tally, told = Tally(planned=len(records)), progress or SilentProgress()
    kept = _Kept()
    for one in map_in_order(executor, measure_night, pieces):
        tally.done += 1
        told.update(tally)
        kept.take(history, one)
    blocks = split_blocks(len(kept.after))
    return RescoredNights(
        suite=suite.name,
        version=suite.version,
        target=target.id,
        since=since,
        nights=len(kept.after),
        written=kept.written,
        blocks=tuple((kept.after[b[0]].night, kept.after[b[-1]].night) for b in blocks),
        labels=sum_up(kept.before, kept.after, kept.rates),
        problems=tuple(kept.problems),
    )


@dataclass(kw_only=True, slots=True)
class _Kept:
    """What has been measured so far, and what the history had of the same nights."""

    before: list[NightStatistics | None] = field(default_factory=list)
    after: list[NightStatistics] = field(default_factory=list)
    rates: list[Mapping[str, tuple[int, int]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    written: int = 0

    def take(self, history: History, one: MeasuredNight) -> None:
        """Let the history have a night's numbers, if there are any."""
        record = one.record
        if one.statistics is None:
            self.problems.append(f"{record.night}: {one.problem}")
            return
        self.before.append(history.statistics(record.suite, record.target, record.night))
        self.after.append(one.statistics)
        self.rates.append(one.rates)
        self.written += history.rescore_night(record, one.statistics)


def measure_night(piece: NightPiece) -> MeasuredNight:
    """Measure one recorded night; the same piece gives the same numbers anywhere."""
    record = piece.record
    try:
        run = read_run(piece.folder)
        measured = with_completeness(observe(run, piece.suite))
    except RecordingError as error:
        return MeasuredNight(record=record, problem=str(error))
    if run.root != record.run_root:
        problem = f"{piece.folder} is not the run that was watched (its root digest differs)"
        return MeasuredNight(record=record, problem=problem)
    return MeasuredNight(
        record=night_record(measured, root=run.root),
        statistics=stored_form(measured.statistics),
        rates=_count_passes(measured),
    )


def _count_passes(run: MeasuredRun) -> dict[str, tuple[int, int]]:
    table = run.table
    checks = table[table["kind"] == "check"].groupby("metric", sort=True)["number"]
    return {str(label): (int(passed.sum()), len(passed)) for label, passed in checks}

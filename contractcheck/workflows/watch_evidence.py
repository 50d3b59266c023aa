"""Everything that a verdict on a night may rest on: the accepted nights, and all nights since.

Read only: who gathers changes nothing. A run outside of the watch is judged by the same history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import Evidence, judge_run
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import standing_reference
from contractcheck.measuring import observe
from contractcheck.model.judgement import FindingKind
from contractcheck.workflows.previous_night import (
    CONSECUTIVE_DAYS,
    PreviousNight,
    find_previous_night,
)
from contractcheck.workflows.rescoring import rescore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging import Judgement
    from contractcheck.judging.night_values import Reference
    from contractcheck.model.history import NightRecord, NightValues
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.store.history import History
    from contractcheck.workflows.workspace import Workspace

MOST_LATER = 500
"""Nights since the accepted ones that charts add up. What lies further back weighs nothing in an
average, and the scale is known well: a watch of many years takes no longer than one of two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What a night is judged by.

    Attributes:
        evidence: For ``judge_run``.
        last_accepted: The last accepted night, or empty.
        baseline: Digest of the accepted nights it is held against; empty without any.
        fresh: Values of later nights that the history does not keep yet.
        notes: What a reader must know of how it was gathered.
    """

    evidence: Evidence
    last_accepted: str
    baseline: str = ""
    fresh: tuple[NightValues, ...] = ()
    notes: tuple[str, ...] = ()


def gather(workspace: Workspace, suite: Suite, history: History, run: MeasuredRun) -> Gathered:
    """Gather what a run is judged by.

    Args:
        workspace: Where baselines lie.
        suite: The contract.
        history: All nights of the watch.
        run: Tonight, measured.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    header, tonight = run.header, run.statistics.night
    baseline = workspace.baselines.read(suite.name, header.target)
    rescored = rescore(workspace, suite, baseline) if baseline else None
    nights = [one.statistics.night for one in baseline.nights] if baseline else []
    last_good = max((night for night in nights if night < tonight), default="")
    records = _later_nights(history, header, last_good, tonight)
    reference = standing_reference(suite, rescored.baseline, header) if rescored else None
    later = _later_values(history, records, reference) if reference else _Later()
    previous = _previous(history, records, tonight) or find_previous_night(
        workspace, suite, header, baseline
    )
    own = history.night(suite.name, header.target.id, tonight)
    evidence = Evidence(
        suite=suite,
        run=run,
        baseline=rescored.baseline if rescored else None,
        previous=previous.statistics,
        watch=own is not None and own.run_id == header.id,
        later=later.values,
        records={record.night: record for record in records},
        exemptions=workspace.exemptions.read(suite.name, header.target),
        confirmation=_confirmation(history, header, tonight),
    )
    return Gathered(
        evidence=evidence,
        last_accepted=max(nights, default=""),
        baseline=reference.digest if reference else "",
        fresh=later.fresh,
        notes=(*(rescored.notes if rescored else ()), *previous.notes),
    )


def gather_without_history(workspace: Workspace, suite: Suite, run: MeasuredRun) -> Gathered:
    """Gather what a run is judged by where nothing is watched.

    Raises:
        RecordingError: If the baseline is damaged.
    """
    baseline = workspace.baselines.read(suite.name, run.header.target)
    rescored = rescore(workspace, suite, baseline) if baseline else None
    previous = find_previous_night(workspace, suite, run.header, baseline)
    nights = [one.statistics.night for one in baseline.nights] if baseline else []
    return Gathered(
        evidence=Evidence(
            suite=suite,
            run=run,
            baseline=rescored.baseline if rescored else None,
            previous=previous.statistics,
        ),
        last_accepted=max(nights, default=""),
        notes=(*(rescored.notes if rescored else ()), *previous.notes),
    )


def judge_gathered(workspace: Workspace, evidence: Evidence) -> Judgement:
    """Judge, and where something moved once more, with answers of an accepted night as examples.

    To read those takes longer than all the rest, and on most nights nobody looks at them.
    """
    judgement = judge_run(evidence)
    if not any(finding.kind in _MOVED for finding in judgement.findings):
        return judgement
    reference = _find_reference(workspace, evidence.suite, evidence.run.header)
    return judge_run(replace(evidence, reference=reference)) if reference else judgement


_MOVED = (FindingKind.DRIFT, FindingKind.SUSPECT, FindingKind.OURS)


def _find_reference(workspace: Workspace, suite: Suite, header: RunHeader) -> MeasuredRun | None:
    """The accepted night whose answers are at hand; without them there are no examples."""
    folder = workspace.baselines.reference(suite.name, header.target)
    if folder is None or folder.name.endswith(header.id):
        return None
    try:
        return observe(read_run(folder), suite)
    except RecordingError:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Later:
    values: tuple[NightValues, ...] = ()
    fresh: tuple[NightValues, ...] = ()


def _later_nights(
    history: History, header: RunHeader, last_good: str, tonight: str
) -> tuple[NightRecord, ...]:
    """Complete nights between the last one that was accepted before tonight, and tonight."""
    nights = history.nights(header.suite, header.target.id, after=last_good)
    complete = [record for record in nights if record.is_complete and record.night < tonight]
    return tuple(complete[-MOST_LATER:])


def _later_values(history: History, records: Sequence[NightRecord], reference: Reference) -> _Later:
    """Values of later nights: those that are kept, and those that have to be worked out."""
    if not records:
        return _Later()
    suite, target = records[0].suite, records[0].target
    newest = history.values(suite, target, reference.digest, last=MOST_LATER)
    kept = {(one.night, one.run_id): one for one in newest}
    values, fresh = [], []
    for record in records:
        one = kept.get((record.night, record.run_id))
        if one is None and (statistics := history.statistics(suite, target, record.night)):
            # As the history keeps it, so that the same comes out whenever it is worked out.
            one = values_of(reference, statistics)
            fresh.append(one)
        if one is not None:
            values.append(one)
    return _Later(values=tuple(values), fresh=tuple(fresh))


def _previous(history: History, later: Sequence[NightRecord], tonight: str) -> PreviousNight | None:
    """The night before, if it is near enough to confirm anything."""
    if not later:
        return None
    last = later[-1]
    days = (date.fromisoformat(tonight) - date.fromisoformat(last.night)).days
    if days > CONSECUTIVE_DAYS:
        return None
    return PreviousNight(statistics=history.statistics(last.suite, last.target, last.night))


def _confirmation(history: History, header: RunHeader, tonight: str) -> NightStatistics | None:
    """What the second run of this night came to, if it was a complete one."""
    record = history.night(header.suite, header.target.id, tonight, "confirmation")
    if record is None or not record.is_complete:
        return None
    return history.statistics(header.suite, header.target.id, tonight, "confirmation")

"""Everything that a verdict on a night may rest on, with a history of nights or without one.

Read only: who gathers changes nothing. A run outside of the watch is judged by the same history.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.judgement import FindingKind
from contractcheck.workflows.previous_night import find_previous_night
from contractcheck.workflows.rescoring import rescore
from contractcheck.workflows.watch_ground import Gathered, read_ground

if TYPE_CHECKING:
    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.store.history import History
    from contractcheck.workflows.workspace import Workspace


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
    return read_ground(workspace, suite, run.header.target, history).gather(run)


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

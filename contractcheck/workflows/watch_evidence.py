"""Everything that a verdict on a night may rest on: the accepted nights, and all nights since.

Read only: who gathers changes nothing. A run outside of the watch is judged by the same history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import Evidence
from contractcheck.measuring import observe
from contractcheck.workflows.rescoring import rescore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import NightRecord
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.store.history import History
    from contractcheck.workflows.workspace import Workspace

_CONSECUTIVE_DAYS = 7
"""A night this much older than tonight is not the night before: outages and weekends may lie
between two consecutive measurements, but not a forgotten month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What a night is judged by.

    Attributes:
        evidence: For ``judge_run``.
        last_accepted: The last accepted night, or empty.
        notes: What a reader must know of how it was gathered.
    """

    evidence: Evidence
    last_accepted: str
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
    last_accepted = _last_accepted(baseline)
    later = _later_nights(history, header, baseline, tonight)
    evidence = Evidence(
        suite=suite,
        run=run,
        baseline=rescored.baseline if rescored else None,
        previous=_previous(history, later, tonight),
        reference=find_reference(workspace, suite, header),
    )
    return Gathered(
        evidence=evidence,
        last_accepted=last_accepted,
        notes=rescored.notes if rescored else (),
    )


def find_reference(workspace: Workspace, suite: Suite, header: RunHeader) -> MeasuredRun | None:
    """The accepted night whose answers are at hand; without them there are no examples."""
    folder = workspace.baselines.reference(suite.name, header.target)
    if folder is None or folder.name.endswith(header.id):
        return None
    try:
        return observe(read_run(folder), suite)
    except RecordingError:
        return None


def _last_accepted(baseline: Baseline | None) -> str:
    nights = baseline.nights if baseline else ()
    return max((night.statistics.night for night in nights), default="")


def _later_nights(
    history: History, header: RunHeader, baseline: Baseline | None, tonight: str
) -> tuple[NightRecord, ...]:
    """Complete nights between the last one that was accepted before tonight, and tonight."""
    accepted = [night.statistics.night for night in baseline.nights] if baseline else []
    last_good = max((night for night in accepted if night < tonight), default="")
    return tuple(
        record
        for record in history.nights(header.suite, header.target.id)
        if record.is_complete and last_good < record.night < tonight
    )


def _previous(
    history: History, later: Sequence[NightRecord], tonight: str
) -> NightStatistics | None:
    """The night before, if it is near enough to confirm anything."""
    if not later:
        return None
    last = later[-1]
    days = (date.fromisoformat(tonight) - date.fromisoformat(last.night)).days
    if days > _CONSECUTIVE_DAYS:
        return None
    return history.statistics(last.suite, last.target, last.night)

"""Find the night just before tonight among the recorded runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import RecordingError
from contractcheck.measuring import observe

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

_CONSECUTIVE_DAYS = 7
"""A night this much older than tonight is not the night before: outages and weekends may lie
between two consecutive measurements, but not a forgotten month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviousNight:
    """The night before tonight.

    Attributes:
        statistics: What it came to, or None when there is none.
        notes: Damaged runs that were passed over, and why: any of them may have been that night.
    """

    statistics: NightStatistics | None
    notes: tuple[str, ...] = ()


def find_previous_night(
    workspace: Workspace, suite: Suite, header: RunHeader, baseline: Baseline | None
) -> PreviousNight:
    """Find the complete night just before tonight, unless it was accepted: then it was good.

    Args:
        workspace: Where runs lie.
        suite: The contract it is measured by.
        header: Tonight.
        baseline: Accepted nights, or None.
    """
    tonight = header.night or header.started_at[:10]
    accepted = [night.statistics.night for night in baseline.nights] if baseline else []
    last_good = max((night for night in accepted if night < tonight), default="")
    notes: list[str] = []
    for night, folder in _nights(workspace, suite, header, notes):
        if night <= last_good or not _is_just_before(night, tonight):
            continue
        try:
            statistics = observe(read_run(folder), suite).statistics
        except RecordingError as error:
            notes.append(_words(folder, error))
            continue
        if statistics.is_complete and statistics.cases:
            return PreviousNight(statistics=statistics, notes=tuple(notes))
    return PreviousNight(statistics=None, notes=tuple(notes))


def _nights(
    workspace: Workspace, suite: Suite, header: RunHeader, notes: list[str]
) -> list[tuple[str, Path]]:
    """Sealed nights of the suite and target, newest first, whenever they were recorded."""
    found = []
    for folder in workspace.runs.folders(suite.name, header.target):
        if folder.name == header.id or not is_sealed(folder):
            continue
        try:
            night = read_header(folder).night
        except RecordingError as error:
            notes.append(_words(folder, error))
            continue
        if night:
            found.append((night, folder))
    return sorted(found, reverse=True)


def _words(folder: Path, error: RecordingError) -> str:
    return f"run {folder.name} was passed over in the search for the night before: {error}"


def _is_just_before(night: str, tonight: str) -> bool:
    try:
        days = (date.fromisoformat(tonight) - date.fromisoformat(night)).days
    except ValueError:  # a run from elsewhere may call its night anything
        return False
    return 0 < days <= _CONSECUTIVE_DAYS

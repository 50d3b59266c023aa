"""Find the night just before tonight among the recorded runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import RecordingError
from contractcheck.measuring import observe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

CONSECUTIVE_DAYS = 7
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
    for folder in _candidates(workspace, header, last_good, notes):
        try:
            statistics = observe(read_run(folder), suite).statistics
        except RecordingError as error:
            notes.append(_words(folder, error))
            continue
        if statistics.is_complete and statistics.cases:
            return PreviousNight(statistics=statistics, notes=tuple(notes))
    return PreviousNight(statistics=None, notes=tuple(notes))


def _candidates(
    workspace: Workspace, header: RunHeader, last_good: str, notes: list[str]
) -> Iterator[Path]:
    """Sealed nights just before tonight and after the last good one, latest night first.

    Nights can be recorded in any order, but a night of yesterday is the latest that there can be:
    where there is one, as after every ordinary night, older headers are not even read.
    """
    tonight = header.night or header.started_at[:10]
    older = []
    for folder in reversed(workspace.runs.folders(header.suite, header.target)):
        if folder.name == header.id or not is_sealed(folder):
            continue
        try:
            night = read_header(folder).night or ""
        except RecordingError as error:
            notes.append(_words(folder, error))
            continue
        days = _days_between(night, tonight) if night > last_good else None
        if days == 1:
            yield folder
        elif days is not None and 1 < days <= CONSECUTIVE_DAYS:
            older.append((night, folder))
    for _, folder in sorted(older, reverse=True):
        yield folder


def _words(folder: Path, error: RecordingError) -> str:
    return f"run {folder.name} was passed over in the search for the night before: {error}"


def _days_between(night: str, tonight: str) -> int | None:
    try:
        return (date.fromisoformat(tonight) - date.fromisoformat(night)).days
    except ValueError:  # a run from elsewhere may call its night anything
        return None

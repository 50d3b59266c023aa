"""Make room in the archive: never an accepted night, never what this project cannot judge.

An archive may hold the runs of several projects. Only of a suite and target whose baseline lies
here is it known which nights were accepted, so nothing else is ever removed. And of those, another
checkout may know of later acceptances: their marks in the archive are believed whoever prunes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.workflows.runs_accepted import accepted_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.model.target import Target
    from contractcheck.workflows.archive_names import AcceptedMark, ArchiveContents, ArchivedRun
    from contractcheck.workflows.retention import Retention
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveChoice:
    """One archived run, and why it stays; None when it goes."""

    run: ArchivedRun
    kept: str | None


def plan_archive_prune(
    workspace: Workspace, archive: RunArchive, rule: Retention, *, now: datetime | None = None
) -> tuple[ArchiveChoice, ...]:
    """Decide for every archived run, oldest first; nothing is removed.

    Raises:
        UsageError: If the project has no baseline at all.
        RecordingError: If a baseline is damaged: then nobody knows which runs it names; or if the
            archive cannot be read.
    """
    known = _read_known(workspace)
    moment = now or datetime.now(UTC)
    found = archive.contents()
    groups: dict[tuple[str, str], list[ArchivedRun]] = defaultdict(list)
    for run in found.runs:
        groups[run.suite, run.folder].append(run)
    choices = []
    for group in groups.values():
        nights = sorted({_night_of(run) for run in group}, reverse=True)
        newest = set(nights[: rule.keep_nights])
        for run in group:
            kept = _reason_to_keep(run, known, found)
            if kept is None and _night_of(run) in newest:
                kept = f"of the newest {rule.keep_nights} nights"
            if kept is None and _is_younger(run, rule.older_than_days, moment):
                kept = f"younger than {rule.older_than_days:g} days"
            choices.append(ArchiveChoice(run=run, kept=kept))
    return tuple(sorted(choices, key=lambda choice: choice.run.run_id))


def prune_archive(
    workspace: Workspace, archive: RunArchive, choices: Sequence[ArchiveChoice]
) -> tuple[ArchivedRun, ...]:
    """Remove what a plan lets go, and return those runs.

    Marks, and the baselines here under their lock, are read again before each removal: a night may
    have been accepted since the plan was made.

    Raises:
        UsageError: If the project has no baseline any more.
        RecordingError: If a baseline is damaged, or the archive cannot be read or written.
    """
    removed = []
    targets = _read_known(workspace).targets
    for run in (choice.run for choice in choices if choice.kept is None):
        target = targets.get((run.suite, run.folder))
        if target is None:
            continue
        with workspace.baselines.locked(run.suite, target, locks=workspace.locks):
            there = archive.contents(run.suite, target)
            if _reason_to_keep(run, _read_known(workspace), there) is None:
                archive.remove(run)
                removed.append(run)
    return tuple(removed)


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingRuns:
    """Marks whose run is not in the archive, sorted by their names.

    Attributes:
        own: Of suites and targets whose baseline lies here.
        others: Of all others; an archive may be shared.
    """

    own: tuple[AcceptedMark, ...]
    others: tuple[AcceptedMark, ...]


def find_missing(workspace: Workspace, archive: RunArchive) -> MissingRuns:
    """Find accepted runs that the archive has lost.

    A run is marked before it is pushed: one that is being accepted is missing for a moment.

    Raises:
        UsageError: If the project has no baseline at all.
        RecordingError: If a baseline is damaged, or the archive cannot be read.
    """
    targets = _read_known(workspace).targets
    missing = archive.contents().missing
    own = tuple(mark for mark in missing if (mark.suite, mark.folder) in targets)
    return MissingRuns(own=own, others=tuple(mark for mark in missing if mark not in own))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    targets: Mapping[tuple[str, str], Target]
    accepted: frozenset[str]


def _read_known(workspace: Workspace) -> _Known:
    """Baselines that lie here, and all runs that any of them names."""
    runs = accepted_runs(workspace)
    if not runs:
        raise UsageError(
            f"no baseline below {workspace.baselines.root}: nobody knows which nights are "
            "accepted; prune the archive from a checkout that has them"
        )
    return _Known(
        targets={(run.suite, run.target.folder): run.target for run in runs},
        accepted=frozenset(run.run_id for run in runs),
    )


def _reason_to_keep(run: ArchivedRun, known: _Known, there: ArchiveContents) -> str | None:
    if run.run_id in known.accepted:
        return "accepted as a night of a baseline"
    if there.is_accepted(run):
        return "marked as accepted elsewhere"
    if (run.suite, run.folder) not in known.targets:
        return "its baseline does not lie here"
    return None


def _night_of(run: ArchivedRun) -> str:
    return run.night or _started(run).date().isoformat()


def _is_younger(run: ArchivedRun, days: float | None, now: datetime) -> bool:
    return days is not None and now - _started(run) < timedelta(days=days)


def _started(run: ArchivedRun) -> datetime:
    """When a run began, as its id says; one that no calendar has is never old."""
    try:
        return datetime.strptime(run.run_id[:16], "%Y%m%dt%H%M%Sz").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)

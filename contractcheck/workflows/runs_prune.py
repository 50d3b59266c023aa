"""Make room: remove run folders that no baseline and no later judgement needs."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_being_recorded, is_sealed, read_header
from contractcheck.errors import RecordingError, UsageError
from contractcheck.workflows.runs_accepted import accepted_runs
from contractcheck.workflows.runs_list import run_folders, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contractcheck.model.run import RunHeader
    from contractcheck.workflows.retention import PruneRule
    from contractcheck.workflows.workspace import Workspace

_QUIET_S = 24 * 3600.0
"""An open run that was written to within this time (s) may still be going on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneChoice:
    """One run folder, whether it goes, and why it stays.

    Attributes:
        folder: Where it lies.
        size_bytes: What removing it frees.
        kept: Why it stays; None when it goes.
    """

    folder: Path
    size_bytes: int
    kept: str | None


def plan_prune(
    workspace: Workspace, rule: PruneRule, *, now: datetime | None = None
) -> tuple[PruneChoice, ...]:
    """Decide for every run, oldest first; nothing is removed.

    Raises:
        RecordingError: If a baseline is damaged: then nobody knows which runs it names.
    """
    moment = now or datetime.now(UTC)
    accepted = frozenset(run.run_id for run in accepted_runs(workspace))
    groups: dict[Path, list[Path]] = {}
    for folder in run_folders(workspace):
        groups.setdefault(folder.parent, []).append(folder)
    choices = []
    for group in groups.values():
        newest_first = sorted(group, key=lambda folder: folder.name, reverse=True)
        for age, folder in enumerate(newest_first):
            kept = f"one of the newest {rule.keep}" if age < rule.keep else None
            kept = kept or _reason_to_keep(folder, rule, accepted, moment)
            choices.append(PruneChoice(folder=folder, size_bytes=size_of(folder), kept=kept))
    return tuple(sorted(choices, key=lambda choice: choice.folder.name))


def prune(workspace: Workspace, choices: Sequence[PruneChoice]) -> tuple[Path, ...]:
    """Remove what a plan lets go, and return those folders.

    Each run is looked at once more under the lock of its baseline, and leaves the store by one
    rename, so that a kill leaves no half of a run.

    Raises:
        UsageError: If a chosen folder is not one of the store.
        RecordingError: If a baseline is damaged or the disk refuses.
    """
    trash = workspace.root / ".contractcheck" / "trash"
    shutil.rmtree(trash, ignore_errors=True)
    store = set(run_folders(workspace))
    removed = []
    for choice in choices:
        if choice.kept is not None:
            continue
        if choice.folder not in store:
            raise UsageError(
                f"{choice.folder}: is no run of this project; nothing of it was touched"
            )
        if _remove(workspace, choice.folder, trash):
            removed.append(choice.folder)
    shutil.rmtree(trash, ignore_errors=True)
    return tuple(removed)


def _remove(workspace: Workspace, folder: Path, trash: Path) -> bool:
    header = read_header(folder)
    locked = workspace.baselines.locked(header.suite, header.target, locks=workspace.locks)
    with locked:
        baseline = workspace.baselines.read(header.suite, header.target)
        nights = baseline.nights if baseline is not None else ()
        if folder.name in {night.statistics.run_id for night in nights}:
            return False
        if not is_sealed(folder) and _is_in_use(folder):
            return False
        try:
            trash.mkdir(parents=True, exist_ok=True)
            folder.rename(trash / folder.name)
        except OSError as error:
            raise RecordingError(f"{folder}: cannot be removed ({error.strerror})") from error
    return True


def _reason_to_keep(
    folder: Path, rule: PruneRule, accepted: frozenset[str], now: datetime
) -> str | None:
    if folder.name in accepted:
        return "accepted as a night of a baseline"
    try:
        header = read_header(folder)
    except RecordingError:
        return "damaged; `contractcheck runs verify` says how"
    if not is_sealed(folder) and _is_in_use(folder):
        return "open, and written to a short while ago or right now"
    if rule.older_than_days is not None and not _is_older(header, rule.older_than_days, now):
        return f"younger than {rule.older_than_days:g} days"
    return None


def _is_older(header: RunHeader, days: float, now: datetime) -> bool:
    try:
        started = datetime.fromisoformat(header.started_at)
    except ValueError:
        return False
    if started.tzinfo is None:
        started = started.replace(tzinfo=UTC)
    return now - started >= timedelta(days=days)


def _is_in_use(folder: Path) -> bool:
    """Whether a process writes to an open run, or did within a day."""
    newest_s = max((path.stat().st_mtime for path in folder.iterdir()), default=0.0)
    return time.time() - newest_s < _QUIET_S or is_being_recorded(folder)

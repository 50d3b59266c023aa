"""What is recorded here: one line per run. Exchanges are read of open runs only, and counted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contractcheck.cassettes import is_being_recorded, is_sealed, read_header, read_run
from contractcheck.errors import RecordingError
from contractcheck.store.runs import is_run_id
from contractcheck.workflows.runs_accepted import accepted_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.model.run import RunHeader, RunStatus
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

RunState = Literal["sealed", "open", "damaged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedRun:
    """A run folder and what its header says; of a damaged one only what the folder says.

    Attributes:
        folder: Where it lies.
        id: Run id.
        state: ``damaged`` when its header cannot be read (exchanges are not looked at here).
        size_bytes: Of all its files.
        is_accepted: Whether a baseline names it; None when a baseline is damaged.
        suite: Suite name.
        target: ``provider:model``, or the folder's name when damaged.
        night: ISO date, or None.
        trials: Trials in the plan.
        finished: Trials of them that have an exchange; None when nobody counts them here (of a
            sealed run that is not complete, of damaged ones).
        is_being_recorded: Whether a process records it right now.
        status: How it ended, or None when damaged.
        label: Free words.
        problem: What is damaged, or None.
    """

    folder: Path
    id: str
    state: RunState
    size_bytes: int
    is_accepted: bool | None
    suite: str
    target: str
    night: str | None = None
    trials: int = 0
    finished: int | None = None
    is_being_recorded: bool = False
    status: RunStatus | None = None
    label: str = ""
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunList:
    """Runs, oldest first; ``problem`` says why nobody knows which of them are accepted."""

    runs: tuple[ListedRun, ...]
    problem: str | None = None


def list_runs(
    workspace: Workspace, *, suite: str | None = None, target: Target | None = None
) -> RunList:
    """List the runs of a project.

    Args:
        workspace: The project.
        suite: Only runs of this suite, or None.
        target: Only runs of this target, or None.
    """
    accepted: frozenset[str] | None = None
    problem: str | None = None
    try:
        accepted = frozenset(run.run_id for run in accepted_runs(workspace))
    except RecordingError as error:
        problem = str(error)
    chosen = (
        folder
        for folder in run_folders(workspace)
        if suite in (None, folder.parent.parent.name)
        and (target is None or target.folder == folder.parent.name)
    )
    runs = (_listed(folder, accepted) for folder in chosen)
    return RunList(runs=tuple(sorted(runs, key=lambda run: run.id)), problem=problem)


def run_folders(workspace: Workspace) -> Iterator[Path]:
    """Every run folder of a project; links are not followed."""
    for folder in workspace.runs.root.glob("*/*/*"):
        if is_run_id(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield folder


def size_of(folder: Path) -> int:
    """Size of all files of a run folder, in bytes; a file that goes meanwhile counts nothing."""
    size_bytes = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            size_bytes += path.lstat().st_size
    return size_bytes


def _listed(folder: Path, accepted: frozenset[str] | None) -> ListedRun:
    is_accepted = None if accepted is None else folder.name in accepted
    try:
        header = read_header(folder)
    except RecordingError as error:
        return ListedRun(
            folder=folder,
            id=folder.name,
            state="damaged",
            size_bytes=size_of(folder),
            is_accepted=is_accepted,
            suite=folder.parent.parent.name,
            target=folder.parent.name,
            problem=str(error),
        )
    return _of_header(folder, header, is_accepted)


def _of_header(folder: Path, header: RunHeader, is_accepted: bool | None) -> ListedRun:  # noqa: FBT001 - a field, passed on
    is_open = not is_sealed(folder)
    return ListedRun(
        folder=folder,
        id=header.id,
        state="open" if is_open else "sealed",
        size_bytes=size_of(folder),
        is_accepted=is_accepted,
        suite=header.suite,
        target=header.target.id,
        night=header.night,
        trials=header.planned_trials,
        finished=_finished(folder) if is_open else _of_sealed(header),
        is_being_recorded=is_open and is_being_recorded(folder),
        status=header.status,
        label=header.label,
    )


def _of_sealed(header: RunHeader) -> int | None:
    return header.planned_trials if header.status == "complete" else None


def _finished(folder: Path) -> int | None:
    """Trials of an open run that have an exchange; None when a journal is damaged."""
    try:
        exchanges = read_run(folder).exchanges
    except RecordingError:
        return None
    return len({(exchange.case, exchange.trial) for exchange in exchanges})

"""Prove that recordings are what was sealed and what was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_header, read_run
from contractcheck.errors import RecordingError
from contractcheck.store.runs import is_run_id
from contractcheck.workflows.runs_accepted import baseline_folders, read_accepted
from contractcheck.workflows.runs_list import run_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from contractcheck.model.run import Run
    from contractcheck.workflows.runs_accepted import AcceptedRun
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedPlace:
    """A run folder or a baseline after every digest and chain in it was computed again.

    Attributes:
        path: Folder.
        what: ``run``, ``reference run`` or ``baseline``.
        count: Exchanges of a run, nights of a baseline; 0 when damaged.
        root: Root digest of a sealed run, else None.
        problems: Each names the file, the line where there is one, and the remedy.
    """

    path: Path
    what: str
    count: int = 0
    root: str | None = None
    problems: tuple[str, ...] = ()


def verify_runs(workspace: Workspace, folders: Sequence[Path] = ()) -> tuple[VerifiedPlace, ...]:
    """Verify some runs, or everything: all runs, all baselines, their reference runs.

    A run that a baseline names must also have the root digest with which it was accepted.

    Args:
        workspace: The project.
        folders: Run folders; empty is everything.
    """
    baselines, accepted = _verify_baselines(workspace)
    if folders:
        return tuple(_verify_run(folder, accepted.get(folder.name)) for folder in folders)
    references = [
        _verify_run(run.reference, run, what="reference run")
        for run in accepted.values()
        if run.reference is not None
    ]
    own = sorted(run_folders(workspace))
    runs = [_verify_run(folder, accepted.get(folder.name)) for folder in own]
    return (*baselines, *references, *runs)


def _verify_baselines(
    workspace: Workspace,
) -> tuple[list[VerifiedPlace], dict[str, AcceptedRun]]:
    places: list[VerifiedPlace] = []
    accepted: dict[str, AcceptedRun] = {}
    for folder in baseline_folders(workspace):
        try:
            runs = read_accepted(workspace, folder)
        except RecordingError as error:
            places.append(VerifiedPlace(path=folder, what="baseline", problems=(str(error),)))
            continue
        places.append(VerifiedPlace(path=folder, what="baseline", count=len(runs)))
        accepted |= {run.run_id: run for run in runs}
    return places, accepted


def _verify_run(folder: Path, expected: AcceptedRun | None, *, what: str = "run") -> VerifiedPlace:
    try:
        run = read_run(folder)
    except RecordingError as error:
        damage = _problems_by_case(folder) or (str(error),)
        return VerifiedPlace(path=folder, what=what, problems=damage)
    return VerifiedPlace(
        path=folder,
        what=what,
        count=len(run.exchanges),
        root=run.root,
        problems=tuple(_misplaced(folder, run, expected)),
    )


def _misplaced(folder: Path, run: Run, expected: AcceptedRun | None) -> Iterator[str]:
    """What is wrong with a run that is whole by itself."""
    if is_run_id(folder.name) and run.header.id != folder.name:
        yield f"{folder}: holds run {run.header.id}; move it where it belongs"
    if expected is not None and run.root != expected.root:
        yield (
            f"{folder}: is not the run that was accepted as night {expected.night} (its root "
            "digest differs from the one in baseline.json); restore it from a copy"
        )


def _problems_by_case(folder: Path) -> tuple[str, ...]:
    """What is wrong with each case's file; empty when the header is already damaged."""
    problems = []
    try:
        cases = read_header(folder).cases
    except RecordingError:
        return ()
    for case in cases:
        try:
            read_run(folder, cases={case})
        except RecordingError as error:
            problems.append(str(error))
    return tuple(dict.fromkeys(problems))

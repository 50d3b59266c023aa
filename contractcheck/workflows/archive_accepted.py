"""What the archive has to do with accepting: it has the runs, keeps them, and says which they are.

A run is marked before its baseline is written, and marked before it is looked whether it is there:
who prunes at the same time sees the mark, or the removal is seen and made up for. A removal decided
just before the mark and done just after the look is neither; that prune itself then tells it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError, UsageError
from contractcheck.store.runs import is_run_id
from contractcheck.workflows.run_archive import describe_run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.run import Run
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.archive_names import ArchivedRun
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace

_NAMED = 5


def secure_runs(archive: RunArchive | None, runs: Iterable[tuple[Path, Run]]) -> None:
    """Mark runs that are about to be accepted, and see that the archive has them.

    Args:
        archive: None does nothing.
        runs: Sealed runs and their folders.

    Raises:
        RecordingError: If a run is damaged, or the archive cannot be read or written.
    """
    if archive is None:
        return
    for folder, run in runs:
        mark = describe_run(run).mark
        if mark not in archive.contents(run.header.suite, run.header.target).marks:
            archive.put_marks([mark])
        archive.push(folder)


def mark_nights(archive: RunArchive | None, baseline: Baseline | None) -> None:
    """Mark the nights of a baseline, as far as the archive has their runs.

    Args:
        archive: None does nothing.
        baseline: None has no nights.

    Raises:
        RecordingError: If the archive cannot be read or written.
    """
    if archive is None or baseline is None:
        return
    # Nights that another target lent (`accept --gate`) lie below that one's folder.
    there = archive.contents(baseline.suite)
    accepted = {(night.statistics.run_id, night.run_root) for night in baseline.nights}
    marks = {run.mark for run in there.runs if (run.run_id, run.root) in accepted}
    archive.put_marks(marks - there.marks)


def bring_run(workspace: Workspace, archive: RunArchive | None, name: str) -> Path:
    """Find a run by id, folder, or beginning of an id; fetch one that only the archive has.

    Args:
        workspace: Where runs lie.
        archive: None looks nowhere else.
        name: A beginning has to be of one run only, wherever it lies.

    Raises:
        UsageError: If no run, or more than one, has this name.
        RecordingError: If the archive cannot be read, or the run in it is damaged.
    """
    here = workspace.runs.matches(name)
    is_clear = len(here) == 1 and (is_run_id(name) or here[0] == Path(name))
    if archive is None or is_clear:
        return workspace.runs.find(name)
    lacking = [run for run in archive.contents().matches(name) if not _lies_here(workspace, run)]
    if not here and not lacking:
        raise UsageError(
            f"no run {name!r} below {workspace.runs.root} or in {archive.files.shown}; "
            "`contractcheck runs` lists those here"
        )
    if len(here) + len(lacking) == 1:
        return here[0] if here else archive.fetch(lacking[0], workspace.runs.root)
    names = sorted({*(folder.name for folder in here), *(run.run_id for run in lacking)})
    raise UsageError(
        f"{name!r} fits {len(here)} runs here and {len(lacking)} more in {archive.files.shown}: "
        f"{', '.join(names[:_NAMED])}; give more of the id"
    )


def bring_nights(
    workspace: Workspace,
    archive: RunArchive | None,
    suite: Suite,
    target: Target,
    *,
    since: str,
    but: Collection[str],
) -> tuple[str, ...]:
    """Fetch the runs of nights since a date that only the archive has.

    One that cannot be had is passed over: nobody may need it, such as a second run of a night.

    Args:
        workspace: Where they go.
        archive: None does nothing.
        suite: Whose.
        target: Whose.
        since: ISO date.
        but: Nights that are not needed.

    Returns:
        Runs that could not be had, and why.

    Raises:
        RecordingError: If the archive cannot be listed.
    """
    problems = []
    for run in archive.list(suite.name, target) if archive is not None else ():
        is_wanted = run.night is not None and run.night >= since and run.night not in but
        if archive is not None and is_wanted and not _lies_here(workspace, run):
            try:
                archive.fetch(run, workspace.runs.root)
            except RecordingError as error:
                problems.append(f"{run.night}: {error}")
    return tuple(problems)


def _lies_here(workspace: Workspace, run: ArchivedRun) -> bool:
    return (workspace.runs.root / run.suite / run.folder / run.run_id).exists()

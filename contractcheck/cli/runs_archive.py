"""``contractcheck runs push`` and ``fetch``, and ``prune`` of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.cli.runs_options import told_count, told_size
from contractcheck.errors import MeasurementError, UsageError
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.workflows.archive_names import ArchiveContents, ArchivedRun
    from contractcheck.workflows.archive_prune import MissingRuns
    from contractcheck.workflows.retention import Retention
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace

_archive_option = click.option(
    "--store",
    envvar="CONTRACTCHECK_STORE",
    required=True,
    metavar="URL",
    help="The archive: a folder, or such as s3://bucket/runs.",
)


@click.command("push")
@click.argument("runs", nargs=-1, required=True)
@_archive_option
@root_option
def push(runs: tuple[str, ...], store: str, root: Path) -> None:
    """Put sealed RUNS into an archive; what is there already stays as it is."""
    from contractcheck.workflows.run_archive import open_archive

    place = workspace(root)
    archive = open_archive(store)
    folders = [place.runs.find(run) for run in runs]
    for folder in folders:
        pushed = archive.push(folder)
        click.echo(one_line(f"{pushed.run_id}  {pushed.root}  {told_size(pushed.size_bytes)}"))


@click.command("fetch")
@click.argument("runs", nargs=-1, required=True)
@_archive_option
@root_option
def fetch(runs: tuple[str, ...], store: str, root: Path) -> None:
    """Copy RUNS (ids or beginnings of them) from an archive into the run store.

    Each is proved to be what was sealed before it is taken.
    """
    from contractcheck.workflows.run_archive import open_archive

    place = workspace(root)
    archive = open_archive(store)
    known = archive.contents()
    for run in [_find(archive, known, name) for name in runs]:
        folder = archive.fetch(run, place.runs.root)
        click.echo(one_line(f"{run.run_id}  {run.root}"))
        click.echo(f"in {folder}", err=True)


def _find(archive: RunArchive, known: ArchiveContents, name: str) -> ArchivedRun:
    found = known.matches(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no run {name!r} in {archive.files.shown}: {_told_newest(known)}")
    names = ", ".join(run.name for run in found[:5])
    raise UsageError(f"{name!r} fits {len(found)} archived runs: {names}; give more of the id")


def _told_newest(known: ArchiveContents) -> str:
    if not known.runs:
        return "it holds no run; `contractcheck runs push` puts one there"
    newest = sorted((run.run_id for run in known.runs), reverse=True)[:5]
    return f"the newest of {len(known.runs)} there are {', '.join(newest)}"


def prune_store(place: Workspace, store: str, rule: Retention, *, removes: bool) -> int:
    """Say what would go from an archive, or remove it.

    Returns:
        Exit code: not 0 when an accepted run of this project is missing in the archive.
    """
    from contractcheck.workflows.archive_prune import (
        find_missing,
        plan_archive_prune,
        prune_archive,
    )
    from contractcheck.workflows.run_archive import open_archive

    archive = open_archive(store)
    choices = plan_archive_prune(place, archive, rule)
    removed = set(prune_archive(place, archive, choices)) if removes else set()
    freed_bytes = 0
    for choice in choices:
        run = choice.run
        if choice.kept is not None:
            click.echo(one_line(f"keeps    {run.run_id}: {choice.kept}"))
            continue
        word = "would go" if not removes else "removed" if run in removed else "keeps"
        click.echo(one_line(f"{word:<8} {run.run_id}  {told_size(run.size_bytes)}"))
        freed_bytes += run.size_bytes if not removes or run in removed else 0
    ending = "freed" if removes else "to free; --yes removes them"
    click.echo(f"{told_size(freed_bytes)} {ending}")
    return _tell_missing(find_missing(place, archive), archive.files.shown)


def _tell_missing(missing: MissingRuns, shown: str) -> int:
    for mark in missing.own:
        click.echo(
            one_line(
                f"missing  {mark.run_id}: accepted, and not in {shown}; unless it is being "
                f"accepted right now, push it from where it still is, or remove {mark.name} when "
                "it is nowhere"
            ),
            err=True,
        )
    if missing.others:
        lost = told_count(len(missing.others), "run")
        verb = "is" if len(missing.others) == 1 else "are"
        words = f"note: {lost} that others accepted {verb} not in {shown}"
        click.echo(one_line(f"{words}; their baselines do not lie here"), err=True)
    return MeasurementError.exit_code if missing.own else 0

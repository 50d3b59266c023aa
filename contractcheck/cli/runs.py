"""``contractcheck runs``: what is recorded here, and the tools for recordings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.cli.runs_archive import fetch, push
from contractcheck.cli.runs_change import export, import_, merge, prune
from contractcheck.cli.runs_check import diff, scan, verify
from contractcheck.cli.runs_options import target_option, told_size
from contractcheck.cli.runs_show import show
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.target import Target
    from contractcheck.workflows.runs_list import ListedRun


@click.group("runs", invoke_without_command=True)
@root_option
@click.pass_context
def command(context: click.Context, root: Path) -> None:
    """List recorded runs; look into them, prove, compare, prune, merge, import, export, archive."""
    if context.invoked_subcommand is None:
        context.invoke(ls, suite=None, target=None, as_json=False, root=root)
    else:
        context.default_map = {context.invoked_subcommand: {"root": root}}


@command.command("ls")
@click.option("--suite", metavar="NAME", help="Only runs of this suite.")
@target_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document for programs.")
@root_option
def ls(suite: str | None, target: Target | None, as_json: bool, root: Path) -> None:  # noqa: FBT001 - click passes options by name
    """List runs, oldest first: id, suite, target, night, trials, status, state, size.

    A run is sealed, open (being recorded, or interrupted) or damaged.
    """
    from contractcheck.workflows.runs_list import list_runs

    place = workspace(root)
    found = list_runs(place, suite=suite, target=target)
    if found.problem is not None:
        click.echo(one_line(f"which runs are accepted is not known: {found.problem}"), err=True)
    if as_json:
        # ASCII only: what a header says must not act on a terminal.
        rows = [asdict(run) for run in found.runs]
        click.echo(json.dumps(rows, default=str, indent=2))
        return
    if not found.runs and (suite is not None or target is not None):
        click.echo(f"no run below {place.runs.root} is of this suite and target", err=True)
    elif not found.runs:
        click.echo(f"no run below {place.runs.root}; `contractcheck run` makes one", err=True)
    for run in found.runs:
        click.echo(one_line(_line(run)))


def _line(run: ListedRun) -> str:
    if run.problem is not None:
        return f"{run.id}  damaged: {run.problem}"
    columns = [
        run.id,
        run.suite,
        run.target,
        run.night or "-",
        _trials(run),
        "being recorded" if run.is_being_recorded else str(run.status),
        run.state,
        told_size(run.size_bytes),
    ]
    if run.is_accepted:
        columns.append("accepted")
    if run.label:
        columns.append(f"({run.label})")
    return "  ".join(columns)


def _trials(run: ListedRun) -> str:
    if run.finished is not None:
        return f"{run.finished} of {run.trials} trials"
    return f"{run.trials} trials planned"


for _subcommand in (show, verify, scan, diff, prune, merge, import_, export, push, fetch):
    command.add_command(_subcommand)

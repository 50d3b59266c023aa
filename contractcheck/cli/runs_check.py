"""``contractcheck runs verify``, ``scan`` and ``diff``: what recordings prove, hold and change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.cli.runs_options import told_count
from contractcheck.report.safe_text import one_line, shorten

if TYPE_CHECKING:
    from contractcheck.workflows.json_difference import Difference

_DAMAGED = 4
_SHOWN_CHARACTERS = 200


@click.command("verify")
@click.argument("runs", nargs=-1)
@root_option
def verify(runs: tuple[str, ...], root: Path) -> int:
    """Compute every digest of RUNS again; of all runs and baselines when none is given.

    Exit code 4 when anything is damaged; each problem names the file and what to do.
    """
    from contractcheck.workflows.runs_verify import verify_runs

    place = workspace(root)
    seen = verify_runs(place, [place.runs.find(run) for run in runs])
    for one in seen:
        if not one.problems:
            count = told_count(one.count, "night" if one.what == "baseline" else "exchange")
            root_shown = f"  root {one.root[:16]}…" if one.root else ""
            click.echo(one_line(f"ok       {one.what}  {one.path}  {count}{root_shown}"))
        for problem in one.problems:
            click.echo(one_line(f"DAMAGED  {one.what}  {problem}"))
    if not seen:
        click.echo(f"nothing is recorded below {place.root}", err=True)
    return _DAMAGED if any(one.problems for one in seen) else 0


@click.command("scan")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--detect-secrets", is_flag=True, help="Ask the detect-secrets package too.")
def scan(paths: tuple[Path, ...], detect_secrets: bool) -> int:  # noqa: FBT001 - click passes options by name
    """Search files and folders for credentials: recordings of any tool, or anything else.

    Prints file:line: kind, never the secret. Exit code 1 when something was found.
    """
    from contractcheck.workflows.runs_scan import scan_paths

    found = scan_paths(paths, environment=os.environ, detect_secrets=detect_secrets)
    for leak in found.leaks:
        click.echo(one_line(f"{leak.file}:{leak.line}: {leak.kind}"))
    for problem in found.unread:
        click.echo(one_line(f"not searched: {problem}"), err=True)
    click.echo(f"{len(found.leaks)} found in {told_count(found.files, 'file')}", err=True)
    if found.leaks:
        return 1
    return _DAMAGED if found.unread else 0


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--bodies", is_flag=True, help="Show how texts of bodies differ.")
@root_option
def diff(old: str, new: str, bodies: bool, root: Path) -> int:  # noqa: FBT001 - click passes options by name
    """Say what differs between two runs: what was asked, of whom, what came. Never times.

    Exit code 1 when something differs.
    """
    from contractcheck.cassettes import read_run
    from contractcheck.workflows.runs_diff import diff_runs

    runs = workspace(root).runs
    found = diff_runs(read_run(runs.find(old)), read_run(runs.find(new)), bodies=bodies)
    for difference in (*found.header, *found.requests, *found.exchanges):
        click.echo(_line(difference))
    if found.is_empty:
        click.echo(f"no difference; {told_count(found.compared, 'exchange')} compared")
        return 0
    return 1


def _line(difference: Difference) -> str:
    old, new = _side(difference.old), _side(difference.new)
    return f"{shorten(difference.where, _SHOWN_CHARACTERS)}: {old} -> {new}"


def _side(text: str | None) -> str:
    return "nothing" if text is None else shorten(text, _SHOWN_CHARACTERS)

"""``contractcheck runs``: what is recorded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.errors import RecordingError
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from pathlib import Path


@click.command("runs")
@root_option
def command(root: Path) -> None:
    """List recorded runs, oldest first: id, suite, target, night, trials, status."""
    from contractcheck.cassettes import read_header

    store = workspace(root).runs
    folders = sorted((f for f in store.root.glob("*/*/*") if f.is_dir()), key=lambda f: f.name)
    if not folders:
        click.echo(f"no run below {store.root}; `contractcheck run` makes one", err=True)
    for folder in folders:
        try:
            header = read_header(folder)
        except RecordingError as error:
            click.echo(one_line(f"{folder.name}  damaged: {error}"))
            continue
        night = header.night or "-"
        label = f"  ({header.label})" if header.label else ""
        line = (
            f"{header.id}  {header.suite}  {header.target.id}  {night}  "
            f"{header.planned_trials} trials  {header.status}{label}"
        )
        click.echo(one_line(line))

"""``contractcheck runs``: what is recorded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("runs")
@root_option
def command(root: Path) -> None:
    """List recorded runs, oldest first: id, suite, target, night, trials, status."""
    from contractcheck.cassettes import read_header

    for folder in sorted(workspace(root).runs.root.glob("*/*/*"), key=lambda f: f.name):
        try:
            header = read_header(folder)
        except RecordingError as error:
            click.echo(f"{folder.name}  damaged: {error}")
            continue
        night = header.night or "-"
        click.echo(
            f"{header.id}  {header.suite}  {header.target.id}  {night}  "
            f"{header.planned_trials} trials  {header.status}"
        )

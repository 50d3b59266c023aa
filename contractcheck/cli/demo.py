"""``contractcheck demo``: the whole thing, on this machine, in a minute."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contractcheck.cli.report_options import print_report
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from contractcheck.model.report import Report


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Play here (must be empty or new); a temporary folder when left out.",
)
def command(folder: Path | None) -> int:
    """Show a quiet night, a silent change, too little data and a broken wire.

    Offline, no key, real HTTP on this machine; about half a minute.
    """
    from contractcheck.workflows.demo import play_demo

    place = folder or Path(tempfile.mkdtemp(prefix="contractcheck-demo-"))
    if place.is_dir() and any(place.iterdir()):
        raise UsageError(f"{place} is not empty; name a new folder")
    missed = []
    drift: Report | None = None
    for scene in play_demo(place):
        click.secho(f"\n── {scene.title}", bold=True)
        if scene.report is None:
            continue
        click.echo()
        print_report(scene.report, "terminal")
        if not scene.is_as_expected:
            missed.append(scene.title)
        if scene.title.startswith("(b)"):
            drift = scene.report
    _say_goodbye(place, drift)
    for title in missed:
        click.secho(f"not what this scene is there to show: {title}", fg="red", err=True)
    return 1 if missed else 0


def _say_goodbye(place: Path, drift: Report | None) -> None:
    run = drift.run_id if drift else ""
    click.secho("\n── Your turn", bold=True)
    click.echo(f"  contractcheck report {run} --root {place} --format json   # the evidence")
    click.echo(f"  pytest --contract --rootdir {place} {place}/suites   # replay, offline")
    click.echo("  contractcheck suite check suites   # then a suite of your own: see README.md")

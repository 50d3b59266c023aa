"""``contractcheck accept``: the human act that makes a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, select_suites, suite_option, workspace
from contractcheck.workflows.accept import AcceptOptions, accept_runs

if TYPE_CHECKING:
    from pathlib import Path


@click.command("accept")
@click.argument("runs", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why these nights are good; kept for reviewers.")
@click.option("--by", help="Who accepts (default: the user of this process).")
@click.option("--ticket", help="Reference to where it was decided.")
@click.option("--expires", metavar="DATE", help="When the acceptance must be renewed.")
@click.option(
    "--max-cassette-mb",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="MB",
    help="Refuse to put larger case files into version control.",
)
@suite_option
@root_option
def command(  # noqa: PLR0917 - click passes options by name
    runs: tuple[str, ...],
    reason: str,
    by: str | None,
    ticket: str | None,
    expires: str | None,
    max_cassette_mb: float,
    suites: tuple[str, ...],
    root: Path,
) -> None:
    """Accept RUNS (ids or folders) as nights of their baseline: all of them or none.

    Refused: incomplete or interrupted runs, other requests than the suite sends now, open
    breaches, nights that are accepted already.
    """
    place = workspace(root)
    folders = [place.runs.find(run) for run in runs]
    loaded = select_suites(place, suites)
    options = AcceptOptions(
        reason=reason, by=by, ticket=ticket, expires=expires, max_cassette_mb=max_cassette_mb
    )
    for baseline in accept_runs(place, folders, loaded, options):
        nights = [night.statistics.night for night in baseline.nights]
        where = place.baselines.folder(baseline.suite, baseline.target)
        click.echo(
            f"{baseline.suite} × {baseline.target.id}: {len(nights)} accepted nights, "
            f"{nights[0]} … {nights[-1]}; review and commit {where}"
        )

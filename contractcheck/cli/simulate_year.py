"""``contractcheck simulate-year``: years of a suite's own watch, before they are lived."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import engine_option, root_option, select_suites, workspace
from contractcheck.cli.progress import live_progress
from contractcheck.errors import NothingToCheckError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace


@click.command("simulate-year")
@click.argument("suite")
@root_option
@click.option("--target", metavar="PROVIDER:MODEL", help="Only this target of the suite.")
@click.option(
    "--years",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Years of each family of nights, and histories of each change.",
)
@click.option("--seed", type=click.IntRange(0), help="For the same figures again.")
@engine_option
@click.option(
    "--format", "format_name", type=click.Choice(["terminal", "json"]), default="terminal"
)
def command(  # noqa: PLR0917 - click passes options by name
    suite: str,
    root: Path,
    target: str | None,
    years: int,
    seed: int | None,
    engine: str | None,
    format_name: str,
) -> int:
    """Simulate years of SUITE's watch, fitted to its accepted nights; nothing is asked.

    Says how often it would cry although nothing changed, on nights like the accepted ones and on
    harsher ones, and how many nights it takes to find changes of several kinds and sizes.
    """
    from contractcheck.report.year_report import render_years, render_years_json
    from contractcheck.workflows.engine import open_engine
    from contractcheck.workflows.simulate_year import YearOptions, simulate_years

    place = workspace(root)
    (chosen,) = select_suites(place, (suite,))
    options = YearOptions(years=years, seed=seed)
    render = render_years_json if format_name == "json" else render_years
    with open_engine(engine) as executor:
        for number, one in enumerate(_targets(place, chosen, target)):
            with live_progress(f"years of {chosen.name} × {one.id}") as progress:
                told = replace(options, progress=progress)
                found = simulate_years(place, chosen, one, told, executor)
            if number and format_name == "terminal":
                click.echo()
            click.echo(render(found), nl=False)
    return 0


def _targets(place: Workspace, suite: Suite, wanted: str | None) -> list[Target]:
    """Targets with accepted nights."""
    targets = [one for one in suite.targets if wanted in (None, one.id)]
    if not targets:
        known = ", ".join(one.id for one in suite.targets)
        raise UsageError(f"{suite.name} has no target {wanted!r}; there are: {known}")
    ready = [one for one in targets if place.baselines.read(suite.name, one) is not None]
    if not ready:
        raise NothingToCheckError(
            f"no accepted night of {suite.name}: record nights and accept them first"
        )
    return ready

"""``contractcheck plan``: what a suite would see and cost, before anything is spent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, select_suites, suite_option, workspace
from contractcheck.errors import NothingToCheckError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace


def _finite(_ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Refuse what no range of click's refuses: NaN, which is neither above nor below."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of anything", param=option)
    return value


@click.command("plan")
@click.argument("names", nargs=-1, metavar="[SUITE]...")
@suite_option
@root_option
@click.option(
    "--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only this target."
)
@click.option(
    "--slots", type=click.IntRange(1, 1000), metavar="S", help="Slots of a gate, at most."
)
@click.option(
    "--prices",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file of prices that go before the shipped ones.",
)
@click.option(
    "--requests-per-minute",
    type=click.FloatRange(0.001),
    callback=_finite,
    metavar="N",
    help="A limit of yours, before what recorded answers advertise.",
)
@click.option(
    "--tokens-per-minute",
    type=click.FloatRange(0.001),
    callback=_finite,
    metavar="N",
    help="A limit of yours, before what recorded answers advertise.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Requests under way at once.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="json prints one document per suite and target.",
)
def command(  # noqa: PLR0917 - click passes options by name
    names: tuple[str, ...],
    suites: tuple[str, ...],
    root: Path,
    targets: tuple[str, ...],
    slots: int | None,
    prices: Path | None,
    requests_per_minute: float | None,
    tokens_per_minute: float | None,
    concurrency: int,
    format_name: str,
) -> int:
    """Say what each SUITE would see, what it takes and what it costs. Nothing is asked."""
    from contractcheck.model.plan import RateLimits
    from contractcheck.report.plan_report import render_plan, render_plan_json
    from contractcheck.workflows.plan import PlanOptions, plan_suite

    place = workspace(root)
    told = requests_per_minute or tokens_per_minute
    options = PlanOptions(
        slots=slots,
        prices=prices,
        limits=RateLimits(
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            source="the command line" if told else "",
        ),
        concurrency=concurrency,
    )
    render = render_plan_json if format_name == "json" else render_plan
    for number, (suite, target) in enumerate(_choose(place, (*names, *suites), targets)):
        if number and format_name == "terminal":
            click.echo()
        click.echo(render(plan_suite(place, suite, target, options)), nl=False)
    return 0


def _choose(
    place: Workspace, names: Sequence[str], targets: Sequence[str]
) -> list[tuple[Suite, Target]]:
    chosen = select_suites(place, names)
    known = {target.id for suite in chosen for target in suite.targets}
    if unknown := sorted(set(targets) - known):
        raise UsageError(f"no target {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    pairs = [(s, t) for s in chosen for t in s.targets if not targets or t.id in targets]
    if not pairs:
        raise NothingToCheckError("no suite has this target")
    return pairs

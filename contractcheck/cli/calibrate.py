"""``contractcheck calibrate``: a suite's own error rates, measured on recorded answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    root_option,
    select_suite_of,
    select_suites,
    suite_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.errors import NothingToCheckError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contractcheck.model.calibration import Calibration
    from contractcheck.workflows.calibrate import CalibrateOptions
    from contractcheck.workflows.workspace import Workspace


@click.command("calibrate")
@click.argument("name", metavar="SUITE|RUN")
@suite_option
@root_option
@click.option("--target", metavar="PROVIDER:MODEL", help="Only this target of the suite.")
@click.option("--slots", type=click.IntRange(1, 1000), metavar="S", help="Slots of the gates.")
@click.option(
    "--repeats",
    type=click.IntRange(8),
    default=400,
    show_default=True,
    help="Gates where nothing is changed; an eighth of them per change that is put in.",
)
@click.option("--seed", type=click.IntRange(0), help="For the same figures again.")
@click.option(
    "--format", "format_name", type=click.Choice(["terminal", "json"]), default="terminal"
)
def command(  # noqa: PLR0917 - click passes options by name
    name: str,
    suites: tuple[str, ...],
    root: Path,
    target: str | None,
    slots: int | None,
    repeats: int,
    seed: int | None,
    format_name: str,
) -> int:
    """Measure false alarms and misses on recorded answers of SUITE's accepted nights, or of RUN.

    Both sides of a comparison draw from the same answers, so every alarm is a false one; then
    known changes are put into one side, and every silence is a miss. Nothing is asked.
    """
    from contractcheck.report.calibration_report import (
        render_calibration,
        render_calibration_json,
    )
    from contractcheck.workflows.calibrate import CalibrateOptions

    place = workspace(root)
    options = CalibrateOptions(
        repeats=repeats, found_repeats=max(4, repeats // 8), slots=slots, seed=seed
    )
    render = render_calibration_json if format_name == "json" else render_calibration
    for number, calibrate in enumerate(_choose(place, name, suites, target)):
        with live_progress(f"gates drawn from {name}") as progress:
            found = calibrate(replace(options, progress=progress))
        if number and format_name == "terminal":
            click.echo()
        click.echo(render(found), nl=False)
    return 0


def _choose(
    place: Workspace, name: str, suites: tuple[str, ...], target: str | None
) -> Iterator[Callable[[CalibrateOptions], Calibration]]:
    """What is to be calibrated: a run, or a suite on each target with accepted nights."""
    from contractcheck.cassettes import read_header
    from contractcheck.store.runs import is_run_id
    from contractcheck.workflows.calibrate import calibrate_run, calibrate_suite

    if is_run_id(name.rstrip("/").rpartition("/")[2]):
        folder = place.runs.find(name)
        suite = select_suite_of(place, read_header(folder).suite, suites)
        yield partial(calibrate_run, suite, folder)
        return
    (suite,) = select_suites(place, (name,))
    targets = [one for one in suite.targets if target in (None, one.id)]
    if not targets:
        known = ", ".join(one.id for one in suite.targets)
        raise UsageError(f"{suite.name} has no target {target!r}; there are: {known}")
    ready = [one for one in targets if place.baselines.read(suite.name, one) is not None]
    if not ready:
        raise NothingToCheckError(f"no accepted night of {suite.name}; name a run to calibrate on")
    for one in ready:
        yield partial(calibrate_suite, place, suite, one)

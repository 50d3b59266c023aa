"""``contractcheck watch``: make tonight once, judge it by all nights since the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    history_option,
    read_night,
    root_option,
    store_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.cli.record_options import record_options
from contractcheck.cli.report_options import format_option, print_report
from contractcheck.cli.run import choose
from contractcheck.errors import ContractcheckError
from contractcheck.report.safe_text import show

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.record import RecordOptions
    from contractcheck.workflows.watch import WatchOptions
    from contractcheck.workflows.workspace import Workspace


@click.command("watch")
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@root_option
@format_option
@click.option(
    "--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only this target."
)
@store_option
@history_option
@click.option(
    "--night",
    metavar="DATE",
    help="Which night it is (default: the UTC date on which the watch starts).",
)
@record_options
def command(  # noqa: PLR0917 - click passes options by name
    suites: tuple[str, ...],
    root: Path,
    format_name: str,
    targets: tuple[str, ...],
    store: str | None,
    history: str | None,
    night: str | None,
    record: RecordOptions,
) -> int:
    """Watch each target of each SUITE (path or name; all below suites/ when left out) tonight.

    Made for cron: a night that is there already is judged again without asking, one that was
    interrupted is gone on with, and of two that start at once one waits for the other.
    """
    from contractcheck.workflows.watch import WatchOptions

    options = WatchOptions(
        record=record,
        history=history,
        store=store,
        night=None if night is None else read_night(night),
    )
    place = workspace(root)
    chosen = choose(place, suites, targets, record)
    return _worst([_watch(place, suite, one, options, format_name) for suite, one in chosen])


def _watch(
    place: Workspace, suite: Suite, target: Target, options: WatchOptions, format_name: str
) -> int:
    """Watch one target; what prevents it is told, and keeps no other target from being watched."""
    from contractcheck.workflows.watch import watch_target

    try:
        with live_progress(f"{suite.name} × {target.id}") as progress:
            report = watch_target(place, suite, target, options, progress)
    except KeyboardInterrupt:
        words = "interrupted: every finished answer is kept; the next watch of the night goes on"
        click.echo(words, err=True)
        raise
    except ContractcheckError as error:
        click.echo(f"contractcheck: {suite.name} × {target.id}: {show(str(error))}", err=True)
        return error.exit_code
    print_report(report, format_name)
    return report.exit_code


def _worst(codes: list[int]) -> int:
    """The exit code for several targets: FAIL, could not measure, wrong usage, INCONCLUSIVE."""
    return next((code for code in (1, 4, 2, 3) if code in codes), 0)

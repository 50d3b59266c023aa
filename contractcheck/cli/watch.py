"""``contractcheck watch``: make tonight once, judge it by all nights since the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.bounds_options import bounds_options
from contractcheck.cli.options import (
    format_option,
    history_option,
    max_usd_option,
    prices_option,
    print_report,
    read_night,
    root_option,
    store_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.cli.run import choose
from contractcheck.errors import ContractcheckError
from contractcheck.providers.prices import load_prices
from contractcheck.report.safe_text import show
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.watch import WatchOptions, watch_target

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cassettes import Fsync
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Bounds
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
@click.option("--base-url", metavar="URL", help="Ask here instead of the provider's own host.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Requests under way at once.",
)
@click.option("--max-requests", type=click.IntRange(1), metavar="N", help="Stop after N requests.")
@click.option("--label", default="", help="Words kept and shown with the run.")
@click.option(
    "--fsync",
    type=click.Choice(["each", "close"]),
    default="close",
    show_default=True,
    help="When the disk itself must confirm: after each exchange, or at the end.",
)
@max_usd_option
@prices_option
@bounds_options
def command(  # noqa: PLR0917 - click passes options by name
    suites: tuple[str, ...],
    root: Path,
    format_name: str,
    targets: tuple[str, ...],
    store: str | None,
    history: str | None,
    night: str | None,
    base_url: str | None,
    concurrency: int,
    max_requests: int | None,
    label: str,
    fsync: Fsync,
    max_usd: float | None,
    prices: Path | None,
    bounds: Bounds,
) -> int:
    """Watch each target of each SUITE (path or name; all below suites/ when left out) tonight.

    Made for cron: a night that is there already is judged again without asking, one that was
    interrupted is gone on with, and of two that start at once one waits for the other.
    """
    record = RecordOptions(
        base_url=base_url,
        concurrency=concurrency,
        max_requests=max_requests,
        label=label,
        fsync=fsync,
        bounds=bounds,
        max_usd=max_usd,
        prices=load_prices(prices),
    )
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

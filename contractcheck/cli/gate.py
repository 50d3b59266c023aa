"""``contractcheck gate``: may one model, revision, region or endpoint replace another?"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from contractcheck.cli.bounds_options import bounds_options
from contractcheck.cli.options import (
    max_usd_option,
    prices_option,
    root_option,
    select_suites,
    suite_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.cli.report_options import format_option, print_report
from contractcheck.cli.run import worst
from contractcheck.errors import NothingToCheckError, UsageError
from contractcheck.model.gate import MOST_SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.sampling import Bounds
    from contractcheck.workflows.gate import GateRun
    from contractcheck.workflows.gate_setup import GateOptions, PreparedGate
    from contractcheck.workflows.workspace import Workspace

_SIDE = "PROVIDER:MODEL or target=…,base_url=…,rev=…,env=…"


@click.command("gate")
@click.option(
    "--from", "old", metavar="SIDE", help=f"What is in use: {_SIDE}; or accepted nights: accepted."
)
@click.option("--to", "new", multiple=True, metavar="SIDE", help=f"What may replace it: {_SIDE}.")
@suite_option
@root_option
@format_option
@click.option(
    "--slots",
    type=click.IntRange(1, MOST_SLOTS),
    metavar="S",
    help="Times that every case is asked on each side, at most (default: policy.gate.slots).",
)
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    metavar="N",
    help="Plan no more than N requests; what is sent again comes on top.",
)
@max_usd_option
@prices_option
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Requests under way at once, over all sides.",
)
@click.option("--allow-inconclusive", is_flag=True, help="Exit 0 when the gate cannot tell.")
@click.option(
    "--resume",
    "resumed",
    metavar="GATE",
    help="Go on with an interrupted gate, or hear of one again that is over.",
)
@bounds_options
def command(  # noqa: PLR0917 - click passes options by name
    old: str | None,
    new: tuple[str, ...],
    suites: tuple[str, ...],
    root: Path,
    format_name: str,
    slots: int | None,
    max_requests: int | None,
    max_usd: float | None,
    prices: Path | None,
    concurrency: int,
    allow_inconclusive: bool,  # noqa: FBT001 - click passes options by name
    resumed: str | None,
    bounds: Bounds,
) -> int:
    """Ask both sides at the same time, and decide by the margins that the suite declares."""
    from contractcheck.providers.prices import load_prices
    from contractcheck.workflows.gate_setup import GateOptions, prepare_again, prepare_gate

    options = GateOptions(
        prices=load_prices(prices),
        slots=slots,
        max_requests=max_requests,
        max_usd=max_usd,
        concurrency=concurrency,
        allow_inconclusive=allow_inconclusive,
        bounds=bounds,
    )
    place = workspace(root)
    if resumed is not None:
        _refuse_plan(old or new or suites or slots or max_requests)
        gate = prepare_again(place, place.gates.find(resumed), options)
        return worst(_decide(place, gate, options, format_name))
    if old is None or not new:
        raise UsageError(f"give --from SIDE and --to SIDE; a side is {_SIDE}")
    gates = [prepare_gate(place, s, old, new, options) for s in select_suites(place, suites)]
    if not gates:
        raise NothingToCheckError("no suite to gate by")
    codes = [code for gate in gates for code in _decide(place, gate, options, format_name)]
    return worst(codes)


def _refuse_plan(plan: object) -> None:
    if plan:
        raise UsageError(
            "--resume goes on with the plan of its gate; leave out --from, --to, --suite, "
            "--slots and --max-requests"
        )


def _decide(
    place: Workspace, gate: PreparedGate, options: GateOptions, format_name: str
) -> list[int]:
    from contractcheck.workflows.gate import open_gate_run
    from contractcheck.workflows.gate_report import make_gate_report

    with live_progress(f"gate {gate.suite.name}") as progress:
        run = open_gate_run(place, gate, options, progress)
        with _say_what_is_known(run):
            ends = run.run()
    codes = []
    for end in ends:
        report = make_gate_report(gate, end, options)
        print_report(report, format_name)
        codes.append(report.exit_code)
    return codes


@contextmanager
def _say_what_is_known(run: GateRun) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        from contractcheck.workflows.gate_report import interim_words

        for line in interim_words(run):
            click.echo(line, err=True)
        raise

"""``contractcheck rescore``: recorded nights, measured by the suite as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    engine_option,
    history_option,
    read_night,
    root_option,
    suite_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.cli.subjects import choose_subjects
from contractcheck.errors import NothingToCheckError, RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.store.history import History


@click.command("rescore")
@suite_option
@root_option
@click.option(
    "--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only this target."
)
@click.option("--since", required=True, metavar="DATE", help="First night to measure again.")
@history_option
@engine_option
@click.option(
    "--format", "format_name", type=click.Choice(["terminal", "json"]), default="terminal"
)
def command(  # noqa: PLR0917 - click passes options by name
    suites: tuple[str, ...],
    root: Path,
    targets: tuple[str, ...],
    since: str,
    history: str | None,
    engine: str | None,
    format_name: str,
) -> int:
    """Measure recorded nights again by the suites as they are now, and keep the numbers.

    Shows what each check and metric, new ones too, would have said over these nights. Nothing is
    asked, no recording and no baseline is touched, and what was judged at the time stands.
    """
    from contractcheck.report.rescore_report import render_rescored, render_rescored_json
    from contractcheck.store.history import open_history
    from contractcheck.workflows.engine import open_engine
    from contractcheck.workflows.rescore_history import rescore_history

    place = workspace(root)
    chosen = choose_subjects(place, suites, targets)
    first = read_night(since, option="--since")
    render = render_rescored_json if format_name == "json" else render_rescored
    failed = False
    with open_engine(engine) as executor, open_history(history or place.history, create=False) as h:
        latest = {(suite.name, target.id): _latest(h, suite, target) for suite, target in chosen}
        ready = [pair for pair in chosen if latest[pair[0].name, pair[1].id] >= first]
        for suite, target in ready:
            with live_progress(f"nights of {suite.name} × {target.id}") as progress:
                found = rescore_history(
                    place, suite, target, h, since=first, executor=executor, progress=progress
                )
            click.echo(render(found), nl=False)
            failed = failed or bool(found.problems)
    if not ready:
        raise _nothing_since(first, max(latest.values(), default=""))
    return RecordingError.exit_code if failed else 0


def _nothing_since(first: str, newest: str) -> NothingToCheckError:
    return NothingToCheckError(
        f"the history has no night of these suites and targets since {first}; "
        + (
            f"the latest is {newest}"
            if newest
            else "`contractcheck history rebuild` makes it from the recorded runs"
        )
    )


def _latest(history: History, suite: Suite, target: Target) -> str:
    """The latest night of a suite and target, or empty."""
    return max((key.night for key in history.run_keys(suite.name, target.id)), default="")

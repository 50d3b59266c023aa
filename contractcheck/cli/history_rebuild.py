"""``contractcheck history rebuild``: the history, made again from the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    archive_option,
    engine_option,
    history_option,
    root_option,
    select_suites,
    suite_option,
    workspace,
)
from contractcheck.cli.runs_options import told_count
from contractcheck.errors import MeasurementError
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from pathlib import Path


@click.command("rebuild")
@suite_option
@archive_option
@history_option
@engine_option
@root_option
def rebuild(
    suites: tuple[str, ...],
    store: str | None,
    history: str | None,
    engine: str | None,
    root: Path,
) -> int:
    """Measure all recorded nights again, and judge those since the last accepted one.

    Reads the run store, and the archive when --store names one. Tables of an older version are
    made anew; else what the history holds of runs that are gone stays.
    """
    from contractcheck.workflows.engine import open_engine
    from contractcheck.workflows.history_rebuild import rebuild_history
    from contractcheck.workflows.run_archive import open_archive

    place = workspace(root)
    chosen = select_suites(place, suites)
    archive = None if store is None else open_archive(store)
    with open_engine(engine) as executor:
        made = rebuild_history(
            place, chosen, history or place.history, executor=executor, archive=archive
        )
    for problem in made.problems:
        click.echo(one_line(f"passed over: {problem}"), err=True)
    click.echo(
        f"{told_count(made.nights, 'run')} measured, {made.changed} changed; "
        f"{told_count(made.judged, 'night')} judged"
    )
    if made.left:
        click.echo(
            f"{told_count(made.left, 'night')} not judged again, no whole recording being at hand: "
            "what was said of them stands"
        )
    click.echo(f"history {made.digest}")
    return MeasurementError.exit_code if made.problems else 0

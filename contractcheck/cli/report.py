"""``contractcheck report``: judge a recorded run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cassettes import read_header
from contractcheck.cli.options import (
    format_option,
    history_option,
    print_report,
    root_option,
    select_suite_of,
    suite_option,
    workspace,
)
from contractcheck.workflows.judging import judge_recorded

if TYPE_CHECKING:
    from pathlib import Path


@click.command("report")
@click.argument("run")
@suite_option
@history_option
@root_option
@format_option
def command(
    run: str, suites: tuple[str, ...], history: str | None, root: Path, format_name: str
) -> int:
    """Judge RUN (id, beginning of an id, or folder) by the suite as it is now."""
    place = workspace(root)
    folder = place.runs.find(run)
    suite = select_suite_of(place, read_header(folder).suite, suites)
    report = judge_recorded(place, suite, folder, source="replay", history=history)
    print_report(report, format_name)
    return report.exit_code

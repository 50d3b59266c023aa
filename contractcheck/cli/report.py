"""``contractcheck report``: judge a recorded run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    history_option,
    root_option,
    select_suite_of,
    suite_option,
    workspace,
)
from contractcheck.cli.report_options import format_option, print_report

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
    from contractcheck.cassettes import read_header
    from contractcheck.workflows.judging import judge_recorded

    place = workspace(root)
    folder = place.runs.find(run)
    suite = select_suite_of(place, read_header(folder).suite, suites)
    report = judge_recorded(place, suite, folder, source="replay", history=history)
    print_report(report, format_name)
    return report.exit_code

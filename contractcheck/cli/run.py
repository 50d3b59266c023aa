"""``contractcheck run``: sample, record, judge."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    format_option,
    print_report,
    root_option,
    suite_names,
    suite_option,
    suite_paths,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.errors import NothingToCheckError, UsageError
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run, resume

if TYPE_CHECKING:
    from pathlib import Path


@click.command("run")
@suite_option
@root_option
@format_option
@click.option("--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only these.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only these; a partial run.")
@click.option(
    "--night",
    is_flag=False,
    flag_value="today",
    metavar="[DATE]",
    help="Record a night: the runs that are accepted and that alarms rest on.",
)
@click.option("--base-url", metavar="URL", help="Ask here instead of the provider's own host.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option("--max-requests", type=click.IntRange(1), metavar="N", help="Stop after N requests.")
@click.option("--label", default="", help="Words kept with the run.")
@click.option("--resume", "resumed", metavar="RUN", help="Go on with an interrupted run.")
def command(  # noqa: PLR0917 - click passes options by name
    suites: tuple[str, ...],
    root: Path,
    format_name: str,
    targets: tuple[str, ...],
    cases: tuple[str, ...],
    night: str | None,
    base_url: str | None,
    concurrency: int,
    max_requests: int | None,
    label: str,
    resumed: str | None,
) -> int:
    """Sample each target of each suite, record every exchange, and judge the run."""
    options = RecordOptions(
        cases=cases or None,
        night=_read_night(night),
        base_url=base_url,
        concurrency=concurrency,
        max_requests=max_requests,
        label=label,
    )
    if resumed is not None:
        return _resume(root, suites, resumed, options, format_name)
    place = workspace(root)
    names = suite_names(suites)
    codes = []
    for suite in place.load_suites(suite_paths(suites)):
        if names and suite.name not in names:
            continue
        for target in suite.targets:
            if targets and target.id not in targets:
                continue
            with live_progress(f"{suite.name} × {target.id}") as progress:
                folder = record_run(place, suite, target, options, progress)
            report = judge_recorded(place, suite, folder)
            print_report(report, format_name)
            codes.append(report.exit_code)
    if not codes:
        raise NothingToCheckError("no suite has this name, or none has this target")
    return worst(codes)


def _resume(
    root: Path, suites: tuple[str, ...], name: str, options: RecordOptions, format_name: str
) -> int:
    from contractcheck.cassettes import read_header

    place = workspace(root)
    folder = place.runs.find(name)
    suite = place.load_suite_named(read_header(folder).suite, suite_paths(suites))
    with live_progress(f"{suite.name}, resumed") as progress:
        resume(folder, suite, options, progress)
    report = judge_recorded(place, suite, folder)
    print_report(report, format_name)
    return report.exit_code


def _read_night(text: str | None) -> str | None:
    if text is None:
        return None
    if text == "today":
        return datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"--night {text!r} is not a date such as 2026-11-21") from error


def worst(codes: list[int]) -> int:
    """The exit code for several verdicts: FAIL before ERROR before INCONCLUSIVE before good."""
    return next((code for code in (1, 4, 3) if code in codes), 0)

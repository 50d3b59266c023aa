"""``contractcheck run``: sample, record, judge."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    read_night,
    root_option,
    select_suite_of,
    select_suites,
    suite_option,
    workspace,
)
from contractcheck.cli.progress import live_progress
from contractcheck.cli.record_options import record_options
from contractcheck.cli.report_options import format_option, print_report
from contractcheck.errors import NothingToCheckError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.record import RecordOptions
    from contractcheck.workflows.workspace import Workspace


@click.command("run")
@suite_option
@root_option
@format_option
@click.option(
    "--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only this target."
)
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only this case; a partial run.")
@click.option(
    "--shard", metavar="I/N", help="Only the I-th of N parts of the cases; see runs merge."
)
@click.option(
    "--night",
    is_flag=False,
    flag_value="today",
    metavar="[DATE]",
    help="Record a night: the runs that are accepted and that alarms rest on.",
)
@record_options
@click.option("--resume", "resumed", metavar="RUN", help="Go on with an interrupted run.")
def command(  # noqa: PLR0917 - click passes options by name
    suites: tuple[str, ...],
    root: Path,
    format_name: str,
    targets: tuple[str, ...],
    cases: tuple[str, ...],
    shard: str | None,
    night: str | None,
    resumed: str | None,
    record: RecordOptions,
) -> int:
    """Sample each target of each suite, record every exchange, and judge the run."""
    from contractcheck.workflows.shards import read_shard

    options = replace(
        record,
        cases=cases or None,
        shard=None if shard is None else read_shard(shard),
        night=None if night is None else read_night(night),
    )
    place = workspace(root)
    if resumed is not None:
        _refuse_selection(targets or cases or shard or night or record.label)
        return _resume(place, suites, resumed, options, format_name)
    chosen = choose(place, suites, targets, options)
    return worst([_record(place, suite, t, options, format_name) for suite, t in chosen])


def _record(
    place: Workspace, suite: Suite, target: Target, options: RecordOptions, format_name: str
) -> int:
    from contractcheck.workflows.judging import judge_recorded
    from contractcheck.workflows.record import record_run

    with _say_what_is_kept(), live_progress(f"{suite.name} × {target.id}") as progress:
        folder = record_run(place, suite, target, options, progress)
    report = judge_recorded(place, suite, folder)
    print_report(report, format_name)
    return report.exit_code


def choose(
    place: Workspace, suites: tuple[str, ...], targets: tuple[str, ...], options: RecordOptions
) -> list[tuple[Suite, Target]]:
    """Whom to ask; every mistake is told before the first request.

    Raises:
        UsageError: If a suite, target or case does not exist, or an endpoint is not to be used.
    """
    from contractcheck.workflows.endpoint import resolve_endpoint
    from contractcheck.workflows.shards import cases_of

    loaded = select_suites(place, suites)
    asked = [
        (suite, t) for suite in loaded for t in suite.targets if not targets or t.id in targets
    ]
    _refuse_unknown("target", targets, [target.id for suite in loaded for target in suite.targets])
    known = [case.id for suite in loaded for case in suite.cases]
    _refuse_unknown("case", options.cases or (), known)
    if options.cases is not None:
        wanted = set(options.cases)
        asked = [(s, t) for s, t in asked if wanted & {case.id for case in s.cases}]
    for suite, target in asked:
        if options.shard is not None:
            cases_of(suite, options.shard)
        resolve_endpoint(target, base_url=options.base_url, environment=os.environ)
    if not asked:
        raise NothingToCheckError(
            "no suite has both this target and this case; leave one of --target and --case out"
        )
    return asked


def _refuse_unknown(what: str, wanted: Collection[str], known: Sequence[str]) -> None:
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        there = ", ".join(dict.fromkeys(known))
        raise UsageError(f"no {what} {', '.join(map(repr, unknown))}; there are: {there}")


def _refuse_selection(selection: object) -> None:
    if selection:
        raise UsageError(
            "--resume goes on with the plan of its run; leave out --target, --case, --shard, "
            "--night and --label"
        )


def _resume(
    place: Workspace, suites: tuple[str, ...], name: str, options: RecordOptions, format_name: str
) -> int:
    from contractcheck.cassettes import read_header
    from contractcheck.workflows.judging import judge_recorded
    from contractcheck.workflows.record import resume

    folder = place.runs.find(name)
    suite = select_suite_of(place, read_header(folder).suite, suites)
    with _say_what_is_kept(), live_progress(f"{suite.name}, resumed") as progress:
        resume(folder, suite, options, progress)
    report = judge_recorded(place, suite, folder)
    print_report(report, format_name)
    return report.exit_code


@contextmanager
def _say_what_is_kept() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            "interrupted: every finished answer is kept; `contractcheck runs` lists the run, "
            "`contractcheck run --resume ID` goes on with it",
            err=True,
        )
        raise


def worst(codes: list[int]) -> int:
    """The exit code for several verdicts: FAIL before ERROR before INCONCLUSIVE before good."""
    return next((code for code in (1, 4, 3) if code in codes), 0)

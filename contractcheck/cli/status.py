"""``contractcheck status``: is the watch alive, and does it look at what it ought to."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import history_option, root_option, suite_option, workspace
from contractcheck.cli.subjects import choose_subjects
from contractcheck.errors import UsageError
from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.workflows.status import SubjectStatus

_UNHEALTHY = 4
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _to_age(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text, re.ASCII)
    if found is None:
        raise UsageError(f"--max-age {text!r} is not a time such as 36h, 90m or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command("status")
@click.option(
    "--max-age",
    default="36h",
    show_default=True,
    callback=_to_age,
    metavar="TIME",
    help="How old the last complete night may be: minutes (m), hours (h) or days (d).",
)
@click.option(
    "--target", "targets", multiple=True, metavar="PROVIDER:MODEL", help="Only this target."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="json prints one document.",
)
@suite_option
@history_option
@root_option
def command(  # noqa: PLR0917 - click passes options by name
    max_age: timedelta,
    targets: tuple[str, ...],
    format_name: str,
    suites: tuple[str, ...],
    history: str | None,
    root: Path,
) -> int:
    """Say how the watch of each suite and target is; nobody is asked, nothing is written.

    Exit code 4 when any is stale, when acceptances or exemptions have expired, when cases are in no
    chart though nobody quarantined them, or when a suspicion was followed by nobody.
    """
    from contractcheck.workflows.status import read_status

    place = workspace(root)
    subjects = choose_subjects(place, suites, targets)
    found = read_status(place, subjects, history=history, now=datetime.now(UTC), max_age=max_age)
    if format_name == "json":
        # ASCII only: what a provider called itself must not act on a terminal.
        document = {"contractcheck_status": 1, "subjects": [plain_fields(one) for one in found]}
        click.echo(json.dumps(document, indent=2))
    else:
        for line in (line for one in found for line in _lines(one)):
            click.echo(one_line(line))
    return _UNHEALTHY if any(one.problems for one in found) else 0


def _lines(one: SubjectStatus) -> Iterator[str]:
    from contractcheck.workflows.status import describe_age

    kinds = dict.fromkeys(problem.kind.upper() for problem in one.problems)
    yield f"{one.suite} × {one.target}: {', '.join(kinds) or 'the watch is healthy'}"
    yield from (f"  {problem.kind.upper()}: {problem.words}" for problem in one.problems)
    if one.age_s is not None:
        yield f"  last night: {one.last_night}, {describe_age(one.age_s)} ago"
    if one.verdict is not None:
        yield f"  said: {one.headline or one.verdict}"
    if one.alarm_since is not None:
        yield f"  alarm: open since {one.alarm_since}"
    if one.confirm_after is not None:
        yield f"  suspicion: may be confirmed from {one.confirm_after} on"
    yield from _about_accepted(one)
    for exemption in one.exemptions:
        about = " ".join(filter(None, [exemption.case, exemption.metric])) or "everything"
        words = f"{exemption.kind} of {about} until {exemption.expires}"
        yield f"  {words}, {exemption.owner}: {exemption.reason}"
    yield from _about_fortnight(one)


def _about_accepted(one: SubjectStatus) -> Iterator[str]:
    accepted = one.accepted
    words = f"  accepted: {accepted.standing} of {accepted.wanted} nights"
    if accepted.placing < accepted.standing:
        words += f", {accepted.placing} of them since the last re-base"
    yield f"{words}, next to expire on {accepted.expires}" if accepted.expires else words


def _about_fortnight(one: SubjectStatus) -> Iterator[str]:
    fortnight = one.fortnight
    if fortnight.answered_share is not None:
        yield (
            f"  coverage: {fortnight.answered_share:.1%} of {fortnight.planned} trials answered "
            f"in the last {fortnight.nights} nights"
        )
    if fortnight.missed:
        yield f"  missed: {', '.join(fortnight.missed)}"
    if fortnight.outages:
        yield f"  outages: {', '.join(fortnight.outages)}"
    meant = [f"{case.case} ({case.why})" for case in one.uncovered if case.is_meant]
    if meant:
        yield f"  in no chart: {', '.join(meant)}"

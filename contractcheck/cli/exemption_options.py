"""What ``mute`` and ``quarantine`` share: options, and how exemptions are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import select_suites
from contractcheck.errors import UsageError
from contractcheck.report.safe_text import one_line
from contractcheck.workflows.exempting import list_exemptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.exempting import ListedExemption
    from contractcheck.workflows.workspace import Workspace

_OPTIONS = (
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="PROVIDER:MODEL",
        help="Only this target (default: all of the suite).",
    ),
    click.option("--reason", default="", help="Why; kept for reviewers."),
    click.option("--owner", default="", help="Who looks after it."),
    click.option("--expires", default="", metavar="DATE", help="Its last night."),
    click.option("--list", "is_list", is_flag=True, help="Show what there is, and change nothing."),
    click.option("--lift", "is_lift", is_flag=True, help="Take it back."),
)


def exemption_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of both."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def choose_suites(place: Workspace, text: str, *, is_list: bool) -> list[Suite]:
    """The suite of a name or path; several only to list their exemptions.

    Raises:
        UsageError: If there is none, or more than one where one is meant.
    """
    loaded = select_suites(place, [text])
    if len(loaded) > 1 and not is_list:
        names = ", ".join(suite.name for suite in loaded)
        raise UsageError(f"{text!r} holds several suites: {names}; name one of them")
    return loaded


def choose_targets(suite: Suite, names: Sequence[str]) -> tuple[Target, ...]:
    """The targets of a suite that have these ids; all when there are none.

    Raises:
        UsageError: If the suite has no such target.
    """
    known = {target.id: target for target in suite.targets}
    if unknown := sorted(set(names) - set(known)):
        raise UsageError(
            f"{suite.name} has no target {', '.join(map(repr, unknown))}; "
            f"there are: {', '.join(known)}"
        )
    return tuple(known[name] for name in dict.fromkeys(names)) or suite.targets


def show_list(place: Workspace, suites: Sequence[Suite], kind: str) -> None:
    """Print all exemptions of a kind, one per line."""
    today = datetime.now(UTC).date().isoformat()
    found = list_exemptions(place, suites, kind=kind, today=today)
    for one in found:
        click.echo(describe(one))
    if not found:
        click.echo(f"no {kind} in {', '.join(suite.name for suite in suites)}", err=True)


def show_written(written: Iterable[ListedExemption]) -> None:
    """Print what was written, and which files to commit."""
    rows = tuple(written)
    for one in rows:
        click.echo(describe(one))
    for path in dict.fromkeys(one.path for one in rows):
        click.echo(f"review and commit {path}")


def describe(one: ListedExemption) -> str:
    """An exemption on one line."""
    exemption = one.exemption
    about = " ".join(filter(None, [exemption.case, exemption.metric])) or "everything"
    until = f"EXPIRED {exemption.expires}" if one.is_expired else f"until {exemption.expires}"
    return one_line(
        f"{one.suite} × {one.target}: {exemption.kind} {about}, {until}, "
        f"{exemption.owner}: {exemption.reason}"
    )

"""What ``mute`` and ``quarantine`` share: options, what is done with them, and how it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Literal, ParamSpec, TypedDict

import click

from contractcheck.cli.options import select_suites
from contractcheck.errors import UsageError
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.exempting import ListedExemption
    from contractcheck.workflows.workspace import Workspace

P = ParamSpec("P")
ExemptionKind = Literal["mute", "quarantine"]

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


class Asked(TypedDict):
    """What was asked by the options of both commands."""

    targets: tuple[str, ...]
    reason: str
    owner: str
    expires: str
    is_list: bool
    is_lift: bool


def exemption_options(command: Callable[P, None]) -> Callable[P, None]:
    """Give a command the options of both; it gets one argument ``asked`` for all of them."""

    @wraps(command)
    def exempting(*arguments: P.args, **named: P.kwargs) -> None:
        named["asked"] = {name: named.pop(name) for name in Asked.__annotations__}
        command(*arguments, **named)

    for option in reversed(_OPTIONS):
        exempting = option(exempting)
    return exempting


def carry_out(
    place: Workspace,
    text: str,
    kind: ExemptionKind,
    asked: Asked,
    *,
    cases: Sequence[str],
    metric: str | None = None,
) -> None:
    """List, lift or write exemptions of the suite of a name or path, and print what was done.

    Raises:
        UsageError: If there is no such suite, target, case or metric, or the exemption may not be.
    """
    from contractcheck.workflows.exempting import ExemptionRequest, exempt, lift

    loaded = _choose_suites(place, text, is_list=asked["is_list"])
    if asked["is_list"]:
        _show_list(place, loaded, kind)
        return
    suite = loaded[0]
    targets = _choose_targets(suite, asked["targets"])
    if asked["is_lift"]:
        count = lift(place, suite, targets, kind=kind, cases=cases, metric=metric)
        click.echo(f"{count} lifted; review and commit cassettes/{suite.name}")
        return
    request = ExemptionRequest(
        kind=kind,
        cases=tuple(dict.fromkeys(cases)),
        metric=metric,
        reason=asked["reason"],
        owner=asked["owner"],
        expires=asked["expires"],
        now=datetime.now(UTC),
    )
    _show_written(exempt(place, suite, targets, request))


def _choose_suites(place: Workspace, text: str, *, is_list: bool) -> list[Suite]:
    """The suite of a name or path; several only to list their exemptions.

    Raises:
        UsageError: If there is none, or more than one where one is meant.
    """
    loaded = select_suites(place, [text])
    if len(loaded) > 1 and not is_list:
        names = ", ".join(suite.name for suite in loaded)
        raise UsageError(f"{text!r} holds several suites: {names}; name one of them")
    return loaded


def _choose_targets(suite: Suite, names: Sequence[str]) -> tuple[Target, ...]:
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


def _show_list(place: Workspace, suites: Sequence[Suite], kind: ExemptionKind) -> None:
    """Print all exemptions of a kind, one per line."""
    from contractcheck.workflows.exempting import list_exemptions

    today = datetime.now(UTC).date().isoformat()
    found = list_exemptions(place, suites, kind=kind, today=today)
    for one in found:
        click.echo(_describe(one))
    if not found:
        click.echo(f"no {kind} in {', '.join(suite.name for suite in suites)}", err=True)


def _show_written(written: Iterable[ListedExemption]) -> None:
    """Print what was written, and which files to commit."""
    rows = tuple(written)
    for one in rows:
        click.echo(_describe(one))
    for path in dict.fromkeys(one.path for one in rows):
        click.echo(f"review and commit {path}")


def _describe(one: ListedExemption) -> str:
    """An exemption on one line."""
    exemption = one.exemption
    about = " ".join(filter(None, [exemption.case, exemption.metric])) or "everything"
    until = f"EXPIRED {exemption.expires}" if one.is_expired else f"until {exemption.expires}"
    until = f"from {exemption.begins} {until}" if one.is_ahead else until
    return one_line(
        f"{one.suite} × {one.target}: {exemption.kind} {about}, {until}, "
        f"{exemption.owner}: {exemption.reason}"
    )

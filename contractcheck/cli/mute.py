"""``contractcheck mute``: findings that are known go on being shown, and do not decide."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from contractcheck.cli.exemption_options import (
    choose_suites,
    choose_targets,
    exemption_options,
    show_list,
    show_written,
)
from contractcheck.cli.options import root_option, workspace
from contractcheck.workflows.exempting import ExemptionRequest, exempt, lift

if TYPE_CHECKING:
    from pathlib import Path


@click.command("mute")
@click.argument("suite")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only findings of this case.")
@click.option("--metric", metavar="NAME", help="Only of this metric, check or limit.")
@exemption_options
@root_option
def command(  # noqa: PLR0917 - click passes options by name
    suite: str,
    cases: tuple[str, ...],
    metric: str | None,
    targets: tuple[str, ...],
    reason: str,
    owner: str,
    expires: str,
    is_list: bool,  # noqa: FBT001 - click passes options by name
    is_lift: bool,  # noqa: FBT001 - click passes options by name
    root: Path,
) -> None:
    """Mute findings of SUITE: they are shown until --expires, and decide no verdict.

    At most 92 days; a whole suite, without --case and --metric, at most 14.
    """
    place = workspace(root)
    loaded = choose_suites(place, suite, is_list=is_list)
    if is_list:
        show_list(place, loaded, "mute")
        return
    one = loaded[0]
    chosen = choose_targets(one, targets)
    if is_lift:
        count = lift(place, one, chosen, kind="mute", cases=cases, metric=metric)
        click.echo(f"{count} lifted; review and commit cassettes/{one.name}")
        return
    request = ExemptionRequest(
        kind="mute",
        cases=tuple(dict.fromkeys(cases)),
        metric=metric,
        reason=reason,
        owner=owner,
        expires=expires,
        now=datetime.now(UTC),
    )
    show_written(exempt(place, one, chosen, request))

"""``contractcheck quarantine``: cases that are not fit to be charted."""

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


@click.command("quarantine")
@click.argument("suite")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@exemption_options
@root_option
def command(  # noqa: PLR0917 - click passes options by name
    suite: str,
    cases: tuple[str, ...],
    targets: tuple[str, ...],
    reason: str,
    owner: str,
    expires: str,
    is_list: bool,  # noqa: FBT001 - click passes options by name
    is_lift: bool,  # noqa: FBT001 - click passes options by name
    root: Path,
) -> None:
    """Keep CASEs of SUITE out of the charts until --expires, at most 92 days.

    Checks and limits of the case go on, and every report lists it.
    """
    place = workspace(root)
    loaded = choose_suites(place, suite, is_list=is_list)
    if is_list:
        show_list(place, loaded, "quarantine")
        return
    one = loaded[0]
    chosen = choose_targets(one, targets)
    if is_lift:
        count = lift(place, one, chosen, kind="quarantine", cases=cases)
        click.echo(f"{count} lifted; review and commit cassettes/{one.name}")
        return
    request = ExemptionRequest(
        kind="quarantine",
        cases=tuple(dict.fromkeys(cases)),
        reason=reason,
        owner=owner,
        expires=expires,
        now=datetime.now(UTC),
    )
    show_written(exempt(place, one, chosen, request))

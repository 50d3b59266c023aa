"""``contractcheck quarantine``: cases that are not fit to be charted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.exemption_options import carry_out, exemption_options
from contractcheck.cli.options import root_option, workspace

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cli.exemption_options import Asked


@click.command("quarantine")
@click.argument("suite")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@exemption_options
@root_option
def command(suite: str, cases: tuple[str, ...], root: Path, asked: Asked) -> None:
    """Keep CASEs of SUITE out of the charts until --expires, at most 92 days.

    Checks and limits of the case go on, and every report lists it.
    """
    carry_out(workspace(root), suite, "quarantine", asked, cases=cases)

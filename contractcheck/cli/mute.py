"""``contractcheck mute``: findings that are known go on being shown, and do not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.exemption_options import carry_out, exemption_options
from contractcheck.cli.options import root_option, workspace

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cli.exemption_options import Asked


@click.command("mute")
@click.argument("suite")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only findings of this case.")
@click.option("--metric", metavar="NAME", help="Only of this metric, check or limit.")
@exemption_options
@root_option
def command(
    suite: str, cases: tuple[str, ...], metric: str | None, root: Path, asked: Asked
) -> None:
    """Mute findings of SUITE: they are shown until --expires, and decide no verdict.

    At most 92 days; a whole suite, without --case and --metric, at most 14.
    """
    carry_out(workspace(root), suite, "mute", asked, cases=cases, metric=metric)

"""How a report is asked for, and how it leaves the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.report.formats import FORMATS

if TYPE_CHECKING:
    from contractcheck.model.report import Report

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(sorted(FORMATS)),
    default="terminal",
    help="How to print reports; json prints one document per suite and target.",
)
_COLOURS = {
    "PASS": "green",
    "QUIET": "green",
    "FAIL": "red",
    "INCONCLUSIVE": "yellow",
    "ERROR": "magenta",
}


def print_report(report: Report, format_name: str) -> None:
    """Print a report; the headline has its colour on a terminal that has colours."""
    text = FORMATS[format_name](report)
    if format_name != "terminal":
        click.echo(text, nl=False)
        return
    headline, _, rest = text.partition("\n")
    click.secho(headline, fg=_COLOURS[report.verdict.value], bold=True)
    click.echo(rest, nl=False)

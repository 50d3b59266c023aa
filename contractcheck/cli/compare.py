"""``contractcheck compare``: two recorded tables, from this tool or any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from contractcheck.cli.report_options import format_option, print_report
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from contractcheck.adapters import TableColumns, TableKind
    from contractcheck.workflows.compare import CompareOptions

_table = click.Path(path_type=Path, dir_okay=False)


@click.command("compare")
@click.option("--baseline", type=_table, required=True, help="Old side: .csv or .jsonl.")
@click.option("--candidate", type=_table, required=True, help="New side: .csv or .jsonl.")
@click.option("--case", required=True, metavar="COL", help="Names the case; its rows are repeats.")
@click.option("--output", required=True, metavar="COL", help="The answer.")
@click.option(
    "--label", metavar="REGEX", help="Compare what the first group matches, as a category."
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "text", "label", "number", "json", "tools", "embedding"]),
    default="auto",
    show_default=True,
    help="What the answers are; auto: json where all are JSON objects, else text.",
)
@click.option("--latency", metavar="COL", help="Time to the whole answer, s; blank is none.")
@click.option("--night", metavar="COL", help="Night of the row: the night is then the unit.")
@click.option("--where", multiple=True, metavar="COL=VALUE", help="Only such rows, on both sides.")
@click.option(
    "--baseline-where", multiple=True, metavar="COL=VALUE", help="Only such rows, on the old side."
)
@click.option(
    "--candidate-where", multiple=True, metavar="COL=VALUE", help="Only such rows, on the new side."
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Level of the whole comparison; with --night the alarm budget decides.",
)
@click.option("--strict", is_flag=True, help="Exit 3 when INCONCLUSIVE.")
@format_option
def command(  # noqa: PLR0917 - click passes options by name
    baseline: Path,
    candidate: Path,
    case: str,
    output: str,
    label: str | None,
    kind: Literal["auto"] | TableKind,
    latency: str | None,
    night: str | None,
    where: tuple[str, ...],
    baseline_where: tuple[str, ...],
    candidate_where: tuple[str, ...],
    alpha: float,
    strict: bool,  # noqa: FBT001 - click passes options by name
    format_name: str,
) -> int:
    """Compare two recorded tables with the engine that judges live runs."""
    from contractcheck.adapters import TableColumns
    from contractcheck.workflows.compare import CompareOptions

    _refuse_two_kinds(label, kind)
    columns = TableColumns(
        case=case,
        output=output,
        label=label,
        kind="text" if kind == "auto" else kind,
        latency=latency,
        night=night,
    )
    options = CompareOptions(
        baseline=baseline,
        candidate=candidate,
        baseline_columns=_only(columns, (*where, *baseline_where)),
        candidate_columns=_only(columns, (*where, *candidate_where)),
        detect_json=kind == "auto",
        alpha=alpha,
        on_inconclusive="fail" if strict else "warn",
    )
    return _compare(options, format_name)


def _compare(options: CompareOptions, format_name: str) -> int:
    from contractcheck.workflows.compare import compare_tables

    report = compare_tables(options)
    print_report(report, format_name)
    return report.exit_code


def _refuse_two_kinds(label: str | None, kind: str) -> None:
    if label is not None and kind not in {"auto", "label"}:
        raise UsageError(f"--label makes a category of the answer; leave out --kind {kind}")


def _only(columns: TableColumns, where: tuple[str, ...]) -> TableColumns:
    return replace(columns, where=tuple(_pair(text) for text in where))


def _pair(text: str) -> tuple[str, str]:
    column, separator, value = text.partition("=")
    if not separator or not column:
        raise UsageError(f"{text!r}: expected COLUMN=VALUE")
    return column, value

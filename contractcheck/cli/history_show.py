"""``contractcheck history show``: nights, their numbers as blocks, and what happened between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import history_option, root_option, workspace
from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line, shorten
from contractcheck.report.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from contractcheck.model.history import ChartReading
    from contractcheck.workflows.history_rows import HistoryRow
    from contractcheck.workflows.history_views import HistoryView, SeenNight

_HEADLINE_CHARACTERS = 120
_SHARES = ("share", "passed")


@click.command("show")
@click.argument("suite", required=False)
@click.option("--target", metavar="PROVIDER:MODEL", help="Only this target.")
@click.option(
    "--case", "cases", multiple=True, metavar="ID", help="Its numbers too, night by night."
)
@click.option(
    "--last",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    metavar="N",
    help="Only the latest N nights.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="json prints one document with every number.",
)
@history_option
@root_option
def show(  # noqa: PLR0917 - click passes options by name
    suite: str | None,
    target: str | None,
    cases: tuple[str, ...],
    last: int,
    format_name: str,
    history: str | None,
    root: Path,
) -> None:
    """Show what the nights of SUITE (all when left out) came to, oldest first.

    Charts are drawn against their threshold: the highest block is a red night.
    """
    from contractcheck.workflows.history_views import view_history

    is_json = format_name == "json"
    views = view_history(
        history or workspace(root).history,
        suite=suite,
        target=target,
        cases=cases,
        last=last,
        with_rows=is_json or bool(cases),
    )
    if is_json:
        # ASCII only: what a provider called itself must not act on a terminal.
        document = {"contractcheck_history": 1, "subjects": [_document(view) for view in views]}
        click.echo(json.dumps(document, indent=2))
        return
    if not views:
        click.echo("the history is empty; `contractcheck watch` fills it", err=True)
    for line in (line for view in views for line in _lines(view)):
        click.echo(one_line(line))


def _document(view: HistoryView) -> dict[str, object]:
    nights = []
    for night in view.nights:
        fields = plain_fields(night)
        fields["deviations"] = [
            {"stream": stream, "row": row, "deviation": round(value, 6)}
            for (stream, row), value in night.deviations.items()
        ]
        nights.append(fields)
    events = [plain_fields(event) for event in view.events]
    return {"suite": view.suite, "target": view.target, "nights": nights, "events": events}


def _lines(view: HistoryView) -> Iterator[str]:
    yield f"{view.suite} × {view.target}"
    nights = {night.record.night: night for night in view.nights}
    for date in sorted({*nights, *(event.night for event in view.events)}):
        said = ""
        if date in nights:
            said = _said(nights[date])
            yield f"  {_night(nights[date])}"
        for event in view.events:
            if event.night == date:
                words = "" if event.words == said else f": {event.words}"
                by = f" ({event.by})" if event.by else ""
                yield f"  {date}  ── {event.kind}{words}{by}"
    yield from _drawn("charts", _charts(view))
    yield from _drawn("cases", _cases(view))


def _night(night: SeenNight) -> str:
    said = shorten(_said(night), _HEADLINE_CHARACTERS)
    return f"{night.record.night}  {night.answered}/{night.planned}  {said}"


def _said(night: SeenNight) -> str:
    judgement = night.judgement
    return "not judged" if judgement is None else judgement.headline or judgement.verdict.value


def _drawn(title: str, rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"  {title}"
    width = max(len(name) for name, _, _ in rows)
    for name, line, words in rows:
        yield f"    {name:<{width}}  {line}  {words}"


def _charts(view: HistoryView) -> list[tuple[str, str, str]]:
    return [
        (f"{stream} {kind}", sparkline(_shares(row), low=0.0, high=8 / 7), _standing(row))
        for (stream, kind), row in sorted(view.charts().items())
    ]


def _shares(row: Sequence[ChartReading | None]) -> list[float | None]:
    """Each reading by its threshold; with eight blocks from 0 to 8/7, only red ones are full."""
    return [None if one is None else one.value / one.threshold for one in row]


def _standing(row: Sequence[ChartReading | None]) -> str:
    last = next(one for one in reversed(row) if one is not None)
    return f"{_number(last.value)} of {_number(last.threshold)}"


def _cases(view: HistoryView) -> list[tuple[str, str, str]]:
    drawn = []
    for (case, stream), row in sorted(view.values().items()):
        values = [None if one is None else one.value for one in row]
        known = [one for one in row if one is not None]
        is_share = known[-1].kind in _SHARES
        bounds = {"low": 0.0, "high": 1.0} if is_share else {}
        drawn.append((f"{case} {stream}", sparkline(values, **bounds), _span(known)))
    return drawn


def _span(known: Sequence[HistoryRow]) -> str:
    values = [one.value for one in known if one.value is not None]
    if not values:
        return "no value"
    last = known[-1]
    words = f"{_number(min(values))} … {_number(max(values))}, last {_number(values[-1])}"
    what = f"{last.kind} of {last.of!r}" if last.of else last.kind
    return f"{words} ({what})"


def _number(value: float) -> str:
    return f"{value + 0.0:.3g}"  # minus nought is nought

"""Nights measured again, for a person at a terminal and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.rescored import LabelOverTime, RescoredNights

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or disappears."""
_MOST_PROBLEMS = 5


def render_rescored(nights: RescoredNights) -> str:
    """Render rescored nights as plain text."""
    return "\n".join(_lines(nights)) + "\n"


def render_rescored_json(nights: RescoredNights) -> str:
    """Render rescored nights as JSON; the same nights give the same bytes."""
    import orjson

    document = {"contractcheck_rescored": SCHEMA_VERSION, **plain_fields(nights)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _lines(nights: RescoredNights) -> Iterator[str]:
    one = nights
    yield one_line(f"{one.suite} {one.version} × {one.target}: nights since {one.since}")
    yield f"  {one.nights} measured again; the history has new numbers of {one.written}"
    if one.nights:
        yield ""
        heads = "".join(f"{first[2:]:>10}" for first, _ in one.blocks)
        yield f"  {'check or metric':<32}{'what':<12}{'new':>5}{'other':>6}{heads}"
        yield from map(_row, one.labels)
        yield "  new, other: nights that had no value of it, or another one. Columns begin with the"
        yield "  night above them. usual: share of the answer that is the most frequent over all."
    if one.problems:
        yield ""
        told = "1 night" if len(one.problems) == 1 else f"{len(one.problems)} nights"
        yield f"{told} could not be measured again; the history keeps what it had:"
        yield from (f"  {one_line(problem)}" for problem in one.problems[:_MOST_PROBLEMS])
        if len(one.problems) > _MOST_PROBLEMS:
            yield f"  … and {len(one.problems) - _MOST_PROBLEMS} more"


def _row(label: LabelOverTime) -> str:
    unit = "usual" if label.unit == "share of the usual answer" else label.unit
    values = "".join(f"{_value(value, label):>10}" for value in label.values)
    name = one_line(label.label)[:31]
    return f"  {name:<32}{unit:<12}{label.added:>5}{label.changed:>6}{values}"


def _value(value: float | None, label: LabelOverTime) -> str:
    if value is None:
        return "–"
    if label.unit in {"pass rate", "share of the usual answer"}:
        return f"{value:.1%}"
    return f"{value:,.0f}" if label.unit == "answers" else f"{value:.4g}"

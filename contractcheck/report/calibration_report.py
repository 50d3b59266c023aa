"""Measured error rates for a person at a terminal, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.incidents import INCIDENTS
from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.calibration import Calibration, MeasuredRate

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or disappears."""


def render_calibration(calibration: Calibration) -> str:
    """Render a calibration as plain text."""
    return "\n".join(_lines(calibration)) + "\n"


def render_calibration_json(calibration: Calibration) -> str:
    """Render a calibration as JSON; the same calibration gives the same bytes."""
    import orjson

    document = {"contractcheck_calibration": SCHEMA_VERSION, **plain_fields(calibration)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _lines(calibration: Calibration) -> Iterator[str]:
    one = calibration
    yield one_line(f"calibration of {one.suite} {one.version} × {one.target}")
    yield one_line(f"  drawn from {one.source}")
    yield f"  gates of {one.slots} slots; seed {one.seed} gives the same figures again"
    yield ""
    yield "nothing changed, or just what is tolerated:"
    yield from _table(one.quiet)
    yield ""
    yield "changes put in:"
    if one.found:
        yield from _table(one.found)
    else:
        yield "  no known change touches what this suite measures"
    if one.notes:
        yield ""
        yield from (f"  note: {one_line(note)}" for note in one.notes)


def _table(rates: Sequence[MeasuredRate]) -> Iterator[str]:
    yield f"  {'what was changed':<34}{'what was said':<22}{'rate':>7}  {'95 %':<15}{'stated':>8}"
    for rate in rates:
        interval = f"[{rate.low:.1%}, {rate.high:.1%}]"
        stated = "" if rate.stated is None else f"≤ {rate.stated:.0%}"
        yield (
            f"  {one_line(_what(rate))[:33]:<34}{rate.rule:<22}{rate.rate:>7.1%}  "
            f"{interval:<15}{stated:>8}".rstrip()
        )


def _what(rate: MeasuredRate) -> str:
    if not rate.change:
        return "nothing"
    if rate.size is None or rate.change not in INCIDENTS:
        return rate.change
    is_share = INCIDENTS[rate.change].unit == "share"
    return f"{rate.change} {rate.size:.0%}" if is_share else f"{rate.change} x{rate.size:g}"

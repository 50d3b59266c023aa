"""Simulated years for a person at a terminal, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.simulated_year import ChangeDelay, FamilyYears, SimulatedYears

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or disappears."""


def render_years(years: SimulatedYears) -> str:
    """Render simulated years as plain text."""
    return "\n".join(_lines(years)) + "\n"


def render_years_json(years: SimulatedYears) -> str:
    """Render simulated years as JSON; the same years give the same bytes."""
    import orjson

    document = {"contractcheck_simulated_years": SCHEMA_VERSION, **plain_fields(years)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _lines(years: SimulatedYears) -> Iterator[str]:
    one = years
    yield one_line(f"simulated years of {one.suite} {one.version} × {one.target}")
    yield (
        f"  {one.accepted} accepted nights, then {one.nights} more; seed {one.seed} gives the same "
        "figures again"
    )
    yield (
        f"  stated: at most {one.stated:.0%} chance of any false red in a year; the charts have "
        f"{one.share:.1%} of it, two nights that repeat each other {one.pair_share:.1%}"
    )
    for words, most in one.unplayed.items():
        yield one_line(f"  not played, at most {most:.2%} more: {words}")
    streams = (f"{_short(name)} ({size})" for name, size in one.streams.items())
    yield one_line(f"  charts of: {', '.join(streams)}")
    yield ""
    yield "years in which nothing changed:"
    yield (
        f"  {'nights':<12}{'any red':>9}  {'95 %':<15}{'by pair':>9}{'INCONCLUSIVE':>14}"
        f"{'red, not so':>13}{'naive: any red':>16}{'nights':>8}"
    )
    yield from map(_family, one.families)
    yield "  any red: a false alarm on any night; by pair: the first was of two nights that repeat"
    yield "  each other. INCONCLUSIVE: the accepted nights are called unstable, at once; then only"
    yield "  times can be red. red, not so: red without such a warning. naive: each night against"
    yield "  the accepted ones at .05, as if nights were alike."
    for family in one.families:
        yield f"  {family.family}: {family.words}"
    yield ""
    yield f"changes on the first night, nights until found ({one.watched} played):"
    yield f"  {'change':<44}{'half':>7}{'4 of 5':>8}{'found':>8}{'naive':>8}"
    yield from (_delay(delay, one.watched) for delay in one.changes)
    if one.unseen:
        yield f"  nothing here measures: {'; '.join(one.unseen)}"
    yield ""
    yield from (f"  note: {one_line(note)}" for note in one.notes)


def _family(family: FamilyYears) -> str:
    years = family.years
    interval = f"[{family.low:.1%}, {family.high:.1%}]"
    return (
        f"  {family.family:<12}{family.red / years:>9.1%}  {interval:<15}"
        f"{family.by_pair / years:>9.1%}{family.unstable / years:>14.1%}"
        f"{family.red_unwarned / years:>13.1%}"
        f"{family.naive_red / years:>16.1%}{family.naive_nights:>8.0f}"
    )


def _delay(delay: ChangeDelay, watched: int) -> str:
    found = f"{delay.found / delay.histories:.0%}" if delay.histories else "–"
    cells = (_nights(value, watched) for value in (delay.median, delay.late))
    half, late = cells
    naive = _nights(delay.naive_median, watched)
    return f"  {delay.change:<44}{half:>7}{late:>8}{found:>8}{naive:>8}"


def _nights(nights: int | None, watched: int) -> str:
    return f"> {watched}" if nights is None else str(nights)


def _short(name: str) -> str:
    """A stream's name without the dialect of its place."""
    return name.replace("$.", "")

"""The table of checks that some answers failed, with exact intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.columns import columns
from contractcheck.report.safe_text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.judgement import PassRate

_MOST_ROWS = 8


def check_lines(rates: Sequence[PassRate]) -> Iterator[str]:
    """A row per check that some answers failed, the least passed first."""
    failed = [one for one in rates if one.rate.count < one.rate.n]
    if not failed:
        return
    failed.sort(key=lambda one: one.rate.count / one.rate.n)
    head = ("case", "check", "passed", "share [95 %]", "contract wants")
    yield ""
    yield from columns([head, *map(_row, failed[:_MOST_ROWS])])
    if len(failed) > _MOST_ROWS:
        yield f"  … {len(failed) - _MOST_ROWS} more rows in --format json"


def _row(one: PassRate) -> tuple[str, ...]:
    rate = one.rate
    return (
        one.case,
        shorten(one.check, 40),
        f"{rate.count} of {rate.n}",
        f"{rate.count / rate.n:.0%} [{rate.low:.0%}, {rate.high:.0%}]",
        _wanted(one.wanted),
    )


def _wanted(share: float | None) -> str:
    if share is None:
        return "no fewer than before"
    return "every answer" if share == 1.0 else f"{share:.1%}"

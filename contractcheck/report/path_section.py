"""What structured answers have on one side only: paths, types and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.columns import columns
from contractcheck.report.safe_text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.judgement import PathChange, Rate

_MOST_ROWS = 8
_MOST_CASES = 3


def path_lines(changes: Sequence[PathChange]) -> Iterator[str]:
    """A row per change, the breaking ones first."""
    if not changes:
        return
    head = ("shape", "path", "what", "old", "new [95 %]", "cases")
    yield ""
    yield from columns([head, *map(_row, changes[:_MOST_ROWS])])
    if len(changes) > _MOST_ROWS:
        yield f"  … {len(changes) - _MOST_ROWS} more rows in --format json"


def _row(change: PathChange) -> tuple[str, ...]:
    old, new = change.baseline, change.candidate
    cases = ", ".join(change.cases[:_MOST_CASES])
    more = len(change.cases) - _MOST_CASES
    return (
        change.severity,
        shorten(change.path, 40),
        shorten(change.what, 40),
        f"{old.count} of {old.n}",
        f"{new.count} of {new.n} {_interval(new)}",
        shorten(cases + (f" and {more} more" if more > 0 else ""), 48),
    )


def _interval(rate: Rate) -> str:
    return f"[{rate.low:.0%}, {rate.high:.0%}]"

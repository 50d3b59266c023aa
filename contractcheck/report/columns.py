"""Rows of texts as aligned columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Align rows of equally many cells; every cell is made safe to show."""
    safe = [tuple(one_line(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in safe) for i in range(len(safe[0]))]
    for row in safe:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells).rstrip()}"

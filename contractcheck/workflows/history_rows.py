"""What a night came to, in numbers that people read: one per case and stream."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.metrics import LATENCY
from contractcheck.model.night import LabelCell, NumberCell, RateCell, TextCell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contractcheck.model.night import Cell, NightStatistics

Place = tuple[str, str]
"""Case id, and label of a metric or check."""

_KINDS: dict[type, str] = {
    LabelCell: "share",
    RateCell: "passed",
    TextCell: "angle",
    NumberCell: "median",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryRow:
    """One case and stream on one night.

    Attributes:
        night: ISO date.
        case: Case id.
        stream: Label of a metric or check.
        kind: ``share`` of answers of the category ``of``; ``passed``, the share that passed a
            check; ``median`` of numbers, in the unit of the metric's name (seconds for
            latencies); ``angle`` between a night's mean text and the first night's, radians.
        of: The category, or empty.
        value: A finite number, or None when there was none.
        n: Answers behind it.
    """

    night: str
    case: str
    stream: str
    kind: str
    of: str
    value: float | None
    n: int


def make_rows(nights: Sequence[NightStatistics]) -> tuple[HistoryRow, ...]:
    """Reduce nights to numbers, oldest first.

    A label is followed by the category that is most frequent over all these nights, a text by its
    angle to the first of them that has one.

    Args:
        nights: Oldest first.
    """
    usual = _usual_categories(nights)
    first: dict[Place, TextCell] = {}
    rows = []
    for night in nights:
        for place, cell in _cells(night):
            if isinstance(cell, TextCell):
                first.setdefault(place, cell)
            value, n = _measure(cell, usual.get(place, ""), first.get(place))
            rows.append(
                HistoryRow(
                    night=night.night,
                    case=place[0],
                    stream=place[1],
                    kind=_KINDS[type(cell)],
                    of=usual.get(place, "") if isinstance(cell, LabelCell) else "",
                    value=value,
                    n=n,
                )
            )
    return tuple(rows)


def is_latency(row: HistoryRow) -> bool:
    """Whether a row is a time."""
    return row.stream in LATENCY


def _cells(night: NightStatistics) -> Iterator[tuple[Place, Cell]]:
    for case, one in night.cases.items():
        for label, cell in one.cells.items():
            yield (case, label), cell


def _usual_categories(nights: Sequence[NightStatistics]) -> Mapping[Place, str]:
    counts: dict[Place, Counter[str]] = {}
    for night in nights:
        for place, cell in _cells(night):
            if isinstance(cell, LabelCell):
                counts.setdefault(place, Counter()).update(cell.counts)
    return {
        place: min(own, key=lambda name: (-own[name], name))
        for place, own in counts.items()
        if own.total()
    }


def _measure(cell: Cell, usual: str, first: TextCell | None) -> tuple[float | None, int]:
    if isinstance(cell, LabelCell):
        n = sum(cell.counts.values())
        return (cell.counts.get(usual, 0) / n if n else None), n
    if isinstance(cell, RateCell):
        return (cell.passed / cell.count if cell.count else None), cell.count
    if isinstance(cell, TextCell):
        return _angle(cell, first), cell.count
    middle = statistics.median(cell.values) if cell.values else math.nan
    return (middle if math.isfinite(middle) else None), len(cell.values)


def _angle(cell: TextCell, first: TextCell | None) -> float | None:
    if first is None or len(first.mean) != len(cell.mean):
        return None
    lengths = math.hypot(*cell.mean) * math.hypot(*first.mean)
    if not lengths:
        return None
    cosine = math.fsum(a * b for a, b in zip(cell.mean, first.mean, strict=True)) / lengths
    return math.acos(min(max(cosine, -1.0), 1.0))

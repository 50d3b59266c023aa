"""Sum nights up per check and metric: what a measure says over time, all cases together."""

from __future__ import annotations

import statistics
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from contractcheck.model.night import LabelCell, NumberCell, RateCell, TextCell
from contractcheck.model.rescored import LabelOverTime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.model.night import Cell, NightStatistics
    from contractcheck.model.rescored import LabelUnit

    Rates = Mapping[str, tuple[int, int]]

MOST_BLOCKS = 8
"""Columns of a table that is still read."""


def split_blocks(nights: int) -> list[range]:
    """Split nights into blocks of almost equal length, oldest first."""
    blocks = min(nights, MOST_BLOCKS)
    edges = [round(place * nights / blocks) for place in range(blocks + 1)] if blocks else [0]
    return [range(low, high) for low, high in pairwise(edges)]


def sum_up(
    before: Sequence[NightStatistics | None],
    after: Sequence[NightStatistics],
    rates: Sequence[Rates],
) -> tuple[LabelOverTime, ...]:
    """Sum nights up per label, sorted.

    Args:
        before: What the history had of each night; None where it had nothing.
        after: The same nights, measured again.
        rates: Per night, of every check its answers that passed and all that it judged: checks that
            forbid have no statistics of their own.
    """
    labels = sorted({label for night in after for label in _labels(night)} | _checks(rates))
    blocks = split_blocks(len(after))
    found = []
    for label in labels:
        cells = [_cells(night, label) for night in after]
        old = [{} if night is None else _cells(night, label) for night in before]
        pairs = list(zip(old, cells, strict=True))
        unit, values = _values(cells, blocks)
        if any(label in night for night in rates):
            unit, values = "pass rate", [_pass_rate(rates, label, block) for block in blocks]
        found.append(
            LabelOverTime(
                label=label,
                unit=unit,
                added=sum(bool(new) and not had for had, new in pairs),
                changed=sum(bool(had) and had != new for had, new in pairs),
                values=tuple(values),
            )
        )
    return tuple(found)


def _labels(night: NightStatistics) -> set[str]:
    return {label for case in night.cases.values() for label in case.cells}


def _checks(rates: Sequence[Rates]) -> set[str]:
    return {label for night in rates for label in night}


def _cells(night: NightStatistics, label: str) -> dict[str, Cell]:
    return {case: one.cells[label] for case, one in night.cases.items() if label in one.cells}


def _pass_rate(rates: Sequence[Rates], label: str, block: range) -> float | None:
    counts = [rates[place].get(label, (0, 0)) for place in block]
    judged = sum(count for _, count in counts)
    return sum(passed for passed, _ in counts) / judged if judged else None


def _values(
    cells: Sequence[Mapping[str, Cell]], blocks: Sequence[range]
) -> tuple[LabelUnit, list[float | None]]:
    """Unit and one value per block, all cases together."""
    every = [[cell for place in block for cell in cells[place].values()] for block in blocks]
    kinds = {type(cell) for block in every for cell in block}
    if NumberCell in kinds:
        pools = [
            [v for c in block if isinstance(c, NumberCell) for v in c.values] for block in every
        ]
        return "median", [statistics.median(pool) if pool else None for pool in pools]
    if LabelCell in kinds:
        counts = [_count(block) for block in every]
        usual = max(sum(counts, Counter()).items(), key=lambda item: (item[1], item[0]), default="")
        return "share of the usual answer", [
            count[usual[0]] / count.total() if usual and count.total() else None for count in counts
        ]
    if RateCell in kinds:
        return "pass rate", [_rate(block) for block in every]
    return "answers", [
        float(sum(cell.count for cell in block if isinstance(cell, TextCell))) for block in every
    ]


def _count(cells: Sequence[Cell]) -> Counter[str]:
    found: Counter[str] = Counter()
    for cell in cells:
        if isinstance(cell, LabelCell):
            found.update(cell.counts)
    return found


def _rate(cells: Sequence[Cell]) -> float | None:
    own = [cell for cell in cells if isinstance(cell, RateCell)]
    judged = sum(cell.count for cell in own)
    return sum(cell.passed for cell in own) / judged if judged else None

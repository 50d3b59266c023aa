"""Do two changed nights differ from the accepted ones in the same way?

Real nights are episodic: now and then one is odd, and two odd ones may follow each other. But
each is odd in its own direction, while a provider that changed stays changed. So the second night
must not only be unusual, it must repeat what the first one showed.

The cosine between the two nights' shifts needs no new statistics: with the nights pooled,
``|w1 d1 + w2 d2|^2 = w1^2 |d1|^2 + w2^2 |d2|^2 + 2 w1 w2 <d1, d2>``, and all three squared
lengths are contrasts of a night with the same reference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from contractcheck.judging.night_table import NightTable, Series
from contractcheck.judging.streams import series_contrasts
from contractcheck.model.night import Cell, LabelCell, NumberCell, TextCell
from contractcheck.stats.night_scores import WORST_CASE, wilson_hilferty

if TYPE_CHECKING:
    from contractcheck.stats.night_contrasts import Contrast


def agreements(table: NightTable) -> dict[str, float]:
    """Cosine between the shifts of the last two nights, per output stream.

    Args:
        table: Accepted nights and at least two later ones.

    Returns:
        From each output metric, and the most unusual case, to a figure of about -1..1; 0 means
        that the two nights have nothing in common but that they are unusual. A stream whose
        nights do not differ from the accepted ones at all has 0.
    """
    by_metric: dict[str, tuple[float, float, float]] = {}
    worst, of_worst = -math.inf, 0.0
    for series in table.outputs:
        for product, first, second, surprise in _products(series, table.accepted):
            sums = by_metric.get(series.metric, (0.0, 0.0, 0.0))
            by_metric[series.metric] = (sums[0] + product, sums[1] + first, sums[2] + second)
            if surprise > worst:
                worst, of_worst = surprise, _cosine(product, first, second)
    found = {metric: _cosine(*sums) for metric, sums in by_metric.items()}
    return {**found, WORST_CASE: of_worst}


def _cosine(product: float, first: float, second: float) -> float:
    length = math.sqrt(max(first, 0.0) * max(second, 0.0))
    return product / length if length > 0 else 0.0


def _products(series: Series, accepted: int) -> list[tuple[float, float, float, float]]:
    """Inner product and squared lengths of two nights' shifts, and tonight's surprise."""
    before, tonight = series.cells[-2], series.cells[-1]
    pooled = _pool(before, tonight)
    if pooled is None or before is None or tonight is None:
        return []
    n = [_size(cell) for cell in (before, tonight)]
    n_reference = sum(_size(cell) for cell in series.cells[:accepted] if cell is not None)
    if min(*n, n_reference) == 0:
        return []
    rows = Series(
        case=series.case,
        metric=series.metric,
        cells=(*series.cells[:accepted], pooled, before, tonight),
    )
    return [
        _product(contrast, accepted, n, n_reference)
        for contrast in series_contrasts(rows, accepted=accepted)
    ]


def _product(
    contrast: Contrast, accepted: int, n: list[int], n_reference: int
) -> tuple[float, float, float, float]:
    sizes = (n[0] + n[1], n[0], n[1])
    both, first, second = (
        float(ratio) * (1.0 / size + 1.0 / n_reference)
        for ratio, size in zip(contrast.ratio[accepted:], sizes, strict=True)
    )
    w1, w2 = n[0] / sizes[0], n[1] / sizes[0]
    product = (both - w1**2 * first - w2**2 * second) / (2.0 * w1 * w2)
    surprise = float(wilson_hilferty(contrast.ratio[-1], contrast.dof[-1]))
    return product, first, second, surprise


def _size(cell: Cell) -> int:
    if isinstance(cell, LabelCell):
        return sum(cell.counts.values())
    if isinstance(cell, NumberCell):
        return len(cell.values)
    return cell.count


def _pool(first: Cell | None, second: Cell | None) -> Cell | None:
    """Two nights as one."""
    if isinstance(first, LabelCell) and isinstance(second, LabelCell):
        names = {*first.counts, *second.counts}
        return LabelCell(
            counts={name: first.counts.get(name, 0) + second.counts.get(name, 0) for name in names}
        )
    if isinstance(first, NumberCell) and isinstance(second, NumberCell):
        return NumberCell(
            values=tuple(sorted(first.values + second.values)),
            missing=first.missing + second.missing,
        )
    if isinstance(first, TextCell) and isinstance(second, TextCell):
        count = first.count + second.count
        pairs = zip(first.mean, second.mean, strict=True)
        return TextCell(
            count=count,
            mean=tuple((first.count * a + second.count * b) / count for a, b in pairs),
            effective_dimension=first.effective_dimension,
        )
    return None

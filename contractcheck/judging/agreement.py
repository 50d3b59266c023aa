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
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.judging.night_table import NightTable, Series
from contractcheck.judging.streams import series_contrasts
from contractcheck.model.night import Cell, LabelCell, NumberCell, TextCell
from contractcheck.stats.night_scores import WORST_CASE, wilson_hilferty

if TYPE_CHECKING:
    from contractcheck.stats.night_contrasts import Contrast


LEAST_AGREEMENT = 0.3
"""Below this cosine two nights do not confirm each other, however many things are compared."""

MOST_AGREEMENT = 0.6
"""Above this they do, however few: refusals of three answers in ten, drawn anew each night, agree
to 0.64 at worst in twelve histories of the shipped suites."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How much two nights' shifts point the same way.

    Attributes:
        cosine: About -1..1; 0 when they have nothing in common but being unusual.
        dof: Effective degrees of freedom in which they could have differed.
    """

    cosine: float
    dof: float

    @property
    def is_confirmed(self) -> bool:
        """Whether the cosine is beyond what chance directions have.

        The cosine of two random directions in ``dof`` dimensions has standard deviation
        ``1 / sqrt(dof)`` (Watson 1983, Statistics on Spheres); two of them are asked for.
        """
        wanted = 2.0 / math.sqrt(max(self.dof, 1.0))
        return self.cosine >= min(MOST_AGREEMENT, max(LEAST_AGREEMENT, wanted))


@dataclass(frozen=True, slots=True)
class _Shifts:
    """Inner product and squared lengths of two nights' shifts, and their dimension."""

    product: float = 0.0
    first: float = 0.0
    second: float = 0.0
    dof: float = 0.0

    def __add__(self, other: _Shifts) -> _Shifts:
        return _Shifts(
            self.product + other.product,
            self.first + other.first,
            self.second + other.second,
            self.dof + other.dof,
        )

    def agreement(self) -> Agreement:
        length = math.sqrt(max(self.first, 0.0) * max(self.second, 0.0))
        return Agreement(cosine=self.product / length if length > 0 else 0.0, dof=self.dof)


def agreements(table: NightTable) -> dict[str, Agreement]:
    """Compare the shifts of the last two nights, per output stream.

    Args:
        table: Accepted nights and at least two later ones.

    Returns:
        From each output metric, and the most unusual case, to its agreement.
    """
    by_metric: dict[str, _Shifts] = {}
    worst, of_worst = -math.inf, _Shifts()
    for series in table.outputs:
        for shifts, surprise in _products(series, table.accepted):
            by_metric[series.metric] = by_metric.get(series.metric, _Shifts()) + shifts
            if surprise > worst:
                worst, of_worst = surprise, shifts
    found = {metric: shifts.agreement() for metric, shifts in by_metric.items()}
    return {**found, WORST_CASE: of_worst.agreement()}


def _products(series: Series, accepted: int) -> list[tuple[_Shifts, float]]:
    """Two nights' shifts in one case and metric, and how surprising tonight's is."""
    before, tonight = series.cells[-2], series.cells[-1]
    pooled = _pool(before, tonight)
    if pooled is None:
        return []
    cells = (*series.cells[:accepted], pooled, before, tonight)
    rows = Series(case=series.case, metric=series.metric, cells=cells)
    contrasts = series_contrasts(rows, accepted=accepted)
    found = []
    for contrast, counts in zip(contrasts, _counts(rows, accepted), strict=True):
        n = (counts[-2], counts[-1])
        n_reference = sum(counts[:accepted])
        if min(*n, n_reference) > 0:
            surprise = float(wilson_hilferty(contrast.ratio[-1], contrast.dof[-1]))
            found.append((_shifts(contrast, accepted, n, n_reference), surprise))
    return found


def _counts(series: Series, accepted: int) -> list[list[int]]:
    """Answers per night behind each contrast of a series."""
    if not isinstance(series.cells[-1], NumberCell):
        return [[_size(cell) for cell in series.cells]]
    cells = [c if isinstance(c, NumberCell) else NumberCell(values=()) for c in series.cells]
    values = [len(cell.values) for cell in cells]
    # As in ``streams``: the values, and where it ever varied, whether there is one.
    counts = [values] if any(values[:accepted]) else []
    if any(cell.missing for cell in cells):
        counts.append([len(cell.values) + cell.missing for cell in cells])
    return counts


def _shifts(contrast: Contrast, accepted: int, n: tuple[int, int], n_reference: int) -> _Shifts:
    both, first, second = (
        float(ratio) * (1.0 / size + 1.0 / n_reference)
        for ratio, size in zip(contrast.ratio[accepted:], (sum(n), *n), strict=True)
    )
    w1, w2 = n[0] / sum(n), n[1] / sum(n)
    product = (both - w1**2 * first - w2**2 * second) / (2.0 * w1 * w2)
    # A case that was constant has next to no degrees of freedom, but one direction to leave in.
    return _Shifts(product, first, second, max(1.0, float(contrast.dof[-1])))


def _size(cell: Cell | None) -> int:
    if isinstance(cell, LabelCell):
        return sum(cell.counts.values())
    return cell.count if isinstance(cell, TextCell) else 0


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

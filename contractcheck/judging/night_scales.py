"""What accepted nights of one case and metric make of a later night: signed coordinates.

A scale is made from the accepted cells once and never moves. The first coordinate of a case has a
direction that means the same in every case (fewer answers like the usual one, larger numbers,
further from the accepted wording); the others only tell one night of that case from another.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.history import NightValue
from contractcheck.model.night import LabelCell, NumberCell, RateCell, TextCell
from contractcheck.stats.night_contrasts import contrast_text
from contractcheck.stats.night_coordinates import score_ranks, share_coordinate
from contractcheck.stats.night_directions import find_axes
from contractcheck.stats.night_scores import wilson_hilferty
from contractcheck.stats.nights import pool_effective_dimensions, text_contrasts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.model.night import Cell
    from contractcheck.stats.night_coordinates import RankScores
    from contractcheck.stats.night_directions import Axis, TextAxes

    Coordinates = dict[str, NightValue]

FIRST, REST, SPREAD, PRESENT, SWING, APART = "", "rest", "spread", "present", "swing", "apart"
"""Names of coordinates; the first has none."""
ALWAYS = "always"
"""As ``PRESENT``, of a number that accepted nights never lacked: they tell no scale of it."""

_FEWEST_TEXTS = 2
_FEWEST_CATEGORIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScale:
    """Share of the usual category, and of the next among the answers that are not of it.

    The two are independent given the true shares (a multinomial taken apart one category at a
    time), so a move among rare answers shows and is counted once.

    Attributes:
        pooled: Accepted answers per category.
        usual: The most frequent.
        second: The next, where more than two are known; else None.
    """

    pooled: Mapping[str, int]
    usual: str
    second: str | None

    def measure(self, cell: Cell | None) -> Coordinates:
        """Coordinates of a later night; empty without answers."""
        if not isinstance(cell, LabelCell) or not (n := sum(cell.counts.values())):
            return {}
        whole, usual = sum(self.pooled.values()), self.pooled[self.usual]
        like = cell.counts.get(self.usual, 0)
        found = {FIRST: _share(like, n, usual, whole)}
        if self.second is not None and n > like:
            count = cell.counts.get(self.second, 0)
            known = self.pooled[self.second]
            found[REST] = _share(count, n - like, known, whole - usual)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberScale:
    """Mean rank among the accepted numbers, their spread, and whether there is a number.

    Attributes:
        ranks: Scores of a number.
        present: Accepted trials with and without a number.
    """

    ranks: RankScores
    present: tuple[int, int]

    def measure(self, cell: Cell | None) -> Coordinates:
        """Coordinates of a later night; empty without trials."""
        if not isinstance(cell, NumberCell):
            return {}
        found = {}
        if cell.values:
            pairs = self.ranks.coordinates(cell.values)
            for name, (value, variance) in zip((FIRST, SPREAD), pairs, strict=False):
                found[name] = NightValue(value=value, variance=variance)
        if n := len(cell.values) + cell.missing:
            name = PRESENT if self.present[1] else ALWAYS
            found[name] = _share(len(cell.values), n, self.present[0], sum(self.present))
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class TextScale:
    """How far a night's answers are from the accepted ones, where on their swing, and how apart.

    A text can move in hundreds of directions, of which two are followed. How far apart a night is
    in all of them together has no sign, but a level, which stays while nothing changes.

    Attributes:
        axes: The directions.
        variances: Of one answer on each axis.
        count: Accepted answers.
        dimension: Effective dimension of the answers.
        apart: Normal score of the distance of each accepted night from the others.
        apart_variance: Of such a score between nights, >= 1, which is sampling alone: an odd night
            is far from all others in every case, and the scores of real nights are wider.
    """

    axes: TextAxes
    variances: tuple[float, ...]
    count: int
    dimension: float
    apart: tuple[float, ...]
    apart_variance: float = 1.0

    def measure(self, cell: Cell | None) -> Coordinates:
        """Coordinates of a later night; empty without answers."""
        if not isinstance(cell, TextCell) or len(cell.mean) != len(self.axes.mean):
            return {}
        contrast = contrast_text(cell.mean, cell.count, self.axes.mean, self.count, self.dimension)
        apart = float(wilson_hilferty(contrast.ratio, contrast.dof))
        return self._place(self.axes.values(cell.mean), cell.count, apart)

    def accepted(self, place: int, count: int) -> Coordinates:
        """Coordinates of an accepted night, itself left out of the directions.

        Args:
            place: Among the accepted nights that have a cell.
            count: Its answers.
        """
        values = [float(one.accepted[place]) for one in text_lines(self.axes)]
        return self._place(values, count, self.apart[place])

    def _place(self, values: Sequence[float], count: int, apart: float) -> Coordinates:
        lines = text_lines(self.axes)
        found = {
            name: NightValue(value=value, variance=max(own / count, line.least))
            for name, value, own, line in zip(
                (FIRST, SWING), values, self.variances, lines, strict=False
            )
        }
        return {**found, APART: NightValue(value=apart, variance=self.apart_variance)}


def text_scale(
    cells: Sequence[TextCell], axes: TextAxes, variances: tuple[float, ...]
) -> TextScale:
    """Make the scale of a case's texts from their directions.

    Args:
        cells: Accepted cells, oldest night first.
        axes: From :func:`axes_of`.
        variances: Of one answer on each axis.
    """
    dimension = _dimension(cells)
    counts = [cell.count for cell in cells]
    contrast = text_contrasts(
        [cell.mean for cell in cells],
        counts,
        effective_dimension=dimension,
        accepted=len(cells),
    )
    # A single night is its own reference, and no distance from itself.
    scores = wilson_hilferty(contrast.ratio, contrast.dof) if len(cells) > 1 else (0.0,)
    return TextScale(
        axes=axes,
        variances=variances,
        count=sum(counts),
        dimension=dimension,
        apart=tuple(float(score) for score in scores),
    )


def _dimension(cells: Sequence[TextCell]) -> float:
    return pool_effective_dimensions([cell.effective_dimension for cell in cells])


@dataclass(frozen=True, kw_only=True, slots=True)
class RateScale:
    """Share of answers that pass a check."""

    passed: int
    count: int

    def measure(self, cell: Cell | None) -> Coordinates:
        """The coordinate of a later night; empty without answers."""
        if not isinstance(cell, RateCell) or not cell.count:
            return {}
        return {FIRST: _share(cell.passed, cell.count, self.passed, self.count)}


@dataclass(frozen=True, slots=True)
class LatencyScale:
    """Log of the median seconds: no sampling variance is supposed, nights alone tell the scale."""

    def measure(self, cell: Cell | None) -> Coordinates:
        """The coordinate of a later night; empty without a time above 0."""
        middle = (
            statistics.median(cell.values) if isinstance(cell, NumberCell) and cell.values else 0.0
        )
        if not 0.0 < middle < math.inf:
            return {}
        return {FIRST: NightValue(value=math.log(middle), variance=0.0)}


Scale = LabelScale | NumberScale | TextScale | RateScale | LatencyScale


def scale_of(
    cells: Sequence[Cell], *, is_latency: bool
) -> LabelScale | NumberScale | RateScale | LatencyScale | None:
    """Make the scale of a case and metric that is no text; None when nothing was accepted.

    Args:
        cells: Accepted cells of one kind, oldest night first, at least one.
        is_latency: Whether the numbers are times to be judged.
    """
    if is_latency:
        return LatencyScale()
    kind = cells[-1]
    if isinstance(kind, LabelCell):
        return _label_scale([cell for cell in cells if isinstance(cell, LabelCell)])
    if isinstance(kind, NumberCell):
        return _number_scale([cell for cell in cells if isinstance(cell, NumberCell)])
    rates = [cell for cell in cells if isinstance(cell, RateCell)]
    count = sum(cell.count for cell in rates)
    return RateScale(passed=sum(cell.passed for cell in rates), count=count) if count else None


def axes_of(cells: Sequence[TextCell]) -> TextAxes | None:
    """Directions of a case's texts; None when a single answer is all that was accepted."""
    if sum(cell.count for cell in cells) < _FEWEST_TEXTS:
        return None
    return find_axes(
        [cell.mean for cell in cells],
        [cell.count for cell in cells],
        effective_dimension=_dimension(cells),
    )


def text_lines(axes: TextAxes) -> tuple[Axis, ...]:
    """The axes that a case has, in the order of their coordinates."""
    return (axes.distance,) if axes.swinging is None else (axes.distance, axes.swinging)


def _label_scale(cells: Sequence[LabelCell]) -> LabelScale | None:
    pooled: dict[str, int] = {}
    for cell in cells:
        for name, count in cell.counts.items():
            pooled[name] = pooled.get(name, 0) + count
    ranked = sorted(
        (name for name in pooled if pooled[name]), key=lambda name: (-pooled[name], name)
    )
    if not ranked:
        return None
    second = ranked[1] if len(ranked) >= _FEWEST_CATEGORIES else None
    return LabelScale(pooled=pooled, usual=ranked[0], second=second)


def _number_scale(cells: Sequence[NumberCell]) -> NumberScale | None:
    values = [value for cell in cells for value in cell.values]
    if not values:
        return None
    missing = sum(cell.missing for cell in cells)
    return NumberScale(ranks=score_ranks(values), present=(len(values), missing))


def _share(count: int, n: int, pooled: int, pool_n: int) -> NightValue:
    value, variance = share_coordinate(count, n, pooled=pooled, pool_n=pool_n)
    return NightValue(value=value, variance=variance)

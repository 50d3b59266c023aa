"""One case and metric of simulated years, contrasted: how far nights are, and whether two repeat.

The same quantities as ``agreement`` takes from cells: squared lengths and the inner product of two
consecutive nights' shifts, here of P chosen pairs of nights, each in a year of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from contractcheck.judging.year_contrasts import ApartOf, CountsOf, RanksOf
from contractcheck.stats.night_contrasts import contrast_labels
from contractcheck.stats.simulated_contrasts import (
    by_kind,
    contrast_counts,
    contrast_ranks,
    contrast_scores,
    full_spread,
    ratio_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contractcheck.judging.year_contrasts import Contrasted
    from contractcheck.stats.night_contrasts import Contrast
    from contractcheck.stats.simulated_contrasts import RankScale
    from contractcheck.stats.simulated_nights import DrawnNights

    FloatArray = NDArray[np.float64]
    Place = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pairs:
    """P pairs of consecutive nights.

    Attributes:
        nights: (P,) place of the second night among all T.
        years: (P,) its year.
    """

    nights: Place
    years: Place


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shifts:
    """Inner product and squared lengths of two nights' shifts, and their dimension; (P,) each."""

    product: FloatArray
    first: FloatArray
    second: FloatArray
    dof: FloatArray

    def __add__(self, other: Shifts) -> Shifts:
        return Shifts(
            product=self.product + other.product,
            first=self.first + other.first,
            second=self.second + other.second,
            dof=self.dof + other.dof,
        )

    def only(self, chosen: NDArray[np.bool_], other: Shifts) -> Shifts:
        """These where they are chosen, else the others."""
        names = ("product", "first", "second", "dof")
        mixed = {
            name: np.where(chosen, getattr(self, name), getattr(other, name)) for name in names
        }
        return Shifts(**mixed)


class PlayedSeries(Protocol):
    """One case and metric, drawn."""

    @property
    def contrast(self) -> Contrast:
        """(T, R) of all nights."""

    def shifts(self, pairs: Pairs, rng: np.random.Generator) -> Shifts:
        """What two nights have in common."""


def play_series(
    one: Contrasted, drawn: DrawnNights, *, kept: float, rng: np.random.Generator
) -> PlayedSeries:
    """Contrast one case and metric of years that are drawn.

    Args:
        one: What it is contrasted by.
        drawn: Its stream.
        kept: Correlation of neighbouring nights' own moves, 0..1.
        rng: Deals answers out to categories, and directions to texts.
    """
    values, accepted = drawn.nights.values, drawn.nights.accepted
    if isinstance(one, CountsOf):
        counts = _count(one, drawn, rng)
        return _Counts(counts=counts, contrast=contrast_counts(counts, accepted), accepted=accepted)
    if isinstance(one, RanksOf):
        location = np.asarray(values[..., one.location], float)
        own = values[..., one.spread] if one.spread >= 0 else np.zeros_like(location)
        spread = full_spread(location, np.asarray(own, float), one.scale)
        return _Ranks(
            location=location,
            spread=spread,
            contrast=contrast_ranks(location, spread, one.scale, accepted),
            scale=one.scale,
            accepted=accepted,
        )
    scores = np.asarray(values[..., one.apart], float)
    return _Texts(
        contrast=contrast_scores(scores, one.dof, accepted),
        moved=drawn.shift[:, one.apart],
        of=one,
        kept=kept,
        accepted=accepted,
    )


def _count(one: CountsOf, drawn: DrawnNights, rng: np.random.Generator) -> Place:
    """(T, R, categories) answers, those of the further categories dealt out by their shares."""
    usual, trials = drawn.counts[one.usual]
    columns, left = [usual], trials - usual
    if one.second >= 0:
        columns.append(drawn.counts[one.second][0])
        left = left - columns[-1]
    for share in one.left[:-1]:
        columns.append(rng.binomial(left, share))
        left = left - columns[-1]
    return by_kind([*columns, left])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Counts:
    counts: Place
    contrast: Contrast
    accepted: int

    def shifts(self, pairs: Pairs, rng: np.random.Generator) -> Shifts:  # noqa: ARG002 - of texts
        before = self.counts[pairs.nights - 1, pairs.years]
        tonight = self.counts[pairs.nights, pairs.years]
        pool = self.counts[: self.accepted].sum(0)[pairs.years]
        ratios = contrast_labels(np.stack([before + tonight, before, tonight]), pool).ratio
        dof = self.contrast.dof[pairs.nights, pairs.years]
        return _shifts(ratios, n=tonight.sum(-1), n_reference=pool.sum(-1), dof=dof)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Ranks:
    location: FloatArray
    spread: FloatArray
    contrast: Contrast
    scale: RankScale
    accepted: int

    def shifts(self, pairs: Pairs, rng: np.random.Generator) -> Shifts:  # noqa: ARG002 - of texts
        before, tonight = self._away(pairs, 1), self._away(pairs, 0)
        n, n_reference = self.scale.answers, self.accepted * self.scale.answers
        moves = (((before + tonight) / 2.0, 2 * n), (before, n), (tonight, n))
        ratios = np.stack(
            [ratio_of((m**2).sum(0), self.scale, n=k, n_reference=n_reference) for m, k in moves]
        )
        dof = self.contrast.dof[pairs.nights, pairs.years]
        return _shifts(
            ratios, n=np.full(len(dof), n), n_reference=np.full(len(dof), n_reference), dof=dof
        )

    def _away(self, pairs: Pairs, back: int) -> FloatArray:
        return np.stack(
            [
                each[pairs.nights - back, pairs.years] - each[: self.accepted].mean(0)[pairs.years]
                for each in (self.location, self.spread)
            ]
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Texts:
    """Of texts the lengths of shifts are drawn, and here what directions they have.

    What two nights share is the change, the error of the location, and what a night keeps of the
    one before; the rest is dealt at random over as many dimensions as answers have.
    """

    contrast: Contrast
    moved: FloatArray
    of: ApartOf
    kept: float
    accepted: int

    def shifts(self, pairs: Pairs, rng: np.random.Generator) -> Shifts:
        size = 1.0 / self.of.answers + 1.0 / (self.accepted * self.of.answers)
        first, second = (
            self.contrast.ratio[pairs.nights - back, pairs.years] * size for back in (1, 0)
        )
        usual, changed = (
            contrast_scores((self.of.usual + moved)[None], self.of.dof, 0).ratio[0] * size
            for moved in (np.zeros_like(self.moved), self.moved)
        )
        common = np.maximum(changed - usual, 0.0)[pairs.years]
        common = common + 1.0 / (self.accepted * self.of.answers)
        common = np.minimum(common, np.minimum(first, second))
        own = [first - common, second - common]
        between = np.maximum(1.0 - size / usual[pairs.years], 0.0)
        alike = self.kept * between * np.sqrt(own[0] * own[1])
        noise = common * (own[0] + own[1]) + own[0] * own[1]
        dof = np.maximum(self.contrast.dof[pairs.nights, pairs.years], 1.0)
        random = rng.standard_normal(len(dof)) * np.sqrt(noise / dof)
        length = np.sqrt(first * second)
        product = np.clip(common + alike + random, -length, length)
        return Shifts(product=product, first=first, second=second, dof=dof)


def _shifts(
    ratios: FloatArray, *, n: NDArray[np.int64], n_reference: NDArray[np.int64], dof: FloatArray
) -> Shifts:
    """From (3, P) ratios of both nights together, the one before and tonight."""
    both, first, second = ratios * (1.0 / np.stack([2 * n, n, n]) + 1.0 / n_reference)
    product = 2.0 * both - (first + second) / 2.0
    return Shifts(product=product, first=first, second=second, dof=np.maximum(dof, 1.0))

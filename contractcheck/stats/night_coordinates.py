"""A night's answers to one case as signed numbers, each with the variance that sampling gives it.

A coordinate is an average over the night's answers of one fixed score of an answer (or the
arcsine of a share), so that it moves one way or the other and can be added up over nights. What a
score is, the accepted nights decide together, and then it stays. Their own coordinates are taken
with the same scores: an average over the pool that a night belongs to is as far from the pool's
mean as any deviation from a sample mean is, which is what the charts suppose of accepted nights.
Directions of texts have as many dimensions as there are answers, so there each accepted night is
left out of the direction that it is measured along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.stats.night_contrasts import PSEUDO_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

_LEAST_OWN_SPREAD = 0.05
"""Share of the spread's variance that location must leave over for it to be a coordinate."""


def share_coordinate(
    count: float, n: float, *, pooled: float, pool_n: float
) -> tuple[float, float]:
    """Arcsine of a share, less its expectation at the accepted share; and its variance there.

    Anscombe's (1948, Biometrika 35) arcsine of (count + 3/8) / (n + 3/4). Expectation and variance
    are those of a binomial count, exactly, so nights of any n compare.

    Args:
        count: Answers of the kind, 0..n.
        n: Answers, >= 1.
        pooled: Answers of the kind on accepted nights.
        pool_n: Answers on accepted nights, >= 1.

    Returns:
        Value (radians; up is more of the kind) and its sampling variance at the accepted share.
    """
    # Half an answer that was never seen: a share of 1 does not promise that it stays 1.
    least = PSEUDO_ANSWERS / (pool_n + 1.0)
    share = min(max(pooled / pool_n, least), 1.0 - least)
    mean, variance = arcsine_moments(share, round(n))
    return _angle(count, n) - mean, variance


@lru_cache(maxsize=1 << 14)
def arcsine_moments(share: float, n: int) -> tuple[float, float]:
    """Mean and variance of the arcsine of a binomial count.

    Args:
        share: Chance of one success, in (0, 1).
        n: Trials, >= 1.
    """
    odds = math.log(share) - math.log1p(-share)
    start = n * math.log1p(-share)
    whole = math.lgamma(n + 1)
    chances = [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + start + k * odds)
        for k in range(n + 1)
    ]
    angles = [_angle(k, n) for k in range(n + 1)]
    mean = math.fsum(p * a for p, a in zip(chances, angles, strict=True))
    return mean, math.fsum(p * (a - mean) ** 2 for p, a in zip(chances, angles, strict=True))


def _angle(count: float, n: float) -> float:
    return math.asin(math.sqrt((count + 0.375) / (n + 0.75)))


def share_of_angle(shift: float, *, pooled: float, pool_n: float, n: float) -> float:
    """Share, 0..1, that a mean value of :func:`share_coordinate` stands for: for words only.

    Args:
        shift: Mean value of later nights, less that of accepted ones.
        pooled: Answers of the kind on accepted nights.
        pool_n: Answers on accepted nights, >= 1.
        n: Answers of a night, > 0.
    """
    angle = _angle(n * pooled / pool_n, n) + shift
    count = (n + 0.75) * math.sin(min(max(angle, 0.0), math.pi / 2.0)) ** 2 - 0.375
    return min(max(count / n, 0.0), 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RankScores:
    """Scores of numbers by their rank among accepted ones.

    Attributes:
        grid: (U,) distinct accepted values, ascending.
        location: (2 U + 1,) twice the mid-rank less one, of the gaps and values in turn, -1..1.
        spread: (2 U + 1,) how far from the middle, less what location tells of it; None where
            nothing is left.
        location_variance: Variance of one answer's location.
        spread_variance: Variance of one answer's spread.
    """

    grid: FloatArray
    location: FloatArray
    spread: FloatArray | None
    location_variance: float
    spread_variance: float

    def coordinates(self, values: ArrayLike) -> tuple[tuple[float, float], ...]:
        """Value and variance of a night's location (up is larger), and of its spread if there is.

        Args:
            values: (n,) numbers, n >= 1; infinities (time-outs) are welcome.
        """
        import numpy as np

        numbers = np.asarray(values, float)
        low, high = (np.searchsorted(self.grid, numbers, side) for side in ("left", "right"))
        place, n = low + high, len(numbers)
        found = [(float(self.location[place].mean()), self.location_variance / n)]
        if self.spread is not None:
            found.append((float(self.spread[place].mean()), self.spread_variance / n))
        return tuple(found)


def score_ranks(pool: ArrayLike) -> RankScores:
    """Make scores of location and spread from the accepted numbers.

    Spread is that of Ansari & Bradley (1960, Annals of Mathematical Statistics 31), made
    uncorrelated with location, so that both can stand side by side in a sum of squares.

    Args:
        pool: (N,) numbers of all accepted nights, N >= 1, no NaN.
    """
    import numpy as np

    grid, counts = np.unique(np.asarray(pool, float), return_counts=True)
    reference = np.zeros(2 * len(grid) + 1)
    reference[1::2] = counts
    total = reference.sum() + PSEUDO_ANSWERS
    location = 2.0 * (np.cumsum(reference) - reference / 2 + PSEUDO_ANSWERS / 2) / total - 1.0
    weight = reference / total
    weight[[0, -1]] += PSEUDO_ANSWERS / 2 / total
    spread = np.abs(location)
    spread = spread - (weight * spread).sum()
    variance = float((weight * location**2).sum())
    spread = spread - (weight * spread * location).sum() / variance * location
    own = float((weight * spread**2).sum())
    has_spread = own > _LEAST_OWN_SPREAD * variance
    return RankScores(
        grid=grid,
        location=location,
        spread=spread if has_spread else None,
        location_variance=variance,
        spread_variance=own if has_spread else 0.0,
    )


def shrink_variances(
    own: Sequence[float], supposed: Sequence[float], *, dof: float, weight: float = 10.0
) -> list[float]:
    """Draw variances that few nights show towards what is supposed of their likes.

    What is supposed is right up to a factor, which the median over all of them tells; it then
    counts as many nights as ``weight`` says (a conjugate prior: Smyth 2004, Statistical
    Applications in Genetics and Molecular Biology 3, for as many variances of few observations).

    Args:
        own: Variances that the accepted nights show, >= 0.
        supposed: The same by a model, > 0.
        dof: Nights behind each, less one; 0 takes what is supposed.
        weight: Nights that the model counts for.
    """
    import statistics

    if not dof:
        return list(supposed)
    ratio = statistics.median([a / b for a, b in zip(own, supposed, strict=True)])
    # The median of a mean-one chi-square by the cube-root law (Wilson and Hilferty 1931).
    factor = ratio / (1.0 - 2.0 / (9.0 * dof)) ** 3
    return [
        (weight * factor * b + dof * a) / (weight + dof) for a, b in zip(own, supposed, strict=True)
    ]

"""Paired differences: is their centre 0, and where does it lie?

If the two sides of a pair are exchangeable, each difference is as likely as its negative. The
signed-rank test goes through every way to choose the signs, so its p is exact for any number of
pairs and any ties; its inversion bounds the centre. Sources: Wilcoxon, Biometrics Bulletin 1
(1945) 80-83; Pratt, JASA 54 (1959) 655-667, for differences of 0; Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods (2014), sections 3.1-3.3, for the estimate and its bounds.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.stats.exact_rates import ExactTest
from contractcheck.stats.intervals import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Up to this many pairs the distribution is computed, beyond it is normal to four digits.
_EXACT_PAIRS = 200
# Differences of logarithms that agree this closely are equal.
_SAME = 1e-12


def signed_rank_test(differences: Floats) -> ExactTest:
    """Two-sided test that the differences lie symmetrically around 0; p is 1 if all are 0.

    Args:
        differences: (N,) at least one; infinite ones are the largest and tied.
    """
    ranks = _doubled_ranks(np.abs(differences))
    moved = np.abs(differences) > _SAME
    ranks, positive = ranks[moved], differences[moved] > 0
    total = int(ranks.sum())
    off = abs(2 * int(ranks[positive].sum()) - total)
    if not ranks.size:
        return ExactTest(p=1.0, mid_p=0.5)
    if ranks.size > _EXACT_PAIRS:
        # Twice the sum moves in steps of 2 or more; half a step back is the usual correction.
        spread = math.sqrt(2 * float(np.sum(ranks.astype(np.float64) ** 2)))
        p = max(math.erfc(max(off - 1, 0) / spread), math.ulp(0.0))
        return ExactTest(p=p, mid_p=max(math.erfc(off / spread), math.ulp(0.0)))
    chances = _sum_distribution(ranks)
    place = (total - off) // 2
    more = 2 * float(chances[:place].sum())
    same = float(chances[place]) * (2 if off else 1)
    return ExactTest(p=min(1.0, more + same), mid_p=min(1.0, more + same / 2))


def signed_rank_interval(differences: Floats, confidence: float) -> Interval:
    """Median of all pairs' means (Hodges and Lehmann 1963) with bounds that invert the test.

    Args:
        differences: (N,) at least one; infinite ones are allowed.
        confidence: Two-sided coverage, in (0, 1). Below 6 differences there is none of 95 %, and
            the bounds are infinite.
    """
    n = differences.size
    means = walsh_means(differences)
    rank = _bound_rank(n, (1.0 - confidence) / 2.0)
    return Interval(
        estimate=_middle(means),
        low=float(means[rank - 1]) if rank else -math.inf,
        high=float(means[-rank]) if rank else math.inf,
    )


def pseudomedian(values: Floats) -> float:
    """Median of the means of all pairs, each value with itself included.

    Nearly as precise as the mean for normal values (95 %), and unmoved by a few wild ones.
    """
    return _middle(walsh_means(values))


def walsh_means(values: Floats) -> Floats:
    """(N (N + 1) / 2,) means of all pairs in ascending order; opposite infinities give 0."""
    first, second = np.triu_indices(values.size)
    with np.errstate(invalid="ignore"):
        means = values[first] / 2 + values[second] / 2
    means[np.isnan(means)] = 0.0
    ordered: Floats = np.sort(means)
    return ordered


def _middle(ordered: Floats) -> float:
    low, high = float(ordered[(ordered.size - 1) // 2]), float(ordered[ordered.size // 2])
    return low if low == high else (0.0 if low == -high else low / 2 + high / 2)


def _doubled_ranks(sizes: Floats) -> NDArray[np.int64]:
    """Twice the mean rank of each value: whole numbers, ties included."""
    order = np.argsort(sizes, kind="stable")
    ordered = sizes[order]
    with np.errstate(invalid="ignore"):
        # Two infinities have no gap to compare; they are equal.
        new = np.append(True, np.diff(ordered) > _SAME)
    group = np.cumsum(new) - 1
    last = np.cumsum(np.bincount(group))
    first = np.append(0, last[:-1])
    ranks = np.empty(sizes.size, dtype=np.int64)
    ranks[order] = (first + 1 + last)[group]
    return ranks


def _sum_distribution(ranks: NDArray[np.int64]) -> Floats:
    """Chance of each sum of a random subset, every rank being in it with chance 1/2."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        chances[rank:] += chances[:-rank].copy()
        chances /= 2
    return chances


def _bound_rank(n: int, tail: float) -> int:
    """Largest k with P(W <= k - 1) <= tail for the sum W of the positive ranks of n."""
    if n > _EXACT_PAIRS:
        spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return max(0, math.floor(n * (n + 1) / 4 + 0.5 + NormalDist().inv_cdf(tail) * spread))
    below = np.cumsum(_sum_distribution(np.arange(1, n + 1)))
    return int(np.searchsorted(below, tail * (1 + _SAME), side="right"))

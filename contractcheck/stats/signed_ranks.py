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
# Beyond this, so few differences cannot tell likeness of neighbours from a trend.
_MOST_LIKE = 0.6


def signed_rank_test(differences: Floats, *, inflation: float = 1.0) -> ExactTest:
    """Two-sided test that the differences lie symmetrically around 0; p is 1 if all are 0.

    Args:
        differences: (N,) at least one; infinite ones are the largest and tied.
        inflation: Factor on the variance of the rank sum, at least 1. At 1 the test is exact;
            above, p is at least that of the normal approximation with so much more variance.
    """
    ranks = _doubled_ranks(np.abs(differences))
    moved = np.abs(differences) > _SAME
    ranks, positive = ranks[moved], differences[moved] > 0
    off = abs(2 * int(ranks[positive].sum()) - int(ranks.sum()))
    if not ranks.size:
        return ExactTest(p=1.0, mid_p=0.5)
    exact = _every_choice(ranks, off) if ranks.size <= _EXACT_PAIRS else None
    if exact is not None and inflation <= 1.0:
        return exact
    # Twice the sum moves in steps of up to 4; half a step back is the usual correction.
    spread = math.sqrt(2 * inflation * float(np.sum(ranks.astype(np.float64) ** 2)))
    p, mid_p = (max(math.erfc(max(o, 0) / spread), math.ulp(0.0)) for o in (off - 2, off))
    if exact is None:
        return ExactTest(p=p, mid_p=mid_p)
    return ExactTest(p=max(p, exact.p), mid_p=max(mid_p, exact.mid_p))


def signed_rank_interval(
    differences: Floats, confidence: float, *, inflation: float = 1.0
) -> Interval:
    """Median of all pairs' means (Hodges and Lehmann 1963) with bounds that invert the test.

    Args:
        differences: (N,) at least one; infinite ones are allowed.
        confidence: Two-sided coverage, in (0, 1). Below 6 differences there is none of 95 %, and
            the bounds are infinite.
        inflation: As in :func:`signed_rank_test`.
    """
    means = walsh_means(differences)
    rank = _bound_rank(differences.size, (1.0 - confidence) / 2.0, inflation)
    return Interval(
        estimate=_middle(means),
        low=float(means[rank - 1]) if rank else -math.inf,
        high=float(means[-rank]) if rank else math.inf,
    )


def serial_inflation(differences: Floats) -> float:
    """Factor by which likeness of neighbours multiplies the variance of the middle, at least 1.

    ``(1 + r) / (1 - r)`` for the first autocorrelation r of the ranks (Bayley and Hammersley, JRSS
    Supplement 8 (1946) 184-197), after the correction of its bias (Marriott and Pope, Biometrika
    41 (1954) 390-402), if r is above its standard error without any likeness, ``1 / sqrt(N)``:
    less would mostly be noise. Ranks do not mind a wild or infinite difference.

    Args:
        differences: (N,) in order of time.
    """
    ranks = _doubled_ranks(differences).astype(np.float64)
    centred = ranks - ranks.mean()
    squares = float(centred @ centred)
    if squares == 0.0:
        return 1.0
    seen = float(centred[1:] @ centred[:-1]) / squares
    likeness = min(seen + (1 + 3 * seen) / ranks.size, _MOST_LIKE)
    return (1 + likeness) / (1 - likeness) if likeness > ranks.size**-0.5 else 1.0


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


def _every_choice(ranks: NDArray[np.int64], off: int) -> ExactTest:
    """Chance that positive and negative ranks are at least ``off`` apart, all signs being even."""
    chances = _sum_distribution(ranks)
    place = (int(ranks.sum()) - off) // 2
    more = 2 * float(chances[:place].sum())
    same = float(chances[place]) * (2 if off else 1)
    return ExactTest(p=min(1.0, more + same), mid_p=min(1.0, more + same / 2))


def _bound_rank(n: int, tail: float, inflation: float) -> int:
    """Largest k with P(W <= k - 1) <= tail for the sum W of the positive ranks of n."""
    spread = math.sqrt(inflation * n * (n + 1) * (2 * n + 1) / 24)
    normal = max(0, math.floor(n * (n + 1) / 4 + 0.5 + NormalDist().inv_cdf(tail) * spread))
    if n > _EXACT_PAIRS:
        return normal
    below = np.cumsum(_sum_distribution(np.arange(1, n + 1)))
    exact = int(np.searchsorted(below, tail * (1 + _SAME), side="right"))
    return exact if inflation <= 1.0 else min(exact, normal)

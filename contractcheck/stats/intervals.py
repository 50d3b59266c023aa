"""Intervals for one quantity: a rate, a difference of rates, a quantile, a shift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Above this number of pairs the normal approximation of the rank-sum distribution is good to
# three digits, and the exact recursion starts to cost milliseconds.
_EXACT_PAIRS = 2500


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """An estimate between two bounds, all in one unit.

    Attributes:
        estimate: The point estimate.
        low: Lower bound; ``-inf`` where the data cannot give one.
        high: Upper bound; ``inf`` where the data cannot give one.
    """

    estimate: float
    low: float
    high: float


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Bound a rate so that the coverage is never below the confidence.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413, as beta quantiles.

    Args:
        successes: Number of successes, ``0 <= successes <= n``.
        n: Number of trials, at least 1.
        confidence: Two-sided coverage, in (0, 1).

    Raises:
        UsageError: The counts or the confidence are out of range.
    """
    from scipy.special import betaincinv

    _require_counts(successes, n)
    tail = _tail(confidence)
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - tail))
    return Interval(estimate=successes / n, low=low, high=high)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Bound a rate by inverting the score test; good average coverage at any n.

    Source: Wilson, JASA 22 (1927) 209-212.

    Args:
        successes: Number of successes, ``0 <= successes <= n``.
        n: Number of trials, at least 1.
        confidence: Two-sided coverage, in (0, 1).

    Raises:
        UsageError: The counts or the confidence are out of range.
    """
    _require_counts(successes, n)
    z = NormalDist().inv_cdf(1.0 - _tail(confidence))
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return Interval(estimate=rate, low=max(0.0, centre - half), high=min(1.0, centre + half))


def newcombe_difference(
    baseline_successes: int,
    n_baseline: int,
    candidate_successes: int,
    n_candidate: int,
    confidence: float = 0.95,
) -> Interval:
    """Bound the difference of two independent rates, candidate minus baseline.

    Source: Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10.

    Args:
        baseline_successes: Successes among the baseline's trials.
        n_baseline: Trials of the baseline, at least 1.
        candidate_successes: Successes among the candidate's trials.
        n_candidate: Trials of the candidate, at least 1.
        confidence: Two-sided coverage, in (0, 1).

    Returns:
        The difference as a share in [-1, 1] with its bounds.

    Raises:
        UsageError: The counts or the confidence are out of range.
    """
    old = wilson(baseline_successes, n_baseline, confidence)
    new = wilson(candidate_successes, n_candidate, confidence)
    difference = new.estimate - old.estimate
    return Interval(
        estimate=difference,
        low=difference - math.hypot(new.estimate - new.low, old.high - old.estimate),
        high=difference + math.hypot(new.high - new.estimate, old.estimate - old.low),
    )


def quantile_bounds(
    values: Sequence[float], quantile: float, confidence: float = 0.95, *, inflation: float = 1.0
) -> Interval:
    """Bound a quantile by order statistics, whatever the distribution.

    Source: David and Nagaraja, Order Statistics (2003), section 7.1. The bounds for the 95th
    percentile need about 72 values at 95 % confidence; with fewer the upper one is infinite.

    Args:
        values: Observations in any order and unit; ``inf`` stands for a censored one.
        quantile: Which quantile, in (0, 1).
        confidence: Two-sided coverage, in (0, 1).
        inflation: Factor, at least 1, by which the number of values below the quantile varies
            more than for independent ones; the ranks of the bounds move out by its root
            (Woodruff, JASA 47 (1952) 635-646).

    Returns:
        The sample quantile (inverted distribution function) with its bounds.

    Raises:
        UsageError: There are no values, one of them is NaN, or a level is out of range.
    """
    ordered = np.sort(_finite_or_inf(values))
    n = ordered.size
    if not 0.0 < quantile < 1.0:
        raise UsageError(f"quantile is {quantile}; it must lie strictly between 0 and 1")
    first, last = _quantile_ranks(n, quantile, _tail(confidence))
    if inflation > 1.0:
        centre, stretch = quantile * n, math.sqrt(inflation)
        first = max(0, math.floor(centre - (centre - first) * stretch))
        last = min(n + 1, math.ceil(centre + (last - centre) * stretch))
    return Interval(
        estimate=float(ordered[max(math.ceil(quantile * n) - 1, 0)]),
        low=float(ordered[first - 1]) if first else -math.inf,
        high=float(ordered[last - 1]) if last <= n else math.inf,
    )


def hodges_lehmann(
    baseline: Sequence[float], candidate: Sequence[float], confidence: float = 0.95
) -> Interval:
    """Estimate the shift from baseline to candidate as the median of all differences.

    Source: Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963) 598-611; the bounds
    invert the rank-sum test (Hollander, Wolfe and Chicken, 2014, section 4.3), exactly up to
    2,500 pairs. ``inf`` stands for a censored value; two censored values differ by 0.

    Args:
        baseline: Observations of the old side, at least one.
        candidate: Observations of the new side, at least one, same unit.
        confidence: Two-sided coverage, in (0, 1).

    Raises:
        UsageError: A side is empty or holds NaN, or the confidence is out of range.
    """
    differences = np.sort(pairwise_differences(baseline, candidate))
    pairs = differences.size
    rank = _rank_sum_rank(len(baseline), len(candidate), _tail(confidence))
    return Interval(
        estimate=weighted_quantile(differences, np.ones(pairs), 0.5),
        low=float(differences[rank - 1]) if rank else -math.inf,
        high=float(differences[pairs - rank]) if rank else math.inf,
    )


def pairwise_differences(
    baseline: Sequence[float], candidate: Sequence[float]
) -> NDArray[np.float64]:
    """All candidate-minus-baseline differences, flat; two equal infinities differ by 0.

    Raises:
        UsageError: A side is empty or holds NaN.
    """
    old, new = _finite_or_inf(baseline), _finite_or_inf(candidate)
    with np.errstate(invalid="ignore"):
        differences = (new[:, None] - old[None, :]).ravel()
    differences[np.isnan(differences)] = 0.0
    return differences


def weighted_quantile(
    ordered: NDArray[np.float64], weights: NDArray[np.float64], share: float
) -> float:
    """Value below which the given share of the total weight lies.

    Where the share is met exactly between two values, their mean (the usual median).

    Args:
        ordered: Values in ascending order, at least one.
        weights: Their weights, positive.
        share: Share of the weight, in [0, 1].
    """
    cumulated = np.cumsum(weights)
    target = share * cumulated[-1]
    slack = 1e-12 * cumulated[-1]
    low = min(int(np.searchsorted(cumulated, target - slack)), ordered.size - 1)
    high = min(int(np.searchsorted(cumulated, target + slack, side="right")), ordered.size - 1)
    if ordered[low] == ordered[high]:
        return float(ordered[low])
    return float(0.5 * ordered[low] + 0.5 * ordered[high])


def _quantile_ranks(n: int, quantile: float, tail: float) -> tuple[int, int]:
    """Ranks of the two bounds among n values, from 1; 0 and n + 1 where there is none."""
    from scipy.special import bdtr

    below = bdtr(np.arange(n, dtype=np.float64), n, quantile)
    first = int(np.searchsorted(below, tail, side="right"))
    last = int(np.searchsorted(below, 1.0 - tail, side="left"))
    return first, last + 1


@lru_cache(maxsize=1024)
def _rank_sum_rank(n: int, m: int, tail: float) -> int:
    """Largest k with P(U <= k - 1) <= tail for the rank-sum count U of n against m."""
    if n * m > _EXACT_PAIRS:
        spread = math.sqrt(n * m * (n + m + 1) / 12)
        return max(0, math.floor(n * m / 2 + 0.5 + NormalDist().inv_cdf(tail) * spread))
    # Counts of U are the coefficients of a Gaussian binomial (Mann and Whitney, 1947).
    size = n * m + 1
    counts = np.zeros(size)
    counts[0] = 1.0
    for i in range(1, n + 1):
        if m + i < size:
            counts[m + i :] -= counts[: size - m - i].copy()
        padded = np.pad(counts, (0, -size % i)).reshape(-1, i)
        counts = np.cumsum(padded, axis=0).ravel()[:size]
    below = np.cumsum(counts) / math.comb(n + m, n)
    return int(np.searchsorted(below, tail, side="right"))


def _finite_or_inf(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise UsageError("no values to estimate from; give at least one per side")
    if np.isnan(array).any():
        raise UsageError("values hold NaN; leave missing ones out and count them apart")
    return array


def _require_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n or n < 1:
        raise UsageError(f"{successes} successes of {n} trials; need 0 <= successes <= n, n >= 1")


def _tail(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"confidence is {confidence}; it must lie strictly between 0 and 1")
    return (1.0 - confidence) / 2.0

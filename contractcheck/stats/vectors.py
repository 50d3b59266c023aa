"""Answers as points: sentence embeddings and first-token log-probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def stack_vectors(vectors: Sequence[tuple[float, ...]], *, metric: str) -> Floats:
    """Stack the distinct vectors of a metric, and one that nobody gave.

    Args:
        vectors: Of one length D; any finite numbers, in one unit.
        metric: Name of the metric, for the message.

    Returns:
        (U + 1, D): the vectors, then one twice as far from their mean as the farthest of them.

    Raises:
        UsageError: Lengths differ, or a number is not finite; says which metric.
    """
    lengths = {len(vector) for vector in vectors}
    if len(lengths) > 1 or 0 in lengths:
        raise UsageError(
            f"metric {metric!r}: vectors of {sorted(lengths)} numbers; need one length"
        )
    if not vectors:
        return np.ones((1, 1))
    rows = np.asarray(vectors, dtype=np.float64)
    if not np.isfinite(rows).all():
        raise UsageError(f"metric {metric!r}: a vector holds a number that is not finite")
    mean = rows.mean(axis=0)
    radius = float(np.sqrt(np.max(np.sum((rows - mean) ** 2, axis=1)))) or 1.0
    stranger = mean + 2.0 * radius / math.sqrt(rows.shape[1])
    return np.concatenate([rows, stranger[None, :]])


def mean_shift(cases: Sequence[tuple[Floats, Floats]], z: float) -> tuple[Interval, int]:
    """Mean absolute shift of the columns' means, averaged over columns and cases.

    The statistic of log-probability tracking (Chauvin et al., ICLR 2026, arXiv 2512.03816):
    noise alone makes it positive, so a p-value and not the distance from 0 says whether anything
    moved. Bounds are jackknifed (Efron and Stein 1981) over trials, or over cases where a side has
    one trial.

    Args:
        cases: Per case the (n, D) old and (m, D) new vectors.
        z: Normal quantile of the bounds.

    Returns:
        The shift in the vectors' unit with its bounds, and the column that moved most.
    """
    moves = np.stack([new.mean(axis=0) - old.mean(axis=0) for old, new in cases])
    sizes = np.abs(moves).mean(axis=1)
    estimate = float(sizes.mean())
    if min(min(len(old), len(new)) for old, new in cases) > 1:
        variance = sum(_trial_variance(old, new) for old, new in cases) / len(cases) ** 2
    elif len(cases) >= 5:  # noqa: PLR2004 - fewer cases say too little about their spread
        variance = float(sizes.var(ddof=1)) / len(cases)
    else:
        variance = math.inf
    half = z * math.sqrt(variance)
    bounds = Interval(estimate=estimate, low=max(0.0, estimate - half), high=estimate + half)
    return bounds, int(np.argmax(np.abs(moves.mean(axis=0))))


def _trial_variance(old: Floats, new: Floats) -> float:
    """Jackknife variance of one case's shift, leaving out one trial of either side at a time."""
    total = 0.0
    for own, other in ((old, new), (new, old)):
        n = len(own)
        without = (own.sum(axis=0) - own) / (n - 1)
        shifts = np.abs(without - other.mean(axis=0)).mean(axis=1)
        total += (n - 1) / n * float(np.sum((shifts - shifts.mean()) ** 2))
    return total

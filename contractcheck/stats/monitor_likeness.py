"""How much nights resemble their neighbours, and by how much that widens what an average may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contractcheck.stats.monitor_scale import counts_for_learning, sum_before

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.stats.monitor_nights import Nights, Tuning

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

FAR_LAG: Final = 8
"""Nights that are so far apart share the error of the location, and little else."""
MOST_LIKENESS: Final = 0.9


def widenings(
    z: FloatArray, nights: Nights, tuning: Tuning, learn_until: int | IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Factors of the variance of an average, and of the location, known before each later night.

    With a correlation r of neighbouring nights that halves with each night apart, as an AR(1) of
    one half seen through sampling noise has, and k = 1 - lambda, the variance of an exponentially
    weighted average grows by 1 + 2rk/(1 - k/2), that of a plain mean by 1 + 4r.

    Args:
        z: (T, ..., C) deviations, 0 where unknown.
        nights: How many are accepted.
        tuning: Lambda, and what is supposed at first; None does not widen at all.
        learn_until: Only this many later nights are learnt from.

    Returns:
        Two (N, ...) arrays, >= 1.
    """
    import numpy as np

    if tuning.likeness is None or not nights.has_scale:
        ones = np.ones((len(z) - nights.accepted, *z.shape[1:-1]), z.dtype)
        return ones, ones
    r = _likeness(z, nights, tuning.likeness, learn_until)
    kept = 1.0 - tuning.weight
    return 1.0 + 2.0 * r * kept / (1.0 - kept / 2.0), 1.0 + 4.0 * r


def _likeness(
    z: FloatArray, nights: Nights, supposed: tuple[float, int], learn_until: int | IntArray | None
) -> FloatArray:
    """(N, ...) lag-one correlation, in 0..0.9.

    The far lag takes out what all later nights have in common: the error of the location.
    """
    import numpy as np

    accepted = nights.accepted
    near, far, square = lag_products(z, 1), lag_products(z, FAR_LAG), (z**2).mean(-1)
    weight = np.maximum(square[:accepted].sum(0), 1e-3)
    # Of independent nights about their own mean the expectation is -1/K.
    start = near[1:accepted].sum(0) / weight + 1.0 / accepted
    prior, prior_nights = supposed
    start = (start * accepted + prior * prior_nights) / (accepted + prior_nights)
    weight = weight * (accepted + prior_nights) / accepted
    excess, squares = (near - far)[accepted:], square[accepted:]
    excess[:FAR_LAG] = start * squares[:FAR_LAG]
    counts = counts_for_learning(squares, learn_until)
    near_sum, square_sum = sum_before(excess * counts), sum_before(squares * counts)
    known = (start * weight + near_sum) / (weight + square_sum)
    return np.asarray(np.clip(known, 0.0, MOST_LIKENESS))


def lag_products(z: FloatArray, lag: int) -> FloatArray:
    """(T, ...) mean over cases of products of nights ``lag`` apart, 0 where there is none."""
    import numpy as np

    product = np.zeros(z.shape[:-1], z.dtype)
    product[lag:] = (z[lag:] * z[:-lag]).mean(-1)
    return product

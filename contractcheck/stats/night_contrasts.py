"""How far is one night from its reference, for one case and metric.

Everything here reads sufficient statistics (category counts, values, mean text
vectors), so a judgement needs no raw answers. Each contrast is a squared distance
``T`` divided by its expectation under pure sampling noise: about 1 on a night like
the others, larger when the night differs.

The expectation and the effective degrees of freedom follow from the first four
moments of one answer (Satterthwaite 1946, *Biometrics Bulletin* 2(6); the fourth
moment is Mardia's 1970 multivariate kurtosis). For category counts they reduce
to the exact mean and variance of Pearson's statistic (Haldane 1937, *Biometrika*
29). Half a pseudo-answer of a kind never seen (Jeffreys 1946) keeps a constant
reference from making any deviation infinitely surprising.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

PSEUDO_ANSWERS = 0.5
"""Weight of the never-seen answer added to a reference (Jeffreys' prior)."""
TINY = 1e-9
"""Keeps empty nights from dividing by zero; far below any count or distance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """One case and metric over nights, each against its reference.

    Attributes:
        ratio: (N,) distance over its null expectation, >= 0; 1 where the night
            holds no evidence.
        dof: (N,) effective degrees of freedom, > 0; 0 where the night holds no
            answers (or its reference none), which every score then ignores.
    """

    ratio: FloatArray
    dof: FloatArray


def contrast_labels(tonight_counts: ArrayLike, reference_counts: ArrayLike) -> Contrast:
    """Contrast category counts by a regularised Pearson statistic.

    All categories unseen in the reference are one category, so what tonight
    invents does not change the scale it is measured on.

    Args:
        tonight_counts: (..., C) answers per category; fractions are allowed.
        reference_counts: (..., C) pooled answers, same categories.
    """
    import numpy as np

    tonight, reference = as_counts(tonight_counts), as_counts(reference_counts)
    tonight, reference = np.broadcast_arrays(tonight, reference)
    n_t, n_r = tonight.sum(-1), reference.sum(-1)
    seen = reference > 0
    n_seen = seen.sum(-1)
    total = n_r + PSEUDO_ANSWERS * (n_seen + 1)
    share_t = tonight / np.maximum(n_t, TINY)[..., None]
    share_r = reference / np.maximum(n_r, TINY)[..., None]
    smooth = (reference + PSEUDO_ANSWERS) / total[..., None]
    share_new = np.where(seen, 0.0, share_t).sum(-1)
    smooth_new = PSEUDO_ANSWERS / total
    distance = np.where(seen, (share_t - share_r) ** 2 / smooth, 0.0).sum(-1)
    distance += share_new**2 / smooth_new
    # One category only: the null model is that category against "anything else".
    constant = n_seen == 1
    categories = np.where(constant, 2, n_seen)
    inverse = np.where(seen, 1.0 / smooth, 0.0).sum(-1) + np.where(constant, 1.0 / smooth_new, 0.0)
    trace = np.maximum(categories - 1.0, 1.0)
    fourth = inverse - 2.0 * categories + 1.0
    return _contrast(
        distance=distance,
        trace=trace,
        trace_square=trace,
        fourth=fourth,
        n_t=n_t,
        n_r=n_r,
        tied=constant & (share_new <= 0),
    )


def contrast_numbers(tonight_values: ArrayLike, reference_values: ArrayLike) -> Contrast:
    """Contrast numbers by location and spread of their reference ranks.

    A value becomes its mid-distribution rank ``u`` in the reference, so units,
    outliers and infinities (time-outs) do not matter and ties do no harm.
    Location is ``2u - 1``, spread is ``sqrt(2) |2u - 1|`` (Ansari & Bradley 1960).

    Args:
        tonight_values: (n_t,) numbers, no NaN.
        reference_values: (n_r,) numbers of all reference nights, no NaN.

    Raises:
        UsageError: When a value is NaN.
    """
    import numpy as np

    reference, tonight = as_values(reference_values), as_values(tonight_values)
    counts = count_on_grid([reference, tonight], np.unique(reference))
    return contrast_ordered(counts[1], counts[0])


def contrast_text(
    tonight_mean: ArrayLike,
    n_t: ArrayLike,
    reference_mean: ArrayLike,
    n_r: ArrayLike,
    effective_dimension: ArrayLike,
) -> Contrast:
    """Contrast mean text vectors by their squared distance.

    This is the maximum mean discrepancy of Gretton et al. (2012, JMLR 13) with a
    linear kernel on hashed n-grams; only the means are needed.

    Args:
        tonight_mean: (..., D) mean of tonight's unit-norm vectors.
        n_t: (...) number of tonight's answers.
        reference_mean: (..., D) mean over the answers of all reference nights.
        n_r: (...) number of reference answers.
        effective_dimension: (...) from :func:`text_effective_dimension`, >= 1.
    """
    import numpy as np

    mean_t, mean_r = np.asarray(tonight_mean, float), np.asarray(reference_mean, float)
    n_tonight, n_reference = np.asarray(n_t, float), np.asarray(n_r, float)
    distance = ((mean_t - mean_r) ** 2).sum(-1)
    length = (mean_r**2).sum(-1)
    shrunk = n_reference / (n_reference + PSEUDO_ANSWERS)
    share_new = 1.0 - shrunk
    # Rows have unit norm, so their total variance is what the mean has lost in length.
    trace = 1.0 - length * shrunk**2 - share_new**2
    return _contrast(
        distance=distance,
        trace=np.maximum(trace, TINY),
        trace_square=trace**2 / np.maximum(np.asarray(effective_dimension, float), 1.0),
        fourth=trace**2 + share_new * (1.0 + length) ** 2,
        n_t=n_tonight,
        n_r=n_reference,
        tied=(1.0 - length < TINY) & (distance < TINY),
    )


def contrast_ordered(tonight: FloatArray, reference: FloatArray) -> Contrast:
    """Contrast counts (..., C) over ordered cells by rank location and spread."""
    import numpy as np

    n_t, n_r = tonight.sum(-1), reference.sum(-1)
    total = (n_r + PSEUDO_ANSWERS)[..., None]
    rank = (np.cumsum(reference, -1) - reference / 2 + PSEUDO_ANSWERS / 2) / total
    edge = (1.0 - PSEUDO_ANSWERS / 2 / total)[..., 0]  # |2u - 1| of the two pseudo-answers
    weight, weight_edge = reference / total, (PSEUDO_ANSWERS / total)[..., 0]
    location = 2.0 * rank - 1.0
    spread = np.abs(location)
    centre = (weight * spread).sum(-1) + weight_edge * edge
    spread = np.sqrt(2.0) * (spread - centre[..., None])
    spread_edge = np.sqrt(2.0) * (edge - centre)

    var_location = (weight * location**2).sum(-1) + weight_edge * edge**2
    var_spread = (weight * spread**2).sum(-1) + weight_edge * spread_edge**2
    covariance = (weight * location * spread).sum(-1)  # the two edges cancel
    fourth = (weight * (location**2 + spread**2) ** 2).sum(-1)
    fourth += weight_edge * (edge**2 + spread_edge**2) ** 2
    move = tonight / np.maximum(n_t, TINY)[..., None]
    move -= reference / np.maximum(n_r, TINY)[..., None]
    distance = (move * location).sum(-1) ** 2 + (move * spread).sum(-1) ** 2
    constant = (reference > 0).sum(-1) == 1
    elsewhere = np.where(reference > 0, 0.0, tonight).sum(-1)
    return _contrast(
        distance=distance,
        trace=var_location + var_spread,
        trace_square=var_location**2 + var_spread**2 + 2.0 * covariance**2,
        fourth=fourth,
        n_t=n_t,
        n_r=n_r,
        tied=constant & (elsewhere <= 0),
    )


def count_on_grid(nights: Sequence[FloatArray], grid: FloatArray) -> FloatArray:
    """Count each night's values on and between the (U,) grid values: (N, 2U + 1)."""
    import numpy as np

    cells = 2 * len(grid) + 1
    values = np.concatenate(nights)
    # Even cells are the gaps below, between and above the grid values, odd cells the values.
    place = np.searchsorted(grid, values, "left") + np.searchsorted(grid, values, "right")
    night = np.repeat(np.arange(len(nights)), [len(values) for values in nights])
    flat = np.bincount(night * cells + place, minlength=len(nights) * cells)
    return flat.reshape(len(nights), cells).astype(float)


def as_counts(counts: ArrayLike) -> FloatArray:
    """Read category counts as floats.

    Raises:
        UsageError: When a count is negative or not finite, or there is no category.
    """
    import numpy as np

    array = np.asarray(counts, dtype=float)
    if array.size == 0 or not np.isfinite(array).all() or (array < 0).any():
        raise UsageError("Category counts must be finite and >= 0, with at least one category.")
    return array


def as_values(values: ArrayLike) -> FloatArray:
    """Read numbers as a flat array; infinities (time-outs) are welcome.

    Raises:
        UsageError: When a value is NaN.
    """
    import numpy as np

    array = np.asarray(values, dtype=float).ravel()
    if np.isnan(array).any():
        raise UsageError(
            "A number is NaN: leave missing numbers out and count their absence as a label."
        )
    return array


def _contrast(
    *,
    distance: FloatArray,
    trace: FloatArray,
    trace_square: FloatArray,
    fourth: FloatArray,
    n_t: FloatArray,
    n_r: FloatArray,
    tied: NDArray[np.bool_],
) -> Contrast:
    """Turn a distance and the moments of one answer into a ratio and its dof.

    With answers of covariance S, the mean of ``|mean_t - mean_r|^2`` is
    ``tr S (1/n_t + 1/n_r)`` and its variance ``2 tr S^2`` plus the excess fourth
    moment over n, in units of that bracket squared.
    """
    import numpy as np

    usable = (n_t > 0) & (n_r > 0)
    inverse_t, inverse_r = 1.0 / np.maximum(n_t, TINY), 1.0 / np.maximum(n_r, TINY)
    scale = inverse_t + inverse_r
    excess = (fourth - trace**2 - 2.0 * trace_square) * (inverse_t**3 + inverse_r**3) / scale**2
    # At n = 1 the moments may cancel; a squared distance is never that certain.
    variance = np.maximum(2.0 * trace_square + excess, trace_square)
    ratio = np.where(usable & ~tied, distance / (trace * scale), 1.0)
    dof = np.where(usable, 2.0 * trace**2 / np.maximum(variance, TINY**2), 0.0)
    return Contrast(ratio=np.asarray(ratio), dof=np.asarray(dof))

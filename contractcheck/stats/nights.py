"""All nights of one case and metric against the accepted ones.

The first ``accepted`` rows are the baseline: each of them is contrasted with the
*other* accepted nights, every later row with all of them, which is what the
predictive rule in :mod:`contractcheck.stats.night_rule` needs. ``replaced`` asks
"what if": that share of every contrasted night's answers, but not of its
reference, becomes something never seen (:mod:`contractcheck.stats.night_power`).

A case in which a night has no answers carries no evidence there (zero degrees of
freedom) and every score leaves it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.stats.night_contrasts import (
    TINY,
    Contrast,
    as_counts,
    as_values,
    contrast_labels,
    contrast_ordered,
    contrast_text,
    count_on_grid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]


def label_contrasts(counts: ArrayLike, *, accepted: int, replaced: float = 0.0) -> Contrast:
    """Contrast every night's category counts with the accepted nights.

    Args:
        counts: (N, C) answers per night and category; a night may be all zero.
        accepted: How many first rows are the baseline, 1 to N.
        replaced: Share of each night's answers that becomes a new category, 0 to 1.

    Returns:
        Ratios and degrees of freedom (N,).
    """
    import numpy as np

    nights = as_counts(counts)
    nights = np.concatenate([nights, np.zeros((len(nights), 1))], axis=1)
    return contrast_labels(_replace(nights, replaced), _others(nights, accepted))


def number_contrasts(
    values: Sequence[ArrayLike], *, accepted: int, replaced: float = 0.0
) -> Contrast:
    """Contrast every night's numbers with the accepted nights.

    Args:
        values: N arrays of any lengths, no NaN.
        accepted: How many first arrays are the baseline, 1 to N.
        replaced: Share of each night's answers that moves beyond the maximum, 0 to 1.

    Returns:
        Ratios and degrees of freedom (N,).

    Raises:
        UsageError: When a value is NaN.
    """
    import numpy as np

    nights = [as_values(night) for night in values]
    grid = np.unique(np.concatenate(nights[:accepted]))
    counts = count_on_grid(nights, grid)
    return contrast_ordered(_replace(counts, replaced), _others(counts, accepted))


def text_contrasts(
    means: ArrayLike,
    counts: ArrayLike,
    *,
    effective_dimension: float,
    accepted: int,
    replaced: float = 0.0,
) -> Contrast:
    """Contrast every night's mean text vector with the accepted nights.

    Args:
        means: (N, D) mean of each night's unit-norm vectors.
        counts: (N,) answers per night; 0 where a night has none.
        effective_dimension: One figure for the case, from
            :func:`pool_effective_dimensions`.
        accepted: How many first rows are the baseline, 1 to N.
        replaced: Share of each night's answers that becomes a text with no n-gram in
            common with any other, 0 to 1.

    Returns:
        Ratios and degrees of freedom (N,).
    """
    import numpy as np

    n_t = np.asarray(counts, float)
    vectors = np.where(n_t[:, None] > 0, np.asarray(means, float), 0.0)
    vectors = np.concatenate([vectors, np.zeros((len(vectors), 1))], axis=1)
    n_r = _others(n_t[:, None], accepted)[:, 0]
    reference = _others(vectors * n_t[:, None], accepted) / np.maximum(n_r, TINY)[:, None]
    vectors = (1.0 - replaced) * vectors
    vectors[:, -1] = replaced
    return contrast_text(vectors, n_t, reference, n_r, effective_dimension)


def text_effective_dimension(rows: ArrayLike) -> float:
    """Estimate ``(tr S)^2 / tr(S^2)`` of one night's text vectors.

    ``tr(S^2)`` is de-biased after Bai & Saranadasa (1996, Statistica Sinica 6),
    since ten rows can never show more than nine plug-in dimensions.

    Args:
        rows: (n, D) unit-norm vectors.

    Returns:
        A figure from 1 (constant, or one direction) to n (n - 1) / 2, the number
        of pairs that can speak.
    """
    import numpy as np

    centred = np.asarray(rows, float)
    n = len(centred)
    if n < 3:  # noqa: PLR2004 - two rows span one direction whatever the truth is
        return 1.0
    centred = centred - centred.mean(0)
    gram = centred @ centred.T / (n - 1)
    trace = float(np.trace(gram))
    if trace < TINY:
        return 1.0
    square = float((gram**2).sum()) - trace**2 / (n - 1)
    square *= (n - 1) ** 2 / ((n - 2) * (n + 1))
    return float(np.clip(trace**2 / max(square, TINY * trace**2), 1.0, n * (n - 1) / 2))


def pool_effective_dimensions(dimensions: ArrayLike) -> float:
    """Combine per-night effective dimensions: their harmonic mean.

    The reciprocal is what one night estimates without much bias.

    Args:
        dimensions: (K,) figures >= 1.
    """
    import numpy as np

    return float(1.0 / np.mean(1.0 / np.maximum(np.asarray(dimensions, float), 1.0)))


def _others(nights: FloatArray, accepted: int) -> FloatArray:
    """Sum the accepted rows of (N, C), leaving each accepted row's own part out."""
    import numpy as np

    if not 1 <= accepted <= len(nights):
        raise UsageError(
            f"accepted={accepted} of {len(nights)} nights: the baseline is the first rows, "
            "at least one and at most all of them."
        )
    # A single night has no others: it is its own reference.
    leaves_out = (np.arange(len(nights)) < accepted) & (accepted > 1)
    return np.asarray(nights[:accepted].sum(0) - np.where(leaves_out[:, None], nights, 0.0))


def _replace(nights: FloatArray, share: float) -> FloatArray:
    """Move a share of each row of (N, C) counts into its last column."""
    moved = (1.0 - share) * nights
    moved[:, -1] += share * nights.sum(-1)
    return moved

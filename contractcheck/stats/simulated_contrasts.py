"""Contrasts of many years of made-up nights at once, from the numbers that they are drawn as.

:mod:`contractcheck.stats.nights` contrasts the measured nights of one history. Here the same is
taken for R histories together from counts, mean rank scores and distances. Shapes are (T, R):
nights, the accepted ones first, by years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.stats.night_contrasts import PSEUDO_ANSWERS, Contrast, contrast_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Counts = NDArray[np.int64]

_MOST_CODES: Final = 4096
"""Codes of a night's counts up to which each is contrasted once for all nights that have it."""
_LEAST_DOF: Final = 0.25
"""As in ``night_scores.wilson_hilferty``."""
_ONE_ANSWER: Final = 0.5
"""Of the least that one answer can move a constant mean score by: less is no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RankScale:
    """What rank scores of one case and metric are contrasted by.

    Attributes:
        slope: What location tells of the spread: the spread that is drawn is without it.
        trace: Variance of one answer's location and spread together.
        is_constant: Whether all accepted numbers are one.
        answers: Numbers of a night.
        dof: Effective degrees of freedom of an accepted night and of a later one.
    """

    slope: float
    trace: float
    is_constant: bool
    answers: int
    dof: tuple[float, float]


def contrast_counts(counts: Counts, accepted: int) -> Contrast:
    """Contrast (T, R, C) category counts; of few answers every outcome once, then looked up.

    Args:
        counts: Answers per category.
        accepted: How many first nights are the baseline, at least two.
    """
    import numpy as np

    pool = counts[:accepted].sum(0)
    early = contrast_labels(counts[:accepted], pool - counts[:accepted])
    late = _contrast_later(counts[accepted:], pool)
    return Contrast(
        ratio=np.concatenate([early.ratio, late.ratio]),
        dof=np.concatenate([early.dof, late.dof]),
    )


def _contrast_later(counts: Counts, pool: Counts) -> Contrast:
    import numpy as np

    totals, kinds = counts.sum(-1), counts.shape[-1]
    total = int(totals.max(initial=0))
    codes = (total + 1) ** (kinds - 1)
    if codes > _MOST_CODES or not (totals == total).all():
        return contrast_labels(counts, pool)
    base = (total + 1) ** np.arange(kinds - 1)
    code = sum(counts[..., kind] * base[kind] for kind in range(kinds - 1))
    seen = np.flatnonzero(np.bincount(np.ravel(code), minlength=codes))
    if 2 * len(seen) > len(counts):
        return contrast_labels(counts, pool)
    place = np.zeros(codes, np.intp)
    place[seen] = np.arange(len(seen))
    outcomes = seen // base[:, None] % (total + 1)
    every = contrast_labels(
        by_kind([*outcomes, total - outcomes.sum(0)])[:, None], by_kind([*pool.T])
    )
    found, year = place[code], np.arange(counts.shape[1])
    return Contrast(ratio=every.ratio[found, year], dof=every.dof[found, year])


def by_kind(columns: Sequence[Counts]) -> Counts:
    """(..., C) of C arrays, laid out so that sums over few categories are fast."""
    import numpy as np

    return np.moveaxis(np.stack(columns), 0, -1)


def measure_ranks(pool: ArrayLike, *, answers: int, dof: tuple[float, float]) -> RankScale:
    """Measure what :func:`contractcheck.stats.night_coordinates.score_ranks` takes out.

    Args:
        pool: (N,) accepted numbers, N >= 1, no NaN.
        answers: Numbers of a night.
        dof: Of an accepted night and of a later one, from
            :func:`contractcheck.stats.nights.number_contrasts`.
    """
    import numpy as np

    grid, counts = np.unique(np.asarray(pool, float), return_counts=True)
    total = counts.sum() + PSEUDO_ANSWERS
    location = 2.0 * (np.cumsum(counts) - counts / 2 + PSEUDO_ANSWERS / 2) / total - 1.0
    edge = 1.0 - PSEUDO_ANSWERS / 2 / total
    location = np.concatenate([[-edge], location, [edge]])
    half = PSEUDO_ANSWERS / 2 / total
    weight = np.concatenate([[half], counts / total, [half]])
    spread = np.abs(location)
    spread = spread - (weight * spread).sum()
    variance = float((weight * location**2).sum())
    return RankScale(
        slope=float((weight * spread * location).sum()) / variance,
        trace=variance + 2.0 * float((weight * spread**2).sum()),
        is_constant=len(grid) == 1,
        answers=answers,
        dof=dof,
    )


def full_spread(location: FloatArray, spread: FloatArray, scale: RankScale) -> FloatArray:
    """Spread as contrasts know it, from that which charts add up."""
    import numpy as np

    return np.asarray(np.sqrt(2.0) * (spread + scale.slope * location))


def contrast_ranks(
    location: FloatArray, spread: FloatArray, scale: RankScale, accepted: int
) -> Contrast:
    """Contrast (T, R) mean rank scores.

    Accepted nights are scored by the pool that they are in, not by the others alone as measured
    nights are: with ten nights the difference is a tenth of a deviation.

    Args:
        location: Mean scores.
        spread: From :func:`full_spread`.
        scale: Of the case.
        accepted: How many first nights are the baseline, at least two.
    """
    import numpy as np

    squares = _from_others(location, accepted) ** 2 + _from_others(spread, accepted) ** 2
    reference = np.full(len(location), accepted * scale.answers, float)
    reference[:accepted] -= scale.answers
    ratio = ratio_of(squares, scale, n=scale.answers, n_reference=reference[:, None])
    dof = np.where(np.arange(len(location)) < accepted, *scale.dof)
    return Contrast(ratio=ratio, dof=np.broadcast_to(dof[:, None], ratio.shape))


def ratio_of(
    squares: FloatArray, scale: RankScale, *, n: float, n_reference: FloatArray | float
) -> FloatArray:
    """Squared distances of mean scores over what sampling gives; 1 where a constant stayed one."""
    import numpy as np

    ratio = squares / (scale.trace * (1.0 / n + 1.0 / np.asarray(n_reference)))
    if scale.is_constant:
        return np.where(squares < (_ONE_ANSWER / n) ** 2, 1.0, ratio)
    return np.asarray(ratio)


def contrast_scores(scores: FloatArray, dof: tuple[float, float], accepted: int) -> Contrast:
    """Contrast whose (T, R) normal score is known: the cube-root law, backwards.

    Args:
        scores: From :func:`contractcheck.stats.night_scores.wilson_hilferty`.
        dof: Of an accepted night and of a later one.
        accepted: How many first nights are.
    """
    import numpy as np

    each = np.where(np.arange(len(scores)) < accepted, *dof)[:, None]
    variance = 2.0 / (9.0 * np.maximum(each, _LEAST_DOF))
    root = np.maximum(1.0 - variance + np.sqrt(variance) * scores, 0.0)
    return Contrast(ratio=root**3, dof=np.broadcast_to(each, scores.shape))


def _from_others(values: FloatArray, accepted: int) -> FloatArray:
    """(T, R) less the mean of the accepted nights, of the other ones for an accepted night."""
    import numpy as np

    total = values[:accepted].sum(0)
    early = values[:accepted]
    early = early - (total - early) / (accepted - 1)
    return np.concatenate([early, values[accepted:] - total / accepted])

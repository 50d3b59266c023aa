"""Turn one night's many measurements into one number per stream; up is worse.

A score of 0 with standard deviation 1 is what sampling noise alone would give
the output and conformance streams. Night-to-night variation makes real scores
wider; :mod:`contractcheck.stats.night_rule` measures by how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeVar

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from contractcheck.stats.night_contrasts import Contrast

    FloatArray = NDArray[np.float64]
    Night = TypeVar("Night")

USUAL_RATIO_SD = 0.8
"""Least night-to-night standard deviation of the log mean ratio of outputs (measured).

One baseline of ten in eight holds none of the odd nights that real providers have (3 of 16
measured), and cannot know of them. Of 0.4, 0.6, 0.8 and 1.0 this is the largest that leaves small
suites able to see a total change; 0.4 is enough for Gaussian nights dispersed 1.4 to 1.5 times.
What is left of false reds when odd nights follow each other: ``ODD_FORTNIGHT`` in ``night_rule``.
"""
WORST_CASE_FLOOR_SD = 2.0
"""Least standard deviation of a worst-case score between nights (measured there too)."""
CONFORMANCE_FLOOR_SD = 1.0
"""Least standard deviation of a conformance score: binomial noise alone."""
LATENCY_FLOOR_SD = 0.05
"""Least standard deviation between nights of mean log latency: 5 %.

A third of the .14 measured between runs of one model weeks apart.
"""
WORST_CASE = "*"
"""Name of the stream that watches every case and metric for the worst one."""
LEAST_MEAN_SCORE = 0.0
"""Least baseline mean of the two output scores: sampling noise alone scores 0."""
_FAR_OUT = 8.0
"""Normal score past which the tail (6e-16) is as small as rounding."""
_LEAST_DOF = 0.25
"""Below this the cube root no longer looks normal (its median leaves zero by a whole sd)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightStream:
    """One score per night, and how steady its baseline can be at best.

    Attributes:
        scores: (N,) scores, accepted nights first; up is worse.
        floor_sd: Least standard deviation between nights, > 0.
        floor_mean: Least baseline mean, or None.
    """

    scores: FloatArray
    floor_sd: float
    floor_mean: float | None = None


def output_streams(contrasts: Mapping[str, Sequence[Contrast]]) -> dict[str, NightStream]:
    """Score the outputs: one omnibus stream per metric, and one for the worst case.

    A stream per metric sees a change of labels alone that a mean over labels,
    numbers and texts would dilute.

    Args:
        contrasts: From each metric to its contrasts, one per case, over the same N nights.

    Returns:
        From each metric, and :data:`WORST_CASE`, to its stream.

    Raises:
        UsageError: When there is no contrast, or a metric has a night without evidence.
    """
    streams = {
        metric: NightStream(
            scores=omnibus_score(cases),
            floor_sd=float(omnibus_floor_sd(cases)),
            floor_mean=LEAST_MEAN_SCORE,
        )
        for metric, cases in contrasts.items()
    }
    streams[WORST_CASE] = NightStream(
        scores=worst_case_score([contrast for cases in contrasts.values() for contrast in cases]),
        floor_sd=WORST_CASE_FLOOR_SD,
        floor_mean=LEAST_MEAN_SCORE,
    )
    return streams


def wilson_hilferty(ratio: ArrayLike, dof: ArrayLike) -> FloatArray:
    """Normal score of a mean-one chi-square ratio by the cube-root law.

    Wilson & Hilferty (1931, PNAS 17(12)). It neither saturates nor explodes: the
    score grows with the cube root of the ratio.

    Args:
        ratio: (...) statistic over its expectation, >= 0.
        dof: (...) degrees of freedom; values below 0.25 count as 0.25.
    """
    import numpy as np

    variance = 2.0 / (9.0 * np.maximum(np.asarray(dof, float), _LEAST_DOF))
    return np.asarray((np.cbrt(np.asarray(ratio, float)) - 1.0 + variance) / np.sqrt(variance))


def omnibus_score(contrasts: Sequence[Contrast]) -> FloatArray:
    """Score each night by its mean ratio over cases.

    Finds changes that touch many cases a little. Every contrast has the same weight;
    the degrees of freedom follow (Satterthwaite 1946).

    Args:
        contrasts: One per case and metric, each over the same N nights.

    Returns:
        (N,) normal scores.

    Raises:
        UsageError: When there is no contrast, or a night has no evidence at all.
    """
    return mean_score(stack_contrasts(contrasts))


def mean_score(stack: Contrast) -> FloatArray:
    """Score as :func:`omnibus_score`, of contrasts that are stacked already."""
    return wilson_hilferty(*_mean_ratio(stack))


def omnibus_floor_sd(contrasts: Sequence[Contrast]) -> FloatArray:
    """Least standard deviation of :func:`omnibus_score` between nights.

    Sampling noise is 1; nights that differ by ``USUAL_RATIO_SD`` on the log scale
    add to it, the more so the more cases average the sampling noise away.

    Args:
        contrasts: As given to :func:`omnibus_score`.

    Returns:
        A number, or one of each history.
    """
    import numpy as np

    _, dof = _mean_ratio(stack_contrasts(contrasts))
    return np.asarray(np.hypot(1.0, USUAL_RATIO_SD * np.sqrt(np.median(dof, 0) / 2.0)))


def worst_case_score(contrasts: Sequence[Contrast]) -> FloatArray:
    """Score each night by its single most unusual case and metric.

    Finds one case that changed altogether. The largest of m normal scores is
    again a normal score after Sidak (1967, JASA 62): ``Phi^-1(Phi(z)^m)``, taken
    in logarithms of the smaller tail so that it does not saturate.

    Args:
        contrasts: One per case and metric, each over the same N nights.

    Returns:
        (N,) normal scores.

    Raises:
        UsageError: When there is no contrast, or a night has no evidence at all.
    """
    return worst_score(stack_contrasts(contrasts))


def worst_score(stack: Contrast) -> FloatArray:
    """Score as :func:`worst_case_score`, of contrasts that are stacked already."""
    import numpy as np

    present = stack.dof > 0
    worst = np.where(present, wilson_hilferty(stack.ratio, stack.dof), -np.inf).max(0)
    return score_of_worst(worst, present.sum(0))


def score_of_worst(worst: ArrayLike, many: ArrayLike) -> FloatArray:
    """Normal score of the largest of so many normal scores; shapes broadcast."""
    import numpy as np
    from scipy.special import log_ndtr, ndtri_exp

    worst, m = np.asarray(worst, float), np.asarray(many)
    # Far out, Phi rounds to 1; there 1 - Phi^m equals m (1 - Phi) to the last digit.
    far = worst > _FAR_OUT
    near_score = ndtri_exp(m * log_ndtr(np.minimum(worst, _FAR_OUT)))
    far_score = -ndtri_exp(np.log(m) + log_ndtr(-np.maximum(worst, _FAR_OUT)))
    return np.asarray(np.where(far, far_score, near_score))


def latency_score(log_medians: ArrayLike, *, accepted: int) -> FloatArray:
    """Score each night by how much slower its cases were, on the log scale.

    Args:
        log_medians: (N, ..., C) natural log of each case's median seconds; NaN where a
            night has no timing for a case.
        accepted: How many first nights are the baseline.

    Returns:
        (N, ...) mean over cases of the log ratio to the case's baseline mean; 0.1 is
        about 10 % slower.

    Raises:
        UsageError: When a night has no timing, or no case has one in the baseline.
    """
    import numpy as np

    nights = np.asarray(log_medians, float)
    known = np.isfinite(nights)
    n_baseline = known[:accepted].sum(0)
    baseline = np.where(known, nights, 0.0)[:accepted].sum(0) / np.maximum(n_baseline, 1)
    usable = known & (n_baseline > 0)
    _refuse_empty(usable.sum(-1), "timing")
    return np.asarray(np.where(usable, nights - baseline, 0.0).sum(-1) / usable.sum(-1))


def conformance_score(passed: ArrayLike, answers: ArrayLike, *, accepted: int) -> FloatArray:
    """Score each night by how many fewer answers passed, in binomial deviations.

    Rates are compared on Anscombe's (1948, *Biometrika* 35) variance-stabilised
    arcsine scale, per case, so that 10 of 10 against 100 of 100 is exactly 0.

    Args:
        passed: (N, ..., C) answers that passed.
        answers: (N, ..., C) answers judged; 0 where a night has none for a case.
        accepted: How many first nights are the baseline.

    Returns:
        (N, ...) scores: about 0 as the baseline (exactly, if all passed), up when fewer pass.

    Raises:
        UsageError: When a night has no answer, or more passed than were judged.
    """
    import numpy as np

    good, n = np.asarray(passed, float), np.asarray(answers, float)
    if (good > n).any() or (good < 0).any():
        raise UsageError("Passed answers must lie between 0 and the answers judged.")
    n_baseline = n[:accepted].sum(0)
    rate = good[:accepted].sum(0) / np.maximum(n_baseline, 1)
    usable = (n > 0) & (n_baseline > 0)
    _refuse_empty(usable.sum(-1), "answer")
    drop = 2.0 * np.sqrt(n + 0.5) * (_arcsine(rate * n, n) - _arcsine(good, n))
    return np.asarray(np.where(usable, drop, 0.0).sum(-1) / np.sqrt(usable.sum(-1)))


def _arcsine(passed: FloatArray, answers: FloatArray) -> FloatArray:
    import numpy as np

    return np.asarray(np.arcsin(np.sqrt((passed + 0.375) / (answers + 0.75))))


def _mean_ratio(stack: Contrast) -> tuple[FloatArray, FloatArray]:
    """Mean ratio over cases and metrics, and its degrees of freedom, each (N,)."""
    import numpy as np

    present = stack.dof > 0
    n = present.sum(0)
    mean = np.where(present, stack.ratio, 0.0).sum(0) / n
    variance = np.where(present, 2.0 / np.maximum(stack.dof, _LEAST_DOF), 0.0).sum(0) / n**2
    return mean, 2.0 / variance


def stack_contrasts(contrasts: Sequence[Contrast]) -> Contrast:
    """Stack M contrasts over N nights as one of (M, N) ratios and degrees of freedom.

    Raises:
        UsageError: When there is no contrast, or a night has no evidence at all.
    """
    import numpy as np

    from contractcheck.stats.night_contrasts import Contrast

    if not contrasts:
        raise UsageError("No case and metric to score: give at least one contrast.")
    ratio = np.stack([np.atleast_1d(contrast.ratio) for contrast in contrasts])
    dof = np.stack([np.atleast_1d(contrast.dof) for contrast in contrasts])
    _refuse_empty((dof > 0).sum(0), "comparable answer")
    return Contrast(ratio=ratio, dof=dof)


def _refuse_empty(evidence: NDArray[np.int64], what: str) -> None:
    import numpy as np

    empty = np.flatnonzero(evidence == 0)
    if empty.size:
        raise UsageError(
            f"Night {int(empty[0])} (counted from 0) has no {what}: an empty night is no evidence; "
            "leave it out of the comparison."
        )

"""The score statistic of a difference of rates, stratified by case: arrays only.

Rates are estimated under the hypothesis that is tested: in each case the most likely pair of
rates whose difference is the hypothesised one. Their variance is positive for every difference
but the observed one, so an interval that inverts the statistic has a width even if nobody ever
failed. Sources: Miettinen and Nurminen, Statistics in Medicine 4 (1985) 213-226, for the
statistic, its restricted estimates in closed form and its sum over strata; Farrington and
Manning, Statistics in Medicine 9 (1990) 1447-1454, for its use against a margin.

Near 0 and 1 and with unequal sides the statistic is skewed, and one tail errs several times more
often than stated. Gart and Nam (Biometrics 46 (1990) 637-643) and Laud (Pharmaceutical Statistics
16 (2017) 334-348) correct by the third moment. That correction overshoots at tiny levels, so it
is taken here only where it widens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Between what is inside and what is not, this many times: bounds are good to 2e-9, outwards.
_FRACTIONS = np.array([0.2, 0.4, 0.6, 0.8])
_PASSES = 13
# Tried first, from 0 outwards: 1/1024 to 1/2.
_FROM_ZERO = 0.5 ** np.arange(10, 0, -1)
# Differences of rates closer than this are the same: sums of shares round at about 1e-16.
_SAME = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """Two-by-two tables of cases, for any number of repetitions at once.

    Attributes:
        baseline_events: (..., C) events among the baseline's trials.
        n_baseline: (..., C) trials of the baseline, each at least 1.
        candidate_events: (..., C) events among the candidate's trials.
        n_candidate: (..., C) trials of the candidate, each at least 1.
        weights: (..., C) shares of the cases in the difference, summing to 1.
        dispersion: (...) factor on the binomial variance, at least 1.
    """

    baseline_events: Floats
    n_baseline: Floats
    candidate_events: Floats
    n_candidate: Floats
    weights: Floats
    dispersion: Floats

    @property
    def differences(self) -> Floats:
        """(...) weighted mean over cases of the candidate's rate minus the baseline's."""
        moves = self.candidate_events / self.n_candidate - self.baseline_events / self.n_baseline
        total: Floats = np.sum(self.weights * moves, axis=-1)
        return total


def score_bounds(tables: Tables, z: float) -> tuple[Floats, Floats]:
    """(...) lower and upper bounds: the outermost differences that are no further off than z.

    Args:
        tables: The observations.
        z: Standard normal quantile of one bound, > 0.
    """
    estimate = np.clip(tables.differences, -1.0, 1.0)
    side = np.array([-1.0, 1.0]).reshape(2, *(1,) * estimate.ndim)
    own_axis = (-1, *(1,) * (estimate.ndim + 1))
    inside = side * estimate
    # Cases in which nobody differed add no variance at 0 and much right beside it, so a
    # difference just past 0 can be believable when 0 is not.
    points = np.maximum(inside, _FROM_ZERO.reshape(own_axis))
    inside = _outermost(tables, side, points, inside, z)
    outside = np.ones_like(inside)
    for _ in range(_PASSES):
        points = inside + (outside - inside) * _FRACTIONS.reshape(own_axis)
        reached = _outermost(tables, side, points, inside, z)
        outside = np.min(np.where(points > reached, points, outside), axis=0)
        inside = reached
    return -outside[0], outside[1]


def standard_score(tables: Tables, difference: Floats) -> Floats:
    """(...) observed minus hypothesised difference as a standard normal score.

    Args:
        tables: The observations.
        difference: (...) hypothesised differences, in [-1, 1].

    Returns:
        Corrected for skewness towards 0, never away from it; infinite where the hypothesis leaves
        no variance and is not what was observed.
    """
    old, new = restricted_rates(tables, difference)
    n, m = tables.n_baseline, tables.n_candidate
    # Unbiased for the variance of a case without a difference, down to one trial on each side.
    correction = (n + m) / (n + m - 1)
    second = correction * (old * (1 - old) / n + new * (1 - new) / m)
    third = new * (1 - new) * (1 - 2 * new) / m**2 - old * (1 - old) * (1 - 2 * old) / n**2
    variance = np.sum(tables.weights**2 * second, axis=-1)
    distance = tables.differences - difference
    known = variance > _SAME**2
    spread = np.sqrt(np.where(known, variance, 1.0))
    skewness = np.sum(tables.weights**3 * third, axis=-1) / spread**3
    value = _pull_in(distance / (spread * np.sqrt(tables.dispersion)), skewness)
    # Without variance only the sign of the distance is left, if there is one.
    certain = np.where(np.abs(distance) > _SAME, np.copysign(np.inf, distance), 0.0)
    return np.where(known, value, certain)


def restricted_rates(tables: Tables, difference: Floats) -> tuple[Floats, Floats]:
    """(..., C) most likely rates of the two sides whose difference is the given one.

    Source: Miettinen and Nurminen (1985), appendix 1: the middle root of a cubic.
    """
    delta = np.asarray(difference, dtype=np.float64)[..., None]
    x, n, m = tables.baseline_events, tables.n_baseline, tables.n_candidate
    total, events = n + m, x + tables.candidate_events
    a2 = ((m + 2 * n) * delta - total - events) / (3 * total)
    a1 = ((n * delta - total - 2 * x) * delta + events) / total
    a0 = x * delta * (1 - delta) / total
    q = a2**3 - a1 * a2 / 2 + a0 / 2
    p = np.copysign(np.sqrt(np.maximum(a2**2 - a1 / 3, 0.0)), q)
    cubed = np.where(p == 0, 1.0, p**3)
    angle = (np.pi + np.arccos(np.clip(q / cubed, -1.0, 1.0))) / 3
    root = 2 * p * np.cos(angle) - a2
    old = np.clip(root, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta))
    return old, np.clip(old + delta, 0.0, 1.0)


def _pull_in(value: Floats, skewness: Floats) -> Floats:
    """Solve ``z + skewness (z^2 - 1) / 6 = value`` for z where that brings it nearer to 0."""
    size = np.abs(value)
    towards = np.sign(value) * skewness / 6
    bends = (size > 1) & (towards > 0)
    bend = np.where(bends, towards, 1.0)
    # The positive root, written so that nothing cancels.
    solved = 2 * (bend + size) / (1 + np.sqrt(1 + 4 * bend * (bend + size)))
    pulled: Floats = np.where(bends, np.copysign(solved, value), value)
    return pulled


def _outermost(tables: Tables, side: Floats, points: Floats, inside: Floats, z: float) -> Floats:
    """(2, ...) the outermost of (S, 2, ...) points that is no further off than z, or ``inside``."""
    reached = np.abs(standard_score(tables, side * points)) <= z
    outermost: Floats = np.max(np.where(reached, points, inside), axis=0)
    return outermost

"""When is a run of night scores an alarm, and how often would it be a false one.

A score is compared with K accepted nights by the predictive t statistic, and two
consecutive nights must both exceed a threshold. If night scores are Gaussian
around a stable mean, the whole year of t statistics depends on K alone, because
location and scale cancel (a pivot): the threshold for a stated chance of any
false alarm in a year is a two-dimensional integral, done here by quadrature, and
it includes the error of estimating mean and scale from K nights.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.stats.roots import find_root

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

FEWEST_NIGHTS = 5
"""Fewer accepted nights support no distributional claim (project rule)."""
YEAR_NIGHTS = 365
YEARLY_BUDGET = 0.10
"""Chance of any false alarm in a year, all streams together."""
ODD_FORTNIGHT = 0.02
"""Bound on the chance of any false red in 14 nights of which 3 in 16 are odd, K = 10.

The derived chance supposes normal nights; two odd nights in a row can break it. The bound is the
95 % upper limit (1.8 %, rounded up) of 11 red in 1,000 quiet fortnights of the simulator, whose odd
nights are as frequent as the recorded ones of an unchanged model. It was then put to the test on
other histories: docs/explanation/statistics.md, and ``tests/calibration`` at each run.
"""
_NODES_MEAN, _NODES_SCALE = 40, 80


def predictive_t(
    baseline_scores: ArrayLike,
    scores: ArrayLike,
    floor_sd: ArrayLike,
    *,
    floor_mean: float | None = None,
) -> FloatArray:
    """Studentise new night scores by the accepted nights (K - 1 degrees of freedom).

    ``(score - mean) / (s sqrt(1 + 1/K))``, the prediction t of one further
    observation. The floors say how good a baseline can be at best: they keep K
    nights that happen to agree from promising that the next one will.

    Args:
        baseline_scores: (K,) scores of the accepted nights, or (K, R) of R histories.
        scores: (...) scores of later nights, same unit; of histories (..., R).
        floor_sd: Least standard deviation between nights, > 0, same unit; one, or (R,).
        floor_mean: Least mean, or None for no floor.

    Raises:
        UsageError: When K < 5 or ``floor_sd`` is not positive.
    """
    import numpy as np

    mean, predictive_sd = _predictive(baseline_scores, floor_sd, floor_mean)
    return np.asarray((np.asarray(scores, float) - mean) / predictive_sd)


def alarm_nights(statistics: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Mark nights that exceed the threshold right after a night that did.

    Args:
        statistics: (N,) predictive t of consecutive nights.
        threshold: From :func:`two_night_threshold`.
    """
    import numpy as np

    over = np.asarray(statistics, float) > threshold
    alarm = np.zeros(over.shape, dtype=bool)
    alarm[1:] = over[1:] & over[:-1]
    return alarm


def share_of_budget(streams: int, *, budget: float = YEARLY_BUDGET) -> float:
    """Split the yearly budget equally over streams and rules (Bonferroni)."""
    if streams < 1:
        raise UsageError(f"streams={streams}: a budget is shared by at least one stream.")
    return budget / streams


@lru_cache(maxsize=256)
def two_night_threshold(
    *, nights: int, budget: float = YEARLY_BUDGET, horizon: int = YEAR_NIGHTS
) -> float:
    """Find the threshold that two consecutive nights must both exceed.

    Args:
        nights: K accepted nights, >= 5.
        budget: Chance of any false alarm of this stream in ``horizon`` nights, in (0, 1).
        horizon: Nights the budget is for.

    Returns:
        A threshold for :func:`predictive_t`.

    Raises:
        UsageError: When K < 5, or budget or horizon make no sense.
    """
    if not 0.0 < budget < 1.0:
        raise UsageError(f"budget={budget}: a chance of false alarm lies between 0 and 1.")
    at_zero = chance_of_false_red(nights=nights, threshold=0.0, horizon=horizon)
    if at_zero <= budget:
        return 0.0

    def excess(threshold: float) -> float:
        return chance_of_false_red(nights=nights, threshold=threshold, horizon=horizon) - budget

    upper = 4.0
    while excess(upper) > 0:
        upper *= 2.0
    return find_root(excess, 0.0, upper, within=1e-6)


def chance_of_false_red(*, nights: int, threshold: float, horizon: int) -> float:
    """Chance of any run of two nights over the threshold though nothing changed.

    Exact up to quadrature (absolute error under 1e-4) for independent Gaussian
    night scores; real nights are measured against it in the calibration tests.

    Args:
        nights: K accepted nights, >= 5.
        threshold: As given to :func:`alarm_nights`, >= 0.
        horizon: Later nights that are watched, >= 1.

    Raises:
        UsageError: When K < 5 or ``horizon`` < 1.
    """
    import numpy as np
    from scipy.special import ndtr

    _refuse_few(nights)
    if horizon < 1:
        raise UsageError(f"horizon={horizon}: at least one later night is watched.")
    mean, weight_mean, scale, weight_scale = _baseline_errors(nights)
    limit = mean[:, None] + threshold * scale * np.sqrt(1.0 + 1.0 / nights)
    runs = _chance_of_run_of_two(ndtr(-limit), horizon)
    return float(weight_mean @ runs @ weight_scale)


def single_night_level(*, budget: float = YEARLY_BUDGET, horizon: int = YEAR_NIGHTS) -> float:
    """Level of a rule that one night alone can break, so that a year keeps its budget.

    ``1 - (1 - budget)^(1 / horizon)`` (Sidak 1967): nights are independent here.
    """
    import math

    if not 0.0 < budget < 1.0 or horizon < 1:
        raise UsageError(f"budget={budget}, horizon={horizon}: need 0 < budget < 1, horizon >= 1.")
    return -math.expm1(math.log1p(-budget) / horizon)


def score_to_be_seen(
    baseline_scores: ArrayLike,
    floor_sd: float,
    *,
    threshold: float,
    power: float = 0.8,
    floor_mean: float | None = None,
) -> float:
    """Mean score that a change needs for both nights to alarm with ``power``.

    Each night must exceed with chance ``sqrt(power)``, so the mean lies that normal
    quantile above the threshold (1.25 standard deviations at 0.8).

    Args:
        baseline_scores: (K,) scores of the accepted nights.
        floor_sd: As in :func:`predictive_t`.
        threshold: From :func:`two_night_threshold`.
        power: Chance that both of two changed nights exceed, in (0, 1).
        floor_mean: As in :func:`predictive_t`.
    """
    import math

    from scipy.special import ndtri

    mean, predictive_sd = _predictive(baseline_scores, floor_sd, floor_mean)
    return float(mean + (threshold + float(ndtri(math.sqrt(power)))) * predictive_sd)


def _predictive(
    baseline_scores: ArrayLike, floor_sd: ArrayLike, floor_mean: float | None
) -> tuple[FloatArray, FloatArray]:
    """Mean and predictive standard deviation of the next night's score, of each history."""
    import numpy as np

    baseline = np.asarray(baseline_scores, float)
    _refuse_few(len(baseline))
    floor = np.asarray(floor_sd, float)
    if (floor <= 0).any():
        raise UsageError(f"floor_sd={floor}: a floor is positive, or equal nights divide by 0.")
    mean = baseline.mean(0)
    if floor_mean is not None:
        mean = np.maximum(mean, floor_mean)
    sd = np.maximum(baseline.std(0, ddof=1), floor)
    return np.asarray(mean), np.asarray(sd * np.sqrt(1.0 + 1.0 / len(baseline)))


@lru_cache(maxsize=32)
def _baseline_errors(nights: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Quadrature nodes and weights of the mean and scale that K nights estimate.

    In units of the true deviation: mean ~ N(0, 1/K) by Gauss-Hermite, squared
    scale ~ chi2_{K-1} / (K-1) by Gauss-Legendre over its quantiles' range.
    """
    import numpy as np
    from scipy.special import gammaincinv, gammaln

    node, weight_mean = np.polynomial.hermite_e.hermegauss(_NODES_MEAN)
    shape = (nights - 1) / 2.0
    low, high = np.sqrt(gammaincinv(shape, [1e-9, 1.0 - 1e-9]) / shape)
    unit, weight = np.polynomial.legendre.leggauss(_NODES_SCALE)
    scale = low + (high - low) * (unit + 1.0) / 2.0
    log_density = (
        np.log(2.0) + shape * np.log(shape) - gammaln(shape) + (2 * shape - 1) * np.log(scale)
    ) - shape * scale**2
    weight_scale = weight * (high - low) / 2.0 * np.exp(log_density)
    return (
        node / np.sqrt(nights),
        weight_mean / weight_mean.sum(),
        scale,
        weight_scale / weight_scale.sum(),
    )


def _chance_of_run_of_two(exceed: FloatArray, horizon: int) -> FloatArray:
    """Chance of two successive successes in ``horizon`` independent trials.

    The chance of none obeys a_n = q a_{n-1} + p q a_{n-2}, a_0 = a_1 = 1 (Feller
    1968, vol. 1, XIII.7), solved by its two roots.

    Args:
        exceed: Chance p of one success, any shape.
        horizon: Number of trials.
    """
    import numpy as np

    fail = 1.0 - exceed
    root = np.sqrt(fail**2 + 4.0 * exceed * fail)
    large, small = (fail + root) / 2.0, (fail - root) / 2.0
    share = (1.0 - small) / np.maximum(root, 1e-300)
    none = share * large**horizon + (1.0 - share) * small**horizon
    return np.asarray(np.clip(1.0 - none, 0.0, 1.0))


def _refuse_few(nights: int) -> None:
    if nights < FEWEST_NIGHTS:
        raise UsageError(
            f"{nights} accepted nights: a statement about night-to-night change needs at least "
            f"{FEWEST_NIGHTS}; accept {FEWEST_NIGHTS - nights} more."
        )

"""The smallest effect that an interval of this width would have told from none."""

from __future__ import annotations

import math
from statistics import NormalDist

from contractcheck.stats.effects import CONFIDENCE


def detectable_effect(
    low: float, high: float, *, is_ratio: bool = False, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Minimum detectable effect of one comparison by itself, from its 95 % interval.

    The interval's standard error times the sum of two normal quantiles, 2.80 at 5 % and a power
    of 80 % (Bloom, Evaluation Review 19, 1995). A rule of thumb: it takes the interval for
    symmetric and the test for one of that effect alone, and knows nothing of other comparisons.

    Args:
        low: Lower 95 % bound.
        high: Upper 95 % bound, in the same unit.
        is_ratio: Whether the effect is a ratio; then it is worked out on the log scale.
        alpha: Two-sided level, in (0, 1).
        power: Wanted chance of finding the effect, in (0, 1).

    Returns:
        A difference above 0, or a ratio above 1, in the unit of the bounds; None where the data
        gives no finite bounds, or bounds that coincide: ties are no precision.
    """
    if low == high:
        return None
    if is_ratio:
        if low <= 0 or not math.isfinite(high):
            return None
        low, high = math.log(low), math.log(high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    quantile = NormalDist().inv_cdf
    error = (high - low) / (2 * quantile(0.5 + CONFIDENCE / 2))
    effect = (quantile(1 - alpha / 2) + quantile(power)) * error
    return math.exp(effect) if is_ratio else effect

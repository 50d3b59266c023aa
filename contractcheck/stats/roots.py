"""Where a continuous function of one number crosses nought."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDING = 4 * 2.0**-52
"""No root is known better than to this share of itself: the last places of a double."""

_MOST_STEPS = 100
"""Far more than are needed: a bracket is halved whenever interpolation does not shrink it."""


class _Point(NamedTuple):
    """A point of a function."""

    x: float
    y: float


def find_root(
    function: Callable[[float], float], low: float, high: float, *, within: float
) -> float:
    """Find a root between two points at which a continuous function has opposite signs.

    Brent's method (R. P. Brent, Algorithms for Minimization without Derivatives, 1973, chapters 3
    and 4): interpolate as long as that shrinks the bracket fast enough, else halve it. The steps
    are those of ``scipy.optimize.brentq``; importing that package takes a quarter of a second.

    Args:
        function: Continuous; called once per step.
        low: One end of the bracket.
        high: The other end.
        within: How far from a root the result may be, > 0.

    Raises:
        UsageError: If the ends do not bracket a root.
    """
    previous, best = _Point(low, function(low)), _Point(high, function(high))
    if not previous.y * best.y <= 0.0:
        raise UsageError(
            f"the function has the same sign at {low:g} and {high:g}: is a root between?"
        )
    other, step, last_step = previous, 0.0, 0.0
    for _ in range(_MOST_STEPS):
        if (previous.y < 0.0) != (best.y < 0.0):
            other = previous
            step = last_step = best.x - previous.x
        if abs(other.y) < abs(best.y):
            previous, best, other = best, other, best
        enough = (within + _ROUNDING * abs(best.x)) / 2
        half = (other.x - best.x) / 2
        if best.y == 0.0 or abs(half) < enough:
            break
        tried = math.inf
        if abs(last_step) > enough and abs(best.y) < abs(previous.y):
            tried = _interpolate(previous, best, other)
        is_shrinking = 2 * abs(tried) < min(abs(last_step), 3 * abs(half) - enough)
        last_step, step = (step, tried) if is_shrinking else (half, half)
        x = best.x + (step if abs(step) > enough else math.copysign(enough, half))
        previous, best = best, _Point(x, function(x))
    return best.x


def _interpolate(previous: _Point, best: _Point, other: _Point) -> float:
    """Step to where a line, or an inverse parabola if there are three points, meets nought."""
    if previous.x == other.x:
        return -best.y * (best.x - previous.x) / (best.y - previous.y)
    near = (previous.y - best.y) / (previous.x - best.x)
    far = (other.y - best.y) / (other.x - best.x)
    bottom = far * near * (other.y - previous.y)
    # Nought where tiny numbers were multiplied: a step without end is never taken.
    return -best.y * (other.y * far - previous.y * near) / bottom if bottom else math.inf

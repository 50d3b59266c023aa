"""Looking several times at data that grow, at one stated level.

A mean is looked at after part of its observations, at most a handful of times, and each look
may end the study. Error is spent as information comes in (Lan and DeMets, Biometrika 70 (1983)
659-663): at information share t the looks so far may have erred with chance f(t), f(1) being the
level. The critical values follow by numerical integration over the paths that have not stopped
(Armitage, McPherson and Rowe, JRSS A 132 (1969) 235-244; Jennison and Turnbull, Group Sequential
Methods, 2000, chapter 19). A mean whose bound is taken at each look with the level of that look
gives a repeated confidence interval: all of them hold at once (ibid., chapter 9).
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Spending = Literal["obrien-fleming", "pocock", "power-2"]

_NORMAL: Final = NormalDist()
_FURTHEST: Final = 9.0
"""Standard deviations that paths are followed to; beyond lies less than 1e-18."""
_NODES: Final = 201
_LEAST: Final = 1e-12
"""Levels below this are not told apart from never stopping."""


def _obrien_fleming(level: float, share: float) -> float:
    edge = _NORMAL.inv_cdf(1.0 - level / 2.0) / math.sqrt(share)
    return 2.0 * _NORMAL.cdf(-edge)


def _pocock(level: float, share: float) -> float:
    return level * math.log(1.0 + (math.e - 1.0) * share)


def _power_2(level: float, share: float) -> float:
    return level * share**2


_SPENDING: Final[Mapping[Spending, Callable[[float, float], float]]] = {
    "obrien-fleming": _obrien_fleming,
    "pocock": _pocock,
    "power-2": _power_2,
}


def spent(level: float, share: float, spending: Spending) -> float:
    """Chance of error that may be used up by a share of the information.

    ``obrien-fleming`` and ``pocock`` are those of Lan and DeMets (1983), for a one-sided level;
    ``power-2`` is ``level * share ** 2`` (Kim and DeMets, Biometrika 74 (1987) 149-154).

    Args:
        level: One-sided level of the whole study, in (0, 0.5].
        share: Information so far over that planned, in (0, 1].
        spending: Which rule.

    Raises:
        UsageError: If level or share are out of range.
    """
    if not 0.0 < level <= 0.5:  # noqa: PLR2004 - a one-sided level above one half decides nothing
        raise UsageError(f"level is {level}; a one-sided level lies in (0, 0.5]")
    if not 0.0 < share <= 1.0:
        raise UsageError(f"{share} of the information; a share lies in (0, 1]")
    return min(level, _SPENDING[spending](level, share))


@lru_cache(maxsize=4096)
def look_levels(
    level: float, shares: tuple[float, ...], spending: Spending = "power-2"
) -> tuple[float, ...]:
    """Nominal one-sided level of each look, so that all together err with ``level``.

    The levels of the first looks do not depend on the later ones: a look may be added, if the
    reason is not what was seen.

    Args:
        level: One-sided level of the whole study, in (0, 0.5].
        shares: Information at each look over that planned, ascending, in (0, 1].
        spending: How the level is spent.

    Returns:
        One level per look, for a bound of its mean alone; 0 where nothing may be spent yet.

    Raises:
        UsageError: If there is no look, or shares do not ascend.
    """
    if not shares or any(b <= a for a, b in itertools.pairwise(shares)):
        raise UsageError(f"looks at shares {shares}; they must ascend, and one at least")
    used = [0.0, *(spent(level, share, spending) for share in shares)]
    edges: list[float] = []
    for after in range(1, len(used)):
        may = used[after] - used[after - 1]
        edges.append(math.inf if may < _LEAST else _edge(shares[:after], edges, may))
    return tuple(0.0 if math.isinf(edge) else _NORMAL.cdf(-edge) for edge in edges)


def stopping_chances(levels: Sequence[float], shares: Sequence[float], drift: float) -> Floats:
    """Chance of stopping at each look.

    Args:
        levels: Nominal one-sided level of each look.
        shares: Information at each look over that planned, ascending, in (0, 1].
        drift: Expected standard score of the mean at full information.

    Returns:
        One chance per look; their sum is the chance of stopping at all.
    """
    edges = [_upper(level) for level in levels]
    return np.array(
        [_chance(shares[: i + 1], edges[:i], edges[i], drift) for i in range(len(edges))]
    )


def _upper(level: float) -> float:
    return math.inf if level <= 0.0 else -_NORMAL.inv_cdf(level)


def _edge(shares: Sequence[float], edges: Sequence[float], may: float) -> float:
    """Critical standard score of the last look, by bisection: the chance falls with the edge."""
    low, high = -_FURTHEST, _FURTHEST
    paths = _paths(shares, edges, 0.0)
    for _ in range(60):
        middle = (low + high) / 2.0
        if _beyond(paths, shares, middle, 0.0) > may:
            low = middle
        else:
            high = middle
    return high


def _chance(shares: Sequence[float], edges: Sequence[float], edge: float, drift: float) -> float:
    return _beyond(_paths(shares, edges, drift), shares, edge, drift)


def _beyond(
    paths: tuple[Floats, Floats], shares: Sequence[float], edge: float, drift: float
) -> float:
    """Chance to have gone on so far and to lie beyond the edge now."""
    from scipy.special import ndtr

    if math.isinf(edge):
        return 0.0
    where, weight = paths
    step = shares[-1] - (shares[-2] if len(shares) > 1 else 0.0)
    short = where + drift * step - edge * math.sqrt(shares[-1])
    return float(weight @ ndtr(short / math.sqrt(step)))


@lru_cache(maxsize=1)
def _unit_nodes() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(_NODES)


def _paths(shares: Sequence[float], edges: Sequence[float], drift: float) -> tuple[Floats, Floats]:
    """Where the paths are that have not stopped before the last look, and how many.

    In the scale of a Brownian motion with drift: score times root of the share. The density is
    carried from look to look on Gauss-Legendre nodes below each edge.

    Returns:
        (N,) places after the last look but one, (N,) their chances.
    """
    where, weight, before = np.zeros(1), np.ones(1), 0.0
    unit, unit_weight = _unit_nodes()
    for share, edge in zip(shares[:-1], edges, strict=True):
        sd, step = math.sqrt(share), share - before
        low = drift * share - _FURTHEST * sd
        high = min(edge * sd, drift * share + _FURTHEST * sd)
        if high <= low:
            return np.zeros(1), np.zeros(1)
        half = (high - low) / 2.0
        place = low + half * (unit + 1.0)
        gap = (place[:, None] - where[None, :] - drift * step) / math.sqrt(step)
        density = np.exp(-0.5 * gap**2) @ weight / math.sqrt(2.0 * math.pi * step)
        where, weight, before = place, half * unit_weight * density, share
    return where, weight

"""Shares of made-up nights: answers counted, and made the numbers that charts add up.

Shares are drawn as counts, because near 0 and 1 they are anything but normal, and become numbers by
the functions that judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.stats.night_contrasts import PSEUDO_ANSWERS
from contractcheck.stats.night_coordinates import arcsine_moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    SingleArray = NDArray[np.float32]
    Place = NDArray[np.int64]
    Counted = tuple[Place, Place]

_JUMP_SHARE = 0.47
"""How far the other level of a case that jumps is, as a share of its answers."""
_ANGLES, _MOVES, _FARTHEST_SD = 201, 241, 6.0
"""Grids of chances and of moves: steps of .008 radians and of .05 deviations."""
_FEW = 40
"""Answers up to which one by one is the fastest way to count them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShareModel:
    """What one share's nights are drawn from.

    Attributes:
        answers: Answers behind one night, >= 1.
        like: Accepted answers that the share counts.
        pool: Accepted answers of which it counts them, >= 1.
        dispersion: Variance over what sampling gives, >= 1.
    """

    answers: int
    like: float
    pool: float
    dispersion: float


def draw_counts(
    share: ShareModel,
    moves: SingleArray,
    rng: np.random.Generator,
    *,
    accepted: int,
    shift: FloatArray,
    jumps: NDArray[np.bool_] | None = None,
    left: Place | None = None,
) -> Counted:
    """Draw (T, R) answers of the kind, and of how many.

    Args:
        share: What they are drawn from.
        moves: (T, R) moves between nights, of variance 1.
        rng: Where chance comes from.
        accepted: How many first nights are.
        shift: (R,) radians that the arcsine of the chance moves by, from the first later night on.
        jumps: (T, R) whether the case is on its other level; None is never.
        left: (T, R) answers that the share is of, where not all of them.
    """
    import numpy as np

    angle = _angles(share, moves.shape, rng, accepted=accepted, shift=shift, jumps=jumps)
    chance = _chances(angle, moves, share.dispersion, share.answers)
    trials = np.full(moves.shape, share.answers) if left is None else left
    return _count(trials, chance, share.answers, rng), trials


def _count(trials: Place, chance: FloatArray, most: int, rng: np.random.Generator) -> Place:
    """(T, R) binomial counts; of few answers one by one, five times as fast as by their law."""
    import numpy as np

    if most > _FEW:
        return np.asarray(rng.binomial(trials, chance))
    counts = np.zeros(chance.shape, np.int64)
    chance = chance.astype(np.float32)
    for answer in range(most):
        counts += (rng.random(chance.shape, np.float32) < chance) & (trials > answer)
    return counts


def _angles(
    share: ShareModel,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    accepted: int,
    shift: FloatArray,
    jumps: NDArray[np.bool_] | None,
) -> FloatArray:
    """(T, R) arcsine of a share's usual chance, before the night's move."""
    import numpy as np

    # A share of 1 that was seen is not one that is known (Jeffreys).
    like, pool = share.like, share.pool
    usual = rng.beta(like + PSEUDO_ANSWERS, pool - like + PSEUDO_ANSWERS, shape[1])
    angle = np.broadcast_to(np.arcsin(np.sqrt(usual)), shape).copy()
    if jumps is not None:
        away = np.where(usual > _JUMP_SHARE, usual - _JUMP_SHARE, usual + _JUMP_SHARE)
        other = np.arcsin(np.sqrt(np.clip(away, 0.0, 1.0)))
        angle = np.where(jumps, other, angle)
    if shift.any():
        angle[accepted:] = _shift_angles(angle[accepted:], shift, like / pool)
    return np.asarray(angle)


def _shift_angles(angle: FloatArray, shift: FloatArray, seen: float) -> FloatArray:
    """Shift (N, R) angles as far as (R,) ``shift`` moves the share that was ``seen``.

    A change takes a part of the answers of the kind, or adds one of the others.
    """
    import numpy as np

    changed = np.sin(np.clip(np.arcsin(np.sqrt(seen)) + shift, 0.0, np.pi / 2)) ** 2
    kept = changed / max(seen, 1e-9)
    left = (1.0 - changed) / max(1.0 - seen, 1e-9)
    chance = np.sin(angle) ** 2
    less, more = chance * kept, 1.0 - (1.0 - chance) * left
    chance = np.where(shift < 0.0, less, np.where(shift > 0.0, more, chance))
    return np.asarray(np.arcsin(np.sqrt(np.clip(chance, 0.0, 1.0))))


def _chances(angle: FloatArray, moves: SingleArray, dispersion: float, answers: int) -> FloatArray:
    """Chances of nights: beta-distributed about sin² of the angle, at the moves' quantiles."""
    import numpy as np

    place = np.clip(np.rint(angle * ((_ANGLES - 1) / (np.pi / 2))), 0, _ANGLES - 1).astype(np.intp)
    if dispersion <= 1.0 or answers == 1:
        return np.asarray(np.sin(place * (np.pi / 2 / (_ANGLES - 1))) ** 2)
    step = 2.0 * _FARTHEST_SD / (_MOVES - 1)
    column = np.clip(np.rint((moves + _FARTHEST_SD) / step), 0, _MOVES - 1).astype(np.intp)
    # Between two answers of one night; beta-binomial variance over binomial is 1 + (n - 1) rho.
    rho = min((dispersion - 1.0) / (answers - 1), 0.5)
    return np.asarray(_beta_quantiles(rho)[place, column])


@lru_cache(maxsize=32)
def _beta_quantiles(rho: float) -> FloatArray:
    """(angles, moves) quantiles of beta distributions with correlation ``rho`` between answers."""
    import numpy as np
    from scipy.special import betaincinv, ndtr

    half = np.linspace(-_FARTHEST_SD, 0.0, _MOVES // 2 + 1)
    chance = np.sin(np.linspace(0.0, np.pi / 2, _ANGLES)) ** 2
    chance = np.clip(chance, 1e-9, 1.0 - 1e-9)[:, None]
    total = 1.0 / rho - 1.0
    low = betaincinv(chance * total, (1.0 - chance) * total, ndtr(half))
    # Mirrored: the complement of the other kind of answers, or chances near 1 would round to it.
    table = np.concatenate([low, 1.0 - low[::-1, -2::-1]], 1)
    table[0], table[-1] = 0.0, 1.0
    return np.asarray(table)


def to_coordinate(counted: Counted, accepted: int) -> tuple[FloatArray, FloatArray]:
    """(T, R) values and variances of a share, its scale taken from the accepted nights."""
    import numpy as np

    counts, trials = counted
    pool = trials[:accepted].sum(0)
    least = PSEUDO_ANSWERS / (pool + 1.0)
    share = np.clip(counts[:accepted].sum(0) / np.maximum(pool, 1), least, 1.0 - least)
    # Rounding moves all nights of a year alike, and what charts look at is the difference.
    row = np.rint(np.arcsin(np.sqrt(share)) * ((_ANGLES - 1) / (np.pi / 2))).astype(np.intp)
    row = np.clip(row, 1, _ANGLES - 2)
    most = int(trials.max(initial=1))
    mean = np.full((_ANGLES, most + 1), np.nan)
    variance = mean.copy()
    sizes = [int(n) for n in np.flatnonzero(np.bincount(trials.ravel())) if n]
    for place in np.unique(row):
        chance = float(np.sin(place * (np.pi / 2 / (_ANGLES - 1))) ** 2)
        for n in sizes:
            mean[place, n], variance[place, n] = arcsine_moments(chance, n)
    every = np.arange(most + 1)
    known = np.minimum(every, every[:, None])
    angle = np.arcsin(np.sqrt((known + 0.375) / (every[:, None] + 0.75)))
    return angle[trials, counts] - mean[row, trials], variance[row, trials]

"""Years of nights, made up: one stream's numbers as charts get them, drawn and not measured.

Between nights a case moves more than sampling lets it, and partly together with the others; the
family says how the moves of nights follow each other. Shares are drawn as counts, because near 0
and 1 they are anything but normal, and become numbers by the functions that judge; averages of
scores are drawn as normal deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from contractcheck.stats.monitor_nights import Nights
from contractcheck.stats.night_contrasts import PSEUDO_ANSWERS
from contractcheck.stats.night_coordinates import arcsine_moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    SingleArray = NDArray[np.float32]
    Place = NDArray[np.int64]

Family = Literal["fitted", "t3", "episodic", "ar", "weekday", "two-level"]

FAMILIES: Final[dict[Family, str]] = {
    "fitted": "as the accepted nights vary: normal moves, each night by itself",
    "t3": "each night's moves scaled as Student's t with three degrees of freedom",
    "episodic": "3 of 16 nights are odd: 6.5 times the moves of the others",
    "ar": "a night's moves are half last night's",
    "weekday": "half of the moves' variance belongs to the day of the week",
    "two-level": "one case in ten jumps to and fro, and stays eight nights on average",
}
"""All with one variance; where they come from: docs/explanation/watch.md."""

_ODD_SHARE, _ODD, _ORDINARY = 3 / 16, 2.2, 0.34
_KEPT = 0.5
_STAYS, _TWO_LEVEL_SHARE = 7 / 8, 0.1
_JUMP_SHARE, _JUMP_SD = 0.47, 3.0
"""How far the other level is: a share of answers, or deviations of a night."""
_ANGLES, _MOVES, _FARTHEST_SD = 201, 241, 6.0
"""Grids of chances and of moves: steps of .008 radians and of .05 deviations."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StreamModel:
    """What one stream's nights are drawn from; C coordinates.

    Attributes:
        answers: (C,) answers behind one night where a coordinate is a share of them, else 0.
        like: (C,) accepted answers that the share counts.
        pool: (C,) accepted answers of which it counts them.
        left_of: (C,) place of the coordinate whose other answers it is a share of, or -1.
        variance: (C,) where it is no share: what judging supposes that sampling gives.
        sampling_sd: (C,) where it is no share: deviation from sampling, in the coordinate's unit.
        night_sd: (C,) the same between nights.
        dispersion: (C,) of shares: variance over what sampling gives, >= 1.
        common: (C,) share of the moves between nights that cases have in common, 0..1.
        cases: (C,) number of the case that each is about.
    """

    answers: Place
    like: FloatArray
    pool: FloatArray
    left_of: Place
    variance: FloatArray
    sampling_sd: FloatArray
    night_sd: FloatArray
    dispersion: FloatArray
    common: FloatArray
    cases: Place


def draw_nights(
    model: StreamModel,
    family: Family,
    *,
    years: int,
    accepted: int,
    later: int,
    rng: np.random.Generator,
    shift: FloatArray | None = None,
) -> Nights:
    """Draw R years at once, (T, R, C) with T = accepted + later nights.

    Args:
        model: One stream.
        family: How nights follow each other.
        years: R.
        accepted: K nights of the baseline; all that judging knows of the stream is in them.
        later: Nights after them.
        rng: Where chance comes from.
        shift: (R, C) what coordinates move by from the first later night on: radians of the
            arcsine for shares, their own unit elsewhere. None changes nothing.
    """
    import numpy as np

    shape = accepted + later, years, len(model.answers)
    drawn = _Drawn(
        moves=draw_moves(family, shape, model.common, rng),
        jumps=_draw_jumps(model, shape, rng) if family == "two-level" else None,
        shift=np.zeros(shape[1:]) if shift is None else shift,
        accepted=accepted,
    )
    values = np.full(shape, np.nan, np.float32)
    variances = np.full(shape, np.nan, np.float32)
    scores = np.flatnonzero(model.answers == 0)
    values[..., scores] = _draw_scores(model, scores, drawn, rng)
    variances[..., scores] = model.variance[scores]
    for column, (counts, trials) in _draw_counts(model, drawn, rng).items():
        found = _to_coordinate(counts, trials, accepted)
        values[..., column], variances[..., column] = found
    # Single precision is enough for charts, and half the memory of many years.
    return Nights(values=values, variances=variances, accepted=accepted)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Drawn:
    """What happens between nights: (T, R, C) moves and jumps, and (R, C) what changed."""

    moves: SingleArray
    jumps: NDArray[np.bool_] | None
    shift: FloatArray
    accepted: int


def draw_moves(
    family: Family, shape: tuple[int, int, int], common: ArrayLike, rng: np.random.Generator
) -> SingleArray:
    """(T, R, C) moves between nights, of variance 1 in every family; ``common`` as in the model."""
    import numpy as np

    draw = _share_moves(rng, shape, common)
    if family == "t3":
        draw /= np.sqrt(rng.chisquare(3, (*shape[:2], 1))).astype(np.float32)
    elif family == "episodic":
        odd = rng.random(shape[:2]) < _ODD_SHARE
        draw *= np.where(odd, _ODD, _ORDINARY).astype(np.float32)[..., None]
    elif family == "ar":
        for night in range(1, shape[0]):
            draw[night] = _KEPT * draw[night - 1] + np.sqrt(1.0 - _KEPT**2) * draw[night]
    elif family == "weekday":
        week = _share_moves(rng, (7, *shape[1:]), common)
        draw = np.float32(np.sqrt(0.5)) * (draw + week[np.arange(shape[0]) % 7])
    return draw


def _share_moves(
    rng: np.random.Generator, shape: tuple[int, int, int], common: ArrayLike
) -> SingleArray:
    import numpy as np

    share = np.asarray(common, np.float32)
    own = rng.standard_normal(shape, dtype=np.float32)
    shared = rng.standard_normal((*shape[:2], 1), dtype=np.float32)
    return np.asarray(np.sqrt(1 - share) * own + np.sqrt(share) * shared)


def _draw_jumps(
    model: StreamModel, shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(T, R, C) whether a coordinate's case is on its other level."""
    import numpy as np

    cases = int(model.cases.max(initial=0)) + 1
    leaves = rng.random((*shape[:2], cases)) > _STAYS
    leaves[0] ^= rng.integers(0, 2, leaves.shape[1:]).astype(bool)
    other = np.cumsum(leaves, 0) % 2 == 1
    other[..., max(1, round(_TWO_LEVEL_SHARE * cases)) :] = False
    return np.asarray(other[..., model.cases])


def _draw_scores(
    model: StreamModel, scores: Place, drawn: _Drawn, rng: np.random.Generator
) -> SingleArray:
    import numpy as np

    between = model.night_sd[scores].astype(np.float32)
    within = model.sampling_sd[scores].astype(np.float32)
    values = between * drawn.moves[..., scores]
    values += within * rng.standard_normal(values.shape, dtype=np.float32)
    if drawn.jumps is not None:
        values += np.float32(_JUMP_SD) * np.hypot(between, within) * drawn.jumps[..., scores]
    values[drawn.accepted :] += drawn.shift[:, scores].astype(np.float32)
    return values


def _draw_counts(
    model: StreamModel, drawn: _Drawn, rng: np.random.Generator
) -> dict[int, tuple[Place, Place]]:
    """Per share (T, R) answers of the kind, and of how many."""
    import numpy as np

    shape = drawn.moves.shape[:2]
    found: dict[int, tuple[Place, Place]] = {}
    for column in map(int, np.flatnonzero(model.answers)):
        chance = _chances(
            _angles(model, column, drawn, rng),
            drawn.moves[..., column],
            float(model.dispersion[column]),
            int(model.answers[column]),
        )
        parent = int(model.left_of[column])
        trials = np.full(shape, model.answers[column])
        if parent >= 0:
            trials = found[parent][1] - found[parent][0]
        found[column] = rng.binomial(trials, chance), trials
    return found


def _angles(model: StreamModel, column: int, drawn: _Drawn, rng: np.random.Generator) -> FloatArray:
    """(T, R) arcsine of a share's usual chance, before the night's move."""
    import numpy as np

    shape = drawn.moves.shape[:2]
    # A share of 1 that was seen is not one that is known (Jeffreys).
    like, pool = model.like[column], model.pool[column]
    usual = rng.beta(like + PSEUDO_ANSWERS, pool - like + PSEUDO_ANSWERS, shape[1])
    angle = np.broadcast_to(np.arcsin(np.sqrt(usual)), shape).copy()
    if drawn.jumps is not None:
        away = np.where(usual > _JUMP_SHARE, usual - _JUMP_SHARE, usual + _JUMP_SHARE)
        other = np.arcsin(np.sqrt(np.clip(away, 0.0, 1.0)))
        angle = np.where(drawn.jumps[..., column], other, angle)
    if drawn.shift[:, column].any():
        angle[drawn.accepted :] = _shift_angles(
            angle[drawn.accepted :], drawn.shift[:, column], like / pool
        )
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


def _to_coordinate(counts: Place, trials: Place, accepted: int) -> tuple[FloatArray, FloatArray]:
    """(T, R) values and variances of a share, its scale taken from the accepted nights."""
    import numpy as np

    pool = trials[:accepted].sum(0)
    least = PSEUDO_ANSWERS / (pool + 1.0)
    share = np.clip(counts[:accepted].sum(0) / np.maximum(pool, 1), least, 1.0 - least)
    # Rounding moves all nights of a year alike, and what charts look at is the difference.
    row = np.rint(np.arcsin(np.sqrt(share)) * ((_ANGLES - 1) / (np.pi / 2))).astype(np.intp)
    row = np.clip(row, 1, _ANGLES - 2)
    mean = np.full((_ANGLES, int(trials.max(initial=1)) + 1), np.nan)
    variance = mean.copy()
    sizes = [int(n) for n in np.flatnonzero(np.bincount(trials.ravel())) if n]
    for place in np.unique(row):
        chance = float(np.sin(place * (np.pi / 2 / (_ANGLES - 1))) ** 2)
        for n in sizes:
            mean[place, n], variance[place, n] = arcsine_moments(chance, n)
    angle = np.arcsin(np.sqrt((counts + 0.375) / (trials + 0.75)))
    return angle - mean[row, trials], variance[row, trials]

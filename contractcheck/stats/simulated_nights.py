"""Years of nights, made up: one stream's numbers as charts get them, drawn and not measured.

Between nights a case moves more than sampling lets it, and partly together with the others; the
family says how the moves of nights follow each other. Shares are drawn as counts
(``simulated_shares``), averages of scores as normal deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from contractcheck.stats.monitor_nights import Nights
from contractcheck.stats.simulated_shares import ShareModel, draw_counts, to_coordinate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from contractcheck.stats.simulated_shares import Counted

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
_JUMP_SD = 3.0
"""How far the other level of a case that jumps is, in deviations of a night."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StreamModel:
    """What one stream's nights are drawn from; C coordinates.

    Attributes:
        answers: (C,) answers behind one night where a coordinate is a share of them, else 0.
        like: (C,) accepted answers that the share counts.
        pool: (C,) accepted answers of which it counts them.
        left_of: (C,) place of the coordinate whose other answers it is a share of, or -1.
        centre: (C,) where it is no share: mean of the accepted nights.
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
    centre: FloatArray
    variance: FloatArray
    sampling_sd: FloatArray
    night_sd: FloatArray
    dispersion: FloatArray
    common: FloatArray
    cases: Place


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnNights:
    """One stream's nights, and what is behind them.

    Attributes:
        nights: (T, R, C) as charts get them.
        counts: Per place of a share (T, R) answers of the kind, and of how many.
        shift: (R, C) what later nights were moved by.
    """

    nights: Nights
    counts: Mapping[int, Counted]
    shift: FloatArray


def draw_nights(
    model: StreamModel,
    family: Family,
    *,
    years: int,
    accepted: int,
    later: int,
    rng: np.random.Generator,
    shift: FloatArray | None = None,
) -> DrawnNights:
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
    values, variances = _empty(shape), _empty(shape)
    scores = np.flatnonzero(model.answers == 0)
    values[..., scores] = _draw_scores(model, scores, drawn, rng)
    variances[..., scores] = model.variance[scores]
    counts = _draw_shares(model, drawn, rng)
    for column, counted in counts.items():
        values[..., column], variances[..., column] = to_coordinate(counted, accepted)
    # Single precision is enough for charts, and half the memory of many years.
    nights = Nights(values=values, variances=variances, accepted=accepted)
    return DrawnNights(nights=nights, counts=counts, shift=drawn.shift)


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


def _empty(shape: tuple[int, int, int]) -> SingleArray:
    import numpy as np

    return _by_year(np.full((shape[0], shape[2], shape[1]), np.nan, np.float32))


def _by_year(array: SingleArray) -> SingleArray:
    """(T, R, C) of (T, C, R): sums over few coordinates are faster along many years."""
    return array.swapaxes(1, 2)


def _share_moves(
    rng: np.random.Generator, shape: tuple[int, int, int], common: ArrayLike
) -> SingleArray:
    import numpy as np

    share = np.asarray(common, np.float32)
    own = _by_year(rng.standard_normal((shape[0], shape[2], shape[1]), dtype=np.float32))
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
    values = between * drawn.moves[..., scores] + model.centre[scores].astype(np.float32)
    values += within * rng.standard_normal(values.shape, dtype=np.float32)
    if drawn.jumps is not None:
        values += np.float32(_JUMP_SD) * np.hypot(between, within) * drawn.jumps[..., scores]
    values[drawn.accepted :] += drawn.shift[:, scores].astype(np.float32)
    return values


def _draw_shares(model: StreamModel, drawn: _Drawn, rng: np.random.Generator) -> dict[int, Counted]:
    """Per place of a share (T, R) answers of the kind, and of how many."""
    import numpy as np

    found: dict[int, Counted] = {}
    for column in map(int, np.flatnonzero(model.answers)):
        parent = int(model.left_of[column])
        found[column] = draw_counts(
            ShareModel(
                answers=int(model.answers[column]),
                like=float(model.like[column]),
                pool=float(model.pool[column]),
                dispersion=float(model.dispersion[column]),
            ),
            drawn.moves[..., column],
            rng,
            accepted=drawn.accepted,
            shift=drawn.shift[:, column],
            jumps=None if drawn.jumps is None else drawn.jumps[..., column],
            left=found[parent][1] - found[parent][0] if parent >= 0 else None,
        )
    return found

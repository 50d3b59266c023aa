"""Where a case usually is and how far nights stray from it; odd nights count less.

Location is fixed by the accepted nights. Scale is one dispersion for all cases of a stream, learnt
on from later nights that are more than two weeks old: a change has that long to be found before it
blurs the scale that it is to be found on. Once it is found, the scale stays what it was that night.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, cast

from contractcheck.stats.monitor_nights import normal_bound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.stats.monitor_nights import Nights, Tuning

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

LEARNS_AFTER: Final = 14
"""Nights until a later night counts for the scale."""
LEAST_DISPERSION: Final = 0.8
"""Ten nights that vary less than sampling alone must promise no such future."""
LEAST_LATENCY_SD: Final = 0.05
"""Of log latency between nights: a third of what was measured between runs weeks apart."""
LEARNING_BOUND: Final = 2.0
"""Mean square of 40 cases beyond which a night adds no more to the scale."""
_ROUNDS = 3
_TINY = 1e-6


def standardise(
    nights: Nights, tuning: Tuning, learn_until: int | IntArray | None = None
) -> FloatArray:
    """Deviations of all nights from the accepted location, in units of one learnt scale.

    Args:
        nights: One stream.
        tuning: Radius and clip.
        learn_until: Only this many later nights tell the scale; None lets all that are old enough.

    Returns:
        (T, ..., C) about standard normal on nights that are as accepted ones, cases clipped and
        odd nights shrunk; 0 where nothing is known.
    """
    import numpy as np

    known = nights.is_known()
    values = _known_or(0.0, nights.values, known)
    variances = _known_or(1.0, nights.variances, known)
    cases = known.sum(-1)
    radius = normal_bound(tuning.radius, cases).astype(values.dtype)
    bound = normal_bound(max(tuning.radius, LEARNING_BOUND), cases).astype(values.dtype)
    centre, dispersion = _locate(
        nights, values=values, variances=variances, known=known, radius=radius, bound=bound
    )
    z = np.where(known, values - centre, 0.0) / np.sqrt(variances * dispersion[..., None])
    leeway = _leeway(nights, z)
    learnt = learn(
        np.minimum(mean_square(z, cases), bound * leeway),
        cases > 0,
        nights,
        learn_until=learn_until,
    )
    clip = tuning.clip * np.sqrt(leeway)[..., None]
    z = np.clip(z / np.sqrt(learnt)[..., None], -clip, clip)
    return np.asarray(z * _shrink(mean_square(z, cases), radius * leeway)[..., None])


def _leeway(nights: Nights, z: FloatArray) -> FloatArray:
    """(T, 1...) how much wider bounds on a night are; later ones stray more after a re-base."""
    import numpy as np

    leeway = np.ones(len(z), z.dtype)
    leeway[nights.accepted :] = nights.leeway
    return leeway.reshape(-1, *[1] * (z.ndim - 2))


def _known_or(
    default: float, values: FloatArray | NDArray[np.float32], known: BoolArray
) -> FloatArray:
    import numpy as np

    return cast("FloatArray", np.where(known, values, values.dtype.type(default)))


def _locate(
    nights: Nights,
    *,
    values: FloatArray,
    variances: FloatArray,
    known: BoolArray,
    radius: FloatArray,
    bound: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(T, ..., C) location of each night's era, and (...) the dispersion of all accepted nights."""
    import numpy as np

    accepted, eras = nights.accepted, nights.eras
    cases = known[:accepted].sum(-1)
    present = (cases > 0).sum(0)
    weight = np.ones(cases.shape, values.dtype)
    centre = np.zeros_like(values)
    dispersion = np.ones(cases.shape[1:], values.dtype)
    # A bound for one night by the median night: both are means of as many squares.
    usual = normal_bound(1.0, cases)
    for step in range(_ROUNDS + 1):
        for era, reach in zip(eras, nights.reaches, strict=True):
            share = weight[era][..., None] * known[era]
            centre[reach] = (share * values[era]).sum(0) / np.maximum(share.sum(0), _TINY)
        if step == _ROUNDS:
            break
        deviations = np.where(known[:accepted], values[:accepted] - centre[:accepted], 0.0)
        square = mean_square(deviations / np.sqrt(variances[:accepted]), cases)
        most = _median(square, cases > 0) * bound[:accepted] / usual
        total = np.minimum(square, most).sum(0) / np.maximum(present - len(eras), 1)
        if nights.has_scale:
            dispersion = np.maximum(total, LEAST_DISPERSION).astype(values.dtype)
        weight = _shrink(square / dispersion, radius[:accepted])
    return centre, dispersion


def mean_square(z: FloatArray, cases: NDArray[np.int64]) -> FloatArray:
    """(T, ...) mean over the known cases of each night; 0 on a night without any."""
    import numpy as np

    return np.asarray((z**2).sum(-1) / np.maximum(cases, 1).astype(z.dtype))


def _median(square: FloatArray, known: BoolArray) -> FloatArray:
    """(...) median over the nights that are known; 0 if none is."""
    import numpy as np

    if known.all():
        return np.asarray(np.median(square, 0))
    ordered = np.sort(np.where(known, square, np.inf), 0)
    count = np.maximum(known.sum(0), 1)
    low, high = (np.take_along_axis(ordered, i[None], 0)[0] for i in ((count - 1) // 2, count // 2))
    middle = (low + high) / 2.0
    return np.where(np.isfinite(middle), middle, 0.0)


def _shrink(square: FloatArray, radius: FloatArray) -> FloatArray:
    import numpy as np

    return np.sqrt(np.minimum(1.0, radius / np.maximum(square, _TINY))).astype(square.dtype)


def learn(
    squares: FloatArray, known: BoolArray, nights: Nights, *, learn_until: int | IntArray | None
) -> FloatArray:
    """Running mean square that is known before each night; 1 on accepted nights.

    A later night's square is expected to be 1 + 1/K, since K nights place the location.

    Args:
        squares: (T, ...) of deviations in units of the accepted nights' scale.
        known: As ``squares``: nights of which there is one.
        nights: How many are accepted.
        learn_until: As in :func:`standardise`.
    """
    import numpy as np

    accepted = nights.accepted
    if not nights.has_scale:
        return np.ones_like(squares)
    later = known[accepted:] & counts_for_learning(squares[accepted:], learn_until)
    count = sum_before(later.astype(squares.dtype))
    total = sum_before(np.where(later, squares[accepted:], 0.0).astype(squares.dtype))
    prior = accepted - len(nights.eras)
    running = (prior + total) / (prior + count * (1.0 + 1.0 / nights.located))
    return np.concatenate([np.ones_like(squares[:accepted]), running]).astype(squares.dtype)


def counts_for_learning(later: FloatArray, learn_until: int | IntArray | None) -> BoolArray:
    """(N, ...) whether a later night comes before the limit of its history."""
    import numpy as np

    place = np.arange(len(later)).reshape(-1, *[1] * (later.ndim - 1))
    return np.asarray(place < (len(later) if learn_until is None else learn_until))


_Places = TypeVar("_Places", int, "IntArray")


def learnt_by(red: _Places) -> _Places:
    """How many later nights tell the scale on a night, counted from 0; of each history.

    Once that night is red no more do: what came in between may be changed already, and would blur
    the scale two weeks later. 0 or less is none.
    """
    return red - LEARNS_AFTER


def sum_before(later: FloatArray) -> FloatArray:
    """(N, ...) sums over all nights that are more than ``LEARNS_AFTER`` nights old."""
    import numpy as np

    total = np.zeros_like(later)
    total[LEARNS_AFTER + 1 :] = np.cumsum(later, 0)[: -LEARNS_AFTER - 1]
    return total


def standardise_level(
    values: FloatArray,
    nights: Nights,
    tuning: Tuning,
    *,
    least_sd: float,
    learn_until: int | IntArray | None = None,
) -> FloatArray:
    """Deviations of one number per night, whose scale is known from nights alone.

    Args:
        values: (T, ...) deviations from the location of their era; NaN where there is none.
        nights: How many are accepted.
        tuning: Clip.
        least_sd: Least standard deviation between nights, unit of ``values``.
        learn_until: As in :func:`standardise`.

    Returns:
        (T, ...) about standard normal; 0 where nothing is known.
    """
    import numpy as np

    known = np.isfinite(values)
    x = np.where(known, values, 0.0).astype(values.dtype)
    base, there = x[: nights.accepted], known[: nights.accepted]
    count = np.maximum(there.sum(0), 1)
    centre = _median(base, there)
    spread = np.ones_like(centre)
    for _ in range(_ROUNDS):
        away = np.where(there, base - centre, 0.0)
        dof = np.maximum(count - len(nights.eras), 1)
        spread = np.maximum(np.sqrt((away**2).sum(0) / dof), least_sd)
        centre = centre + np.clip(away, -2.0 * spread, 2.0 * spread).sum(0) / count
    z = np.where(known, x - centre, 0.0) / spread
    clip = tuning.level_clip * nights.leeway**0.5
    squares = np.minimum(z**2, clip**2)
    learnt = learn(squares, known, nights, learn_until=learn_until)
    z = z / np.sqrt(np.maximum(learnt, (least_sd / spread) ** 2))
    return np.asarray(np.clip(z, -clip, clip))

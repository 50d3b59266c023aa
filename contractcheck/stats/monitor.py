"""Charts that add up a year of nights, to find what two nights do not show.

Exponentially weighted averages (Roberts 1959, Technometrics 1(3); of many cases, Lowry et al. 1992,
Technometrics 34(1)) of each case's signed deviation from the accepted nights: their sum of squares
finds that many cases moved, the largest that one did, the mean that all did a little and the same
way. Conformance is watched for falls, latency for rises. How they were chosen and what they cost:
docs/explanation/watch.md.

Charts look at nights as they come: what one says of a night depends on no later one, and all of it
follows from the nights again, whenever it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.stats.monitor_likeness import widenings
from contractcheck.stats.monitor_nights import TUNINGS, Kind, Nights, Plane, Tuning
from contractcheck.stats.monitor_scale import (
    LEAST_LATENCY_SD,
    learnt_by,
    standardise,
    standardise_level,
)
from contractcheck.stats.monitor_thresholds import threshold
from contractcheck.stats.night_scores import wilson_hilferty
from contractcheck.stats.rebased_thresholds import relief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

__all__ = [
    "Chart",
    "Kind",
    "Nights",
    "Plane",
    "chart_stream",
    "deviations",
    "first_red",
    "learning_ends",
    "left_out",
    "threshold",
]

_LEAST_MEAN_SD: Final = 1.0
"""Of a mean over cases in units of its own deviation: what independent cases would have."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chart:
    """One chart over the N later nights.

    Attributes:
        kind: What is added up.
        values: (N, ...) in deviations of an unchanged average, or its normal score; up is worse.
        threshold: What a value must exceed to be red.
        averages: (N, ..., C) each case's signed average, in units of its own deviation; 0 of cases
            that are not known. Says which cases a red night is about. Of latency, which is one
            number per night, (N, ..., 1).
    """

    kind: Kind
    values: FloatArray
    threshold: float
    averages: FloatArray


def chart_stream(
    nights: Nights, *, plane: Plane, share: float, learn_until: int | IntArray | None = None
) -> tuple[Chart, ...]:
    """Chart one stream over its later nights.

    The scale is learnt from later nights; from the first red one on it stays what it was then, so
    that a change that lasts stays red.

    Args:
        nights: One stream, accepted nights first.
        plane: Which charts, and which way is bad.
        share: Chance of any red night of any of these charts in 365, in (0, 1), on nights that are
            as the thresholds' simulation supposes.
        learn_until: Only this many later nights tell the scale at most; of each history.

    Returns:
        One chart per kind; none if no case is known on five accepted nights.

    Raises:
        UsageError: When a known value has no positive variance (outputs and conformance).
    """
    import numpy as np

    # Of many histories the one with the most cases: they are meant to be alike.
    watched = int(nights.is_known().any(0).sum(-1).max())
    if not watched:
        return ()
    limits = {
        kind: threshold(plane, kind, accepted=nights.accepted, cases=watched, share=share)
        * (1.0 if nights.placed is None else relief(plane, kind, placed=nights.placed))
        for kind in TUNINGS[plane]
    }
    charts = make_charts(nights, plane, limits, learn_until=learn_until)
    reds = _first_reds(charts)
    if (reds >= len(nights.values) - nights.accepted).all():
        return charts
    # Nothing moves until the first red night: the scale that it was red on is the same.
    until = learnt_by(reds)
    if learn_until is not None:
        until = np.minimum(learn_until, until)
    return make_charts(nights, plane, limits, learn_until=until)


def first_red(charts: Sequence[Chart]) -> int | None:
    """Place of the first later night on which any chart of one history is red, or None."""
    if not charts:
        return None
    place = int(_first_reds(charts))
    return place if place < len(charts[0].values) else None


def learning_ends(charts: Sequence[Chart]) -> int | None:
    """How many later nights tell the scale of one history; None if all that are old enough."""
    red = first_red(charts)
    return None if red is None else learnt_by(red)


def _first_reds(charts: Sequence[Chart]) -> IntArray:
    """(...) place of the first red night of each history; N where none is."""
    import numpy as np

    over = np.any([chart.values > chart.threshold for chart in charts], axis=0)
    never = np.ones((1, *over.shape[1:]), bool)
    return np.asarray(np.concatenate([over, never]).argmax(0))


def left_out(nights: Nights) -> tuple[int, ...]:
    """Places of cases that no chart looks at: known on fewer than five accepted nights."""
    import numpy as np

    return tuple(int(place) for place in np.flatnonzero(~nights.is_known().any(0)))


def deviations(
    nights: Nights, *, plane: Plane, learn_until: int | IntArray | None = None
) -> FloatArray:
    """(N, ..., C) later nights' deviations as charts see them, for dating and for reading.

    Clipped, odd nights shrunk, 0 where unknown. Latency is one number per night: (N, ..., 1).
    """
    tuning = next(iter(TUNINGS[plane].values()))
    if plane == "latency":
        level = standardise_level(
            level_of(nights), nights, tuning, least_sd=LEAST_LATENCY_SD, learn_until=learn_until
        )
        return level[nights.accepted :, ..., None]
    return standardise(nights, tuning, learn_until)[nights.accepted :]


def make_charts(
    nights: Nights,
    plane: Plane,
    limits: Mapping[Kind, float],
    *,
    tunings: Mapping[Kind, Tuning] | None = None,
    learn_until: int | IntArray | None = None,
) -> tuple[Chart, ...]:
    """Make charts with given thresholds and, in experiments, other tunings; any shape of nights."""
    known = nights.is_known()
    if plane != "latency":
        _refuse_no_variance(nights, known)
    seen: dict[tuple[float, float], FloatArray] = {}
    charts = []
    for kind, tuning in (tunings or TUNINGS[plane]).items():
        if kind == "level":
            values = _level_chart(level_of(nights), nights, tuning, learn_until)
            averages = values[..., None]
        else:
            key = tuning.radius, tuning.clip
            if key not in seen:
                seen[key] = standardise(nights, tuning, learn_until)
            averages = _case_averages(seen[key], known, nights, tuning, learn_until)
            if kind == "mean":
                values = _mean_chart(seen[key], known, nights, tuning, learn_until)
                values = abs(values) if plane == "outputs" else -values
            else:
                values = _add_up(averages, known[nights.accepted :], kind=kind, plane=plane)
        charts.append(
            Chart(kind=kind, values=values, threshold=limits.get(kind, 0.0), averages=averages)
        )
    return tuple(charts)


def _refuse_no_variance(nights: Nights, known: BoolArray) -> None:
    from contractcheck.errors import UsageError

    if not (nights.variances[known] > 0.0).all():
        raise UsageError(
            "A value without a positive sampling variance cannot be charted: give each value of "
            "outputs and conformance what sampling alone makes it vary by."
        )


def _case_averages(
    z: FloatArray,
    known: BoolArray,
    nights: Nights,
    tuning: Tuning,
    learn_until: int | IntArray | None,
) -> FloatArray:
    """(N, ..., C) each case's average in its own deviations about the accepted location."""
    import numpy as np

    accepted = nights.accepted
    wide, wide_location = widenings(z, nights, tuning, learn_until)
    placing = np.maximum(known[nights.eras[-1]].sum(0), 1).astype(z.dtype)
    steady = tuning.weight / (2.0 - tuning.weight) * wide
    variance = steady[..., None] + wide_location[..., None] / placing
    average = _averages(z[accepted:], known[accepted:], tuning.weight)
    return np.asarray(average / np.sqrt(variance.astype(z.dtype)))


def _add_up(average: FloatArray, known: BoolArray, *, kind: Kind, plane: Plane) -> FloatArray:
    """(N, ...) the largest average, or the normal score of their mean square."""
    import numpy as np

    if kind == "largest":
        away = np.abs(average) if plane == "outputs" else -average
        return np.asarray(away.max(-1, initial=-np.inf))
    # A case that has not been seen since adds nothing, and must not dilute.
    begun = np.logical_or.accumulate(known, 0).sum(-1)
    ratio = (average**2).sum(-1) / np.maximum(begun, 1)
    return np.where(begun > 0, wilson_hilferty(ratio, begun), 0.0)


def _mean_chart(
    z: FloatArray,
    known: BoolArray,
    nights: Nights,
    tuning: Tuning,
    learn_until: int | IntArray | None,
) -> FloatArray:
    """(N, ...) average of one number per night, of variance about 1 if cases were independent."""
    import numpy as np

    if nights.undirected:
        z = np.delete(z, nights.undirected, -1)
        known = np.delete(known, nights.undirected, -1)
    cases = known.sum(-1).astype(z.dtype)
    total = z.sum(-1) / np.sqrt(np.maximum(cases, 1.0))
    level = np.where(cases > 0, total, np.nan).astype(z.dtype)
    return _level_chart(level, nights, tuning, learn_until, least_sd=_LEAST_MEAN_SD)


def level_of(nights: Nights) -> FloatArray:
    """(T, ...) median over cases of the deviation from each case's accepted median; NaN if none."""
    import numpy as np

    known = nights.is_known()
    values = np.where(known, nights.values, np.nan)
    away = np.empty_like(values)
    for era, reach in zip(nights.eras, nights.reaches, strict=True):
        away[reach] = values[reach] - _nanmedian(values[era], 0)
    return _nanmedian(away, -1)


def _nanmedian(values: FloatArray, axis: int) -> FloatArray:
    import numpy as np

    empty = np.isnan(values).all(axis, keepdims=True)
    middle = np.nanmedian(np.where(empty, 0.0, values), axis, keepdims=True)
    return np.asarray(np.where(empty, np.nan, middle).squeeze(axis), values.dtype)


def _level_chart(
    level: FloatArray,
    nights: Nights,
    tuning: Tuning,
    learn_until: int | IntArray | None,
    *,
    least_sd: float = LEAST_LATENCY_SD,
) -> FloatArray:
    """(N, ...) average of one number per night, in its own deviations."""
    import numpy as np

    accepted = nights.accepted
    z = standardise_level(level, nights, tuning, least_sd=least_sd, learn_until=learn_until)
    wide, wide_location = widenings(z[..., None], nights, tuning, learn_until)
    variance = tuning.weight / (2.0 - tuning.weight) * wide + wide_location / nights.located
    average = _averages(z[accepted:], np.isfinite(level[accepted:]), tuning.weight)
    return np.asarray(average / np.sqrt(variance))


def _averages(z: FloatArray, known: BoolArray, weight: float) -> FloatArray:
    """Exponentially weighted averages along nights; what is not known leaves one as it is."""
    import numpy as np

    every = np.empty_like(z)
    if not len(z):
        return every
    average, kept = np.zeros_like(z[0]), z.dtype.type(weight)
    step = np.empty_like(average)
    # In place: of small suites most of the time would be that of making arrays.
    for night, (tonight, there) in enumerate(zip(z, known, strict=True)):
        np.subtract(tonight, average, out=step)
        step *= kept
        step *= there
        average += step
        every[night] = average
    return every

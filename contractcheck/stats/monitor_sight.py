"""Where a chart is expected to stand some nights after a change that lasts: what it can see.

A closed form, for words about power: an average of nights moves towards the change by a known
share, its variance is that of the chart, and odd nights and cases are bounded as the charts bound
them. Held against simulated years in the tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.monitor_nights import TUNINGS, normal_bound
from contractcheck.stats.night_scores import wilson_hilferty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from contractcheck.stats.monitor_nights import Kind, Plane, Tuning

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A chart some nights after a change: its expectation, and its standard deviation."""

    value: float
    sd: float


def expect_chart(
    shifts: ArrayLike,
    *,
    plane: Plane,
    kind: Kind,
    nights: int,
    accepted: int,
    level_sd: float = 1.0,
    directed: ArrayLike | None = None,
) -> Expected:
    """Expect a chart after so many nights of a change that lasts.

    Args:
        shifts: (C,) what each case moved by, in deviations of a night of this case; of a latency
            the one level.
        plane: Of the stream.
        kind: Of the chart.
        nights: Nights since, >= 1.
        accepted: Nights that place the location, >= 1.
        level_sd: Deviation of a night's one number, in the unit of ``shifts`` (a latency's level)
            or of their sum over the root of C (a mean over cases: 1 if cases are independent).
        directed: (C,) which cases take part in a mean; None is all.
    """
    import numpy as np

    tuning = TUNINGS[plane][kind]
    moves = np.asarray(shifts, float)
    reached = 1.0 - (1.0 - tuning.weight) ** nights
    variance, sd = _spread(tuning, nights, accepted)
    if kind == "level":
        level = float(np.clip(moves[0] / level_sd, -tuning.level_clip, tuning.level_clip))
        return Expected(value=level * reached / math.sqrt(variance), sd=sd)
    moves = _bounded(moves, tuning)
    if kind == "mean":
        part = moves if directed is None else moves[np.asarray(directed, bool)]
        level = float(part.sum() / math.sqrt(max(len(part), 1)) / level_sd)
        level = min(max(level, -tuning.level_clip), tuning.level_clip)
        level = abs(level) if plane == "outputs" else -level
        return Expected(value=level * reached / math.sqrt(variance), sd=sd)
    if kind == "largest":
        away = np.abs(moves) if plane == "outputs" else -moves
        return Expected(value=float(away.max()) * reached / math.sqrt(variance), sd=sd)
    ratio = sd**2 + float((moves**2).mean()) * reached**2 / variance
    return Expected(value=float(wilson_hilferty(ratio, len(moves))), sd=1.0)


def _bounded(moves: FloatArray, tuning: Tuning) -> FloatArray:
    """What is left of moves on a night that is shrunk as a whole, its cases clipped."""
    import numpy as np

    clipped = np.clip(moves, -tuning.clip, tuning.clip)
    square = 1.0 + float((clipped**2).mean())
    radius = float(normal_bound(tuning.radius, np.asarray(float(len(moves)))))
    return np.asarray(clipped * math.sqrt(min(1.0, radius / square)))


def _spread(tuning: Tuning, nights: int, accepted: int) -> tuple[float, float]:
    """Variance that a chart divides by, and the deviation of its average after so many nights."""
    kept = 1.0 - tuning.weight
    likeness, counts = tuning.likeness or (0.0, 0)
    r = likeness * counts / (accepted + counts)
    steady = tuning.weight / (2.0 - tuning.weight) * (1.0 + 2.0 * r * kept / (1.0 - kept / 2.0))
    location = (1.0 + 4.0 * r) / accepted
    variance = steady + location
    reached = steady * (1.0 - kept ** (2 * nights))
    return variance, math.sqrt((reached + location) / variance)

"""How far thresholds come down while few nights place the location.

Thresholds suppose a location that is known about as well as the scale. After a re-base it rests on
few nights, and its error is most of what an average varies by; but it is one error for the whole
year, where the usual thresholds allow for a new one every few nights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.stats.monitor_nights import Kind, Plane

PLACING: Final = (1, 2, 3, 4, 5, 7, 10)
"""Numbers of nights that place the location; from the last on, thresholds are the usual ones."""

_FACTORS: Final[Mapping[tuple[Plane, Kind], tuple[float, ...]]] = {
    ("outputs", "squares"): (0.43, 0.71, 0.80, 0.88, 0.91, 0.95, 1.0),
    ("outputs", "largest"): (0.66, 0.83, 0.91, 0.97, 1.0, 1.0, 1.0),
    ("outputs", "mean"): (0.64, 0.73, 0.87, 0.87, 0.87, 0.89, 1.0),
    ("conformance", "largest"): (0.45, 0.60, 0.70, 0.76, 0.79, 0.87, 1.0),
    ("conformance", "mean"): (0.63, 0.74, 0.83, 0.88, 0.95, 0.98, 1.0),
    ("latency", "level"): (0.68, 0.83, 0.88, 0.91, 0.94, 0.97, 1.0),
}
"""A quiet year's maximum by the usual threshold, at the quantile that the threshold is for: the
largest over suites of 10, 40 and 150 cases, of 1,000 years each with ten old nights
(`bench/rebase.py --factors 1000`), and .01 more."""


def relief(plane: Plane, kind: Kind, *, placed: int) -> float:
    """Factor, 0..1, on a chart's threshold.

    Args:
        plane: Of the stream.
        kind: Of the chart.
        placed: Accepted nights that place the location, >= 1.
    """
    import numpy as np

    # The variance of the location is what changes, and goes by 1/placed.
    inverse = [1.0 / nights for nights in reversed(PLACING)]
    return float(np.interp(1.0 / placed, inverse, _FACTORS[plane, kind][::-1]))

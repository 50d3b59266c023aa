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
    ("outputs", "squares"): (0.85, 0.92, 0.97, 1.0, 1.0, 1.0, 1.0),
    ("outputs", "largest"): (0.88, 0.90, 0.98, 1.0, 1.0, 1.0, 1.0),
    ("outputs", "mean"): (0.84, 0.88, 0.92, 0.93, 0.94, 0.96, 1.0),
    ("conformance", "largest"): (0.69, 0.72, 0.78, 0.82, 0.85, 0.91, 1.0),
    ("conformance", "mean"): (0.75, 0.78, 0.84, 0.88, 0.91, 0.98, 1.0),
    ("latency", "level"): (0.82, 0.90, 0.92, 0.94, 0.96, 0.98, 1.0),
}
"""A quiet year's maximum by the usual threshold, at the quantile that the threshold is for: the
largest over suites of 10, 40 and 150 cases, with ten old nights (`bench/rebase.py --factors 300`),
made even; of one night a little more, because it may be an odd one."""


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

"""What a chart must exceed to be red: quantiles of a quiet year's maximum, from a shipped table.

``monitor_thresholds.json`` is made by ``bench/monitor_thresholds.py`` from years in which nothing
changed, with everything estimated anew in each of them as it is in life. It has a version and
names its seed, its years and the nights that it supposes. How far these nights vary matters little,
since that is learnt: made at a dispersion of 1.4 for .048 a year, it gives .059 there, .059 at 1.1
and .075 at 2.0 (docs/explanation/watch.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from contractcheck.errors import UsageError
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.stats.monitor_nights import Kind, Plane

    FloatArray = NDArray[np.float64]

VERSION: Final = 1
"""Of the table's layout; another one is refused."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Thresholds on a grid.

    Attributes:
        accepted: (K,) numbers of accepted nights, rising.
        cases: (C,) numbers of cases, rising.
        shares: (S,) chances in a year, of all charts of a stream together, rising.
        errors: (E,) chances of a false word of one test of a baseline, rising.
        charts: From ``plane kind`` to (K, C, S) thresholds; (K, 1, S) for latency.
        baselines: From each test of a baseline to (K, C, E) limits.
    """

    accepted: FloatArray
    cases: FloatArray
    shares: FloatArray
    errors: FloatArray
    charts: Mapping[str, FloatArray]
    baselines: Mapping[str, FloatArray]


@lru_cache(maxsize=1)
def shipped_table() -> Table:
    """Read the table that comes with the package."""
    import json
    from importlib.resources import files

    import numpy as np

    text = files("contractcheck.stats").joinpath("monitor_thresholds.json").read_text("utf-8")
    document = json.loads(text)
    if document["version"] != VERSION:
        raise UsageError(
            f"monitor_thresholds.json has version {document['version']}, this contractcheck reads "
            f"{VERSION}: reinstall it, or make the table anew by bench/monitor_thresholds.py."
        )

    def arrays(name: str) -> dict[str, FloatArray]:
        rows = cast("dict[str, object]", document[name])
        return {key: np.asarray(row, float) for key, row in rows.items()}

    return Table(
        accepted=np.asarray(document["accepted"], float),
        cases=np.asarray(document["cases"], float),
        shares=np.asarray(document["shares"], float),
        errors=np.asarray(document["errors"], float),
        charts=arrays("charts"),
        baselines=arrays("baselines"),
    )


def threshold(plane: Plane, kind: Kind, *, accepted: int, cases: int, share: float) -> float:
    """Threshold of one chart.

    Interpolated linearly in the logarithms of K, cases and share. Below the table's shares the last
    slope goes on, and beyond its cases the last slope of all shares together, if it rises: both
    curves flatten, so that errs upwards. More accepted nights than the table's count as its most.

    Args:
        plane: Of the stream.
        kind: Of the chart.
        accepted: K, >= 5.
        cases: Cases that the stream watches, >= 1.
        share: Chance of any red in 365 nights, of all charts of the stream together, in (0, 1).

    Raises:
        UsageError: When any of them makes no sense.
    """
    if accepted < FEWEST_NIGHTS or cases < 1 or not 0.0 < share < 1.0:
        raise UsageError(
            f"accepted={accepted}, cases={cases}, share={share}: a threshold needs at least "
            f"{FEWEST_NIGHTS} accepted nights, one case, and a share between 0 and 1."
        )
    table = shipped_table()
    by_share = _at(table, table.charts[f"{plane} {kind}"], accepted, cases)
    return float(_along(table.shares, by_share, min(share, float(table.shares[-1]))))


def baseline_limit(test: str, *, accepted: int, cases: int, error: float) -> float:
    """Limit of one test of a baseline.

    Args:
        test: Of :mod:`contractcheck.stats.baseline_fitness`.
        accepted: As in :func:`threshold`.
        cases: As in :func:`threshold`.
        error: Chance of a false word on any case, in (0, 1).
    """
    table = shipped_table()
    by_error = _at(table, table.baselines[test], accepted, cases)
    return float(_along(table.errors, by_error, min(error, float(table.errors[-1]))))


def _at(table: Table, grid: FloatArray, accepted: int, cases: int) -> FloatArray:
    by_cases = _along(table.accepted, grid, min(accepted, float(table.accepted[-1])))
    return by_cases[0] if len(by_cases) == 1 else _at_cases(table.cases, by_cases, cases)


def _at_cases(axis: FloatArray, grid: FloatArray, cases: int) -> FloatArray:
    import numpy as np

    if cases <= axis[-1]:
        return _along(axis, grid, float(cases))
    rise = (grid[-1] - grid[-2]).mean() / np.log(axis[-1] / axis[-2])
    return np.asarray(grid[-1] + max(float(rise), 0.0) * np.log(cases / axis[-1]))


def _along(axis: FloatArray, grid: FloatArray, where: float) -> FloatArray:
    """Interpolate the first axis of a grid in its logarithm, going on straight below its least."""
    import numpy as np

    right = int(np.clip(np.searchsorted(axis, where), 1, len(axis) - 1))
    low, high = np.log(axis[right - 1]), np.log(axis[right])
    part = (np.log(where) - low) / (high - low)
    return np.asarray(grid[right - 1] + part * (grid[right] - grid[right - 1]))

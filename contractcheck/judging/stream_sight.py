"""What the charts of one stream would show of a change that lasts, in the units of its answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from contractcheck.judging.night_values import CONFORMANCE, is_directed
from contractcheck.judging.row_moves import moves_of
from contractcheck.stats.monitor import level_of, threshold
from contractcheck.stats.monitor_nights import TUNINGS
from contractcheck.stats.monitor_scale import LEAST_DISPERSION, LEAST_LATENCY_SD
from contractcheck.stats.monitor_sight import expect_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.night_scales import Scale
    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.night_watch import Watched
    from contractcheck.judging.row_moves import RowMoves
    from contractcheck.stats.monitor_nights import Kind

    FloatArray = NDArray[np.float64]

_STEPS: Final = 8
_CASES_TRIED: Final = 15
_MOST_LOG: Final = math.log(10.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StreamSight:
    """One stream, with what a night's deviation of each of its charted rows is.

    Attributes:
        watched: Its charts.
        rows: (C,) those that are charted.
        moves: Of each row; None where its answers move along no scale.
        directed: Whether each row takes part in a mean.
        row_sd: (C,) a night's deviation of each row; of latency, the one level's is ``level_sd``.
        level_sd: Of the one number that a night is to a mean or a level.
        limits: Threshold of each chart.
        located: Accepted nights that place the location.
        nights: How long the change lasts.
        need: How many deviations of a chart above its threshold the wanted power is.
    """

    watched: Watched
    rows: tuple[str, ...]
    moves: tuple[RowMoves | None, ...]
    directed: tuple[bool, ...]
    row_sd: FloatArray
    level_sd: float
    limits: Mapping[Kind, float]
    located: int
    nights: int
    need: float

    @classmethod
    def of(cls, watched: Watched, reference: Reference, *, nights: int, need: float) -> StreamSight:
        """Look at a stream as it stands.

        Args:
            watched: Its charts, of which there is at least one.
            reference: Scales of the accepted nights.
            nights: How long a change lasts.
            need: As the attribute.
        """
        import numpy as np

        known = np.atleast_1d(watched.nights.is_known().any(0))
        rows = [row for row, is_known in zip(watched.rows, known, strict=True) if is_known]
        row_sd, level_sd = _deviations(watched)
        return cls(
            watched=watched,
            rows=tuple(rows),
            moves=tuple(
                moves_of(_scale_of(row, watched.stream, reference), len(reference.nights))
                for row in rows
            ),
            directed=tuple(_has_direction(row, watched) for row in rows),
            row_sd=row_sd if watched.plane == "latency" else row_sd[known],
            level_sd=level_sd,
            limits={chart.kind: chart.threshold for chart in watched.charts},
            located=watched.nights.located,
            nights=nights,
            need=need,
        )

    def lasting(self, nights: int) -> StreamSight:
        """The same of a change that lasts so many nights."""
        return replace(self, nights=nights)

    def supposing(self, accepted: int, *, share: float) -> StreamSight:
        """The same had there been so many accepted nights, alike those that there are.

        Args:
            accepted: K, as many as charts need or more.
            share: The stream's chance, per year, of a false red.
        """
        plane = self.watched.chart_plane
        limits = {
            kind: threshold(plane, kind, accepted=accepted, cases=len(self.rows), share=share)
            for kind in self.limits
        }
        return replace(self, limits=limits, located=accepted)

    def shows_share(self, share: float, row: int | None = None) -> bool:
        """Whether it would be seen that so many answers of all rows, or of one, are others."""
        return any(self._is_red(kind, self._moved(share, row, kind)) for kind in self.limits)

    def shows_slowdown(self, ratio: float) -> bool:
        """Whether it would be seen that times are so many times as long."""
        import numpy as np

        shift = np.asarray([math.log(ratio)])
        return any(self._is_red(kind, shift) for kind in self.limits)

    def _moved(self, share: float, row: int | None, kind: Kind) -> FloatArray:
        """(C,) what a night of the change is expected to deviate by, each row in its own unit."""
        import numpy as np

        clip = TUNINGS[self.watched.chart_plane][kind].clip
        moved = np.zeros(len(self.moves))
        for place in range(len(self.moves)) if row is None else (row,):
            if own := self.moves[place]:
                moved[place] = own.expect(share, sd=float(self.row_sd[place]), clip=clip)
        return moved

    def _is_red(self, kind: Kind, shifts: FloatArray) -> bool:
        """Whether one chart would be red with the power that is asked for."""
        expected = expect_chart(
            shifts,
            plane=self.watched.chart_plane,
            kind=kind,
            nights=self.nights,
            accepted=self.located,
            level_sd=self.level_sd,
            directed=self.directed,
        )
        return expected.value - self.limits[kind] >= self.need * expected.sd

    def share(self, row: int | None) -> float | None:
        """Smallest share of the answers of all rows, or of one, that would have to change."""
        return _smallest(lambda share: self.shows_share(share, row), 0.0, 1.0)

    def some_rows(self) -> list[int]:
        """Places of rows whose answers move along a scale, of many a few."""
        every = [at for at, own in enumerate(self.moves) if own is not None]
        return every[:: max(1, len(every) // _CASES_TRIED)]

    def median_case(self) -> float | None:
        """The same of one case that changes alone: the median over cases, of many a few."""
        found = sorted(math.inf if (s := self.share(at)) is None else s for at in self.some_rows())
        middle = found[len(found) // 2] if found else math.inf
        return None if math.isinf(middle) else middle

    def slowdown(self) -> float | None:
        """Smallest ratio of a lasting slow-down."""
        found = _smallest(lambda log: self.shows_slowdown(math.exp(log)), 0.0, _MOST_LOG)
        return None if found is None else math.exp(found)


def _scale_of(row: str, stream: str, reference: Reference) -> Scale | None:
    """The scale that a row's answers move along; none of a row without a direction."""
    case, _, name = row.partition("#")
    if stream == CONFORMANCE:
        return reference.scales.get((case, name))
    return None if name else reference.scales.get((case, stream))


def _has_direction(row: str, watched: Watched) -> bool:
    return is_directed(row) or watched.stream == CONFORMANCE


def _deviations(watched: Watched) -> tuple[FloatArray, float]:
    """(C,) a night's deviation of each row, and that of the night's one number."""
    import numpy as np

    nights = watched.nights
    base = slice(0, nights.accepted)
    if watched.plane == "latency":
        level = level_of(nights)[base]
        spread = float(np.nanstd(level, ddof=1)) if np.isfinite(level).sum() > 1 else 0.0
        return np.ones(1), max(spread, LEAST_LATENCY_SD)
    known = nights.is_known()
    values = np.where(known, nights.values, 0.0)
    variances = np.where(known, nights.variances, 1.0)
    z = np.zeros_like(values[base])
    for era in nights.eras:
        there = known[era]
        centre = values[era].sum(0) / np.maximum(there.sum(0), 1)
        z[era] = np.where(there, (values[era] - centre) / np.sqrt(variances[era]), 0.0)
    cases = np.maximum(known[base].sum(1), 1)
    square = (z**2).sum(1) / cases
    square = np.minimum(square, 2.0 * np.median(square))
    dof = max(nights.accepted - len(nights.eras), 1)
    dispersion = max(float(square.sum()) / dof, LEAST_DISPERSION)
    is_first = np.asarray([_has_direction(row, watched) for row in watched.rows])
    first = z[:, is_first]
    together = first.sum(1) / math.sqrt(max(first.shape[1], 1)) / math.sqrt(dispersion)
    usual = np.sqrt(
        np.where(known[base], variances[base], 0.0).sum(0) / np.maximum(known[base].sum(0), 1)
    )
    row_sd = np.where(usual > 0, usual, 1.0) * math.sqrt(dispersion)
    return row_sd, max(float(np.std(together, ddof=1)), 1.0)


def _smallest(shows: Callable[[float], bool], low: float, high: float) -> float | None:
    """Smallest value that shows, to 1/256 of the range; None if the largest does not."""
    if not shows(high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high

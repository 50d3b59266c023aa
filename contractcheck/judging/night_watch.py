"""The charts of the watch: accepted nights, all later ones and tonight, one stream at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from contractcheck.judging.night_values import (
    CONFORMANCE,
    PRESENCE,
    case_of,
    is_directed,
    plane_of,
    sometimes_lacking,
)
from contractcheck.model.history import ChartReading
from contractcheck.model.night_rows import NightRows
from contractcheck.stats.baseline_fitness import Fitness, examine
from contractcheck.stats.monitor import (
    Nights,
    chart_stream,
    deviations,
    learning_ends,
    left_out,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.rebased import Placed
    from contractcheck.model.history import NightValues
    from contractcheck.model.judgement import Plane
    from contractcheck.stats.monitor import Chart

    FloatArray = NDArray[np.float64]
    ChartPlane = Literal["outputs", "conformance", "latency"]

_STILL = Fitness(unstable_cases=(), is_alike=False, is_unstable=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Watched:
    """One stream, charted over all nights that count.

    Attributes:
        stream: Metric, ``conformance``, ``presence`` or latency.
        plane: Where an alarm is reported.
        rows: Names of the columns of ``nights``.
        nights: Accepted nights, then the later ones, tonight last.
        later: ISO dates of the later nights, tonight last.
        charts: One per kind, over the later nights.
        fitness: Whether the accepted nights promise anything about later ones.
        unknown: Rows in no chart: too few accepted nights have a value.
    """

    stream: str
    plane: Plane
    rows: tuple[str, ...]
    nights: Nights
    later: tuple[str, ...]
    charts: tuple[Chart, ...]
    fitness: Fitness
    unknown: tuple[str, ...]

    @property
    def chart_plane(self) -> ChartPlane:
        """The plane as charts know it."""
        return _chart_plane(self.plane)

    @property
    def is_examined(self) -> bool:
        """Whether its accepted nights can be unfit: those of presence never moved."""
        return self.plane != "latency" and self.nights.has_scale

    @property
    def is_red(self) -> bool:
        """Whether any chart is above its threshold tonight."""
        return any(_is_over(chart, -1) for chart in self.charts)

    @property
    def over(self) -> NDArray[np.bool_]:
        """(N,) whether any chart is above its threshold, on each later night."""
        import numpy as np

        over = [chart.values > chart.threshold for chart in self.charts]
        return np.asarray(np.any(over, axis=0))

    @property
    def red_since(self) -> int:
        """Place of the later night from which on this stream has been red without a break."""
        place = len(self.later) - 1
        while place and any(_is_over(chart, place - 1) for chart in self.charts):
            place -= 1
        return place

    @property
    def has_tonight(self) -> bool:
        """Whether tonight has any value that counts."""
        return bool(self.nights.is_known()[-1].any())

    def readings(self) -> tuple[ChartReading, ...]:
        """Where each chart stands tonight."""
        return tuple(
            ChartReading(
                stream=self.stream,
                plane=self.plane,
                kind=chart.kind,
                value=float(chart.values[-1]),
                threshold=float(chart.threshold),
            )
            for chart in self.charts
        )

    def highest(self) -> Chart:
        """The chart that is furthest above its threshold tonight."""
        return max(self.charts, key=lambda chart: float(chart.values[-1] - chart.threshold))

    def deviations(self) -> FloatArray:
        """(N, C) of the later nights in units of a night's; a change does not widen the unit."""
        plane = _chart_plane(self.plane)
        return deviations(self.nights, plane=plane, learn_until=learning_ends(self.charts))

    def unstable_cases(self) -> tuple[str, ...]:
        """Cases whose accepted nights step between levels, sorted."""
        return tuple(sorted({case_of(self.rows[i]) for i in self.fitness.unstable_cases}))


def watch_streams(
    placed: Placed,
    later: Sequence[NightValues],
    *,
    shares: Mapping[str, float],
    aside: Collection[str] = (),
    muted: Collection[tuple[str | None, str | None]] = (),
) -> tuple[Watched, ...]:
    """Chart every stream of the budget that the accepted nights have values of.

    Args:
        placed: Accepted nights and their values.
        later: Values of the later nights, oldest first, tonight last.
        shares: Each stream's chance, per year, of a false red.
        aside: Cases in quarantine.
        muted: What is left out as well: cases (None is all), each with a stream or check (None is
            all).
    """
    nights = [*placed.accepted, *later]
    found = []
    for stream, share in shares.items():
        rows = sorted({row for night in placed.accepted for row in night.streams.get(stream, {})})
        rows = [row for row in rows if not _is_aside(row, stream, aside, muted)]
        if rows:
            found.append(_watch_stream(stream, rows, nights, placed, share))
    examined = sum(one.is_examined for one in found)
    return tuple(
        replace(one, fitness=examine(one.nights, streams=examined)) if one.is_examined else one
        for one in found
    )


def _watch_stream(
    stream: str, rows: Sequence[str], values: Sequence[NightValues], placed: Placed, share: float
) -> Watched:
    plane = plane_of(stream)
    nights = _line_up(stream, rows, values, placed)
    return Watched(
        stream=stream,
        plane=plane,
        rows=tuple(rows),
        nights=nights,
        later=tuple(night.night for night in values[len(placed.accepted) :]),
        charts=chart_stream(nights, plane=_chart_plane(plane), share=share),
        fitness=_STILL,
        unknown=tuple(rows[place] for place in left_out(nights)),
    )


def _line_up(
    stream: str, rows: Sequence[str], values: Sequence[NightValues], placed: Placed
) -> Nights:
    import numpy as np

    shape = len(values), len(rows)
    numbers, variances = np.full(shape, np.nan), np.ones(shape)
    names = tuple(rows)
    for at, night in enumerate(values):
        own = night.streams.get(stream, {})
        if isinstance(own, NightRows) and own.names == names:
            numbers[at], variances[at] = own.numbers, own.variances
            continue
        for place, row in enumerate(rows):
            if one := own.get(row):
                numbers[at, place] = one.value
                variances[at, place] = one.variance
    return Nights(
        values=numbers,
        variances=variances,
        accepted=len(placed.accepted),
        placed=placed.placed,
        undirected=_no_part_of_a_mean(stream, rows, placed),
        has_scale=stream != PRESENCE,
    )


def _no_part_of_a_mean(stream: str, rows: Sequence[str], placed: Placed) -> tuple[int, ...]:
    """Places of rows that a mean over cases leaves out."""
    if stream == PRESENCE:
        # Chosen among cases that lack the number now and then: together they are bound to fall.
        lacking = sometimes_lacking(placed.accepted)
        return tuple(at for at, row in enumerate(rows) if row.partition("#")[2] in lacking)
    if plane_of(stream) != "outputs":
        return ()
    aside = tuple(at for at, row in enumerate(rows) if not is_directed(row))
    # A stream without any row that has a direction must not be left without a mean.
    return aside if len(aside) < len(rows) else ()


def _is_aside(
    row: str,
    stream: str,
    aside: Collection[str],
    muted: Collection[tuple[str | None, str | None]],
) -> bool:
    case, _, check = row.partition("#")
    names = {None, stream, check} if stream in {CONFORMANCE, PRESENCE} else {None, stream}
    return case in aside or any(one in (None, case) and name in names for one, name in muted)


def _is_over(chart: Chart, place: int) -> bool:
    return bool(chart.values[place] > chart.threshold)


def _chart_plane(plane: Plane) -> ChartPlane:
    return cast("ChartPlane", plane)

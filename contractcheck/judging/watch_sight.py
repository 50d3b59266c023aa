"""The smallest lasting change that the charts would have shown, in the units of the answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_scales import LabelScale, NumberScale, RateScale, TextScale
from contractcheck.judging.night_values import CONFORMANCE, is_directed
from contractcheck.stats.monitor import level_of
from contractcheck.stats.monitor_scale import LEAST_DISPERSION, LEAST_LATENCY_SD
from contractcheck.stats.monitor_sight import expect_chart
from contractcheck.stats.night_coordinates import arcsine_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.night_scales import Scale
    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.night_watch import Watched
    from contractcheck.model.suite import Policy

    FloatArray = NDArray[np.float64]

HORIZONS: Final = (7, 21)
"""Nights for which it is said what a change that lasts so long would have to be."""
_STEPS: Final = 8
_CASES_TRIED: Final = 15
_MOST_SLOWER: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What would have been seen of a change that lasts so many nights; None: not even a total one.

    Attributes:
        nights: How long it lasts.
        all_answers: Share of the answers of every case that become something else.
        one_case: The same of one case, the median case.
        slower: Times the latency, the better seen of two.
        fewer_pass: Share of the answers of every case that pass no more.
    """

    nights: int
    all_answers: float | None
    one_case: float | None
    slower: float | None
    fewer_pass: float | None


def find_sight(
    watched: Sequence[Watched], reference: Reference, policy: Policy, *, nights: int
) -> Sight:
    """Find the smallest change that some chart would have shown with the policy's power.

    Args:
        watched: The charts of tonight.
        reference: Scales of the accepted nights.
        policy: Power and the margin of latencies.
        nights: How long the change lasts.
    """
    from scipy.special import ndtri

    need = float(ndtri(policy.power))
    sights = [_Stream.of(one, reference, nights=nights, need=need) for one in watched if one.charts]
    outputs = [one for one in sights if one.watched.plane == "outputs"]
    passes = [one for one in sights if one.watched.stream == CONFORMANCE]
    times = [one for one in sights if one.watched.plane == "latency"]
    slower = _least([one.slowdown() for one in times])
    margins = [margin_of(one.watched.stream, "latency", policy) or 1.0 for one in times]
    return Sight(
        nights=nights,
        all_answers=_least([one.share(None) for one in outputs]),
        one_case=_least([one.median_case() for one in outputs]),
        slower=None if slower is None else max(slower, *margins),
        fewer_pass=_least([one.share(None) for one in passes]),
    )


def sight_words(sight: Sight) -> str:
    """What would have shown, in the order of planes; empty when nothing would have."""
    parts = []
    if sight.all_answers is not None:
        parts.append(f"{sight.all_answers:.0%} of all answers changed")
    if sight.one_case is not None:
        parts.append(f"{sight.one_case:.0%} of one case's answers changed")
    if sight.slower is not None:
        parts.append(f"{sight.slower:.2f}x slower")
    if sight.fewer_pass is not None:
        parts.append(f"{sight.fewer_pass:.0%} fewer answers passing")
    return "; ".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Stream:
    """One stream, with what a night's deviation of each of its charted rows is."""

    watched: Watched
    scales: tuple[Scale | None, ...]
    directed: tuple[bool, ...]
    row_sd: FloatArray
    level_sd: float
    accepted: int
    nights: int
    need: float

    @classmethod
    def of(cls, watched: Watched, reference: Reference, *, nights: int, need: float) -> _Stream:
        import numpy as np

        known = np.atleast_1d(watched.nights.is_known().any(0))
        rows = [row for row, is_known in zip(watched.rows, known, strict=True) if is_known]
        row_sd, level_sd = _deviations(watched)
        return cls(
            watched=watched,
            scales=tuple(_scale_of(row, watched.stream, reference) for row in rows),
            directed=tuple(_has_direction(row, watched) for row in rows),
            row_sd=row_sd if watched.plane == "latency" else row_sd[known],
            level_sd=level_sd,
            accepted=len(reference.nights),
            nights=nights,
            need=need,
        )

    def shows(self, shifts: FloatArray) -> bool:
        """Whether any chart would be red with the power that is asked for."""
        one = self.watched
        for chart in one.charts:
            expected = expect_chart(
                shifts,
                plane=one.chart_plane,
                kind=chart.kind,
                nights=self.nights,
                accepted=one.nights.located,
                level_sd=self.level_sd,
                directed=self.directed,
            )
            if expected.value - chart.threshold >= self.need * expected.sd:
                return True
        return False

    def share(self, row: int | None) -> float | None:
        """Smallest share of the answers of all rows, or of one, that would have to change."""
        import numpy as np

        places = range(len(self.scales)) if row is None else (row,)

        def shifts(share: float) -> FloatArray:
            moved = np.zeros(len(self.scales))
            for place in places:
                moved[place] = _shift(self.scales[place], share, self.accepted) / self.row_sd[place]
            return moved

        return _smallest(lambda share: self.shows(shifts(share)), 0.0, 1.0)

    def median_case(self) -> float | None:
        """The same of one case that changes alone: the median over cases, of many a few."""
        every = [at for at, scale in enumerate(self.scales) if scale is not None]
        every = every[:: max(1, len(every) // _CASES_TRIED)]
        found = sorted(math.inf if (s := self.share(at)) is None else s for at in every)
        middle = found[len(found) // 2] if found else math.inf
        return None if math.isinf(middle) else middle

    def slowdown(self) -> float | None:
        """Smallest ratio of a lasting slow-down."""
        import numpy as np

        most = math.log(_MOST_SLOWER)
        found = _smallest(lambda log: self.shows(np.asarray([log])), 0.0, most)
        return None if found is None else math.exp(found)


def _scale_of(row: str, stream: str, reference: Reference) -> Scale | None:
    """The scale that a row's answers move along; none of a row without a direction."""
    case, _, name = row.partition("#")
    if stream == CONFORMANCE:
        return reference.scales.get((case, name))
    return None if name else reference.scales.get((case, stream))


def _has_direction(row: str, watched: Watched) -> bool:
    return is_directed(row) or watched.stream == CONFORMANCE


def _shift(scale: Scale | None, share: float, nights: int) -> float:
    """What a row moves by when so many of its answers become something never seen.

    Args:
        scale: Of the row.
        share: Of the answers, 0..1.
        nights: Accepted nights behind the scale.
    """
    if isinstance(scale, LabelScale):
        whole = sum(scale.pooled.values())
        return _angle_shift(scale.pooled[scale.usual], whole, share, nights)
    if isinstance(scale, RateScale):
        return _angle_shift(scale.passed, scale.count, share, nights)
    if isinstance(scale, NumberScale):
        return share * float(scale.ranks.location[-1])
    if isinstance(scale, TextScale):
        usual = math.cos(float(scale.axes.distance.accepted.mean()))
        return math.acos(usual * (1.0 - share)) - math.acos(usual)
    return 0.0


def _angle_shift(count: int, whole: int, share: float, nights: int) -> float:
    """Of the expected angle: near a share of 1 it is not the angle of the expected share."""
    n = max(round(whole / nights), 1)
    least = 0.5 / (whole + 1.0)
    before, after = (
        min(max(usual, least), 1.0 - least)
        for usual in (count / whole, count / whole * (1.0 - share))
    )
    return arcsine_moments(after, n)[0] - arcsine_moments(before, n)[0]


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


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)

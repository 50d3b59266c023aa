"""What moved by less than its margin is no news: in simulated years as in life."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.stats.dating import date_change, first_eligible
from contractcheck.stats.monitor import Nights, deviations, level_of
from contractcheck.stats.monitor_scale import learnt_by
from contractcheck.stats.night_coordinates import share_of_angle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contractcheck.judging.year_model import WatchedStream
    from contractcheck.stats.simulated_nights import StreamModel

    BoolArray = NDArray[np.bool_]


def hold_to_margin(
    nights: Nights, over: BoolArray, stream: WatchedStream, margin: float
) -> BoolArray:
    """Keep the first night of each year on which a stream is red and beyond its margin.

    As ``watch_findings`` does: the change is dated, and what nights since then came to on average
    is held to the margin, or what nights since the first red one did.

    Args:
        nights: (T, R, C) of a latency or of conformance.
        over: (N, R) nights on which a chart is above its threshold.
        stream: Whose.
        margin: A ratio for latency, a fall of the pass rate for conformance.
    """
    kept = np.zeros_like(over)
    for year in np.flatnonzero(over.any(0)):
        one = Nights(
            values=nights.values[:, year],
            variances=nights.variances[:, year],
            accepted=nights.accepted,
        )
        night = _first_beyond(one, over[:, year], stream, margin)
        if night is not None:
            kept[night, year] = True
    return kept


def _first_beyond(
    nights: Nights, over: BoolArray, stream: WatchedStream, margin: float
) -> int | None:
    moves = deviations(nights, plane=stream.plane, learn_until=learnt_by(int(over.argmax())))
    dates: dict[int, int] = {}
    since = -1
    for night in map(int, np.flatnonzero(over)):
        if night == 0 or not over[night - 1]:
            since = night
        if since not in dates:
            first = first_eligible(over, until=since)
            dated = date_change(moves[first:], until=since - first, accepted=nights.accepted)
            dates[since] = first + dated.began
        end = nights.accepted + night + 1
        for start in {dates[since], since}:
            if _effect(nights, slice(nights.accepted + start, end), stream) > margin:
                return night
    return None


def _effect(nights: Nights, shown: slice, stream: WatchedStream) -> float:
    """A ratio of latency, or a fall of the pass rate; 0 where no night shown is known."""
    if stream.plane != "latency":
        return _fall(nights, shown, stream.model)
    level = level_of(nights)
    if not np.isfinite(level[shown]).any():
        return 0.0
    return math.exp(np.nanmean(level[shown]) - np.nanmean(level[: nights.accepted]))


def _fall(nights: Nights, shown: slice, model: StreamModel) -> float:
    """Fall of the pass rate, all cases and checks: accepted nights less the nights shown."""
    old, new, whole = 0.0, 0.0, 0.0
    for column in range(len(model.pool)):
        since = nights.values[shown, column]
        if not np.isfinite(since).any():
            continue
        pooled, pool_n = float(model.like[column]), float(model.pool[column])
        before = nights.values[: nights.accepted, column]
        shift = float(np.nanmean(since) - np.nanmean(before))
        n = pool_n / max(int(np.isfinite(before).sum()), 1)
        old += pooled
        new += pool_n * share_of_angle(shift, pooled=pooled, pool_n=pool_n, n=n)
        whole += pool_n
    return (old - new) / whole if whole else 0.0

"""How many nights a change has to last until the watch shows it, before it is there.

By the same expectation of a chart that a quiet night states its sight with. What lasts longer than
a few weeks blurs the scale that it is looked for on, so further ahead only whole years tell
(``contractcheck simulate-year``).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from contractcheck.judging.budget import watch_budget
from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_values import CONFORMANCE, plane_of
from contractcheck.judging.night_watch import watch_streams
from contractcheck.judging.stream_sight import StreamSight
from contractcheck.model.plan import WatchDelay
from contractcheck.stats.monitor_nights import LEAST_CHARTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from contractcheck.judging.rebased import Placed
    from contractcheck.model.suite import Policy, Suite

ALL_ANSWERS, ONE_CASE = "all answers", "one case"
MOST_NIGHTS: Final = 30
CASE_NIGHTS: Final = 21
"""Nights of a change that is looked for in each case alone."""
_SHARES: Final = (0.05, 0.1, 0.2, 0.4)
_CASE_SHARES: Final = (0.2, 0.4, 0.7, 1.0)
_RATIOS: Final = (1.3, 1.5, 2.0, 3.0)
_FALLS: Final = (0.02, 0.05, 0.1, 0.2)


def find_stream_sights(suite: Suite, placed: Placed) -> tuple[StreamSight, ...]:
    """Look at every stream of a suite as its charts would: of ten nights, if there are fewer yet.

    After a re-base of ten nights since: one or two place a location so poorly that they say little.

    Args:
        suite: The contract.
        placed: At least five accepted nights.
    """
    from scipy.special import ndtri

    need = float(ndtri(suite.policy.power))
    shares = watch_budget(suite, has_charts=True).charts
    sights = []
    for one in watch_streams(placed, (), shares=shares):
        if one.charts:
            sight = StreamSight.of(one, placed.reference, nights=CASE_NIGHTS, need=need)
            is_few = (placed.placed or len(placed.accepted)) < LEAST_CHARTED
            share = shares[one.stream]
            sights.append(sight.supposing(LEAST_CHARTED, share=share) if is_few else sight)
    return tuple(sights)


def plan_delays(
    sights: Sequence[StreamSight], policy: Policy, at_once: Mapping[str, float]
) -> tuple[WatchDelay, ...]:
    """Nights until the watch is red with the policy's power, for changes of several sizes.

    Each stream speaks for itself: one whose accepted answers are all alike, as refusals mostly are,
    sees a change at once that wordings see in weeks.

    Args:
        sights: From :func:`find_stream_sights`.
        policy: Margins: what moves by no more is no news.
        at_once: Per latency and for ``conformance`` the smallest size that two nights show which
            repeat each other.
    """
    return tuple(
        replace(
            one,
            nights=None
            if one.size <= (margin_of(one.stream, plane_of(one.stream), policy) or 0.0)
            else 2
            if one.size >= at_once.get(one.stream, math.inf)
            else one.nights,
        )
        for sight in sights
        for one in _delays(sight)
    )


def _delays(sight: StreamSight) -> Iterator[WatchDelay]:
    stream = sight.watched.stream
    if sight.watched.plane == "outputs":
        for size in _SHARES:
            yield WatchDelay(
                change=ALL_ANSWERS, stream=stream, size=size, nights=_first_of_all(sight, size)
            )
        for size in _CASE_SHARES:
            yield WatchDelay(
                change=ONE_CASE, stream=stream, size=size, nights=_median_first(sight, size)
            )
    elif sight.watched.plane == "latency":
        for size in _RATIOS:
            yield WatchDelay(
                change=stream, stream=stream, size=size, nights=_first_slowdown(sight, size)
            )
    elif stream == CONFORMANCE:
        for size in _FALLS:
            yield WatchDelay(
                change=stream, stream=stream, size=size, nights=_first_of_all(sight, size)
            )


def case_shares(sights: Sequence[StreamSight]) -> Mapping[str, Mapping[str, float | None]]:
    """Per case and stream the smallest share of answers that three weeks would show.

    Of a change of that case alone; None where not even a total one would show.
    """
    found: dict[str, dict[str, float | None]] = {}
    for one in sights:
        if one.watched.plane != "outputs":
            continue
        for place, (row, moves) in enumerate(zip(one.rows, one.moves, strict=True)):
            if moves is not None:
                found.setdefault(row, {})[one.watched.stream] = one.share(place)
    return found


def _first_of_all(sight: StreamSight, share: float) -> int | None:
    return _first(lambda nights: sight.lasting(nights).shows_share(share))


def _median_first(sight: StreamSight, share: float) -> int | None:
    """Of the median case."""

    def first(row: int) -> float:
        found = _first(lambda nights: sight.lasting(nights).shows_share(share, row))
        return math.inf if found is None else found

    every = sorted(map(first, sight.some_rows()))
    middle = every[len(every) // 2] if every else math.inf
    return None if math.isinf(middle) else int(middle)


def _first_slowdown(sight: StreamSight, ratio: float) -> int | None:
    return _first(lambda nights: sight.lasting(nights).shows_slowdown(ratio))


def _first(shows: Callable[[int], bool]) -> int | None:
    """Fewest nights that show; a longer change shows no worse."""
    if not shows(MOST_NIGHTS):
        return None
    return 1 + bisect_left(range(1, MOST_NIGHTS), True, key=shows)  # noqa: FBT003 - what is sought

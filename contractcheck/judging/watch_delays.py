"""How many nights a change has to last until the watch shows it, before it is there.

By the same expectation of a chart that a quiet night states its sight with. What lasts longer than
a few weeks blurs the scale that it is looked for on, so further ahead only whole years tell
(``contractcheck simulate-year``).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from contractcheck.judging.budget import watch_budget
from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_values import CONFORMANCE
from contractcheck.judging.night_watch import watch_streams
from contractcheck.judging.stream_sight import StreamSight
from contractcheck.model.plan import WatchDelay
from contractcheck.stats.monitor_nights import LEAST_CHARTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contractcheck.judging.rebased import Placed
    from contractcheck.model.judgement import Plane
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
            is_few = len(placed.accepted) < LEAST_CHARTED
            share = shares[one.stream]
            sights.append(sight.supposing(LEAST_CHARTED, share=share) if is_few else sight)
    return tuple(sights)


def plan_delays(
    sights: Sequence[StreamSight], policy: Policy, at_once: Mapping[str, float]
) -> tuple[WatchDelay, ...]:
    """Nights until the watch is red with the policy's power, for changes of several sizes.

    Args:
        sights: From :func:`find_stream_sights`.
        policy: Margins: what moves by no more is no news.
        at_once: Per change the smallest size that two nights show which repeat each other.
    """
    outputs = [one for one in sights if one.watched.plane == "outputs"]
    passes = [one for one in sights if one.watched.stream == CONFORMANCE]
    found = []
    if outputs:
        found += [(ALL_ANSWERS, size, _first_of_all(outputs, size)) for size in _SHARES]
        found += [(ONE_CASE, size, _first_of_one(outputs, size)) for size in _CASE_SHARES]
    for one in sights:
        if one.watched.plane == "latency":
            found += [(one.watched.stream, size, _first_slowdown(one, size)) for size in _RATIOS]
    if passes:
        found += [(CONFORMANCE, size, _first_of_all(passes, size)) for size in _FALLS]
    return tuple(
        WatchDelay(
            change=change,
            size=size,
            nights=None
            if size <= _margin(change, policy)
            else 2
            if size >= at_once.get(change, math.inf)
            else nights,
        )
        for change, size, nights in found
    )


def _margin(change: str, policy: Policy) -> float:
    plane: Plane = (
        "outputs"
        if change in {ALL_ANSWERS, ONE_CASE}
        else "conformance"
        if change == CONFORMANCE
        else "latency"
    )
    return margin_of(change, plane, policy) or 0.0


def case_shares(sights: Sequence[StreamSight]) -> Mapping[str, float]:
    """Per case the smallest share of its answers that three weeks would show if it alone changed.

    Infinite where not even a total change would show.
    """
    found: dict[str, float] = {}
    for one in sights:
        if one.watched.plane != "outputs":
            continue
        for place, (row, moves) in enumerate(zip(one.rows, one.moves, strict=True)):
            if moves is not None:
                share = one.share(place)
                found[row] = min(found.get(row, math.inf), math.inf if share is None else share)
    return found


def _first_of_all(sights: Sequence[StreamSight], share: float) -> int | None:
    return _first(lambda nights: any(one.lasting(nights).shows_share(share) for one in sights))


def _first_of_one(sights: Sequence[StreamSight], share: float) -> int | None:
    """Of the median case, by the stream that shows it first."""
    return min(
        (nights for one in sights if (nights := _median_first(one, share)) is not None),
        default=None,
    )


def _median_first(sight: StreamSight, share: float) -> int | None:
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

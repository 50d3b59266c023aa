"""What accepted nights promise of later ones: by two nights, and by the charts of the watch."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from contractcheck.judging.budget import budget_share, watch_budget
from contractcheck.judging.night_rule import judge_streams, margin_of
from contractcheck.judging.night_table import line_up, rates
from contractcheck.judging.rebased import place
from contractcheck.judging.streams import score_streams
from contractcheck.judging.watch_delays import case_shares, find_stream_sights, plan_delays
from contractcheck.model.plan import StreamPlan, WatchPlan
from contractcheck.stats.monitor_nights import LEAST_CHARTED
from contractcheck.stats.night_power import smallest_rate_drop, smallest_slowdown
from contractcheck.stats.night_rule import FEWEST_NIGHTS, two_night_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.judging.night_table import NightTable
    from contractcheck.judging.stream_sight import StreamSight
    from contractcheck.model.judgement import Comparison
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite

_NIGHTS_TRIED = (5, 7, 10, 14, 20, 30, 45, 60)
_MOST_TIMES = 1024
"""Times as many answers a night that are tried, at most."""
_UNITS = {"outputs": "share of answers", "latency": "ratio", "conformance": "pass rate"}


def plan_watch(
    suite: Suite, eras: Sequence[Sequence[NightStatistics]]
) -> tuple[WatchPlan, Mapping[str, Mapping[str, float | None]]]:
    """Say what two changed nights would have to show, and how soon charts show what lasts.

    Args:
        suite: The contract.
        eras: Complete accepted nights between re-bases, oldest era first.

    Returns:
        The plan, and per case and stream the smallest share of its answers that charts would show
        if only that case changed (None where not even a total change would); empty with too few
        nights.
    """
    count, wanted = sum(map(len, eras)), suite.policy.nights
    fingerprints = {case.id: case.request_fingerprint for case in suite.cases}
    placed = place(eras, fingerprints, nights_wanted=wanted)
    sights: tuple[StreamSight, ...] = ()
    if placed is not None and len(placed.accepted) >= FEWEST_NIGHTS:
        sights = find_stream_sights(suite, placed)
    table = None
    if eras and eras[-1]:
        table = line_up(eras[-1], eras[-1][-1:], fingerprints, nights_wanted=wanted)
    plan = WatchPlan(
        accepted=count,
        wanted=wanted,
        streams=_plan_streams(suite, table) if table else (),
        charted=max(placed.placed or count, LEAST_CHARTED) if placed and sights else 0,
        rebased=placed.placed if placed else None,
        delays=plan_delays(sights, suite.policy, _at_once(suite, table) if table else {}),
    )
    return plan, case_shares(sights)


def _plan_streams(suite: Suite, table: NightTable) -> tuple[StreamPlan, ...]:
    """What the rule of two nights would see, had the next night been like the last."""
    share = budget_share(suite)
    judged = judge_streams(table, suite.policy, budget_share=share)
    return tuple(_plan_stream(one.comparison, table, suite, share) for one in judged)


def _at_once(suite: Suite, table: NightTable) -> dict[str, float]:
    """The smallest slow-down, and fall of the pass rate, that two nights of the watch show.

    Of outputs two nights say only what they would show of answers that are new in every measure at
    once, which tells nothing of a single one.
    """
    share = watch_budget(suite, has_charts=True).fast
    judged = judge_streams(table, suite.policy, budget_share=share, says_visible=False)
    return {
        one.comparison.metric: one.comparison.smallest_visible
        for one in judged
        if one.comparison.smallest_visible is not None
    }


def _plan_stream(
    comparison: Comparison, table: NightTable, suite: Suite, budget: float
) -> StreamPlan:
    margin = margin_of(comparison.metric, comparison.plane, suite.policy)
    nights = None if margin is None else _nights_needed(comparison, table, suite, budget, margin)
    is_rate = comparison.plane == "conformance" and margin is not None and nights is None
    return StreamPlan(
        name=comparison.metric,
        plane=comparison.plane,
        smallest_visible=comparison.smallest_visible,
        unit=_UNITS.get(comparison.plane, ""),
        margin=margin,
        nights_needed=nights,
        answers_factor=_answers_factor(table, suite, budget, margin or 0.0) if is_rate else None,
    )


def _nights_needed(
    comparison: Comparison, table: NightTable, suite: Suite, budget: float, margin: float
) -> int | None:
    """Fewest accepted nights, of those tried, with which a change of the margin would be seen."""
    for nights in _NIGHTS_TRIED:
        threshold = two_night_threshold(nights=nights, budget=budget)
        visible = _visible(comparison, table, suite, threshold)
        if visible is not None and visible <= margin:
            return nights
    return None


def _visible(
    comparison: Comparison, table: NightTable, suite: Suite, threshold: float
) -> float | None:
    """Smallest slow-down, or fall of the pass rate, that nights as steady as these would show."""
    power = suite.policy.power
    if comparison.plane == "latency":
        stream = next(s for s in score_streams(table) if s.name == comparison.metric)
        return smallest_slowdown(stream.baseline, threshold=threshold, power=power)
    passed, counts = _passes(table)
    return smallest_rate_drop(passed, counts, threshold=threshold, power=power)


def _passes(table: NightTable) -> tuple[list[list[float]], list[list[int]]]:
    """Checks passed, and checks made, per accepted night and case."""
    columns = [rates(series)[: table.accepted] for series in table.conformance]
    nights = list(zip(*columns, strict=True))
    return (
        [[cell.passed for cell in night] for night in nights],
        [[cell.count for cell in night] for night in nights],
    )


def _answers_factor(table: NightTable, suite: Suite, budget: float, margin: float) -> int | None:
    """Fewest times as many answers a night with which nights that agree would show a margin.

    Near a pass rate of 1 the visible fall shrinks with the answers themselves, elsewhere with
    their root, so it is tried and not extrapolated.
    """
    passed, counts = _passes(table)
    cases = range(len(counts[0]))
    made = [sum(night[case] for night in counts) for case in cases]
    shares = [sum(night[c] for night in passed) / max(1, made[c]) for c in cases]
    threshold = two_night_threshold(nights=table.accepted, budget=budget)

    def shows(times: int) -> bool:
        more = [[times * count for count in night] for night in counts]
        alike = [[round(s * n) for s, n in zip(shares, night, strict=True)] for night in more]
        visible = smallest_rate_drop(alike, more, threshold=threshold, power=suite.policy.power)
        return visible is not None and visible <= margin

    if not shows(_MOST_TIMES):
        return None
    return bisect_left(range(1, _MOST_TIMES), True, key=shows) + 1  # noqa: FBT003 - what is sought

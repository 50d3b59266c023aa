"""What the nightly watch would see on its next night, from the nights that were accepted."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

from contractcheck.judging.budget import budget_share
from contractcheck.judging.night_rule import judge_streams, margin_of
from contractcheck.judging.night_table import line_up, rates
from contractcheck.judging.streams import output_contrasts, score_streams
from contractcheck.model.plan import StreamPlan, WatchPlan
from contractcheck.stats.night_power import (
    smallest_rate_drop,
    smallest_slowdown,
    smallest_visible_share,
)
from contractcheck.stats.night_rule import FEWEST_NIGHTS, two_night_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.judgement import Comparison
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite
    from contractcheck.stats.night_contrasts import Contrast

_NIGHTS_TRIED = (5, 7, 10, 14, 20, 30, 45, 60)
_MOST_TIMES = 1024
"""Times as many answers a night that are tried, at most."""
_UNITS = {"outputs": "share of answers", "latency": "ratio", "conformance": "pass rate"}


def plan_watch(
    suite: Suite, accepted: Sequence[NightStatistics]
) -> tuple[WatchPlan, Mapping[str, float]]:
    """Say what two changed nights would have to show, had the next night been like the last.

    Args:
        suite: The contract.
        accepted: Complete accepted nights, oldest first.

    Returns:
        The plan, and per case the smallest share of its answers that would be seen if only that
        case changed (``inf`` where even a total change would not); empty with too few nights.
    """
    if len(accepted) < FEWEST_NIGHTS:
        wanted = suite.policy.nights
        return WatchPlan(accepted=len(accepted), wanted=wanted, streams=()), {}
    fingerprints = {case.id: case.request_fingerprint for case in suite.cases}
    table = line_up(accepted, accepted[-1:], fingerprints, nights_wanted=suite.policy.nights)
    share = budget_share(suite)
    judged = judge_streams(table, suite.policy, budget_share=share)
    streams = tuple(_plan_stream(one.comparison, table, suite, share) for one in judged)
    plan = WatchPlan(accepted=len(accepted), wanted=suite.policy.nights, streams=streams)
    return plan, _case_shares(table, suite, share)


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


def _case_shares(table: NightTable, suite: Suite, budget: float) -> dict[str, float]:
    """Per case, the smallest share of its answers that would be seen if it changed alone."""
    threshold = two_night_threshold(nights=table.accepted, budget=budget)
    known: dict[tuple[int, float], list[Contrast]] = {}
    shares: dict[str, float] = {}
    if not output_contrasts(table, known=known):
        return shares
    for case in sorted({series.case for series in table.outputs}):

        def contrasts(share: float, only: str = case) -> Mapping[str, Sequence[Contrast]]:
            return output_contrasts(table, replaced=share, only_case=only, known=known)

        found = smallest_visible_share(
            contrasts,
            accepted=table.accepted,
            cases=1,
            answers_per_case=max(1, table.nights[-1].cases[case].answered),
            threshold=threshold,
            power=suite.policy.power,
        )
        shares[case] = math.inf if found is None else found
    return shares

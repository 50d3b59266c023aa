"""What the nightly watch would see on its next night, from the nights that were accepted."""

from __future__ import annotations

import math
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
    return StreamPlan(
        name=comparison.metric,
        plane=comparison.plane,
        smallest_visible=comparison.smallest_visible,
        unit=_UNITS.get(comparison.plane, ""),
        margin=margin,
        nights_needed=None
        if margin is None
        else _nights_needed(comparison, table, suite, budget, margin),
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
    columns = [rates(series)[: table.accepted] for series in table.conformance]
    return smallest_rate_drop(
        [[cell.passed for cell in night] for night in zip(*columns, strict=True)],
        [[cell.count for cell in night] for night in zip(*columns, strict=True)],
        threshold=threshold,
        power=power,
    )


def _case_shares(table: NightTable, suite: Suite, budget: float) -> dict[str, float]:
    """Per case, the smallest share of its answers that would be seen if it changed alone."""
    threshold = two_night_threshold(nights=table.accepted, budget=budget)
    known: dict[tuple[int, float], list[Contrast]] = {}
    shares = {}
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

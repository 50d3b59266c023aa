"""How the yearly alarm budget is shared over everything that can turn red by chance.

A single run shares it equally. The watch keeps half of it for nights that vary otherwise than
supposed, and spends most of the other half on charts that add nights up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.judging.night_values import CONFORMANCE, PRESENCE, plane_of
from contractcheck.judging.streams import JUDGED_LATENCY
from contractcheck.metrics import METRICS, NOT_BY_NIGHT
from contractcheck.model.suite import CheckMode
from contractcheck.stats.night_rule import share_of_budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.suite import Suite

RESERVE: Final = 0.5
"""Kept for nights that are not as the thresholds suppose: heavy tails, odd nights, neighbours that
resemble each other. What such nights cost is measured in docs/explanation/watch.md."""
FAST_PART: Final = 0.04
"""Of what is spent: on two consecutive nights that repeat each other. Two odd nights in a row break
that rule sooner than any chart, so it gets little: docs/explanation/watch.md."""
RULE_PART: Final = 0.1
"""Of what is spent: on rate checks and limits, if there are any."""
_WEIGHTS: Final = {"outputs": 2.0, "conformance": 1.0, "latency": 1.0}
"""Of a stream's charts: three of outputs, two of conformance and of presence, one of each
latency, whose chart of bounded nights ends not far above its threshold and must not be asked for
more."""


def count_chances(suite: Suite) -> int:
    """Number of streams and rules of a suite; the same on every night, whatever came.

    One stream per output metric and one for the most unusual case, the judged latencies,
    conformance if any check belongs to it; one rule per rate check and per limit.
    """
    return _count_streams(suite) + _count_rules(suite)


def budget_share(suite: Suite) -> float:
    """Each stream's or rule's chance, per year, of a false red."""
    return share_of_budget(count_chances(suite), budget=suite.policy.alarm_budget_per_year)


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchBudget:
    """Chances per year of a false red by each part of the watch.

    Attributes:
        whole: Of anything: the promise.
        charts: Per stream, of all its charts together; empty while charts do not judge.
        fast: Of each stream of the two-night rule.
        rule: Of each rate check and each limit.
        fast_streams: How many streams the two-night rule has.
        rules: How many rate checks and limits there are.
    """

    whole: float
    charts: Mapping[str, float]
    fast: float
    rule: float
    fast_streams: int
    rules: int


def watch_budget(suite: Suite, *, has_charts: bool) -> WatchBudget:
    """Split the yearly budget of a suite that is watched.

    Args:
        suite: The contract.
        has_charts: Whether there are accepted nights enough for charts; without them the two-night
            rule has their part.
    """
    rules, streams = _count_rules(suite), _count_streams(suite)
    spent = suite.policy.alarm_budget_per_year * (1.0 - RESERVE)
    for_rules = spent * RULE_PART if rules else 0.0
    for_fast = spent * FAST_PART if has_charts else spent - for_rules
    left = spent - for_rules - for_fast
    weights = {stream: _WEIGHTS[plane_of(stream)] for stream in _charted_streams(suite)}
    total = sum(weights.values())
    return WatchBudget(
        whole=suite.policy.alarm_budget_per_year,
        charts={s: left * w / total for s, w in weights.items()} if has_charts else {},
        fast=for_fast / streams,
        # Without any rule the share decides nothing, but a level needs one.
        rule=for_rules / rules if rules else spent * RULE_PART,
        fast_streams=streams,
        rules=rules,
    )


def _charted_streams(suite: Suite) -> list[str]:
    found = sorted(_output_streams(suite)) + list(JUDGED_LATENCY)
    found += [CONFORMANCE] if _has_conformance(suite) else []
    return [*found, PRESENCE] if _has_numbers(suite) else found


def _count_streams(suite: Suite) -> int:
    outputs = _output_streams(suite)
    return len(outputs) + bool(outputs) + len(JUDGED_LATENCY) + _has_conformance(suite)


def _output_streams(suite: Suite) -> set[str]:
    return {
        spec.label
        for case in suite.cases
        for spec in case.metrics
        if METRICS[spec.name].plane == "outputs" and spec.name not in NOT_BY_NIGHT
    }


def _has_numbers(suite: Suite) -> bool:
    metrics = {spec.name for case in suite.cases for spec in case.metrics}
    return any(METRICS[one].kind == "number" and METRICS[one].plane == "outputs" for one in metrics)


def _has_conformance(suite: Suite) -> bool:
    return any(check.mode is CheckMode.NO_WORSE for case in suite.cases for check in case.checks)


def _count_rules(suite: Suite) -> int:
    checks = [check for case in suite.cases for check in case.checks]
    return sum(check.mode is CheckMode.RATE for check in checks) + len(suite.policy.limits)

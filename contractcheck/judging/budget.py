"""How the yearly alarm budget is shared: equally over everything that can turn red by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.streams import JUDGED_LATENCY
from contractcheck.metrics import METRICS, NOT_BY_NIGHT
from contractcheck.model.suite import CheckMode
from contractcheck.stats.night_rule import share_of_budget

if TYPE_CHECKING:
    from contractcheck.model.suite import Suite


def count_chances(suite: Suite) -> int:
    """Number of streams and rules of a suite; the same on every night, whatever came.

    One stream per output metric and one for the most unusual case, the judged latencies,
    conformance if any check belongs to it; one rule per rate check and per limit.
    """
    checks = [check for case in suite.cases for check in case.checks]
    outputs = {
        spec.label
        for case in suite.cases
        for spec in case.metrics
        if METRICS[spec.name].plane == "outputs" and spec.name not in NOT_BY_NIGHT
    }
    streams = len(outputs) + bool(outputs) + len(JUDGED_LATENCY)
    streams += any(check.mode is CheckMode.NO_WORSE for check in checks)
    rules = sum(check.mode is CheckMode.RATE for check in checks) + len(suite.policy.limits)
    return streams + rules


def budget_share(suite: Suite) -> float:
    """Each stream's or rule's chance, per year, of a false red."""
    return share_of_budget(count_chances(suite), budget=suite.policy.alarm_budget_per_year)

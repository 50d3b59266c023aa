"""Let the rules judge comparisons whose truth is known, and count what they say."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

from contractcheck.judging.budget import budget_share
from contractcheck.judging.gate import GateDecision, advance, open_gate
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.night_table import line_up
from contractcheck.judging.resampling import draw_sides
from contractcheck.model.calibration import MeasuredRate
from contractcheck.model.judgement import FindingKind
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    from contractcheck.judging.gate import GateRules
    from contractcheck.judging.resampling import AnswerPool
    from contractcheck.model.calibration import RuleName
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite

_TOLD = (FindingKind.DIFFERENCE, FindingKind.NOTICE)


def count_gates(
    pools: Sequence[AnswerPool],
    rules: GateRules,
    *,
    repeats: int,
    rng: np.random.Generator,
    struck_share: float = 0.0,
    tell: Callable[[int], None] = lambda _: None,
) -> Counter[RuleName]:
    """Run whole gates on drawn answers and count what they say.

    Args:
        pools: One per recorded night; each gate draws from one of them, as sides share a night.
        rules: The gate's.
        repeats: Gates, >= 1.
        rng: Source of the draws.
        struck_share: Chance that an answer of the new side is a changed one, 0..1.
        tell: Told after each gate how many are done.
    """
    said: Counter[RuleName] = Counter()
    slots = rules.looks[-1]
    for done in range(repeats):
        pool = pools[int(rng.integers(len(pools)))]
        decision = run_gate(
            draw_sides(pool, slots=slots, rng=rng, struck_share=struck_share), rules
        )
        said["gate: do not upgrade"] += decision.outcome == "do-not-upgrade"
        said["gate: safe"] += decision.outcome == "safe"
        said["outputs: differ"] += any(
            finding.kind in _TOLD and finding.plane == "outputs" for finding in decision.findings
        )
        tell(done + 1)
    return said


def run_gate(table: pd.DataFrame, rules: GateRules) -> GateDecision:
    """Take every look of a gate at a table that has all its blocks."""
    state = open_gate(rules)
    while True:
        step = advance(state, table)
        if isinstance(step, GateDecision):
            return step
        state = step


def count_night_alarms(suite: Suite, accepted: Sequence[NightStatistics]) -> tuple[int, int] | None:
    """Let each two accepted nights be the last two, and the others their baseline.

    Args:
        suite: The contract.
        accepted: Complete accepted nights, oldest first.

    Returns:
        How many ordered pairs would have alarmed, and of how many; None with fewer than seven
        nights, of which two leave too few.
    """
    if len(accepted) < FEWEST_NIGHTS + 2:
        return None
    fingerprints = {case.id: case.request_fingerprint for case in suite.cases}
    share = budget_share(suite)
    alarms = pairs = 0
    for before, last in permutations(range(len(accepted)), 2):
        others = [night for place, night in enumerate(accepted) if place not in (before, last)]
        later = (accepted[before], accepted[last])
        table = line_up(others, later, fingerprints, nights_wanted=len(others))
        judged = judge_streams(table, suite.policy, budget_share=share, says_visible=False)
        alarms += any(one.is_over and one.was_over for one in judged)
        pairs += 1
    return alarms, pairs


def measured_rate(
    rule: RuleName,
    count: int,
    repeats: int,
    *,
    change: str = "",
    size: float | None = None,
    stated: float | None = None,
) -> MeasuredRate:
    """Put a count in its interval (exact, Clopper and Pearson 1934)."""
    interval = clopper_pearson(count, repeats)
    return MeasuredRate(
        rule=rule,
        change=change,
        size=size,
        count=count,
        repeats=repeats,
        low=interval.low,
        high=interval.high,
        stated=stated,
    )

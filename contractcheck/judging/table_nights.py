"""Judge two recorded tables that hold nights, by the two-night rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.drift import changed_nights, find_drift
from contractcheck.judging.judge import Judgement
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.night_table import line_up
from contractcheck.judging.table_samples import one_sided
from contractcheck.judging.verdict import has_red, sort_findings
from contractcheck.judging.words import drift_headline, quiet_headline, state_rates
from contractcheck.metrics import LATENCY
from contractcheck.model.judgement import Finding, Verdict
from contractcheck.stats.night_rule import FEWEST_NIGHTS, share_of_budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Policy


def judge_table_nights(
    accepted: Sequence[NightStatistics], later: Sequence[NightStatistics], policy: Policy
) -> Judgement:
    """Compare tables with nights by the two-night rule, every later night in its turn.

    Args:
        accepted: The baseline's nights, oldest first.
        later: The candidate's nights, oldest first, at least one.
        policy: Budget, margins and power.
    """
    notes = _scope(accepted, later)
    if len(accepted) < FEWEST_NIGHTS:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE,
            headline=f"INCONCLUSIVE: the baseline has {len(accepted)} of the {FEWEST_NIGHTS} "
            "nights that it takes to tell a change from an ordinary night",
            findings=(),
            baseline=f"{len(accepted)} nights against {len(later)}",
            notes=tuple(notes),
        )
    fingerprints = {case: "" for night in later for case in night.cases}
    share = share_of_budget(_streams(later, policy), budget=policy.alarm_budget_per_year)
    findings: list[Finding] = []
    for last in range(len(later)):
        pair = later[max(0, last - 1) : last + 1]
        table = line_up(accepted, pair, fingerprints, nights_wanted=policy.nights)
        judged = judge_streams(table, policy, budget_share=share)
        comparisons = compare_cases(table, later=changed_nights(judged))
        before = pair[0].night if last else None
        findings = find_drift(judged, comparisons, nights=(before, pair[-1].night))
        if has_red(findings):
            break
    ordered = sort_findings(findings)
    verdict, headline = _night_verdict(ordered, judged, table)
    if table.learning:
        few = ", ".join(f"{case} ({have} nights)" for case, have in table.learning.items())
        notes.append(f"not compared, too few nights in the baseline: {few}")
    return Judgement(
        verdict=verdict,
        headline=headline,
        findings=ordered,
        comparisons=(*(one.comparison for one in judged), *comparisons),
        baseline=f"{len(accepted)} nights against {len(later)}",
        error_rates=state_rates(table, policy, share, len(judged)),
        notes=tuple(notes),
    )


def _night_verdict(
    findings: Sequence[Finding], judged: Sequence[StreamJudgement], table: NightTable
) -> tuple[Verdict, str]:
    if has_red(findings):
        return Verdict.FAIL, drift_headline(findings)
    if findings:
        words = "the last night looks changed; the next one decides"
    elif not any(one.comparison.plane == "outputs" for one in judged):
        words = "no case has answers in every night of the baseline and in the last; check --case"
    elif not any(one.comparison.smallest_visible for one in judged):
        words = "not even a total change would be seen in so few rows; add cases, repeats or nights"
    else:
        return Verdict.QUIET, quiet_headline(judged, learning=len(table.learning))
    return Verdict.INCONCLUSIVE, f"INCONCLUSIVE: {words}"


def _scope(accepted: Sequence[NightStatistics], later: Sequence[NightStatistics]) -> list[str]:
    """What is not judged: cases that one side never had, and times."""
    old, new = ({case for night in side for case in night.cases} for side in (accepted, later))
    notes = one_sided(old, new)
    cells = {metric for night in later for case in night.cases.values() for metric in case.cells}
    if not cells.isdisjoint(LATENCY):
        notes.append("latency is an estimate, not judged: total time grows with the answer")
    return notes


def _streams(later: Sequence[NightStatistics], policy: Policy) -> int:
    """The outputs, the most unusual case, and latency when the tables have it."""
    metrics = {metric for night in later for c in night.cases.values() for metric in c.cells}
    return len(metrics) + 1 + len(policy.limits)

"""Drift by the two-night rule: tonight and the night before, against the accepted nights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.budget import budget_share
from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.drift import changed_nights, find_drift
from contractcheck.judging.drift_result import DriftResult
from contractcheck.judging.edited_checks import excuse_edited
from contractcheck.judging.examples import pick_example
from contractcheck.judging.identity import find_moves, find_our_changes
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.words import quiet_headline, state_rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.evidence import Evidence
    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.judgement import Comparison, Finding


def judge_run_drift(evidence: Evidence, table: NightTable) -> DriftResult:
    """Judge the drift of a run by the two-night rule alone, with the whole budget."""
    suite, run = evidence.suite, evidence.run
    share = budget_share(suite)
    # A run that is not whole is never judged for drift: what is missing was not drawn by lot.
    is_whole = run.header.status == "complete"
    judged = judge_streams(table, suite.policy, budget_share=share) if is_whole else ()
    comparisons = compare_cases(table, later=changed_nights(judged)) if judged else ()
    return DriftResult(
        findings=tuple(tell_drift(evidence, judged, comparisons)),
        judged=judged,
        comparisons=comparisons,
        error_rates=state_rates(table, suite.policy, share, len(judged)),
        quiet=quiet_headline(judged, learning=len(table.learning)),
        rule_share=share,
    )


def tell_drift(
    evidence: Evidence, judged: Sequence[StreamJudgement], comparisons: Sequence[Comparison]
) -> list[Finding]:
    """Findings of the two-night rule, with a look at the answers."""
    run = evidence.run
    findings = find_drift(
        judged,
        comparisons,
        nights=(evidence.previous.night if evidence.previous else None, run.statistics.night),
        not_theirs=_changed_vantage(evidence),
        example_of=lambda case: pick_example(evidence.reference, run, case),
    )
    return [excuse_edited(finding, comparisons, evidence) for finding in findings]


def _changed_vantage(evidence: Evidence) -> frozenset[str]:
    """Planes whose drift may be our own doing: latency for any move, all for another deployment."""
    ours = find_our_changes(evidence.run, evidence.baseline)
    if not any(finding.metric == "vantage" for finding in ours):
        return frozenset()
    before = evidence.baseline.nights[-1].vantage if evidence.baseline else {}
    now = evidence.run.header.vantage
    moved = {"region", "endpoint"} & set(find_moves(before, now))
    return frozenset({"latency", "outputs", "conformance"} if moved else {"latency"})

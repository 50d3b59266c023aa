"""The fast path of the watch: a large change that two consecutive nights show in the same way.

Two runs of one night, hours apart, are as good as two nights: a second run may confirm a suspicion
or answer it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.drift import changed_nights
from contractcheck.judging.exempting import mute_finding, nearest_mute
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.night_table import leave_out
from contractcheck.judging.run_drift import tell_drift
from contractcheck.judging.tonight import line_up_tonight
from contractcheck.model.judgement import FindingKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from contractcheck.judging.evidence import Evidence
    from contractcheck.judging.exempting import Standing
    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.judgement import Comparison, Finding
    from contractcheck.model.night import NightStatistics

    Compare = Callable[[int], Sequence[Comparison]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FastJudgement:
    """What two nights say.

    Attributes:
        judged: Every stream, tonight against the accepted nights.
        findings: Drift or suspicion.
        confirm: Whether a second run of tonight would decide a suspicion.
    """

    judged: tuple[StreamJudgement, ...]
    findings: tuple[Finding, ...]
    confirm: bool


def judge_fast(
    evidence: Evidence,
    table: NightTable,
    standing: Standing,
    compare: Compare,
    *,
    budget_share: float,
    says_visible: bool,
) -> FastJudgement:
    """Judge tonight with the night before, or with the second run of tonight.

    Args:
        evidence: With the confirmation, if one was made.
        table: Accepted nights of the last era, the night before (if any), tonight.
        standing: Mutes of tonight.
        compare: Every case of so many last nights of the table against the accepted ones.
        budget_share: Each stream's chance, per year, of a false red.
        says_visible: Whether nothing else says what a night would have shown.
    """
    judged, findings = _judge(evidence, table, budget_share, compare, says_visible=says_visible)
    findings = _confirm(evidence, table, findings, budget_share)
    if findings and standing.mutes:
        left = leave_out(table, standing.muted)
        _, unmuted = _judge(evidence, left, budget_share, _comparing(left))
        unmuted = _confirm(evidence, left, unmuted, budget_share, muted=standing.muted)
        still = {finding.plane: finding for finding in unmuted}
        findings = tuple(
            still.get(finding.plane) or mute_finding(finding, nearest_mute(finding, standing.mutes))
            for finding in findings
        )
    is_open = any(finding.kind is FindingKind.SUSPECT for finding in findings)
    return FastJudgement(
        judged=judged,
        findings=findings,
        confirm=is_open and evidence.confirmation is None,
    )


def _judge(
    evidence: Evidence,
    table: NightTable,
    budget_share: float,
    compare: Compare,
    *,
    says_visible: bool = False,
) -> tuple[tuple[StreamJudgement, ...], tuple[Finding, ...]]:
    policy = evidence.suite.policy
    judged = judge_streams(table, policy, budget_share=budget_share, says_visible=says_visible)
    if not any(one.is_over for one in judged):
        return judged, ()
    return judged, tuple(tell_drift(evidence, judged, compare(changed_nights(judged))))


def _comparing(table: NightTable) -> Compare:
    return lambda later: compare_cases(table, later=later)


def _confirm(
    evidence: Evidence,
    table: NightTable,
    findings: tuple[Finding, ...],
    budget_share: float,
    *,
    muted: Collection[tuple[str | None, str | None]] = (),
) -> tuple[Finding, ...]:
    """Replace suspicions by what the second run of the same night makes of them.

    A second run that asked something else says nothing of this one.
    """
    tonight, second = evidence.run.statistics, evidence.confirmation
    if not findings or second is None or _requests(second) != _requests(tonight):
        return findings
    again = replace(evidence, previous=tonight)
    both = line_up_tonight(evidence, later=(tonight, second), aside=table.aside)
    both = leave_out(both, muted)
    _, found = _judge(again, both, budget_share, _comparing(both))
    confirmed = {f.plane: f for f in found if f.kind in (FindingKind.DRIFT, FindingKind.OURS)}
    return tuple(
        _answer(finding, confirmed.get(finding.plane))
        if finding.kind is FindingKind.SUSPECT
        else finding
        for finding in findings
    )


def _requests(night: NightStatistics) -> dict[str, str]:
    return {case: own.request_fingerprint for case, own in night.cases.items()}


def _answer(suspicion: Finding, confirmed: Finding | None) -> Finding:
    if confirmed is None:
        words = f"{suspicion.message}; a second run of the same night did not show it again"
        return replace(suspicion, kind=FindingKind.NOTICE, message=words)
    words = confirmed.message.replace("on two consecutive nights", "on two runs of one night")
    return replace(confirmed, message=words)

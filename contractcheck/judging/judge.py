"""Judge one run: the whole evidence ladder, then one verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from contractcheck.judging.breaches import find_breaches
from contractcheck.judging.evidence import Evidence, Judgement
from contractcheck.judging.exempting import exemption_notes, mute_findings, standing_exemptions
from contractcheck.judging.gaps import find_gaps, find_missing_trials, find_news
from contractcheck.judging.identity import (
    find_identity_changes,
    find_our_changes,
    find_wire_problems,
)
from contractcheck.judging.run_drift import judge_run_drift
from contractcheck.judging.standing import standing_nights
from contractcheck.judging.tonight import line_up_tonight
from contractcheck.judging.verdict import has_red, sort_findings
from contractcheck.judging.watch_drift import judge_watch_drift
from contractcheck.judging.wire_changes import (
    find_known_problems,
    find_shape_changes,
    shape_findings,
    shape_notes,
)
from contractcheck.judging.words import drift_headline
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Verdict
from contractcheck.model.night import MOST_INFRA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.drift_result import DriftResult
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.baseline import AcceptedNight
    from contractcheck.model.judgement import Finding
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.wire_shape import ShapeChange

__all__ = ["Evidence", "Judgement", "describe_retries", "find_outage", "find_refusal", "judge_run"]


def judge_run(evidence: Evidence) -> Judgement:
    """Judge a run by its contract and its accepted nights; a night of the watch by all since."""
    run, suite = evidence.run, evidence.suite
    if trouble := find_refusal(run) or find_outage(run):
        return Judgement(
            verdict=Verdict.ERROR,
            headline=f"ERROR: could not measure: {trouble}",
            findings=(),
            notes=(
                "Nothing was judged and this run can never enter a baseline.",
                *find_missing_trials(run, suite),
            ),
        )
    exempt = standing_exemptions(evidence.exemptions, run.statistics.night)
    table = line_up_tonight(evidence, aside=exempt.aside)
    drift = _judge_drift(evidence, table)
    changes = find_shape_changes(run, _standing(evidence))
    found = _findings(evidence, drift, changes)
    findings = sort_findings(mute_findings(found, exempt))
    gaps = find_gaps(run, suite, table, drift, findings)
    verdict, headline = _verdict(findings, gaps, drift)
    told = 1 if verdict is Verdict.INCONCLUSIVE else 0
    return Judgement(
        verdict=verdict,
        headline=headline,
        findings=findings,
        comparisons=(*(one.comparison for one in drift.judged), *drift.comparisons),
        baseline=_baseline_words(evidence, table),
        error_rates=drift.error_rates,
        notes=(
            *gaps[told:],
            *exemption_notes(exempt),
            *drift.notes,
            *_notes(evidence, table, drift),
            *shape_notes(run, _standing(evidence), changes),
        ),
        charts=drift.charts,
        values=drift.values,
        confirm=drift.confirm,
    )


def _judge_drift(evidence: Evidence, table: NightTable) -> DriftResult:
    is_whole = evidence.run.header.status == "complete"
    if is_whole and (evidence.watch or evidence.later):
        return judge_watch_drift(evidence, table)
    return judge_run_drift(evidence, table)


def _findings(
    evidence: Evidence, drift: DriftResult, changes: Sequence[ShapeChange]
) -> list[Finding]:
    """Every rung of the ladder."""
    run, suite = evidence.run, evidence.suite
    known = find_known_problems(run, _standing(evidence))
    return [
        *find_wire_problems(run, known=known),
        *find_identity_changes(run, suite, evidence.baseline),
        *find_breaches(run, suite, budget_share=drift.rule_share),
        *find_our_changes(run, evidence.baseline),
        *drift.findings,
        *shape_findings(run, changes, known),
    ]


def describe_retries(run: MeasuredRun) -> str:
    """Say how many requests repeated a failed one, and why most of them; empty without any."""
    if not run.earlier:
        return ""
    words = Counter(one.answer.completion.detail for one in run.earlier).most_common(1)[0][0]
    requests = len(run.answers) + len(run.earlier)
    return f"{len(run.earlier)} of {requests} requests were repeated, most often after: {words}"


def find_refusal(run: MeasuredRun) -> str:
    """Say that the provider refused our requests as they are (key, model, shape), or empty."""
    config = [a.answer.completion for a in run.answers if a.answer.completion.outcome in _OURS]
    if not config:
        return ""
    words, count = Counter(c.detail for c in config).most_common(1)[0]
    return f"{count} of {run.header.planned_trials} requests refused: {words}"


def find_outage(run: MeasuredRun) -> str:
    """Say that too little came through to judge anything by, or empty."""
    infra = [
        a.answer.completion.detail
        for a in run.answers
        if a.answer.completion.outcome in (Outcome.INFRA, Outcome.TRUNCATED)
    ]
    if len(infra) > MOST_INFRA * max(1, len(run.answers)):
        words, _ = Counter(infra).most_common(1)[0]
        return (
            f"{len(infra)} of {len(run.answers)} requests failed in transport "
            f"(more than {MOST_INFRA:.0%}), most often: {words}"
        )
    return "" if run.answers else "no exchange was recorded"


_OURS = (Outcome.CONFIG, Outcome.RETIRED)


def _standing(evidence: Evidence) -> tuple[AcceptedNight, ...]:
    return standing_nights(evidence.baseline, evidence.run.statistics.night)


def _verdict(
    findings: Sequence[Finding], gaps: Sequence[str], drift: DriftResult
) -> tuple[Verdict, str]:
    if has_red(findings):
        return Verdict.FAIL, drift_headline(findings)
    if gaps:
        return Verdict.INCONCLUSIVE, f"INCONCLUSIVE: {gaps[0]}"
    return Verdict.QUIET, drift.quiet


def _notes(evidence: Evidence, table: NightTable, drift: DriftResult) -> list[str]:
    run, suite = evidence.run, evidence.suite
    notes = []
    expired = len(evidence.baseline.nights if evidence.baseline else ()) - len(_standing(evidence))
    if expired:
        notes.append(
            f"{expired} accepted nights have expired and no longer count: accept newer ones"
        )
    if table.learning:
        names = ", ".join(f"{case} ({have} nights)" for case, have in table.learning.items())
        notes.append(f"learning (not yet compared): {names}")
    if new := find_news(suite, table, drift):
        notes.append(f"not judged, because accepted nights lack it: {', '.join(new)}")
    unanswered = len(run.answers) - run.count(Outcome.ANSWERED)
    if unanswered:
        notes.append(f"{unanswered} of {len(run.answers)} trials have no answer to score")
    if retried := describe_retries(run):
        notes.append(retried)
    return notes


def _baseline_words(evidence: Evidence, table: NightTable) -> str:
    if evidence.baseline is None or not evidence.baseline.nights:
        return "none"
    nights = evidence.baseline.nights
    first, last = nights[0].statistics.night, nights[-1].statistics.night
    wanted = evidence.suite.policy.nights
    state = "" if table.accepted >= wanted else f", provisional until {wanted}"
    return f"{table.accepted} accepted nights, {first} … {last}{state}"

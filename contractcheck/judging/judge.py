"""Judge one run: the whole evidence ladder, then one verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.judging.breaches import find_breaches
from contractcheck.judging.budget import budget_share
from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.drift import changed_nights, find_drift
from contractcheck.judging.examples import pick_example
from contractcheck.judging.gaps import find_gaps, find_missing_trials, find_news
from contractcheck.judging.identity import (
    find_identity_changes,
    find_moves,
    find_our_changes,
    find_wire_problems,
)
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.night_table import line_up
from contractcheck.judging.standing import compared_nights, sent_requests, standing_nights
from contractcheck.judging.verdict import has_red, sort_findings
from contractcheck.judging.wire_changes import (
    find_known_problems,
    find_shape_changes,
    shape_findings,
    shape_notes,
)
from contractcheck.judging.words import drift_headline, quiet_headline, state_rates
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Finding, Verdict
from contractcheck.model.night import MOST_INFRA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.baseline import AcceptedNight, Baseline
    from contractcheck.model.history import ChartReading, Exemption, NightRecord, NightValues
    from contractcheck.model.judgement import Comparison, PathChange
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite
    from contractcheck.model.wire_shape import ShapeChange


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything a verdict on one run may rest on.

    Attributes:
        suite: The contract.
        run: Tonight.
        baseline: Accepted nights, or None.
        previous: The latest complete night before tonight that is not accepted, or None.
        reference: An accepted night with its answers, for examples, or None.
        watch: Whether this is a night of the watch: then charts over all later nights judge drift.
        later: Values of the complete nights after the last accepted one and before tonight, oldest
            first, against the same accepted nights (``standing.standing_reference``).
        records: What is known of nights, by night, for dating and attribution.
        exemptions: What people took out of the watch for a while, expired ones included.
        confirmation: A second complete run of the same night: to the fast rule it is one night
            more; nothing else looks at it.
    """

    suite: Suite
    run: MeasuredRun
    baseline: Baseline | None = None
    previous: NightStatistics | None = None
    reference: MeasuredRun | None = None
    watch: bool = False
    later: tuple[NightValues, ...] = ()
    records: Mapping[str, NightRecord] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    confirmation: NightStatistics | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A verdict and all that led to it (fields as in ``model.report.Report``).

    Attributes:
        charts: Where each chart of the watch stands tonight.
        values: Tonight's values, as charts add them up; None outside of the watch.
        confirm: Whether a second run of this night would decide a suspicion.
    """

    verdict: Verdict
    headline: str
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = ()
    baseline: str = "none"
    error_rates: str = ""
    notes: tuple[str, ...] = field(default=())
    path_changes: tuple[PathChange, ...] = ()
    charts: tuple[ChartReading, ...] = ()
    values: NightValues | None = None
    confirm: bool = False


def judge_run(evidence: Evidence) -> Judgement:
    """Judge a run by its contract and its accepted nights."""
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
    table = _line_up(evidence)
    share = budget_share(suite)
    # A run that is not whole is never judged for drift: what is missing was not drawn by lot.
    is_whole = run.header.status == "complete"
    judged = judge_streams(table, suite.policy, budget_share=share) if is_whole else ()
    comparisons = compare_cases(table, later=changed_nights(judged)) if judged else ()
    changes = find_shape_changes(run, _standing(evidence))
    found = _findings(evidence, judged, comparisons, changes)
    findings = sort_findings(found)
    gaps = find_gaps(run, suite, table, judged, findings)
    verdict, headline = _verdict(findings, gaps, judged, table)
    told = 1 if verdict is Verdict.INCONCLUSIVE else 0
    return Judgement(
        verdict=verdict,
        headline=headline,
        findings=findings,
        comparisons=(*(one.comparison for one in judged), *comparisons),
        baseline=_baseline_words(evidence, table),
        error_rates=state_rates(table, suite.policy, share, len(judged)),
        notes=(
            *gaps[told:],
            *_notes(evidence, table, judged),
            *shape_notes(run, _standing(evidence), changes),
        ),
    )


def _findings(
    evidence: Evidence,
    judged: Sequence[StreamJudgement],
    comparisons: Sequence[Comparison],
    changes: Sequence[ShapeChange],
) -> list[Finding]:
    """Every rung of the ladder."""
    run, suite = evidence.run, evidence.suite
    known = find_known_problems(run, _standing(evidence))
    ours = list(find_our_changes(run, evidence.baseline))
    drift = find_drift(
        judged,
        comparisons,
        nights=(evidence.previous.night if evidence.previous else None, run.statistics.night),
        not_theirs=_changed_vantage(ours, evidence),
        example_of=lambda case: pick_example(evidence.reference, run, case),
    )
    return [
        *find_wire_problems(run, known=known),
        *find_identity_changes(run, suite, evidence.baseline),
        *find_breaches(run, suite, budget_share=budget_share(suite)),
        *ours,
        *drift,
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


def _line_up(evidence: Evidence) -> NightTable:
    header = evidence.run.header
    accepted = compared_nights(evidence.baseline, header)
    later = [night for night in (evidence.previous, evidence.run.statistics) if night]
    requests = sent_requests(evidence.suite, header)
    return line_up(accepted, later, requests, nights_wanted=evidence.suite.policy.nights)


def _changed_vantage(ours: Sequence[Finding], evidence: Evidence) -> frozenset[str]:
    """Planes whose drift may be our own doing: latency for any move, all for another deployment."""
    if not any(finding.metric == "vantage" for finding in ours):
        return frozenset()
    before = evidence.baseline.nights[-1].vantage if evidence.baseline else {}
    now = evidence.run.header.vantage
    moved = {"region", "endpoint"} & set(find_moves(before, now))
    return frozenset({"latency", "outputs", "conformance"} if moved else {"latency"})


def _verdict(
    findings: Sequence[Finding],
    gaps: Sequence[str],
    judged: Sequence[StreamJudgement],
    table: NightTable,
) -> tuple[Verdict, str]:
    if has_red(findings):
        return Verdict.FAIL, drift_headline(findings)
    if gaps:
        return Verdict.INCONCLUSIVE, f"INCONCLUSIVE: {gaps[0]}"
    return Verdict.QUIET, quiet_headline(judged, learning=len(table.learning))


def _notes(evidence: Evidence, table: NightTable, judged: Sequence[StreamJudgement]) -> list[str]:
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
    if new := find_news(suite, table, judged):
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

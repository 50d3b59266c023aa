"""What is missing for a good verdict: nothing is quiet because nobody could hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.streams import JUDGED_LATENCY
from contractcheck.judging.words import stream_words
from contractcheck.metrics import LATENCY
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind
from contractcheck.model.night import LabelCell, NumberCell
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging.drift_result import DriftResult
    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.judgement import Finding
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import Cell, NightStatistics
    from contractcheck.model.suite import Suite

LEAST_ANSWERED = 0.5
"""A case with fewer of its planned answers is not judged: who got through an outage was not
drawn by lot. At 5 % of failures, six of ten are lost in one case of thirty thousand."""

_NAMED = 3


def find_gaps(
    run: MeasuredRun,
    suite: Suite,
    table: NightTable,
    drift: DriftResult,
    findings: Sequence[Finding],
) -> list[str]:
    """Say what is missing for a good verdict and what would be enough; the first says most."""
    gaps = [*find_missing_trials(run, suite)]
    judged = drift.judged
    is_judged = bool(judged or drift.charted)
    if not gaps and table.accepted < FEWEST_NIGHTS and not drift.charted:
        more = FEWEST_NIGHTS - table.accepted
        gaps.append(
            f"{table.accepted} accepted nights cannot tell a change from an ordinary night; "
            f"accept {more} more (the yearly promise needs {suite.policy.nights})"
        )
    elif not gaps and not is_judged and run.count(Outcome.ANSWERED):
        gaps.append(
            "no case has enough comparable nights: the requests changed since they were "
            f"accepted; record and accept {FEWEST_NIGHTS} nights of the new requests"
        )
    gaps += [*drift.gaps, *_missing_answers(run)]
    if is_judged:
        gaps += _missing_streams(suite, table, drift)
    if not drift.charts:
        gaps += _blindness(judged)
    gaps += _missing_times(run, suite)
    gaps += _doubts(findings)
    return gaps


def find_news(suite: Suite, table: NightTable, drift: DriftResult) -> list[str]:
    """Metrics and checks of tonight that are not judged yet: accepted nights lack them."""
    if not drift.judged and not drift.charted:
        return []
    tonight = _values(suite, table, table.nights[-1])
    return sorted(tonight - _judged(table, drift) - _accepted_values(suite, table))


def find_missing_trials(run: MeasuredRun, suite: Suite) -> Iterator[str]:
    """Say which part of the plan was not made, and why."""
    header = run.header
    made, planned = len(run.answers), header.planned_trials
    never = [case.id for case in suite.cases if case.id not in header.cases]
    if header.gate or (header.status == "partial" and not never):
        yield "this run is a part of something larger, such as a gate, and never a night"
    elif header.status == "partial" or (never and made == planned):
        yield (
            f"{len(suite.cases) - len(never)} of {len(suite.cases)} cases were asked (not "
            f"{_names(never)}); a run of the whole suite would be enough"
        )
    elif header.status != "complete" or made < planned:
        why = f": {header.stopped}" if header.stopped else ""
        yield (
            f"only {made} of {planned} planned trials were made "
            f"(run {header.status}{why}); a complete run would be enough"
        )


def _missing_answers(run: MeasuredRun) -> Iterator[str]:
    answered = dict.fromkeys(run.header.cases, 0)
    made = dict.fromkeys(run.header.cases, 0)
    for one in run.answers:
        made[one.case] += 1
        answered[one.case] += one.answer.completion.outcome is Outcome.ANSWERED
    few = [case for case, n in made.items() if n and answered[case] < LEAST_ANSWERED * n]
    if few and not any(answered.values()):
        yield f"none of the {len(run.answers)} trials has an answer to compare"
    elif few:
        first = few[0]
        others = f" (and {_names(few[1:])})" if few[1:] else ""
        yield (
            f"{first} has {answered[first]} answers from {made[first]} trials{others}: too few to "
            "speak for the case; record the night again"
        )


def _missing_streams(suite: Suite, table: NightTable, drift: DriftResult) -> Iterator[str]:
    for metric in sorted(_accepted_values(suite, table) - _judged(table, drift)):
        later = table.nights[table.accepted :]
        lacking = [night.night for night in later if metric not in _values(suite, table, night)]
        yield (
            f"{stream_words(metric)} could not be judged: no value on "
            f"{' and '.join(lacking) or 'some night'}; record the night again"
        )


def _judged(table: NightTable, drift: DriftResult) -> set[str]:
    streams = {*drift.charted, *(one.comparison.metric for one in drift.judged)}
    return streams | {series.metric for series in table.conformance}


def _accepted_values(suite: Suite, table: NightTable) -> set[str]:
    """What every accepted night has values of."""
    nights = table.nights[: table.accepted]
    return set.intersection(*(_values(suite, table, night) for night in nights))


def _values(suite: Suite, table: NightTable, night: NightStatistics) -> set[str]:
    """What a night has values of: metrics and checks of the suite, in cases that compare."""
    found: set[str] = set()
    for case in suite.cases:
        own, tonight = night.cases.get(case.id), table.nights[-1].cases.get(case.id)
        if own is None or tonight is None or case.id in {*table.learning, *table.aside}:
            continue
        if own.request_fingerprint == tonight.request_fingerprint:
            checks = {check.label for check in case.checks}
            outputs = {spec.label for spec in case.metrics if spec.name not in LATENCY}
            wanted = {*checks, *outputs, *JUDGED_LATENCY}
            found |= {m for m, cell in own.cells.items() if m in wanted and _has_values(cell)}
    return found


def _has_values(cell: Cell) -> bool:
    if isinstance(cell, LabelCell):
        return any(cell.counts.values())
    if isinstance(cell, NumberCell):
        return bool(cell.values)
    return cell.count > 0


def _blindness(judged: Sequence[StreamJudgement]) -> Iterator[str]:
    outputs = [one.comparison for one in judged if one.comparison.plane == "outputs"]
    if outputs and all(comparison.smallest_visible is None for comparison in outputs):
        yield (
            "so few answers that two nights of nothing but new ones would not be seen; "
            "raise samples, or accept more nights"
        )


def _missing_times(run: MeasuredRun, suite: Suite) -> Iterator[str]:
    if "latency_p95_s" not in suite.policy.limits or not run.count(Outcome.ANSWERED):
        return
    if run.table.loc[run.table["metric"] == "total_s", "number"].dropna().empty:
        yield (
            "the limit latency_p95_s could not be judged: no answer has a time that counts "
            "(this machine was too busy); record the night again"
        )


def _doubts(findings: Sequence[Finding]) -> Iterator[str]:
    if any(finding.kind is FindingKind.SUSPECT for finding in findings):
        yield (
            "tonight looks changed, and one night is never enough: "
            "if the next night looks changed too, it is drift"
        )
    if any(f.kind is FindingKind.OURS and f.comparison is not None for f in findings):
        yield (
            "the answers changed, but so did our side: ask from where the accepted nights were "
            f"asked, or accept {FEWEST_NIGHTS} nights from here"
        )


def _names(cases: Sequence[str]) -> str:
    return ", ".join(cases[:_NAMED]) + (" …" if len(cases) > _NAMED else "")

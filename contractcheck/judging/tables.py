"""Judge two recorded tables: a difference at a stated level, or, with nights, the night rule."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.drift import changed_nights, find_drift
from contractcheck.judging.judge import Judgement
from contractcheck.judging.night_rule import judge_streams
from contractcheck.judging.night_table import line_up
from contractcheck.judging.verdict import has_red, sort_findings
from contractcheck.judging.words import (
    describe_effect,
    drift_headline,
    quiet_headline,
    state_rates,
)
from contractcheck.metrics import LATENCY
from contractcheck.model.judgement import (
    Comparison,
    Estimate,
    Example,
    Finding,
    FindingKind,
    Verdict,
)
from contractcheck.stats.night_rule import FEWEST_NIGHTS, share_of_budget
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.sensitivity import smallest_visible_share
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Policy
    from contractcheck.stats.samples import CaseResult, MetricResult, TwoSampleResult
    from contractcheck.stats.views import Kind

_NO_NIGHTS = (
    "night-to-night variation is not covered: an unchanged provider differs between two nights "
    "too, so this is a difference, not proof of a silent change; give --night COL if the tables "
    "hold nights"
)
_NAMED = 3
_LISTED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSides:
    """Two observation tables (columns as ``measuring.COLUMNS``).

    Attributes:
        baseline: Old side.
        candidate: New side.
    """

    baseline: pd.DataFrame
    candidate: pd.DataFrame


def judge_tables(sides: TableSides, *, alpha: float, power: float) -> Judgement:
    """Compare two tables without nights by the stratified permutation test.

    Args:
        sides: Both tables; cases on one side only are named in the notes.
        alpha: Level of the whole comparison, 0..1.
        power: Power at which the smallest visible change is stated, 0..1.
    """
    common, notes = _common_cases(sides)
    if not common:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE,
            headline="INCONCLUSIVE: the two tables have no case in common; check --case",
            findings=(),
            notes=tuple(notes),
        )
    streams, cases = _samples(sides, common)
    rng = np.random.default_rng(_seed(common))
    result = compare_samples(cases, streams, rng=rng, alpha=alpha)
    comparisons = (*_comparisons(result), *_latency(sides, common))
    if result.changed:
        findings = _differences(result, comparisons, sides)
        verdict, headline = Verdict.FAIL, drift_headline(findings)
    else:
        findings = ()
        share = smallest_visible_share(cases, streams, rng=rng, alpha=alpha, power=power)
        verdict, headline = _no_difference(result.p, share)
    counted = "1 case" if result.n_cases == 1 else f"{result.n_cases} cases"
    return Judgement(
        verdict=verdict,
        headline=headline,
        findings=findings,
        comparisons=comparisons,
        baseline=f"{counted}, {result.n_baseline} against {result.n_candidate} rows",
        error_rates=f"two-sided level {alpha:g} for the whole comparison",
        notes=(_NO_NIGHTS, *notes),
    )


def _no_difference(p: float, share: float) -> tuple[Verdict, str]:
    """Quiet only if something could have been found."""
    if math.isinf(share):
        verdict = Verdict.INCONCLUSIVE
        would = "not even a total change would be found in so few rows; add cases or repeats"
    else:
        verdict = Verdict.QUIET
        would = (
            f"no difference (p = {p:.2g}). Would have been found: "
            f"{share:.1%} of the answers replaced by something new"
        )
    return verdict, f"{verdict.value}: {would}"


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
    notes = _one_sided(old, new)
    cells = {metric for night in later for case in night.cases.values() for metric in case.cells}
    if not cells.isdisjoint(LATENCY):
        notes.append("latency is an estimate, not judged: total time grows with the answer")
    return notes


def _one_sided(old: set[str], new: set[str]) -> list[str]:
    return [
        f"{len(only)} {'case' if len(only) == 1 else 'cases'} only in the {name}, left out: "
        + ", ".join(sorted(only)[:_LISTED])
        + (" …" if len(only) > _LISTED else "")
        for name, only in (("baseline", old - new), ("candidate", new - old))
        if only
    ]


def _streams(later: Sequence[NightStatistics], policy: Policy) -> int:
    """The outputs, the most unusual case, and latency when the tables have it."""
    metrics = {metric for night in later for c in night.cases.values() for metric in c.cells}
    return len(metrics) + 1 + len(policy.limits)


def _common_cases(sides: TableSides) -> tuple[list[str], list[str]]:
    old, new = set(sides.baseline["case"]), set(sides.candidate["case"])
    return sorted(old & new), _one_sided(old, new)


def _samples(sides: TableSides, common: Sequence[str]) -> tuple[list[Stream], list[CaseSample]]:
    outputs = sides.baseline[sides.baseline["plane"] == "outputs"]
    kinds = outputs.drop_duplicates("metric")
    streams = [
        Stream(metric=str(metric), kind=cast("Kind", kind))
        for metric, kind in zip(kinds["metric"], kinds["kind"], strict=True)
    ]
    old, new = (_values(table) for table in (sides.baseline, sides.candidate))
    cases = [CaseSample(case=case, baseline=old[case], candidate=new[case]) for case in common]
    return streams, cases


def _values(table: pd.DataFrame) -> dict[str, dict[str, list[str | float | None]]]:
    """Per case and metric the values in order of trials."""
    values: dict[str, dict[str, list[str | float | None]]] = {}
    outputs = table[table["plane"] == "outputs"]
    columns = (outputs[name] for name in ("case", "metric", "kind", "number", "string"))
    for case, metric, kind, number, string in zip(*columns, strict=True):
        value = (None if math.isnan(number) else float(number)) if kind == "number" else string
        values.setdefault(str(case), {}).setdefault(str(metric), []).append(value)
    return values


def _seed(cases: Sequence[str]) -> int:
    """The same tables give the same relabellings, whatever the order of their rows."""
    digest = hashlib.sha256("\n".join(cases).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _comparisons(result: TwoSampleResult) -> list[Comparison]:
    metrics = [_place(found, None) for found in result.metrics]
    return metrics + [_place(found, found.case) for found in result.cases]


def _place(found: MetricResult | CaseResult, case: str | None) -> Comparison:
    percent = found.unit == "points"
    scale = 0.01 if percent else 1.0
    return Comparison(
        case=case,
        metric=found.metric,
        plane="outputs",
        estimate=Estimate(
            method="stratified permutation test, min-p over statistics",
            effect=found.effect * scale,
            low=found.low * scale if math.isfinite(found.low) else None,
            high=found.high * scale if math.isfinite(found.high) else None,
            unit="share" if percent else found.unit,
            p=found.p,
            n_baseline=found.n_baseline,
            n_candidate=found.n_candidate,
            detail=found.detail,
        ),
        adjusted_p=found.p_adjusted,
    )


def _latency(sides: TableSides, common: Sequence[str]) -> list[Comparison]:
    """An estimate without a verdict: two nights of one model differ by a sixth on average."""
    old, new = (
        table[(table["metric"] == "total_s") & table["case"].isin(common)]
        .groupby("case")["number"]
        .median()
        .dropna()
        for table in (sides.baseline, sides.candidate)
    )
    shared = old.index.intersection(new.index)
    ratios = np.log(new[shared].to_numpy()) - np.log(old[shared].to_numpy())
    ratios = ratios[np.isfinite(ratios)]
    if not ratios.size:
        return []
    return [
        Comparison(
            case=None,
            metric="total_s",
            plane="latency",
            estimate=Estimate(
                method="median over cases of the log ratio of medians; no test",
                effect=math.exp(float(np.median(ratios))),
                low=None,
                high=None,
                unit="ratio",
                p=None,
                n_baseline=len(old),
                n_candidate=len(new),
                detail="an estimate, not judged: nights differ in latency without any change",
            ),
        )
    ]


def _differences(
    result: TwoSampleResult, comparisons: Sequence[Comparison], sides: TableSides
) -> tuple[Finding, ...]:
    findings = []
    for found in result.metrics:
        if found.p_adjusted > result.alpha:
            continue
        suite_level = next(c for c in comparisons if c.metric == found.metric and c.case is None)
        cases = sorted(
            (c for c in comparisons if c.metric == found.metric and c.case is not None),
            key=lambda c: (c.adjusted_p or 1.0, -abs(c.estimate.effect or 0.0), c.case or ""),
        )
        sure = [c for c in cases if (c.adjusted_p or 1.0) <= result.alpha]
        where = f"; surely in {', '.join(str(c.case) for c in sure[:_NAMED])}" if sure else ""
        findings.append(
            Finding(
                kind=FindingKind.DIFFERENCE,
                plane="outputs",
                metric=found.metric,
                message=f"{found.metric} differs: {describe_effect(suite_level)}, adjusted "
                f"p = {found.p_adjusted:.2g}{where}",
                comparison=suite_level,
                examples=_examples(sides, found.metric, [str(c.case) for c in cases]),
            )
        )
    return sort_findings(findings)


def _examples(sides: TableSides, metric: str, cases: Sequence[str]) -> tuple[Example, ...]:
    """First rows of the most changed cases whose first rows differ."""
    examples = []
    for case in cases:
        old, new = (_first(table, metric, case) for table in (sides.baseline, sides.candidate))
        if old != new:
            rule = "first rows of the most changed case in which they differ"
            examples.append(Example(case=case, before=old, after=new, rule=rule))
        if len(examples) == 2:  # noqa: PLR2004 - a pair to look at and one to compare it with
            break
    return tuple(examples)


def _first(table: pd.DataFrame, metric: str, case: str) -> str:
    row = table[(table["case"] == case) & (table["metric"] == metric)].iloc[0]
    return str(row["number"]) if row["kind"] == "number" else str(row["string"])

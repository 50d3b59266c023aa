"""From the result of a two-sample test to comparisons and findings of two tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.judging.table_examples import pick_pair
from contractcheck.judging.verdict import sort_findings
from contractcheck.judging.words import describe_effect
from contractcheck.model.judgement import Comparison, Estimate, Finding, FindingKind
from contractcheck.stats.detectable import detectable_effect
from contractcheck.stats.structured import UNUSUAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging.table_samples import TableSamples, TableSides
    from contractcheck.model.judgement import Example
    from contractcheck.stats.outputs import Expanded
    from contractcheck.stats.samples import CaseResult, MetricResult, TwoSampleResult

_NAMED = 3
_SHOWN_CASES = 2


def place_results(result: TwoSampleResult, *, power: float) -> tuple[Comparison, ...]:
    """One comparison per stream, then one per case and stream."""
    return (
        *(_place(found, None, power) for found in result.metrics),
        *(_place(found, found.case, power) for found in result.cases),
    )


def _place(found: MetricResult | CaseResult, case: str | None, power: float) -> Comparison:
    percent = found.unit == "points"
    scale = 0.01 if percent else 1.0
    low, high = found.low * scale, found.high * scale
    return Comparison(
        case=case,
        metric=found.metric,
        plane="outputs",
        estimate=Estimate(
            method="stratified permutation test, min-p over statistics",
            effect=found.effect * scale,
            low=low if math.isfinite(low) else None,
            high=high if math.isfinite(high) else None,
            unit="share" if percent else found.unit,
            p=found.p,
            n_baseline=found.n_baseline,
            n_candidate=found.n_candidate,
            detail=found.detail,
        ),
        adjusted_p=found.p_adjusted,
        smallest_visible=detectable_effect(low, high, is_ratio=found.unit == "ratio", power=power),
    )


def compare_latency(sides: TableSides, common: Sequence[str]) -> list[Comparison]:
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


def find_differences(
    result: TwoSampleResult,
    comparisons: Sequence[Comparison],
    expanded: Expanded,
    samples: TableSamples,
) -> tuple[Finding, ...]:
    """One finding per metric that differs; the streams of a structured one are told together."""
    by_metric: dict[str, list[MetricResult]] = {}
    for found in result.metrics:
        if found.p_adjusted <= result.alpha:
            by_metric.setdefault(expanded.origin[found.metric], []).append(found)
    return sort_findings(
        _finding(metric, differing, result, comparisons, expanded, samples)
        for metric, differing in by_metric.items()
    )


def _finding(  # noqa: PLR0917 - one caller, right above
    metric: str,
    differing: Sequence[MetricResult],
    result: TwoSampleResult,
    comparisons: Sequence[Comparison],
    expanded: Expanded,
    samples: TableSamples,
) -> Finding:
    # Any path says more than that answers are unusual in some way.
    ranked = sorted(
        differing,
        key=lambda found: (found.metric.endswith(UNUSUAL), found.p_adjusted, found.p),
    )
    first = ranked[0]
    names = {found.metric for found in ranked}
    suite_level = next(c for c in comparisons if c.metric == first.metric and c.case is None)
    cases = sorted((c for c in comparisons if c.metric in names and c.case), key=_least_likely)
    sure = [c for c in cases if _adjusted(c) <= result.alpha]
    named = list(dict.fromkeys(str(c.case) for c in sure))[:_NAMED]
    where = f"; surely in {', '.join(named)}" if named else ""
    others = [found.metric for found in ranked[1:]]
    also = f"; so {'does' if len(others) == 1 else 'do'} {_list(others)}" if others else ""
    return Finding(
        kind=FindingKind.DIFFERENCE,
        plane="outputs",
        metric=metric,
        message=f"{first.metric} differs: {describe_effect(suite_level)}, adjusted "
        f"p = {first.p_adjusted:.2g}{where}{also}",
        comparison=suite_level,
        examples=tuple(_examples(metric, sure or cases, expanded, samples)),
    )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _adjusted(comparison: Comparison) -> float:
    return 1.0 if comparison.adjusted_p is None else comparison.adjusted_p


def _least_likely(comparison: Comparison) -> tuple[float, float, float, str]:
    estimate = comparison.estimate
    p = 1.0 if estimate.p is None else estimate.p
    return _adjusted(comparison), p, -abs(estimate.effect or 0.0), comparison.case or ""


def _examples(
    metric: str, cases: Sequence[Comparison], expanded: Expanded, samples: TableSamples
) -> Iterator[Example]:
    """A pair of answers from each of the first cases, by what changed most in it."""
    kinds = {stream.metric: stream.kind for stream in expanded.streams}
    streams = {case.case: case for case in expanded.cases}
    shown = {case.case: case for case in samples.shown}
    done: set[str] = set()
    for comparison in cases:
        case = str(comparison.case)
        if case in done:
            continue
        stream = comparison.metric
        example = pick_pair(
            streams[case], shown[case], stream=stream, kind=kinds[stream], metric=metric
        )
        if example is not None:
            done.add(case)
            yield example
        if len(done) == _SHOWN_CASES:
            return

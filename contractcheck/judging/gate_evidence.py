"""Do the answers of two interleaved sides differ? Evidence for a reader, seldom the decision.

Two models differ, or there would be nothing to gate. Only where both sides are promised to be
one model does a difference by itself speak against moving.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from contractcheck.judging.gate_blocks import SIDES
from contractcheck.model.judgement import Comparison, Estimate, Example, Finding, FindingKind
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from contractcheck.judging.gate_terms import GateRules
    from contractcheck.stats.samples import CaseResult, MetricResult, TwoSampleResult
    from contractcheck.stats.views import Kind

_METHOD = "permutation inside cases and blocks, min-p over statistics"
_EXAMPLES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What the difference tests of outputs say.

    Attributes:
        p: Global p-value over all outputs; None when there was nothing to compare.
        comparisons: Per output, then per output and case.
        findings: One per output that differs: ``difference`` if it decides, else ``notice``.
    """

    p: float | None
    comparisons: tuple[Comparison, ...] = ()
    findings: tuple[Finding, ...] = ()


def compare_outputs(table: pd.DataFrame, rules: GateRules) -> Difference:
    """Compare labels, numbers and texts by exchanging the sides inside cases and blocks.

    Refusals are left to their margin, if they have one.

    Args:
        table: Observation table with the column ``side``; only blocks that count.
        rules: The gate's.
    """
    outputs = table[table["plane"] == "outputs"]
    if "refusals" in rules.margins:
        outputs = outputs[outputs["metric"] != "refusal"]
    old, new = (outputs[outputs["side"] == side] for side in SIDES)
    common = sorted(set(old["case"]) & set(new["case"]))
    if rules.cases:
        common = [case for case in common if case in rules.cases]
    kinds = outputs.drop_duplicates("metric").sort_values("metric")
    streams = [
        Stream(metric=str(metric), kind=cast("Kind", kind))
        for metric, kind in zip(kinds["metric"], kinds["kind"], strict=True)
        if kind in ("label", "number", "text")
    ]
    if not common or not streams:
        return Difference(p=None)
    names = [stream.metric for stream in streams]
    samples = [_sample(case, old, new, names) for case in common]
    rng = np.random.default_rng(_seed(common))
    result = compare_samples(samples, streams, rng=rng, alpha=rules.alpha)
    comparisons = (
        *(_place(found, None) for found in result.metrics),
        *(_place(found, found.case) for found in result.cases),
    )
    findings = _findings(result, comparisons, rules, old, new)
    return Difference(p=result.p, comparisons=comparisons, findings=findings)


def _sample(case: str, old: pd.DataFrame, new: pd.DataFrame, names: Sequence[str]) -> CaseSample:
    baseline, baseline_blocks = _values(old[old["case"] == case], names)
    candidate, candidate_blocks = _values(new[new["case"] == case], names)
    return CaseSample(
        case=case,
        baseline=baseline,
        candidate=candidate,
        baseline_blocks=baseline_blocks,
        candidate_blocks=candidate_blocks,
    )


def _values(
    rows: pd.DataFrame, names: Sequence[str]
) -> tuple[dict[str, list[str | float | None]], list[int]]:
    """Per metric one value per trial, None where missing, in order of trials; and the trials."""
    trials = sorted({int(trial) for trial in rows["trial"]})
    place = {trial: index for index, trial in enumerate(trials)}
    values: dict[str, list[str | float | None]] = {name: [None] * len(trials) for name in names}
    columns = (rows[name] for name in ("trial", "metric", "kind", "number", "string"))
    for trial, metric, kind, number, string in zip(*columns, strict=True):
        if metric in values:
            value = (None if math.isnan(number) else float(number)) if kind == "number" else string
            values[metric][place[int(trial)]] = value
    return values, trials


def _seed(cases: Sequence[str]) -> int:
    """The same table gives the same relabellings, whatever the order of its rows."""
    digest = hashlib.sha256("\n".join(("gate", *cases)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _place(found: MetricResult | CaseResult, case: str | None) -> Comparison:
    is_share = found.unit == "points"
    scale = 0.01 if is_share else 1.0
    return Comparison(
        case=case,
        metric=found.metric,
        plane="outputs",
        estimate=Estimate(
            method=_METHOD,
            effect=found.effect * scale,
            low=found.low * scale if math.isfinite(found.low) else None,
            high=found.high * scale if math.isfinite(found.high) else None,
            unit="share" if is_share else found.unit,
            p=found.p,
            n_baseline=found.n_baseline,
            n_candidate=found.n_candidate,
            detail=found.detail,
        ),
        adjusted_p=found.p_adjusted,
    )


def _findings(
    result: TwoSampleResult,
    comparisons: Sequence[Comparison],
    rules: GateRules,
    old: pd.DataFrame,
    new: pd.DataFrame,
) -> tuple[Finding, ...]:
    findings = []
    for found, whole in zip(result.metrics, comparisons, strict=False):
        if found.p_adjusted > rules.alpha:
            continue
        cases = sorted(
            (c for c in comparisons if c.metric == found.metric and c.case is not None),
            key=lambda c: (c.adjusted_p or 1.0, -abs(c.estimate.effect or 0.0), c.case or ""),
        )
        findings.append(
            Finding(
                kind=FindingKind.DIFFERENCE if rules.same_model else FindingKind.NOTICE,
                plane="outputs",
                metric=found.metric,
                message=f"{found.metric} differs between the sides, adjusted "
                f"p = {found.p_adjusted:.2g}",
                comparison=whole,
                where=tuple(c for c in cases if (c.adjusted_p or 1.0) <= rules.alpha),
                examples=_examples(old, new, found.metric, [str(c.case) for c in cases]),
            )
        )
    return tuple(findings)


def _examples(
    old: pd.DataFrame, new: pd.DataFrame, metric: str, cases: Sequence[str]
) -> tuple[Example, ...]:
    """From each of the most changed cases the first block in which the sides differ."""
    examples: list[Example] = []
    for case in cases:
        before, after = (_by_block(side, metric, case) for side in (old, new))
        differing = [b for b in sorted(before.keys() & after.keys()) if before[b] != after[b]]
        if differing:
            examples.append(
                Example(
                    case=case,
                    before=before[differing[0]],
                    after=after[differing[0]],
                    rule="first block of the most changed case in which the sides differ",
                )
            )
        if len(examples) == _EXAMPLES:
            break
    return tuple(examples)


def _by_block(side: pd.DataFrame, metric: str, case: str) -> dict[int, str]:
    rows = side[(side["case"] == case) & (side["metric"] == metric)]
    columns = (rows[name] for name in ("trial", "kind", "number", "string"))
    return {
        int(trial): str(number) if kind == "number" else str(string)
        for trial, kind, number, string in zip(*columns, strict=True)
    }

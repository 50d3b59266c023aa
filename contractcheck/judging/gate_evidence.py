"""Do the answers of two interleaved sides differ? Evidence for a reader, seldom the decision.

Two models differ, or there would be nothing to gate. Only where both sides are promised to be
one model does a difference by itself speak against moving.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from contractcheck.judging.gate_blocks import SIDES
from contractcheck.judging.table_comparisons import find_differences, place_results
from contractcheck.judging.table_samples import TableSamples
from contractcheck.model.judgement import FindingKind
from contractcheck.stats.outputs import Output, expand_outputs
from contractcheck.stats.samples import CaseSample
from contractcheck.stats.seeding import derive_generator
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from contractcheck.judging.gate_terms import GateRules
    from contractcheck.model.judgement import Comparison, Finding, PathChange
    from contractcheck.stats.outputs import OutputKind
    from contractcheck.stats.views import Value

_METHOD = "permutation inside cases and blocks, min-p over statistics"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What the difference tests of outputs say.

    Attributes:
        p: Global p-value over all outputs; None when there was nothing to compare.
        comparisons: Per output, then per output and case.
        findings: One notice per output that differs.
        path_changes: Shapes of structured answers that are new or gone.
        notes: What was left out.
    """

    p: float | None
    comparisons: tuple[Comparison, ...] = ()
    findings: tuple[Finding, ...] = ()
    path_changes: tuple[PathChange, ...] = ()
    notes: tuple[str, ...] = ()


def compare_outputs(table: pd.DataFrame, rules: GateRules) -> Difference:
    """Compare outputs of every kind by exchanging the sides inside cases and blocks.

    Refusals are left to their margin, if they have one.

    Args:
        table: Observation table with the column ``side``; only blocks and cases that count.
        rules: The gate's.
    """
    samples = _sample(table, rules)
    if samples is None:
        return Difference(p=None)
    expanded = expand_outputs(samples.cases, samples.outputs)
    rng = derive_generator("gate", suite="", cases=[sample.case for sample in samples.cases])
    result = compare_samples(expanded.cases, expanded.streams, rng=rng, alpha=rules.alpha)
    comparisons = tuple(
        replace(line, estimate=replace(line.estimate, method=_METHOD))
        for line in place_results(result, power=rules.power)
    )
    return Difference(
        p=result.p,
        comparisons=comparisons,
        findings=tuple(
            replace(finding, kind=FindingKind.NOTICE)
            for finding in find_differences(result, comparisons, expanded, samples)
        ),
        path_changes=expanded.changes,
        notes=expanded.notes,
    )


def _sample(table: pd.DataFrame, rules: GateRules) -> TableSamples | None:
    """The outputs of the cases that both sides have; None if there are none."""
    outputs = table[table["plane"] == "outputs"]
    if "refusals" in rules.margins:
        outputs = outputs[outputs["metric"] != "refusal"]
    old, new = (outputs[outputs["side"] == side] for side in SIDES)
    common = sorted(set(old["case"]) & set(new["case"]))
    if not common:
        return None
    kinds = outputs.drop_duplicates("metric").sort_values("metric")
    metrics = tuple(
        Output(metric=str(metric), kind=cast("OutputKind", kind))
        for metric, kind in zip(kinds["metric"], kinds["kind"], strict=True)
    )
    names = [metric.metric for metric in metrics]
    cases = tuple(_case(case, old, new, names) for case in common)
    return TableSamples(outputs=metrics, cases=cases, shown=cases)


def _case(case: str, old: pd.DataFrame, new: pd.DataFrame, names: Sequence[str]) -> CaseSample:
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
) -> tuple[dict[str, list[Value | None]], list[int]]:
    """Per metric one value per trial, None where missing, in order of trials; and the trials."""
    trials = sorted({int(trial) for trial in rows["trial"]})
    place = {trial: index for index, trial in enumerate(trials)}
    values: dict[str, list[Value | None]] = {name: [None] * len(trials) for name in names}
    columns = (rows[name] for name in ("trial", "metric", "kind", "number", "string"))
    for trial, metric, kind, number, string in zip(*columns, strict=True):
        value = (None if math.isnan(number) else float(number)) if kind == "number" else string
        values[metric][place[int(trial)]] = value
    return values, trials

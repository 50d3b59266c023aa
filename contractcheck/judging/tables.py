"""Judge two recorded tables without nights: a difference at a stated level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from contractcheck.judging.judge import Judgement
from contractcheck.judging.table_comparisons import (
    compare_latency,
    find_differences,
    place_results,
)
from contractcheck.judging.table_samples import common_cases, sample_tables
from contractcheck.judging.words import drift_headline
from contractcheck.model.judgement import Verdict
from contractcheck.stats.outputs import expand_outputs
from contractcheck.stats.seeding import derive_generator
from contractcheck.stats.sensitivity import smallest_visible_share
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from contractcheck.judging.table_samples import TableSides

_NO_NIGHTS = (
    "night-to-night variation is not covered: an unchanged provider differs between two nights "
    "too, so this is a difference, not proof of a silent change; give --night COL if the tables "
    "hold nights"
)


def judge_tables(sides: TableSides, *, alpha: float, power: float) -> Judgement:
    """Compare two tables without nights by the stratified permutation test.

    Args:
        sides: Both tables; cases on one side only are named in the notes.
        alpha: Level of the whole comparison, 0..1.
        power: Power at which the smallest visible change is stated, 0..1.
    """
    common, notes = common_cases(sides)
    if not common:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE,
            headline="INCONCLUSIVE: the two tables have no case in common; check --case",
            findings=(),
            notes=tuple(notes),
        )
    samples = sample_tables(sides, common)
    expanded = expand_outputs(samples.cases, samples.outputs)
    cases, streams = expanded.cases, expanded.streams
    rng = derive_generator("compare", suite="", cases=common)
    result = compare_samples(cases, streams, rng=rng, alpha=alpha)
    comparisons = (*place_results(result, power=power), *compare_latency(sides, common))
    if result.changed:
        findings = find_differences(result, comparisons, expanded, samples)
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
        notes=(_NO_NIGHTS, *notes, *expanded.notes),
        path_changes=expanded.changes,
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

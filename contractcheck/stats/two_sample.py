"""Two samples of the same cases: did anything change, which metric, which case, by how much.

Exact by construction: if the sides are exchangeable inside every case (and block, where trials
have one), the chance that the global p is at most alpha is at most alpha, and the chance of
naming any unchanged metric or case by its adjusted p likewise. That holds for one session or two
interleaved sides; two different nights differ more than that (see ``nights``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.effects import Sides, measure_effect
from contractcheck.stats.layout import lay_out
from contractcheck.stats.multiplicity import (
    case_shares,
    extremity,
    step_down_max,
    step_down_min,
    tail_shares,
)
from contractcheck.stats.permutation import EXACT_GROUP_SIZE, Relabelled, relabel
from contractcheck.stats.samples import (
    CaseResult,
    CaseSample,
    MetricResult,
    Stream,
    TwoSampleResult,
)
from contractcheck.stats.views import MISSING, build_views, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contractcheck.stats.layout import BlockIds, Floats, Layout
    from contractcheck.stats.permutation import View
    from contractcheck.stats.views import Column, Value


# p-values are multiples of 1 / R; anything closer is rounding.
_SAME = 1e-12
_TIED = np.array([1e-9])

# A first look at a tenth of the relabellings, if that many tell p = .25 from .05 for certain.
_TENTH = 10
_FEWEST_IN_TWO = 990
_FAR = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What the relabellings show.

    Attributes:
        relabelled: The statistics.
        by_metric: (R, M) p-values of the metrics.
        p: Global p-value.
        p_below: Share of relabellings strictly more extreme than what was observed.
        floor: What no adjusted p may be below.
    """

    relabelled: Relabelled
    by_metric: Floats
    p: float
    p_below: float
    floor: float


def compare_samples(
    cases: Sequence[CaseSample],
    streams: Sequence[Stream],
    *,
    rng: np.random.Generator,
    permutations: int = 2000,
    alpha: float = 0.05,
    stop_early: bool = False,
) -> TwoSampleResult:
    """Compare two sides of the same cases in all metrics at once.

    Any numbers of trials per case and side, mixed as they come; one against one is a swap. The
    order of the cases does not change the result.

    Args:
        cases: At least one, each with at least one trial per side.
        streams: At least one metric to compare.
        rng: Source of the relabellings (unused if they can be enumerated).
        permutations: How many to draw; a few times ``20 / alpha`` for a stable p.
        alpha: Level of ``TwoSampleResult.changed``, in (0, 1).
        stop_early: Look at a tenth of the relabellings first, and at no more if p is far from
            alpha: above a quarter, and five times alpha; else draw all afresh. Every level holds
            as without it (``_look``). Adjusted p-values are then at least the global p.

    Raises:
        UsageError: The samples do not fit the streams, or a setting is out of range.
    """
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha is {alpha}; it must lie strictly between 0 and 1")
    ordered = sorted(cases, key=lambda sample: sample.case)
    layout, columns = encode_samples(ordered, streams)
    views = build_views(layout, columns)
    limit = max(_FAR, 5 * alpha) if stop_early and permutations >= _FEWEST_IN_TWO else math.inf
    look = _look(layout, views, len(streams), permutations=permutations, far=limit, rng=rng)
    sides = _sides(layout)
    found = _case_results([sample.case for sample in ordered], streams, columns, sides, look)
    return TwoSampleResult(
        p=look.p,
        p_below=look.p_below,
        metrics=tuple(_metric_results(streams, columns, sides, look.by_metric)),
        cases=tuple(result for sample in cases for result in found[sample.case]),
        n_cases=len(ordered),
        n_baseline=sum(n for n, _ in layout.sizes),
        n_candidate=sum(m for _, m in layout.sizes),
        permutations=len(look.by_metric) - 1,
        exact=look.relabelled.exact,
        alpha=alpha,
    )


def encode_samples(
    cases: Sequence[CaseSample], streams: Sequence[Stream]
) -> tuple[Layout, list[Column]]:
    """Lay the trials out flat and code each metric's values.

    Raises:
        UsageError: The samples do not fit the streams; says which case and metric.
    """
    names = [stream.metric for stream in streams]
    _require_unique("case", [sample.case for sample in cases])
    _require_unique("metric", names)
    if not names:
        raise UsageError("no metric to compare; give at least one stream")
    sizes = [
        (
            _n_trials(sample.case, "baseline", sample.baseline, names),
            _n_trials(sample.case, "candidate", sample.candidate, names),
        )
        for sample in cases
    ]
    columns = []
    for stream in streams:
        values: list[Value | None] = []
        for sample in cases:
            values += [*sample.baseline[stream.metric], *sample.candidate[stream.metric]]
        columns.append(encode(stream.kind, values, metric=stream.metric))
    blocks = [_blocks(sample, size) for sample, size in zip(cases, sizes, strict=True)]
    return lay_out(sizes, blocks), columns


def _look(
    layout: Layout,
    views: Sequence[View],
    n_metrics: int,
    *,
    permutations: int,
    far: float,
    rng: np.random.Generator,
) -> _Look:
    """Relabel a tenth as often first, and not again if p is above ``far``.

    Super-uniform, whatever the two looks have in common: p <= a needs, for a <= far, that the
    second look's p is at most a; for a > far, that the first look's p is at most a. Both looks
    give valid p-values, so either has at most chance a.
    """
    stages = [permutations]
    if math.isfinite(far) and layout.group_size > EXACT_GROUP_SIZE:
        stages = [permutations // _TENTH, permutations]
    for n_drawn in stages:
        relabelled = relabel(layout, views, permutations=n_drawn, rng=rng)
        by_metric = metric_shares(relabelled, n_metrics)
        smallest = by_metric.min(axis=1)
        p = float(np.mean(smallest <= smallest[0] + _SAME))
        if p > far:
            break
    stopped = n_drawn < permutations
    return _Look(
        relabelled=relabelled,
        by_metric=by_metric,
        p=p,
        p_below=float(np.mean(smallest < smallest[0] - _SAME)),
        floor=p if stopped else 0.0,
    )


def metric_shares(relabelled: Relabelled, n_metrics: int) -> Floats:
    """(R, M) p-value of each metric under every relabelling, calibrated over its views.

    A metric's views are combined by the weighted harmonic mean of their p-values (Wilson, PNAS
    116, 2019; heavy-tailed like the Cauchy combination of Liu and Xie, JASA 115, 2020): as awake
    as the smallest p to a change in one view, more so to one that several see. Ties are broken
    by how far out a view lies, by less than the step 1 / R between p-values: with as many views
    as relabellings, nearly every relabelling is the most extreme in some view, and p-values
    alone would say nothing.
    """
    n_rows = len(relabelled.statistics)
    shares = tail_shares(relabelled.statistics, relabelled.tolerances)
    breaks = extremity(relabelled.statistics, relabelled.tolerances) / n_rows
    ranks = np.empty((n_rows, n_metrics))
    for metric in range(n_metrics):
        own = relabelled.metric_of == metric
        inverse = relabelled.weights[own] / (shares[:, own] - breaks[:, own])
        combined = np.log(np.sum(inverse, axis=1))
        ranks[:, metric] = tail_shares(combined[:, None], _TIED)[:, 0]
        ranks[:, metric] -= breaks[:, own].max(axis=1)
    return ranks


def _metric_results(
    streams: Sequence[Stream], columns: Sequence[Column], sides: Sequence[Sides], shares: Floats
) -> Iterator[MetricResult]:
    adjusted = step_down_min(shares)
    for place, (stream, column) in enumerate(zip(streams, columns, strict=True)):
        size = measure_effect(column, sides, stream.scale)
        n_baseline, n_candidate = _n_values(column, sides)
        yield MetricResult(
            metric=stream.metric,
            kind=stream.kind,
            p=float(np.mean(shares[:, place] <= shares[0, place] + _SAME)),
            p_adjusted=float(adjusted[place]),
            effect=size.effect,
            low=size.low,
            high=size.high,
            unit=size.unit,
            detail=size.detail,
            distance=size.distance,
            n_baseline=n_baseline,
            n_candidate=n_candidate,
        )


def _case_results(
    names: Sequence[str],
    streams: Sequence[Stream],
    columns: Sequence[Column],
    sides: Sequence[Sides],
    look: _Look,
) -> dict[str, list[CaseResult]]:
    """Results per case, in the streams' order."""
    keys, scores = look.relabelled.case_keys, look.relabelled.case_scores
    plain = dict(zip(keys, case_shares(scores), strict=True))
    adjusted = dict(zip(keys, step_down_max(scores), strict=True))
    found: dict[str, list[CaseResult]] = {name: [] for name in names}
    for case, name in enumerate(names):
        for metric, (stream, column) in enumerate(zip(streams, columns, strict=True)):
            size = measure_effect(column, sides[case : case + 1], stream.scale)
            n_baseline, n_candidate = _n_values(column, sides[case : case + 1])
            found[name].append(
                CaseResult(
                    case=name,
                    metric=stream.metric,
                    p=float(plain.get((case, metric), 1.0)),
                    p_adjusted=max(float(adjusted.get((case, metric), 1.0)), look.floor),
                    effect=size.effect,
                    low=size.low,
                    high=size.high,
                    unit=size.unit,
                    detail=size.detail,
                    distance=size.distance,
                    n_baseline=n_baseline,
                    n_candidate=n_candidate,
                )
            )
    return found


def _sides(layout: Layout) -> list[Sides]:
    sides, start = [], 0
    for n, m in layout.sizes:
        rows = np.arange(start, start + n + m)
        sides.append(Sides(baseline=rows[:n], candidate=rows[n:]))
        start += n + m
    return sides


def _n_values(column: Column, sides: Sequence[Sides]) -> tuple[int, int]:
    return (
        sum(int(np.count_nonzero(column.codes[s.baseline] != MISSING)) for s in sides),
        sum(int(np.count_nonzero(column.codes[s.candidate] != MISSING)) for s in sides),
    )


def _n_trials(
    case: str, side: str, values: Mapping[str, Sequence[Value | None]], names: Sequence[str]
) -> int:
    missing = [name for name in names if name not in values]
    if missing:
        raise UsageError(f"case {case!r}, {side}: no values for metric {missing[0]!r}")
    sizes = {name: len(values[name]) for name in names}
    if len(set(sizes.values())) > 1:
        raise UsageError(f"case {case!r}, {side}: metrics differ in their trials: {sizes}")
    n_trials = sizes[names[0]]
    if n_trials == 0:
        raise UsageError(f"case {case!r}, {side}: no trial; leave the case out and say so")
    return n_trials


def _blocks(sample: CaseSample, size: tuple[int, int]) -> BlockIds | None:
    old, new = sample.baseline_blocks, sample.candidate_blocks
    if old is None and new is None:
        return None
    if old is None or new is None:
        raise UsageError(f"case {sample.case!r}: blocks of one side only; give both or neither")
    if (len(old), len(new)) != size:
        raise UsageError(
            f"case {sample.case!r} has {size[0]} and {size[1]} trials, "
            f"but blocks of {len(old)} and {len(new)}"
        )
    return old, new


def _require_unique(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{what} {name!r} occurs twice; give all its trials together")
        seen.add(name)

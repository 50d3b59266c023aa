"""Latency of two sides sampled at the same time, block by block.

Neighbouring answers share an hour, a connection, a load, so they are not independent and no test
of single answers keeps its level on them. A *block* is one round through the cases on both sides;
the block is the unit. Its difference is the middle of its cases' log ratios, and under no change
the two sides of a block could be exchanged as a whole. Everything is on the log scale, where the
middle of a skewed time is and where a ratio is a shift.

A request that timed out is censored: ``inf``, longer than any other, never left out and never
given a number. Against stored nights this is the wrong tool: nights differ (see ``night_rule``).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.intervals import weighted_quantile
from contractcheck.stats.signed_ranks import (
    pseudomedian,
    serial_inflation,
    signed_rank_interval,
    signed_rank_test,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PAIRED = "signed ranks of block differences of log time, whole blocks relabelled"
# A slope is known well long before this many answers, and pairs grow with their square.
_MOST_PER_CELL = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedTrial:
    """One answer's time, where and when it was asked.

    Attributes:
        case: Case id.
        block: Which round it belongs to; the same on both sides, and growing with time.
        latency_s: Seconds, > 0; ``inf`` for a request that timed out.
        output_units: Tokens (or characters, where tokenizers differ) that were made in that time,
            > 0, to be regressed out; None for times that do not depend on them.
    """

    case: str
    block: int
    latency_s: float
    output_units: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockDifferences:
    """One difference of log time per block, candidate minus baseline.

    Attributes:
        blocks: (B,) the blocks, ascending.
        differences: (B,) pseudomedian over cases of the log ratio in that block.
        slope: Growth of log time with log output units that was taken out; 0 if there were none.
        n_baseline: Trials of the baseline that had a partner.
        n_candidate: Trials of the candidate that had a partner.
        n_unpaired: Trials whose case had no trial on the other side of their block.
        n_timed_out: Of those with a partner, how many timed out.
    """

    blocks: tuple[int, ...]
    differences: Floats
    slope: float
    n_baseline: int
    n_candidate: int
    n_unpaired: int
    n_timed_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyComparison:
    """How much slower the candidate is, as a ratio of times.

    Attributes:
        estimate: Hodges-Lehmann ratio; 1.2 is a fifth slower, ``inf`` if mostly timed out.
        low: Lower bound; 0 where so few blocks cannot give one.
        high: Upper bound; ``inf`` where so few blocks cannot give one.
        p: Two-sided p by relabelling whole blocks, exact where ``inflation`` is 1; never 0.
        mid_p: Counts half of what is exactly as extreme; its level holds on average only.
        least_p: Smallest p that so many blocks can give.
        inflation: Factor on the variance because neighbouring blocks were alike; 1 if not.
        slope: Growth of log time with log output units that was taken out.
        n_blocks: Blocks compared.
        n_baseline: Trials of the baseline in them.
        n_candidate: Trials of the candidate in them.
        n_unpaired: Trials that had no partner in their block and were left out.
        n_timed_out: Timed-out trials among those compared.
        method: What was computed.
    """

    estimate: float
    low: float
    high: float
    p: float
    mid_p: float
    least_p: float
    inflation: float
    slope: float
    n_blocks: int
    n_baseline: int
    n_candidate: int
    n_unpaired: int
    n_timed_out: int
    method: str


def compare_latency(
    baseline: Sequence[TimedTrial],
    candidate: Sequence[TimedTrial],
    *,
    confidence: float = 0.95,
    serial: bool = True,
) -> LatencyComparison:
    """Compare the times of two sides that were sampled together.

    The test relabels whole blocks, so answers of a block may depend on each other in any way. A
    provider's memory can outlast a block on one side alone; then neighbouring blocks look alike,
    and the test and its interval are widened by as much. Both are the signed-rank test.

    Args:
        baseline: Trials of the old side.
        candidate: Trials of the new side, in the same blocks.
        confidence: Two-sided coverage, in (0, 1).
        serial: Whether neighbouring blocks may be alike. Without it the test is exact for
            independent blocks, and at few blocks finds more.

    Raises:
        UsageError: A time or a setting is out of range, or no block has a case on both sides.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"confidence is {confidence}; it must lie strictly between 0 and 1")
    found = block_differences(baseline, candidate)
    inflation = serial_inflation(found.differences) if serial else 1.0
    interval = signed_rank_interval(found.differences, confidence, inflation=inflation)
    test = signed_rank_test(found.differences, inflation=inflation)
    n_blocks = len(found.blocks)
    return LatencyComparison(
        estimate=_ratio(interval.estimate),
        low=_ratio(interval.low),
        high=_ratio(interval.high),
        p=test.p,
        mid_p=test.mid_p,
        least_p=2.0 ** (1 - n_blocks),
        inflation=inflation,
        slope=found.slope,
        n_blocks=n_blocks,
        n_baseline=found.n_baseline,
        n_candidate=found.n_candidate,
        n_unpaired=found.n_unpaired,
        n_timed_out=found.n_timed_out,
        method=_PAIRED,
    )


def block_differences(
    baseline: Sequence[TimedTrial], candidate: Sequence[TimedTrial]
) -> BlockDifferences:
    """Reduce each block to one difference of log time, with output units regressed out.

    Repeats of a case inside a block count by their median. Two that both timed out differ by 0.

    Raises:
        UsageError: A time is out of range, or no block has a case on both sides.
    """
    slope = output_slope(baseline, candidate)
    old, new = (_by_cell(side, slope) for side in (baseline, candidate))
    shared: dict[int, list[str]] = {}
    for block, case in sorted(old.keys() & new.keys()):
        shared.setdefault(block, []).append(case)
    if not shared:
        raise UsageError("no block has a case on both sides; sample the two sides interleaved")
    differences = [
        pseudomedian(np.array([_minus(new[block, case], old[block, case]) for case in cases]))
        for block, cases in shared.items()
    ]
    kept = [
        [t for t in side if t.case in shared.get(t.block, ())] for side in (baseline, candidate)
    ]
    n_old, n_new = len(kept[0]), len(kept[1])
    return BlockDifferences(
        blocks=tuple(shared),
        differences=np.array(differences),
        slope=slope,
        n_baseline=n_old,
        n_candidate=n_new,
        n_unpaired=len(baseline) + len(candidate) - n_old - n_new,
        n_timed_out=sum(math.isinf(trial.latency_s) for side in kept for trial in side),
    )


def output_slope(*sides: Sequence[TimedTrial]) -> float:
    """Growth of log time with log output units: 0 if it does not matter, 1 if it is all that does.

    The median of the slopes between any two answers of one case and side, weighted by how far
    their lengths are apart (Theil 1950; Sen, JASA 63 (1968) 1379-1389; weights of Jaeckel 1972).
    Pairs across sides would mistake a slower side with longer answers for a slope.

    Raises:
        UsageError: A time is out of range, or only some answers say what they made.
    """
    cells: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for place, side in enumerate(sides):
        for trial in side:
            require_trial(trial)
            if trial.output_units is not None and math.isfinite(trial.latency_s):
                point = (math.log(trial.output_units), math.log(trial.latency_s))
                cells.setdefault((place, trial.case), []).append(point)
    n_points = sum(map(len, cells.values()))
    n_finite = sum(math.isfinite(t.latency_s) for side in sides for t in side)
    if n_points not in {0, n_finite}:
        raise UsageError(
            f"{n_points} of {n_finite} answers say how much they made; either all do or none"
        )
    rises, runs = _pair_up(list(cells.values()))
    if not runs.size:
        return 0.0
    slopes = rises / runs
    order = np.argsort(slopes, kind="stable")
    return weighted_quantile(slopes[order], np.abs(runs[order]), 0.5)


def require_trial(trial: TimedTrial) -> None:
    """Refuse a time that cannot be.

    Raises:
        UsageError: The time or its output is not above 0.
    """
    if not trial.latency_s > 0.0:
        raise UsageError(
            f"case {trial.case!r}, block {trial.block}: latency_s is {trial.latency_s}; a time is "
            "above 0, and inf if it timed out"
        )
    if trial.output_units is not None and not 0.0 < trial.output_units < math.inf:
        raise UsageError(
            f"case {trial.case!r}, block {trial.block}: output_units is {trial.output_units}; "
            "it is above 0, or None"
        )


def _pair_up(cells: Sequence[Sequence[tuple[float, float]]]) -> tuple[Floats, Floats]:
    """Differences in log time and in log units between answers of one cell, lengths differing."""
    rises, runs = [np.zeros(0)], [np.zeros(0)]
    for points in cells:
        stride = -(-len(points) // _MOST_PER_CELL)
        x, y = np.asarray(points[::stride]).T
        first, second = np.triu_indices(x.size, 1)
        apart = x[first] != x[second]
        runs.append((x[second] - x[first])[apart])
        rises.append((y[second] - y[first])[apart])
    return np.concatenate(rises), np.concatenate(runs)


def _by_cell(trials: Sequence[TimedTrial], slope: float) -> Mapping[tuple[int, str], float]:
    """Median log time of each block and case, at an output of one unit."""
    cells: dict[tuple[int, str], list[float]] = {}
    for trial in trials:
        made = 0.0 if trial.output_units is None else math.log(trial.output_units)
        value = math.log(trial.latency_s) - slope * made
        cells.setdefault((trial.block, trial.case), []).append(value)
    return {cell: statistics.median(values) for cell, values in cells.items()}


def _minus(new: float, old: float) -> float:
    return 0.0 if new == old else new - old


def _ratio(log: float) -> float:
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf

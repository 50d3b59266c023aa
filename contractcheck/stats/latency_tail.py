"""How slow the slowest answers are: a high quantile of one side's times, bounded by ranks.

No distribution is assumed, and a request that timed out is the slowest of all without a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.stats.intervals import quantile_bounds
from contractcheck.stats.latency import require_trial
from contractcheck.stats.rate_dispersion import block_dispersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.stats.latency import TimedTrial

_METHOD = "order statistics (David and Nagaraja 2003), ranks widened by block (Woodruff 1952)"


@dataclass(frozen=True, kw_only=True, slots=True)
class TailLatency:
    """A high quantile of one side's times.

    Attributes:
        estimate: The quantile in seconds; ``inf`` where it lies among those that timed out.
        low: Lower bound in seconds, 0 where there are too few times for one.
        high: Upper bound in seconds, ``inf`` where there are too few times for one.
        quantile: Which quantile, such as 0.95.
        inflation: Factor on the variance because times of one block were alike; 1 if not.
        n: Times it was taken from, timed-out ones included.
        n_timed_out: How many of them timed out.
        method: What was computed, and its source.
    """

    estimate: float
    low: float
    high: float
    quantile: float
    inflation: float
    n: int
    n_timed_out: int
    method: str


def measure_tail(
    trials: Sequence[TimedTrial], quantile: float, *, confidence: float = 0.95
) -> TailLatency:
    """Bound a high quantile of one side's seconds, over all its cases as they were mixed.

    Exact for independent times whatever their distribution, and conservative for a fixed mix of
    cases (Hoeffding, Annals of Mathematical Statistics 27 (1956) 713-721). Times of one block are
    alike: the number of times above the quantile varies more from block to block than by chance,
    and the ranks of the bounds are widened by as much.

    Args:
        trials: At least one.
        quantile: Which quantile, in (0, 1), such as 0.95 or 0.99.
        confidence: Two-sided coverage; an upper bound of p95 needs 72 times, of p99 368.

    Raises:
        UsageError: There is no trial, or a time or a setting is out of range.
    """
    for trial in trials:
        require_trial(trial)
    seconds = [trial.latency_s for trial in trials]
    plain = quantile_bounds(seconds, quantile, confidence)
    inflation = _inflation(trials, plain.estimate)
    bounds = quantile_bounds(seconds, quantile, confidence, inflation=inflation)
    return TailLatency(
        estimate=bounds.estimate,
        low=max(bounds.low, 0.0),
        high=bounds.high,
        quantile=quantile,
        inflation=inflation,
        n=len(trials),
        n_timed_out=sum(map(math.isinf, seconds)),
        method=_METHOD,
    )


def _inflation(trials: Sequence[TimedTrial], limit_s: float) -> float:
    """Dispersion between blocks of the number of times at or above a limit, at least 1."""
    blocks = {block: row for row, block in enumerate(sorted({t.block for t in trials}))}
    cases = {case: column for column, case in enumerate(sorted({t.case for t in trials}))}
    if len(blocks) < 2:  # noqa: PLR2004 - how blocks vary shows from two on
        return 1.0
    above, all_trials = (np.zeros((len(blocks), len(cases)), dtype=np.int64) for _ in range(2))
    for trial in trials:
        cell = blocks[trial.block], cases[trial.case]
        all_trials[cell] += 1
        above[cell] += trial.latency_s >= limit_s
    return max(1.0, block_dispersion(above, all_trials))

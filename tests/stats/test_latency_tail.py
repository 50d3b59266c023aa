import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from contractcheck.errors import UsageError
from contractcheck.stats.intervals import quantile_bounds
from contractcheck.stats.latency import TimedTrial
from contractcheck.stats.latency_tail import measure_tail


def one_by_one(seconds):
    return [TimedTrial(case="c", block=i, latency_s=float(s)) for i, s in enumerate(seconds)]


@pytest.mark.parametrize(("n", "quantile"), [(20, 0.5), (80, 0.95), (400, 0.99)])
def test_tail_bounds_cover_the_quantile_of_any_distribution(n, quantile):
    rng = np.random.default_rng([13, n])
    truth = math.exp(scipy.stats.norm.ppf(quantile))
    covered = 0
    for _ in range(200):
        found = measure_tail(one_by_one(rng.lognormal(size=n)), quantile)
        covered += found.low <= truth <= found.high
        assert found.n == n
    assert scipy.stats.binomtest(covered, 200, 0.95, alternative="less").pvalue > 1e-3


def test_a_tail_among_timeouts_is_not_given_a_number():
    trials = one_by_one(np.ones(100))
    timed_out = [replace(t, latency_s=math.inf) if t.block < 10 else t for t in trials]
    found = measure_tail(timed_out, 0.95)
    assert (found.low, found.estimate, found.high) == (1.0, math.inf, math.inf)
    assert found.n_timed_out == 10
    assert measure_tail(trials[:20], 0.95).high == math.inf
    assert measure_tail(trials[:1], 0.95).low == 0.0


def test_without_blocks_the_bounds_are_the_exact_ones():
    seconds = np.random.default_rng(1).lognormal(size=120)
    found, exact = measure_tail(one_by_one(seconds), 0.9), quantile_bounds(seconds, 0.9)
    assert (found.low, found.estimate, found.high) == (exact.low, exact.estimate, exact.high)
    assert found.inflation == pytest.approx(1.0)
    together = [replace(trial, block=0) for trial in one_by_one(seconds)]
    assert measure_tail(together, 0.9) == replace(found, inflation=1.0)


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_slow_blocks_widen_the_bounds_until_they_cover(quantile):
    rng = np.random.default_rng(2)
    truth = math.exp(math.hypot(0.4, 0.5) * scipy.stats.norm.ppf(quantile))
    covered = plain = 0
    for _ in range(100):
        logs = 0.4 * rng.normal(size=(30, 10)) + 0.5 * rng.normal(size=(30, 1))
        trials = [
            TimedTrial(case=f"c{case}", block=block, latency_s=math.exp(logs[block, case]))
            for block, case in np.ndindex(logs.shape)
        ]
        found = measure_tail(trials, quantile)
        exact = quantile_bounds(np.exp(logs).ravel(), quantile)
        covered += found.low <= truth <= found.high
        plain += exact.low <= truth <= exact.high
        assert found.low <= exact.low <= exact.high <= found.high
    assert scipy.stats.binomtest(covered, 100, 0.93, alternative="less").pvalue > 1e-3
    assert plain < covered


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: measure_tail([], 0.95), "no values"),
        (lambda: measure_tail(one_by_one([1.0]), 1.0), "quantile is 1.0"),
        (lambda: measure_tail(one_by_one([-1.0]), 0.9), "latency_s is -1.0"),
    ],
)
def test_impossible_requests_say_what_is_wrong(call, words):
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        call()

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.latency import (
    TimedTrial,
    block_differences,
    compare_latency,
    output_slope,
)


def as_trials(logs, units=None):
    """Trials of (B, C) log times; NaN is a trial that was not made."""
    return [
        TimedTrial(
            case=f"c{case}",
            block=block,
            latency_s=math.exp(logs[block, case]),
            output_units=None if units is None else float(units[block, case]),
        )
        for block, case in np.ndindex(logs.shape)
        if not math.isnan(logs[block, case])
    ]


def autocorrelated(rng, n_blocks, n_cases, correlation, *, carried=False):
    """Log times in the order asked, AR(1) with unit variance; anew in each block, or carried on."""
    steps = rng.normal(size=(n_blocks, n_cases)) * math.sqrt(1 - correlation**2)
    logs = np.empty((n_blocks, n_cases))
    last = rng.normal()
    for block, case in np.ndindex(logs.shape):
        fresh = case == 0 and not carried
        last = rng.normal() if fresh else correlation * last + steps[block, case]
        logs[block, case] = last
    return logs


def count_alarms(rng, make, repeats):
    """How often blocks and how often single answers are called different at .05, none being."""
    ours = theirs = 0
    for _ in range(repeats):
        old, new = make(rng), make(rng)
        ours += compare_latency(as_trials(old), as_trials(new)).p <= 0.05
        theirs += scipy.stats.mannwhitneyu(old.ravel(), new.ravel()).pvalue <= 0.05
    return ours, theirs


@pytest.mark.parametrize(("n_blocks", "n_cases"), [(6, 12), (12, 5), (20, 10)])
def test_neighbours_that_depend_on_each_other_raise_no_alarm(n_blocks, n_cases):
    def make(rng):
        return 0.4 * autocorrelated(rng, n_blocks, n_cases, 0.62)

    ours, theirs = count_alarms(np.random.default_rng([1, n_blocks]), make, 120)
    assert scipy.stats.binomtest(ours, 120, 0.05, alternative="greater").pvalue > 1e-3
    # The rank-sum test of single answers takes them for independent.
    assert scipy.stats.binomtest(theirs, 120, 0.05, alternative="greater").pvalue < 1e-4


def test_memory_that_outlasts_a_block_widens_the_test():
    # Blocks of three answers, much shorter than the memory of each side.
    rng = np.random.default_rng(14)
    widened = exact = 0
    for _ in range(120):
        sides = [as_trials(autocorrelated(rng, 30, 3, 0.62, carried=True)) for _ in range(2)]
        found = compare_latency(*sides)
        widened += found.p <= 0.05
        exact += compare_latency(*sides, serial=False).p <= 0.05
        assert found.inflation >= 1
    assert scipy.stats.binomtest(widened, 120, 0.05, alternative="greater").pvalue > 1e-2
    assert exact >= 1.5 * widened


def test_what_slows_both_sides_of_a_block_is_no_difference():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(100):
        shared = rng.normal(size=(10, 1)) + np.linspace(0, 2, 10)[:, None]
        old, new = (shared + 0.3 * rng.normal(size=(10, 4)) for _ in range(2))
        alarms += compare_latency(as_trials(old), as_trials(new)).p <= 0.05
    assert scipy.stats.binomtest(alarms, 100, 0.05, alternative="greater").pvalue > 1e-3


NOISES = {
    "normal": lambda rng, shape: 0.3 * rng.normal(size=shape),
    "heavy": lambda rng, shape: 0.2 * rng.standard_t(2, size=shape),
    "skewed": lambda rng, shape: rng.exponential(0.4, size=shape),
    "in steps": lambda rng, shape: 0.25 * rng.integers(0, 4, size=shape),
}


@pytest.mark.parametrize(("n_blocks", "n_cases"), [(6, 3), (10, 1), (15, 4)])
@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_covers_the_true_ratio(noise, n_blocks, n_cases):
    rng = np.random.default_rng([3, n_blocks])
    covered, repeats = 0, 80
    for _ in range(repeats):
        old, new = (NOISES[noise](rng, (n_blocks, n_cases)) for _ in range(2))
        found = compare_latency(as_trials(old), as_trials(new + math.log(1.5)))
        covered += found.low <= 1.5 * (1 + 1e-9) and found.high >= 1.5 * (1 - 1e-9)
        if noise != "in steps":
            assert (found.p <= 0.05) == (not found.low <= 1 <= found.high)
    assert scipy.stats.binomtest(covered, repeats, 0.95, alternative="less").pvalue > 1e-3


@pytest.mark.parametrize(
    ("n_blocks", "n_cases", "ratio", "floor"),
    [(6, 10, 1.5, 0.6), (10, 5, 1.3, 0.6), (20, 10, 1.15, 0.8), (20, 1, 1.4, 0.7)],
)
def test_a_slower_side_is_found_among_heavy_tails(n_blocks, n_cases, ratio, floor):
    rng = np.random.default_rng([4, n_blocks, n_cases])
    found = 0
    for _ in range(60):
        old, new = (NOISES["heavy"](rng, (n_blocks, n_cases)) for _ in range(2))
        found += compare_latency(as_trials(old), as_trials(new + math.log(ratio))).p <= 0.05
    assert found / 60 >= floor


TIMES = st.sampled_from([0.1, 0.5, 0.5, 1.0, 2.0, math.inf])
TRIALS = st.lists(
    st.builds(TimedTrial, case=st.sampled_from("abc"), block=st.integers(0, 7), latency_s=TIMES),
    min_size=1,
    max_size=30,
)


@given(TRIALS, TRIALS)
@settings(max_examples=60)
def test_swapping_the_sides_inverts_the_ratio(old, new):
    shared = {(t.block, t.case) for t in old} & {(t.block, t.case) for t in new}
    if not shared:
        with pytest.raises(UsageError, match="no block has a case on both sides"):
            compare_latency(old, new)
        return
    ours, theirs = compare_latency(old, new), compare_latency(new, old)
    assert theirs.p == pytest.approx(ours.p)
    assert 0 < ours.p <= 1
    logs = [
        [math.log(v) if v else -math.inf for v in (r.low, r.estimate, r.high)]
        for r in (ours, theirs)
    ]
    assert logs[1] == pytest.approx([-value for value in logs[0][::-1]])
    assert ours.low <= ours.estimate <= ours.high
    assert ours.n_baseline + ours.n_candidate + ours.n_unpaired == len(old) + len(new)


@given(TRIALS, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_the_trials_does_not_matter(trials, shuffler):
    other = [replace(trial, latency_s=2 * trial.latency_s) for trial in trials]
    shuffled = list(trials)
    shuffler.shuffle(shuffled)
    assert compare_latency(shuffled, other) == compare_latency(trials, other)


@pytest.mark.parametrize("n_blocks", [1, 2, 5, 6, 40])
def test_all_tied_is_no_evidence(n_blocks):
    for time_s in (0.25, math.inf):
        tied = [TimedTrial(case="c", block=b, latency_s=time_s) for b in range(n_blocks)]
        found = compare_latency(tied, tied)
        assert (found.estimate, found.p) == (1.0, 1.0)
        assert found.low <= 1.0 <= found.high
        assert (found.low > 0) == (n_blocks >= 6)


def test_the_least_p_is_reached_when_every_block_agrees():
    for n_blocks in (1, 4, 5, 6, 10):
        logs = np.linspace(0, 1, n_blocks)[:, None]
        found = compare_latency(as_trials(logs), as_trials(logs + 0.1 + logs / 10), serial=False)
        assert found.p == pytest.approx(found.least_p)
        assert (found.low == 0.0) == (found.least_p > 0.05)


def made_with_output(rng, shape, longer=1.0, slower=1.0):
    """Log times and tokens: half a second, and 10 ms a token, with noise."""
    tokens = np.round(rng.lognormal(5.0, 0.7, shape) * longer) + 1
    return np.log(slower * 0.01 * tokens) + 0.1 * rng.normal(size=shape), tokens


def test_longer_answers_are_not_a_slower_provider():
    rng = np.random.default_rng(6)
    (old, old_tokens), (new, new_tokens) = (
        made_with_output(rng, (12, 6), longer) for longer in (1.0, 1.6)
    )
    assert compare_latency(as_trials(old), as_trials(new)).low > 1.1
    found = compare_latency(as_trials(old, old_tokens), as_trials(new, new_tokens))
    assert found.slope == pytest.approx(1.0, abs=0.05)
    assert found.estimate == pytest.approx(1.0, abs=0.06)


def test_a_slower_provider_is_seen_behind_shorter_answers():
    rng = np.random.default_rng(7)
    covered = found_slower = 0
    for _ in range(40):
        (old, old_tokens), (new, new_tokens) = (
            made_with_output(rng, (10, 3), longer, slower)
            for longer, slower in ((1.0, 1.0), (0.8, 1.2))
        )
        found = compare_latency(
            as_trials(old, old_tokens), as_trials(new, new_tokens), serial=False
        )
        covered += found.low <= 1.2 <= found.high
        found_slower += found.low > 1
    assert scipy.stats.binomtest(covered, 40, 0.94, alternative="less").pvalue > 1e-3
    assert found_slower >= 38


def test_regressing_out_keeps_the_level_when_few_answers_vary_in_length():
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(120):
        (old, old_tokens), (new, new_tokens) = (made_with_output(rng, (8, 1)) for _ in range(2))
        alarms += compare_latency(as_trials(old, old_tokens), as_trials(new, new_tokens)).p <= 0.05
    assert scipy.stats.binomtest(alarms, 120, 0.05, alternative="greater").pvalue > 1e-3


def test_the_slope_is_taken_inside_a_case_and_side():
    # A slow case with long answers is no slope, and neither is a slow side with long answers.
    fast = [TimedTrial(case="a", block=b, latency_s=1.0, output_units=10 + b) for b in range(9)]
    slow = [TimedTrial(case="b", block=b, latency_s=9.0, output_units=900 + b) for b in range(9)]
    assert output_slope(fast + slow) == 0.0
    renamed = [replace(trial, case="a") for trial in slow]
    assert output_slope(fast, renamed) == 0.0
    alike = [TimedTrial(case="a", block=b, latency_s=1.0 + b, output_units=7) for b in range(9)]
    assert output_slope(alike) == 0.0


def test_the_unit_of_output_does_not_matter():
    rng = np.random.default_rng(9)
    sides = [made_with_output(rng, (8, 3)) for _ in range(2)]
    tokens, characters = (
        compare_latency(*(as_trials(logs, scale * made) for logs, made in sides))
        for scale in (1.0, 4.2)
    )
    assert characters.estimate == pytest.approx(tokens.estimate)
    assert characters.p == tokens.p


def timed_out(trials, blocks):
    return [
        replace(trial, latency_s=math.inf, output_units=None) if trial.block in blocks else trial
        for trial in trials
    ]


def test_timeouts_are_longer_than_any_time_and_nothing_more():
    logs = 0.1 * np.random.default_rng(10).normal(size=(12, 4))
    old, new = as_trials(logs), as_trials(logs[::-1])
    few, most = timed_out(new, {0, 1, 2}), timed_out(new, set(range(9)))
    found = compare_latency(old, few)
    assert found.n_timed_out == 12
    assert found.n_unpaired == 0
    assert 1.0 < found.estimate < 1.3
    assert compare_latency(old, most).estimate == math.inf
    assert compare_latency(old, most, serial=False).p < 0.05
    # The same as any time longer than all others, in everything that is finite.
    long = [replace(t, latency_s=min(t.latency_s, 1e30)) for t in few]
    assert compare_latency(old, long).p == pytest.approx(found.p, abs=0.01)
    assert compare_latency(old, long).low == found.low
    assert (found.high, compare_latency(old, long).high > 1e14) == (math.inf, True)


def test_timeouts_need_no_output_to_be_compared_by_it():
    rng = np.random.default_rng(11)
    logs, tokens = made_with_output(rng, (8, 3))
    trials = as_trials(logs, tokens)
    found = compare_latency(trials, timed_out(trials, {0, 1}))
    assert found.n_timed_out == 6
    assert found.slope == pytest.approx(1.0, abs=0.1)
    assert found.estimate == pytest.approx(1.0)


def test_a_case_that_one_side_lacks_leaves_its_block_only():
    logs = np.random.default_rng(12).normal(size=(6, 2))
    gaps = logs + 1.0
    gaps[2, 0] = gaps[3, 0] = gaps[3, 1] = math.nan
    found = block_differences(as_trials(logs), as_trials(gaps))
    assert found.blocks == (0, 1, 2, 4, 5)
    assert found.differences == pytest.approx(np.ones(5))
    assert (found.n_baseline, found.n_candidate, found.n_unpaired) == (9, 9, 3)


def test_repeats_inside_a_block_count_by_their_median():
    old = [TimedTrial(case="c", block=0, latency_s=t) for t in (1.0, 1.0, 50.0)]
    new = [TimedTrial(case="c", block=0, latency_s=2.0)]
    assert block_differences(old, new).differences == pytest.approx([math.log(2)])


GOOD = TimedTrial(case="a", block=0, latency_s=1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: compare_latency([replace(GOOD, latency_s=0.0)], [GOOD]), "latency_s is 0.0"),
        (lambda: compare_latency([replace(GOOD, latency_s=math.nan)], [GOOD]), "latency_s is nan"),
        (lambda: compare_latency([GOOD], [replace(GOOD, output_units=0)]), "output_units is 0"),
        (lambda: compare_latency([GOOD], [replace(GOOD, output_units=5)]), "1 of 2 answers say"),
        (lambda: compare_latency([GOOD], [replace(GOOD, block=1)]), "no block has a case"),
        (lambda: compare_latency([], []), "no block has a case"),
        (lambda: compare_latency([GOOD], [GOOD], confidence=1.0), "confidence is 1.0"),
    ],
)
def test_impossible_requests_say_what_is_wrong(call, words):
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        call()

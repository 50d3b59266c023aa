import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, t, ttest_1samp

from contractcheck.stats.block_means import (
    BlockRates,
    Totals,
    mean_bounds,
    mean_tails,
    next_bounds,
    next_tails,
    pooled_rate_bounds,
    rate_bounds,
    rate_tails,
)

levels = st.sampled_from([0.2, 0.05, 0.01, 0.001])
differences = arrays(float, st.integers(2, 20), elements=st.floats(-5, 5, width=32))


@st.composite
def block_rates(draw):
    n, cases = draw(st.integers(1, 12)), draw(st.integers(1, 20))
    old, new = (draw(arrays(int, n, elements=st.integers(0, cases))) for _ in range(2))
    return BlockRates(old=old * 1.0, new=new * 1.0, trials=np.full(n, float(cases)))


@given(values=differences, value=st.floats(-3, 3), level=levels, serial=st.booleans())
def test_a_mean_is_surely_beyond_a_value_exactly_when_its_bound_is(values, value, level, serial):
    above, below = mean_tails(values, value, serial=serial)
    low, high = mean_bounds(values, level, serial=serial)
    if min(abs(low - value), abs(high - value)) > 1e-9:
        assert (above < level) == (low > value)
        assert (below < level) == (high < value)


@settings(max_examples=60)
@given(rates=block_rates(), value=st.floats(-0.5, 0.5), level=levels)
def test_a_rate_is_surely_beyond_a_value_exactly_when_its_bound_is(rates, value, level):
    above, below = rate_tails(rates, value)
    low, high = rate_bounds(rates, level)
    if min(abs(low - value), abs(high - value)) > 1e-6:
        assert (above < level) == (low > value)
        assert (below < level) == (high < value)


@settings(max_examples=60)
@given(rates=block_rates(), level=levels)
def test_sides_may_change_places(rates, level):
    swapped = BlockRates(old=rates.new, new=rates.old, trials=rates.trials)
    low, high = rate_bounds(rates, level)
    assert rate_bounds(swapped, level) == pytest.approx((-high, -low), abs=1e-6)
    events = BlockRates(
        old=rates.trials - rates.old, new=rates.trials - rates.new, trials=rates.trials
    )
    assert rate_bounds(events, level) == pytest.approx((-high, -low), abs=1e-6)


@given(values=differences)
def test_without_likeness_of_neighbours_it_is_students_test(values):
    if np.ptp(values) < 1e-3:
        return
    above, below = mean_tails(values, 0.5, serial=False)
    assert above == pytest.approx(ttest_1samp(values, 0.5, alternative="greater").pvalue, abs=1e-9)
    assert below == pytest.approx(ttest_1samp(values, 0.5, alternative="less").pvalue, abs=1e-9)


def test_blocks_like_their_neighbours_count_for_fewer():
    drifting = np.repeat([0.0, 1.0, 0.2, 0.9], 5)
    changing = np.tile([0.0, 1.0, 0.2, 0.9], 5)
    wide, narrow = (np.diff(mean_bounds(values, 0.05))[0] for values in (drifting, changing))
    plain = np.diff(mean_bounds(changing, 0.05, serial=False))[0]
    assert wide > 1.8 * narrow
    assert narrow == pytest.approx(plain)


def test_equal_numbers_have_no_spread_to_judge_by():
    equal = np.full(8, 0.1)
    assert mean_bounds(equal, 0.05) == (-np.inf, np.inf)
    assert mean_tails(equal, -3.0) == (1.0, 1.0)
    assert mean_bounds(np.array([0.3]), 0.05) == (-np.inf, np.inf)


@pytest.mark.parametrize("blocks", [1, 5, 20])
def test_no_failure_at_all_still_leaves_room_for_some(blocks):
    perfect = np.full(blocks, 10.0)
    low, high = rate_bounds(BlockRates(old=perfect, new=perfect, trials=perfect), 0.05)
    exact = binomtest(10 * blocks, 10 * blocks, alternative="greater").proportion_ci(0.95).low - 1.0
    assert exact < 0.0
    assert low <= exact + 1e-9
    assert high == pytest.approx(-low)


def test_failures_in_bursts_widen_the_bounds():
    rng = np.random.default_rng(5)
    trials = np.full(20, 50.0)
    even = BlockRates(old=trials, new=trials - 5, trials=trials)
    bursts = BlockRates(
        old=trials, new=trials - rng.permutation([50.0] * 2 + [0.0] * 18), trials=trials
    )
    assert np.diff(rate_bounds(bursts, 0.05))[0] > 2 * np.diff(rate_bounds(even, 0.05))[0]


def test_nothing_may_be_spent_so_nothing_is_bounded():
    ones = np.ones(4)
    assert rate_bounds(BlockRates(old=ones, new=ones, trials=ones), 0.0) == (-1.0, 1.0)
    assert mean_bounds(np.arange(4.0), 0.0) == (-np.inf, np.inf)


def test_repetitions_are_judged_one_by_one():
    rng = np.random.default_rng(2)
    many = rng.normal(size=(3, 4, 9))
    low, _ = mean_bounds(many, 0.01)
    assert low.shape == (3, 4)
    assert low[1, 2] == mean_bounds(many[1, 2], 0.01)[0]
    old, new = rng.binomial(7, 0.9, (2, 3, 4, 9)) * 1.0
    rates = BlockRates(old=old, new=new, trials=np.full(old.shape, 7.0))
    one = BlockRates(old=old[1, 2], new=new[1, 2], trials=np.full(9, 7.0))
    assert rate_bounds(rates, 0.01)[1][1, 2] == pytest.approx(rate_bounds(one, 0.01)[1])
    assert rate_tails(rates, -0.02)[0][1, 2] == pytest.approx(rate_tails(one, -0.02)[0])


def test_one_more_night_lies_in_its_prediction_interval_as_often_as_stated():
    rng = np.random.default_rng(8)
    nights = rng.normal(2.0, 3.0, (20_000, 8))
    low, high = next_bounds(nights[:, :7], nights[:, 7], 0.05)
    assert np.mean((low <= 0.0) & (high >= 0.0)) == pytest.approx(0.9, abs=0.007)
    above, below = next_tails(nights[:, :7], nights[:, 7], 0.0)
    assert np.array_equal(above < 0.05, low > 0.0)
    assert np.array_equal(below < 0.05, high < 0.0)
    half = (high[0] - low[0]) / 2
    sd = nights[0, :7].std(ddof=1)
    assert half == pytest.approx(t.isf(0.05, 6) * sd * np.sqrt(1 + 1 / 7))


def test_sides_of_different_sizes_are_bounded_too():
    few, many = np.array(10.0), np.array(1000.0)
    low, high = pooled_rate_bounds(Totals(old=few, n_old=few, new=many, n_new=many), 0.05)
    swapped = pooled_rate_bounds(Totals(old=many, n_old=many, new=few, n_new=few), 0.05)
    assert (low, high) == pytest.approx((-swapped[1], -swapped[0]), abs=1e-6)
    assert -0.02 < low < 0.0
    assert high > 0.2

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.stats.signed_ranks import (
    pseudomedian,
    serial_inflation,
    signed_rank_interval,
    signed_rank_test,
    walsh_means,
)


def signed_rank_p(values):
    return signed_rank_test(values).p


# Few values, so that ties, zeros and infinities are common.
TIED = st.lists(
    st.sampled_from([-math.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, math.inf]),
    min_size=1,
    max_size=8,
)


def enumerated_p(differences):
    """Share of all choices of signs whose rank sum is at least as far from even."""
    sizes = np.abs(differences)
    ranks = scipy.stats.rankdata(np.where(np.isinf(sizes), 1e9, sizes))
    signs = np.sign(differences)
    observed = abs(np.sum(ranks * signs))
    flips = np.array(list(itertools.product([-1, 1], repeat=len(sizes))))
    return np.mean(np.abs(flips @ (ranks * np.abs(signs))) >= observed - 1e-9)


@given(TIED)
@settings(max_examples=60)
def test_p_goes_through_every_choice_of_signs(values):
    assert signed_rank_p(np.array(values)) == pytest.approx(enumerated_p(np.array(values)))


def test_mid_p_counts_half_of_what_is_as_extreme():
    # Of 8 choices of signs, 2 are as far off as three positives, none further.
    test = signed_rank_test(np.array([1.0, 2.0, 3.0]))
    assert (test.p, test.mid_p) == (2 / 8, 1 / 8)
    # One positive and one negative of the same size: nothing is less far off.
    even = signed_rank_test(np.array([1.0, -1.0]))
    assert (even.p, even.mid_p) == (1.0, 0.5 + 0.5 / 2)


def test_without_ties_it_is_wilcoxons_exact_test():
    rng = np.random.default_rng(1)
    for n in (1, 5, 6, 20, 60):
        values = rng.normal(0.4, 1.0, n)
        theirs = scipy.stats.wilcoxon(values, method="exact").pvalue
        assert signed_rank_p(values) == pytest.approx(theirs)


def test_many_pairs_are_as_good_as_exact():
    values = np.random.default_rng(2).normal(0.15, 1.0, 201)
    theirs = scipy.stats.wilcoxon(values, method="exact").pvalue
    assert signed_rank_p(values) == pytest.approx(theirs, rel=0.01)
    bounds, fewer = (signed_rank_interval(v, 0.95) for v in (values, values[:200]))
    assert bounds.low == pytest.approx(fewer.low, abs=0.02)
    assert bounds.high == pytest.approx(fewer.high, abs=0.02)


def test_the_bounds_are_where_the_test_begins_to_reject():
    rng = np.random.default_rng(3)
    for n in (6, 9, 25):
        values = rng.standard_t(3, n) + 0.5
        bounds = signed_rank_interval(values, 0.95)
        for bound, outwards in ((bounds.low, -1e-9), (bounds.high, 1e-9)):
            assert signed_rank_p(values - (bound + outwards)) <= 0.05
            assert signed_rank_p(values - (bound - outwards)) > 0.05


def test_so_few_pairs_bound_nothing():
    assert signed_rank_interval(np.arange(1.0, 6.0), 0.95).low == -math.inf
    assert signed_rank_interval(np.arange(1.0, 7.0), 0.95).low == 1.0
    assert signed_rank_p(np.ones(1)) == 1.0
    assert signed_rank_p(np.ones(5)) == 2 / 32


@given(TIED)
def test_turning_the_signs_turns_the_interval(values):
    ours, theirs = (signed_rank_interval(sign * np.array(values), 0.9) for sign in (1, -1))
    assert (theirs.low, theirs.high) == (-ours.high, -ours.low)
    assert theirs.estimate == -ours.estimate
    assert ours.low <= ours.estimate <= ours.high


@given(TIED)
def test_nothing_is_ever_undefined(values):
    assert not np.isnan(walsh_means(np.array(values))).any()
    assert not math.isnan(pseudomedian(np.array(values)))
    assert 0 < signed_rank_p(np.array(values)) <= 1


def test_all_zero_is_no_evidence():
    assert signed_rank_p(np.zeros(12)) == 1.0
    interval = signed_rank_interval(np.zeros(12), 0.95)
    assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)


@given(TIED)
def test_likeness_of_neighbours_only_ever_widens(values):
    values = np.array(values)
    inflation = serial_inflation(values)
    assert 1 <= inflation <= 4 + 1e-9
    assert serial_inflation(-values) == pytest.approx(inflation)
    for factor in (inflation, 2.0):
        test = signed_rank_test(values, inflation=factor)
        exact = signed_rank_test(values)
        assert exact.p <= test.p <= 1
        assert exact.mid_p <= test.mid_p <= test.p
        wide, narrow = (signed_rank_interval(values, 0.8, inflation=f) for f in (factor, 1.0))
        assert wide.low <= narrow.low
        assert narrow.high <= wide.high


def test_widened_bounds_are_where_the_widened_test_begins_to_reject():
    values = np.random.default_rng(15).normal(0.5, 1.0, 20)
    bounds = signed_rank_interval(values, 0.95, inflation=2.0)
    for bound, outwards in ((bounds.low, -1e-9), (bounds.high, 1e-9)):
        assert signed_rank_test(values - (bound + outwards), inflation=2.0).p <= 0.05
        assert signed_rank_test(values - (bound - outwards), inflation=2.0).p > 0.05


def test_likeness_is_seen_in_the_order_of_time():
    wave = np.sin(np.arange(40) / 6.0)
    assert serial_inflation(wave) == pytest.approx(4.0)
    assert serial_inflation((-1.0) ** np.arange(40)) == 1.0
    assert serial_inflation(np.ones(12)) == 1.0


def test_a_few_wild_values_do_not_move_the_centre():
    values = np.append(np.random.default_rng(4).normal(1.0, 0.1, 20), [1e6, math.inf])
    assert pseudomedian(values) == pytest.approx(1.0, abs=0.1)

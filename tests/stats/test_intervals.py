import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.intervals import (
    clopper_pearson,
    hodges_lehmann,
    newcombe_difference,
    quantile_bounds,
    weighted_quantile,
    wilson,
)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_rate_intervals_agree_with_scipy(counts):
    successes, n = counts
    reference = scipy.stats.binomtest(successes, n)
    for method, interval in (("exact", clopper_pearson), ("wilson", wilson)):
        theirs = reference.proportion_ci(0.9, method=method)
        ours = interval(successes, n, 0.9)
        assert ours.low == pytest.approx(theirs.low, abs=1e-9)
        assert ours.high == pytest.approx(theirs.high, abs=1e-9)
        assert ours.estimate == successes / n


def test_newcombe_reproduces_the_table_of_its_paper():
    # Newcombe 1998, table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10.
    for (a, m, b, n), low, high in (
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ):
        ours = newcombe_difference(b, n, a, m)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-5)


def test_quantile_bounds_are_the_order_statistics_with_the_stated_coverage():
    values = np.random.default_rng(3).permutation(np.arange(1, 101)).tolist()
    ours = quantile_bounds(values, 0.5)
    # The usual table for the median of 100 values: the 40th and the 61st.
    assert (ours.low, ours.high) == (40, 61)
    for n, quantile in itertools.product((10, 72, 73, 200), (0.5, 0.95)):
        bounds = quantile_bounds(list(range(1, n + 1)), quantile)
        below = scipy.stats.binom(n, quantile)
        first = 0 if bounds.low == -math.inf else int(bounds.low)
        last = n + 1 if bounds.high == math.inf else int(bounds.high)
        assert below.cdf(last - 1) - below.cdf(first - 1) >= 0.95
        assert below.cdf(first - 1) <= 0.025 < below.cdf(first)


def test_upper_bound_of_p95_needs_enough_values():
    assert quantile_bounds(list(range(71)), 0.95).high == math.inf
    assert quantile_bounds(list(range(73)), 0.95).high == 72


def test_hodges_lehmann_inverts_the_exact_rank_sum_test():
    rng = np.random.default_rng(5)
    for n, m in ((4, 4), (5, 9), (10, 10), (3, 20)):
        old, new = rng.normal(size=n), rng.normal(1.0, size=m)
        ours = hodges_lehmann(old, new)
        differences = np.subtract.outer(new, old).ravel()
        assert ours.estimate == pytest.approx(np.median(differences))
        for bound, outwards in ((ours.low, -1e-9), (ours.high, 1e-9)):
            inside = scipy.stats.mannwhitneyu(new - (bound - outwards), old, method="exact").pvalue
            outside = scipy.stats.mannwhitneyu(new - (bound + outwards), old, method="exact").pvalue
            assert outside <= 0.05 < inside


def test_hodges_lehmann_large_sample_bounds_come_close_to_the_exact_ones():
    rng = np.random.default_rng(6)
    old, new = rng.normal(size=60), rng.normal(size=60)
    ours = hodges_lehmann(old, new)
    ordered = np.sort(np.subtract.outer(new, old).ravel())
    inside = ordered[(ordered > ours.low) & (ordered < ours.high)]
    p_low = scipy.stats.mannwhitneyu(new - ours.low, old, method="exact").pvalue
    assert p_low == pytest.approx(0.05, abs=0.003)
    assert inside.size > 0


def test_hodges_lehmann_cannot_bound_three_against_three():
    ours = hodges_lehmann([1, 2, 3], [11, 12, 13])
    assert (ours.estimate, ours.low, ours.high) == (10, -math.inf, math.inf)


def test_censored_values_are_largest_and_equal_to_each_other():
    assert hodges_lehmann([1, 2, math.inf], [math.inf] * 3).estimate == math.inf
    assert hodges_lehmann([math.inf] * 5, [math.inf] * 5).estimate == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_weighted_quantile_with_equal_weights_is_the_median(values):
    ordered = np.sort(values)
    assert weighted_quantile(ordered, np.ones(len(values)), 0.5) == pytest.approx(np.median(values))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clopper_pearson(3, 2), "3 successes of 2 trials"),
        (lambda: wilson(0, 0), "0 successes of 0 trials"),
        (lambda: clopper_pearson(1, 2, 1.0), "confidence is 1.0"),
        (lambda: quantile_bounds([1.0], 1.5), "quantile is 1.5"),
        (lambda: quantile_bounds([], 0.5), "no values"),
        (lambda: hodges_lehmann([1.0], [math.nan]), "values hold NaN"),
    ],
)
def test_impossible_requests_say_what_is_wrong(call, words):
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        call()

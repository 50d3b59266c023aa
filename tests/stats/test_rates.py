import math
from statistics import NormalDist

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.rate_scores import Tables, restricted_rates, standard_score
from contractcheck.stats.rates import RateCase, difference_bounds, judge_margin


def rate_case(x, n, y, m, name="c"):
    return RateCase(case=name, baseline_events=x, n_baseline=n, candidate_events=y, n_candidate=m)


def sides(most=12):
    return st.integers(1, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


CASES = st.lists(st.tuples(sides(), sides()), min_size=1, max_size=6).map(
    lambda rows: [rate_case(*old, *new, name=str(i)) for i, (old, new) in enumerate(rows)]
)


def swapped(cases):
    return [
        rate_case(c.candidate_events, c.n_candidate, c.baseline_events, c.n_baseline, c.case)
        for c in cases
    ]


def mirrored(cases):
    """Failures counted instead of successes."""
    return [
        rate_case(
            c.n_baseline - c.baseline_events,
            c.n_baseline,
            c.n_candidate - c.candidate_events,
            c.n_candidate,
            c.case,
        )
        for c in cases
    ]


def as_tables(x, n, y, m):
    x, n, y, m = (np.asarray(v, float) for v in np.broadcast_arrays(x, n, y, m))
    return Tables(
        baseline_events=x,
        n_baseline=n,
        candidate_events=y,
        n_candidate=m,
        weights=np.full(x.shape, 1 / x.shape[-1]),
        dispersion=np.ones(x.shape[:-1]),
    )


@given(sides(), sides(), st.floats(-0.99, 0.99))
def test_restricted_rates_are_the_most_likely_ones(old, new, difference):
    (x, n), (y, m) = old, new

    def log_likelihood(p, q):
        return sum(
            scipy.special.xlogy(k, r) + scipy.special.xlogy(t - k, 1 - r)
            for k, t, r in ((x, n, p), (y, m, q))
        )

    p, q = restricted_rates(as_tables([x], n, [y], m), np.asarray(difference))
    assert q[0] - p[0] == pytest.approx(difference, abs=1e-9)
    grid = np.linspace(max(0, -difference), min(1, 1 - difference), 2001)
    best = np.max(log_likelihood(grid, np.clip(grid + difference, 0, 1)))
    assert log_likelihood(p[0], q[0]) >= best - 1e-6


def test_without_repeats_of_difference_the_score_is_the_mantel_haenszel_statistic():
    # At a difference of 0 and weights n m / (n + m), the variance is the hypergeometric one.
    rows = [(3, 10, 6, 11), (1, 4, 3, 5), (7, 9, 7, 8)]
    x, n, y, m = np.asarray(rows, float).T
    expected = scipy.stats.hypergeom(n + m, x + y, m)
    z = (y.sum() - expected.mean().sum()) / math.sqrt(expected.var().sum())
    tables = as_tables(x, n, y, m)
    weights = n * m / (n + m)
    mantel = Tables(
        baseline_events=x,
        n_baseline=n,
        candidate_events=y,
        n_candidate=m,
        weights=weights / weights.sum(),
        dispersion=tables.dispersion,
    )
    assert abs(z) > 1
    # The correction for skewness only ever moves the score towards 0.
    assert -1e-12 <= abs(z) - abs(float(standard_score(mantel, np.asarray(0.0)))) < 0.05


@given(CASES, st.sampled_from([0.2, 0.05, 0.025, 0.001, 1e-6]))
@settings(max_examples=40)
def test_bounds_surround_the_estimate_and_swap_with_the_sides(cases, alpha):
    ours = difference_bounds(cases, alpha=alpha)
    assert -1 <= ours.low <= ours.estimate + 1e-12
    assert ours.estimate - 1e-12 <= ours.high <= 1
    assert ours.high > ours.low
    for other in (swapped(cases), mirrored(cases)):
        theirs = difference_bounds(other, alpha=alpha)
        assert theirs.estimate == pytest.approx(-ours.estimate, abs=1e-12)
        assert (theirs.low, theirs.high) == pytest.approx((-ours.high, -ours.low), abs=1e-6)
    reordered = difference_bounds(cases[::-1], alpha=alpha)
    assert (reordered.low, reordered.high) == pytest.approx((ours.low, ours.high), abs=1e-6)


@given(CASES, st.sampled_from([0.1, 0.025, 0.001]))
@example([rate_case(1, 1, 1, 1, "a"), rate_case(16, 16, 0, 2, "b")], 0.01)
@example(
    [rate_case(0, n, y, m, str(m)) for n, y, m in ((2, 3, 3), (1, 0, 1), (1, 0, 5), (2, 0, 4))],
    0.025,
)
@settings(max_examples=60)
def test_no_believable_difference_lies_outside_the_bounds(cases, alpha):
    bounds = difference_bounds(cases, alpha=alpha)
    columns = np.array(
        [(c.baseline_events, c.n_baseline, c.candidate_events, c.n_candidate) for c in cases]
    ).T
    grid = np.linspace(-1, 1, 1001)
    tables = as_tables(*(np.broadcast_to(column, (grid.size, len(cases))) for column in columns))
    believable = np.abs(standard_score(tables, grid)) <= NormalDist().inv_cdf(1 - alpha)
    assert np.all(grid[believable] >= bounds.low - 1e-7)
    assert np.all(grid[believable] <= bounds.high + 1e-7)


@given(CASES)
@settings(max_examples=40)
def test_a_stricter_level_and_more_dispersion_widen(cases):
    usual = difference_bounds(cases, alpha=0.05)
    for wider in (
        difference_bounds(cases, alpha=0.01),
        difference_bounds(cases, alpha=0.05, dispersion=2.0),
    ):
        assert wider.low <= usual.low + 1e-8
        assert wider.high >= usual.high - 1e-8


@given(CASES, st.floats(0.01, 0.9), st.sampled_from([-1, 1]))
@settings(max_examples=40)
def test_a_margin_is_kept_exactly_when_its_bound_is_inside(cases, size, sign):
    margin = sign * size
    judged = judge_margin(cases, margin)
    assert 0 < judged.p_inside <= 1
    assert 0 < judged.p_beyond <= 1
    assert judged.p_inside + judged.p_beyond == pytest.approx(1)
    if judged.p_inside < 0.499:
        bounds = difference_bounds(cases, alpha=min(0.499, judged.p_inside * 1.001 + 1e-12))
        worst = -bounds.low if sign < 0 else bounds.high
        assert worst <= size + 1e-6


def test_no_failure_at_all_leaves_a_width_that_shrinks_with_trials():
    z = NormalDist().inv_cdf(0.975)
    widths = []
    for n in (1, 5, 20, 100, 1000):
        ours = difference_bounds([rate_case(n, n, n, n)], alpha=0.025)
        assert ours.estimate == 0
        # The score interval of one clean side, the case's own variance being 2n / (2n - 1) larger.
        larger = z * z * 2 * n / (2 * n - 1)
        assert ours.high >= larger / (n + larger) - 1e-6
        widths.append(ours.high - ours.low)
    assert widths == sorted(widths, reverse=True)
    cases = [rate_case(10, 10, 10, 10, str(i)) for i in range(50)]
    spread_out = difference_bounds(cases, alpha=0.025)
    together = difference_bounds([rate_case(500, 500, 500, 500)], alpha=0.025)
    assert spread_out.high == pytest.approx(together.high, rel=0.06)


def errors_of_one_case(n, m, difference, alpha):
    """Exact one-sided errors (lower bound, upper bound) over rates with the given difference."""
    x, y = (side.ravel() for side in np.mgrid[0 : n + 1, 0 : m + 1])
    scores = standard_score(as_tables(x[:, None], n, y[:, None], m), np.full(x.size, difference))
    z = NormalDist().inv_cdf(1 - alpha)
    for old in (0.02, 0.1, 0.3, 0.5, 0.8, 0.95, 0.99, 1.0):
        new = old + difference
        if 0 <= new <= 1:
            chance = scipy.stats.binom.pmf(x, n, old) * scipy.stats.binom.pmf(y, m, new)
            yield float(chance[scores > z].sum())
            yield float(chance[scores < -z].sum())


@pytest.mark.parametrize("sizes", [(1, 1), (3, 3), (5, 5), (10, 10), (20, 20), (3, 10), (10, 40)])
def test_each_bound_errs_about_as_often_as_it_says(sizes):
    for alpha, worst in ((0.05, 1.8), (0.025, 1.7), (0.005, 1.35), (0.0005, 1.35)):
        errors = [
            error
            for difference in (-0.3, -0.05, -0.02, 0.0, 0.02, 0.1)
            for error in errors_of_one_case(*sizes, difference, alpha)
        ]
        # One case of few trials: the normal approximation at its worst, over all true rates.
        assert max(errors) <= worst * alpha
        assert np.mean(errors) <= alpha


def false_inside(rates, n, margin, repeats, rng):
    """How often a candidate exactly at the margin is called inside at one-sided .05."""
    cases = len(rates)
    x = rng.binomial(n, rates, (repeats, cases))
    y = rng.binomial(n, np.asarray(rates) + margin, (repeats, cases))
    scores = standard_score(as_tables(x, n, y, n), np.full(repeats, margin))
    return int(np.sum(scores > NormalDist().inv_cdf(0.95)))


@pytest.mark.parametrize(("cases", "n"), [(3, 5), (3, 20), (10, 1), (10, 5), (50, 1), (50, 10)])
def test_a_candidate_at_the_margin_is_seldom_called_inside(cases, n):
    rng = np.random.default_rng([cases, n])
    for rates in (np.full(cases, 0.99), np.linspace(0.5, 1.0, cases), np.full(cases, 0.9)):
        cried = false_inside(rates, n, -0.05, 2000, rng)
        assert scipy.stats.binomtest(cried, 2000, 0.055, alternative="greater").pvalue > 1e-4


def test_enough_trials_show_that_a_margin_is_kept():
    rng = np.random.default_rng(9)
    x, y = (rng.binomial(20, 0.98, (500, 20)) for _ in range(2))
    scores = standard_score(as_tables(x, 20, y, 20), np.full(500, -0.05))
    assert np.mean(scores > NormalDist().inv_cdf(0.95)) > 0.95


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: difference_bounds([], alpha=0.05), "no case to compare"),
        (lambda: difference_bounds([rate_case(3, 2, 0, 1)], alpha=0.05), "3 events in 2 trials"),
        (
            lambda: difference_bounds([rate_case(0, 2, 0, 0)], alpha=0.05),
            "candidate: 0 events in 0",
        ),
        (lambda: difference_bounds([rate_case(0, 1, 0, 1)] * 2, alpha=0.05), "'c' occurs twice"),
        (lambda: difference_bounds([rate_case(0, 1, 0, 1)], alpha=0.5), "alpha is 0.5"),
        (
            lambda: difference_bounds([rate_case(0, 1, 0, 1)], alpha=0.05, dispersion=0.9),
            "dispersion is 0.9",
        ),
        (lambda: judge_margin([rate_case(0, 1, 0, 1)], 0.0), "margin is 0.0"),
    ],
)
def test_impossible_requests_say_what_is_wrong(call, words):
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        call()

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.exact_rates import adjust_cases, exact_test, hypergeometric
from contractcheck.stats.intervals import clopper_pearson, newcombe_difference
from contractcheck.stats.rate_tests import compare_rates
from contractcheck.stats.rates import RateCase

THEIR_WORD = {"two-sided": "two-sided", "rise": "greater", "fall": "less"}
SIDES = st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
ROWS = st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=5)
ALTERNATIVES = st.sampled_from(list(THEIR_WORD))


def as_cases(rows):
    return [
        RateCase(case=f"c{i}", baseline_events=x, n_baseline=n, candidate_events=y, n_candidate=m)
        for i, ((x, n), (y, m)) in enumerate(rows)
    ]


def enumerate_totals(rows):
    """Total of the candidate's events and its chance, over every allotment of the events."""
    outcomes = [
        [
            (k, scipy.stats.hypergeom.pmf(k, n + m, x + y, m))
            for k in range(max(0, x + y - n), min(x + y, m) + 1)
        ]
        for (x, n), (y, m) in rows
    ]
    chances = {}
    for allotment in itertools.product(*outcomes):
        total = sum(k for k, _ in allotment)
        chances[total] = chances.get(total, 0.0) + np.prod([chance for _, chance in allotment])
    return chances


@given(SIDES, SIDES, ALTERNATIVES)
def test_one_case_is_fishers_test(old, new, alternative):
    (x, n), (y, m) = old, new
    ours = exact_test([(n, m, x + y)], y, alternative)
    theirs = scipy.stats.fisher_exact([[y, m - y], [x, n - x]], THEIR_WORD[alternative])
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3), ALTERNATIVES)
@settings(max_examples=50)
def test_several_cases_agree_with_enumerating_every_allotment(rows, alternative):
    chances = enumerate_totals(rows)
    observed = sum(y for _, (y, _) in rows)
    own = chances[observed]
    if alternative == "two-sided":
        more = sum(c for c in chances.values() if c < own * (1 - 1e-7))
        same = sum(c for c in chances.values() if abs(c - own) <= own * 1e-7)
    else:
        sign = 1 if alternative == "rise" else -1
        more, same = sum(c for t, c in chances.items() if sign * (t - observed) > 0), own
    ours = compare_rates(as_cases(rows), alternative=alternative)
    assert ours.p == pytest.approx(more + same, rel=1e-9)
    assert ours.mid_p == pytest.approx(more + same / 2, rel=1e-9)


def test_the_berkeley_admissions_agree_with_their_published_table():
    # Bickel, Hammel and O'Connell, Science 187 (1975) 398-404: departments are the strata.
    men = [(512, 825), (353, 560), (120, 325), (138, 417), (53, 191), (22, 373)]
    women = [(89, 108), (17, 25), (202, 593), (131, 375), (94, 393), (24, 341)]
    ours = compare_rates(as_cases(zip(men, women, strict=True)), weights="harmonic")
    # Without departments women seem to be refused; within them, only the first differs.
    assert ours.low < 0 < ours.high or ours.p > 0.05
    assert ours.p > 0.1
    pooled = [(sum(a for a, _ in side), sum(n for _, n in side)) for side in (men, women)]
    assert compare_rates(as_cases([pooled])).p < 1e-15
    assert [case.case for case in ours.cases if case.p_adjusted <= 0.05] == ["c0"]


@given(ROWS, ALTERNATIVES)
@settings(max_examples=40)
def test_swapping_the_sides_mirrors_everything(rows, alternative):
    mirror = {"two-sided": "two-sided", "rise": "fall", "fall": "rise"}[alternative]
    ours = compare_rates(as_cases(rows), alternative=alternative)
    theirs = compare_rates(as_cases([(new, old) for old, new in rows]), alternative=mirror)
    assert theirs.p == pytest.approx(ours.p, rel=1e-9)
    assert theirs.mid_p == pytest.approx(ours.mid_p, rel=1e-9)
    for one, other in zip(ours.cases, theirs.cases, strict=True):
        assert other.p_adjusted == pytest.approx(one.p_adjusted, rel=1e-9)
        assert (other.baseline, other.candidate) == (one.candidate, one.baseline)
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-12)


@given(ROWS, st.randoms())
@settings(max_examples=40)
def test_the_order_of_the_cases_does_not_matter(rows, random):
    cases = as_cases(rows)
    shuffled = list(cases)
    random.shuffle(shuffled)
    ours, theirs = compare_rates(cases), compare_rates(shuffled)
    assert theirs.p == pytest.approx(ours.p, rel=1e-9)
    by_name = {case.case: case for case in theirs.cases}
    for case in ours.cases:
        assert by_name[case.case].p_adjusted == pytest.approx(case.p_adjusted, rel=1e-9)


@given(ROWS, ALTERNATIVES)
@settings(max_examples=40)
def test_p_is_a_chance_and_never_zero(rows, alternative):
    ours = compare_rates(as_cases(rows), alternative=alternative)
    assert 0 < ours.mid_p <= ours.p <= 1
    for case in ours.cases:
        assert 0 < case.p <= case.p_adjusted <= 1


def test_a_change_too_certain_for_a_float_still_has_a_p():
    ours = compare_rates(as_cases([((0, 20), (20, 20))] * 100))
    assert 0 < ours.p < 1e-300
    assert 0 < ours.cases[0].p_adjusted < 1e-6


def test_nothing_happened_is_no_evidence():
    for rows in ([((0, 1), (0, 1))], [((5, 5), (3, 3))] * 4, [((0, 3), (0, 9)), ((2, 2), (1, 1))]):
        ours = compare_rates(as_cases(rows))
        assert (ours.p, [case.p_adjusted for case in ours.cases]) == (1.0, [1.0] * len(rows))
        assert ours.low < 0 < ours.high


def test_single_trials_are_compared_as_pairs():
    # Of discordant pairs 9 fell and 1 rose; the exact test is the sign test.
    rows = [((1, 1), (0, 1))] * 9 + [((0, 1), (1, 1))] + [((1, 1), (1, 1))] * 30
    assert compare_rates(as_cases(rows)).p == pytest.approx(scipy.stats.binomtest(1, 10).pvalue)


def test_the_smallest_adjusted_p_is_exact_over_all_tables():
    margins = [(3, 3, 2), (4, 2, 3), (5, 5, 1)]
    tables = [hypergeometric(*margin) for margin in margins]
    starts = [max(0, events - n) for n, _, events in margins]
    smallest = []
    for outcome in itertools.product(*(range(len(table)) for table in tables)):
        p_values = [
            exact_test([margin], start + k, "two-sided").p
            for margin, start, k in zip(margins, starts, outcome, strict=True)
        ]
        chance = np.prod([table[k] for table, k in zip(tables, outcome, strict=True)])
        adjusted = adjust_cases(margins, p_values, "two-sided")
        smallest.append((min(adjusted), chance))
    for level, _ in smallest:
        reached = sum(chance for p, chance in smallest if p <= level * (1 + 1e-9))
        assert reached == pytest.approx(level, rel=1e-6)


def test_a_case_that_cannot_reach_a_small_p_costs_the_others_nothing():
    loud = ((0, 10), (9, 10))
    alone = compare_rates(as_cases([loud])).cases[0].p_adjusted
    crowd = compare_rates(as_cases([loud] + [((1, 1), (1, 1))] * 500)).cases[0].p_adjusted
    assert crowd == pytest.approx(alone, rel=1e-9)


def test_intervals_of_single_cases_are_the_named_ones():
    (case,) = compare_rates(as_cases([((9, 10), (3, 10))]), confidence=0.9).cases
    assert case.baseline == clopper_pearson(9, 10, 0.9)
    assert case.candidate == clopper_pearson(3, 10, 0.9)
    newcombe = newcombe_difference(9, 10, 3, 10, 0.9)
    assert (case.estimate, case.low, case.high) == (newcombe.estimate, newcombe.low, newcombe.high)


def test_impossible_requests_say_what_is_wrong():
    with pytest.raises(UsageError, match="no case"):
        compare_rates([])
    with pytest.raises(UsageError, match="-1 events in 2 trials"):
        compare_rates(as_cases([((-1, 2), (0, 2))]))

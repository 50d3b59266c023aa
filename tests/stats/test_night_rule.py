"""The two-night rule: its threshold, its chance of a false alarm, its refusals."""

import math
import time

import numpy as np
import pytest
from scipy import stats

from contractcheck.errors import UsageError
from contractcheck.stats.night_rule import (
    alarm_nights,
    chance_of_false_red,
    predictive_t,
    score_to_be_seen,
    share_of_budget,
    single_night_level,
    two_night_threshold,
)


def simulated_false_red(rng, nights, threshold, horizon, years):
    baseline = rng.normal(5.0, 3.0, (years, nights))
    later = rng.normal(5.0, 3.0, (years, horizon))
    sd = baseline.std(axis=1, ddof=1) * math.sqrt(1 + 1 / nights)
    over = (later - baseline.mean(1)[:, None]) / sd[:, None] > threshold
    return (over[:, 1:] & over[:, :-1]).any(1).mean()


@pytest.mark.parametrize("nights", [5, 10, 14])
@pytest.mark.parametrize("horizon", [14, 365])
def test_the_quadrature_agrees_with_simulated_gaussian_nights(nights, horizon):
    threshold = two_night_threshold(nights=nights, budget=0.1, horizon=horizon)
    years = 6000
    rate = simulated_false_red(np.random.default_rng(1), nights, threshold, horizon, years)
    assert abs(rate - 0.1) < 3.5 * math.sqrt(0.1 * 0.9 / years)


def test_the_chance_for_two_nights_is_the_chance_that_both_exceed():
    # With very many accepted nights, mean and scale are known.
    chance = chance_of_false_red(nights=200_000, threshold=1.5, horizon=2)
    assert chance == pytest.approx(stats.norm.sf(1.5) ** 2, rel=1e-3)
    assert chance_of_false_red(nights=10, threshold=0.0, horizon=1) == pytest.approx(0, abs=1e-12)


def test_one_night_over_the_threshold_has_the_student_tail_that_prediction_promises():
    rng = np.random.default_rng(2)
    t = [predictive_t(x[:10], x[10], 1e-9) for x in rng.normal(2.0, 7.0, (4000, 11))]
    assert stats.kstest(t, stats.t(9).cdf).pvalue > 0.01


@pytest.mark.parametrize("budget", [0.1, 0.025, 0.001])
def test_threshold_and_chance_are_inverse(budget):
    threshold = two_night_threshold(nights=10, budget=budget)
    chance = chance_of_false_red(nights=10, threshold=threshold, horizon=365)
    assert chance == pytest.approx(budget, rel=1e-3)


def test_more_nights_or_budget_lower_the_threshold_and_longer_horizons_raise_it():
    by_nights = [two_night_threshold(nights=k) for k in (5, 7, 10, 14, 30)]
    assert by_nights == sorted(by_nights, reverse=True)
    by_budget = [two_night_threshold(nights=10, budget=b) for b in (0.01, 0.05, 0.1, 0.5)]
    assert by_budget == sorted(by_budget, reverse=True)
    by_horizon = [two_night_threshold(nights=10, horizon=h) for h in (14, 90, 365)]
    assert by_horizon == sorted(by_horizon)


def test_a_budget_that_cannot_be_spent_asks_only_for_worse_than_the_mean():
    assert two_night_threshold(nights=10, budget=0.9, horizon=2) == 0.0


def test_a_threshold_costs_less_than_fifty_milliseconds():
    two_night_threshold(nights=10, budget=0.0345)  # loads scipy and the quadrature
    started = time.process_time()
    two_night_threshold(nights=10, budget=0.0123)
    assert time.process_time() - started < 0.05


def test_a_single_night_never_alarms_and_two_apart_do_not_either():
    statistics = [0, 9, 0, 9, 9, 9, 0]
    assert alarm_nights(statistics, 3.0).tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert not alarm_nights([9], 3.0).any()


def test_floors_only_ever_lower_the_statistic():
    rng = np.random.default_rng(3)
    for baseline in rng.normal(size=(50, 8)):
        free = predictive_t(baseline, 4.0, 1e-9)
        assert predictive_t(baseline, 4.0, 1.5) <= free
        assert predictive_t(baseline, 4.0, 1e-9, floor_mean=0.0) <= free


def test_equal_nights_give_a_finite_statistic():
    assert predictive_t([2.0] * 10, 3.0, 1.0) == pytest.approx(1 / math.sqrt(1.1))


def test_a_score_to_be_seen_is_seen_on_both_nights_with_the_asked_power():
    rng = np.random.default_rng(4)
    baseline = rng.normal(1.0, 2.0, 10)
    mean, sd = baseline.mean(), baseline.std(ddof=1) * math.sqrt(1.1)
    needed = score_to_be_seen(baseline, 0.1, threshold=3.0, power=0.8)
    pairs = rng.normal(needed, sd, (20_000, 2))
    assert ((pairs - mean) / sd > 3.0).all(1).mean() == pytest.approx(0.8, abs=0.01)


def test_budgets_are_split_so_that_their_sum_is_the_whole():
    assert 4 * share_of_budget(4, budget=0.1) == pytest.approx(0.1)
    level = single_night_level(budget=0.02, horizon=365)
    assert 1 - (1 - level) ** 365 == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: two_night_threshold(nights=4),
            "4 accepted nights: a statement about night-to-night change needs at least 5; accept 1 more.",
        ),
        (
            lambda: predictive_t([1, 2, 3], 1, 1.0),
            "3 accepted nights: a statement about night-to-night change needs at least 5; accept 2 more.",
        ),
        (
            lambda: predictive_t([1, 2, 3, 4, 5], 1, 0.0),
            "floor_sd=0.0: a floor is positive, or equal nights divide by 0.",
        ),
        (
            lambda: two_night_threshold(nights=10, budget=1.0),
            "budget=1.0: a chance of false alarm lies between 0 and 1.",
        ),
        (
            lambda: chance_of_false_red(nights=10, threshold=1.0, horizon=0),
            "horizon=0: at least one later night is watched.",
        ),
        (
            lambda: single_night_level(budget=0.0),
            "budget=0.0, horizon=365: need 0 < budget < 1, horizon >= 1.",
        ),
        (lambda: share_of_budget(0), "streams=0: a budget is shared by at least one stream."),
    ],
)
def test_what_cannot_be_promised_is_refused_with_its_reason(call, message):
    with pytest.raises(UsageError) as raised:
        call()
    assert str(raised.value) == message

"""Signed coordinates of a night: centred and scaled when nothing changed, one way when it did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.stats.night_coordinates import (
    arcsine_moments,
    score_ranks,
    share_coordinate,
    share_of_angle,
    shrink_variances,
)


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_share_has_mean_0_and_variance_1_when_nothing_changed(n, share):
    rng = np.random.default_rng([n, int(100 * share)])
    shifts, variances = [], []
    for counts in rng.binomial(n, share, (2500, 11)):
        pooled = counts[:10].sum()
        pairs = [share_coordinate(c, n, pooled=pooled, pool_n=10 * n) for c in counts]
        values = np.array([value for value, _ in pairs])
        shifts.append(values[-1] - values[:10].mean())
        variances.append(pairs[-1][1])
    z = np.array(shifts) / np.sqrt(variances)
    assert abs(np.mean(shifts)) < 0.08 * np.sqrt(np.mean(variances))
    # Ten nights place the share: 1.1. Near 1 they often saw hardly anything fail.
    assert 1.0 < np.mean(np.square(z)) < (1.2 if share < 0.9 else 1.8)


def test_moments_of_the_arcsine_are_those_of_a_simulated_count():
    counts = np.random.default_rng(3).binomial(12, 0.7, 200_000)
    angles = np.arcsin(np.sqrt((counts + 0.375) / 12.75))
    assert arcsine_moments(0.7, 12) == pytest.approx((angles.mean(), angles.var()), abs=1e-3)


@given(
    pooled=st.integers(0, 100),
    count=st.integers(0, 10),
    more=st.integers(0, 10),
)
def test_more_of_a_kind_is_never_further_down(pooled, count, more):
    low, variance = share_coordinate(count, 20, pooled=pooled, pool_n=100)
    high, same = share_coordinate(count + more, 20, pooled=pooled, pool_n=100)
    assert high >= low
    assert variance == same > 0


@given(pooled=st.integers(0, 40), count=st.integers(0, 15))
def test_the_opposite_kind_moves_the_opposite_way(pooled, count):
    one, variance = share_coordinate(count, 15, pooled=pooled, pool_n=40)
    other, same = share_coordinate(15 - count, 15, pooled=40 - pooled, pool_n=40)
    assert one == pytest.approx(-other, abs=1e-9)
    assert variance == pytest.approx(same)


@given(shift=st.floats(-2.0, 2.0), pooled=st.integers(0, 50))
def test_a_value_in_words_is_a_share(shift, pooled):
    assert 0.0 <= share_of_angle(shift, pooled=pooled, pool_n=50, n=5) <= 1.0
    assert share_of_angle(0.0, pooled=pooled, pool_n=50, n=5) == pytest.approx(pooled / 50)


@given(old=st.integers(0, 12), new=st.integers(0, 12))
def test_a_share_comes_back_from_its_value(old, new):
    terms = {"pooled": 10 * old, "pool_n": 120}
    before, after = (share_coordinate(count, 12, **terms)[0] for count in (old, new))
    assert share_of_angle(after - before, n=12, **terms) == pytest.approx(new / 12)


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("draw", ["lognormal", "counts", "mostly one value"])
def test_ranks_have_mean_0_and_variance_1_when_nothing_changed(n, draw):
    rng = np.random.default_rng([n, len(draw)])
    make = {
        "lognormal": lambda size: rng.lognormal(0.0, 1.0, size),
        "counts": lambda size: rng.poisson(3.0, size).astype(float),
        "mostly one value": lambda size: np.where(rng.random(size) < 0.5, 0.5, rng.random(size)),
    }[draw]
    z = []
    for _ in range(800):
        scores = score_ranks(make(10 * n))
        z.append([v / np.sqrt(s) for v, s in scores.coordinates(make(n))])
    widths = {len(one) for one in z}
    assert len(widths) == 1
    assert np.abs(np.mean(z, 0)).max() < 0.12
    squares = np.mean(np.square(z), 0)
    assert squares.min() > 0.85
    assert squares.max() < 1.35


def test_location_and_spread_are_uncorrelated_under_ties():
    rng = np.random.default_rng(5)
    pool = np.where(rng.random(400) < 0.4, 0.0, rng.exponential(1.0, 400))
    scores = score_ranks(pool)
    nights = np.array(
        [[v for v, _ in scores.coordinates(rng.choice(pool, 10))] for _ in range(3000)]
    )
    assert nights.shape[1] == 2
    assert abs(np.corrcoef(nights.T)[0, 1]) < 0.06


def test_a_shift_moves_location_and_a_wider_spread_moves_spread():
    rng = np.random.default_rng(7)
    scores = score_ranks(rng.normal(0.0, 1.0, 200))
    still = scores.coordinates(rng.normal(0.0, 1.0, 400))
    shifted = scores.coordinates(rng.normal(1.0, 1.0, 400))
    wider = scores.coordinates(rng.normal(0.0, 3.0, 400))
    assert shifted[0][0] > still[0][0] + 0.3
    assert abs(wider[0][0] - still[0][0]) < 0.12
    assert wider[1][0] > still[1][0] + 0.15


def test_numbers_that_were_all_one_value_still_have_a_scale():
    scores = score_ranks([4.0] * 100)
    assert scores.coordinates([4.0] * 10)[0][0] == 0.0
    value, variance = scores.coordinates([5.0] + [4.0] * 9)[0]
    assert 3.0 < value / np.sqrt(variance) < 6.0
    # A time-out is a number too.
    assert scores.coordinates([float("inf")] * 10)[0][0] > value


@given(
    values=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    night=st.lists(st.integers(0, 6), min_size=1, max_size=10),
)
def test_only_the_order_of_numbers_matters(values, night):
    one = score_ranks(values).coordinates(night)
    other = score_ranks([3.0**v for v in values]).coordinates([3.0**v for v in night])
    assert np.ravel(one) == pytest.approx(np.ravel(other))


def test_variances_of_few_nights_are_drawn_to_the_model_up_to_its_factor():
    own, supposed = [4.0, 1.0, 0.25], [1.0, 1.0, 1.0]
    drawn = shrink_variances(own, supposed, dof=9)
    assert drawn[0] > drawn[1] > drawn[2]
    assert max(drawn) < 4.0
    assert min(drawn) > 0.25
    # A model that is wrong by one factor for all is as good.
    assert shrink_variances(own, [100.0] * 3, dof=9) == pytest.approx(drawn)
    assert shrink_variances([0.0], [2.0], dof=0) == [2.0]

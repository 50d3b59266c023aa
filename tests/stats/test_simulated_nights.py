"""Made-up nights vary as they are said to, and are coordinates as judging makes them."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.stats.night_coordinates import arcsine_moments, share_coordinate
from contractcheck.stats.simulated_nights import FAMILIES, StreamModel, draw_moves, draw_nights


def shares(rates, *, dispersion=1.0, common=0.0, answers=10, nights=10):
    """A stream of shares that accepted nights have seen often."""
    size = len(rates)
    return StreamModel(
        answers=np.full(size, answers),
        like=np.asarray(rates) * answers * nights,
        pool=np.full(size, float(answers * nights)),
        left_of=np.full(size, -1),
        centre=np.zeros(size),
        variance=np.zeros(size),
        sampling_sd=np.zeros(size),
        night_sd=np.zeros(size),
        dispersion=np.full(size, dispersion),
        common=np.full(size, common),
        cases=np.arange(size),
    )


def scores(*, night_sd=0.5, cases=20):
    zeros = np.zeros(cases, int)
    return StreamModel(
        answers=zeros,
        like=np.zeros(cases),
        pool=np.zeros(cases),
        left_of=zeros - 1,
        centre=np.zeros(cases),
        variance=np.ones(cases),
        sampling_sd=np.ones(cases),
        night_sd=np.full(cases, night_sd),
        dispersion=np.full(cases, 1.25),
        common=np.zeros(cases),
        cases=np.arange(cases),
    )


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


@pytest.mark.parametrize("family", FAMILIES)
def test_moves_have_one_variance_in_every_family(family, rng):
    moves = draw_moves(family, (400, 50, 8), 0.3, rng)
    if family == "t3":
        # Three degrees of freedom: a variance of 3 in the limit, that no sample shows; the middle
        # half is that of Student's t.
        low, high = np.quantile(moves, [0.25, 0.75])
        assert (high - low) / 2 == pytest.approx(0.765 / np.sqrt(3), rel=0.1)
    else:
        assert moves.var() == pytest.approx(1.0, rel=0.05)
    alike = np.corrcoef(moves[..., 0].ravel(), moves[..., 1].ravel())[0, 1]
    assert alike == pytest.approx(0.3, abs=0.1)


def test_only_some_families_have_nights_like_their_neighbours(rng):
    def alike(family):
        moves = draw_moves(family, (400, 50, 8), 0.0, rng)
        return (moves[1:] * moves[:-1]).mean() / (moves**2).mean()

    assert alike("ar") == pytest.approx(0.5, abs=0.05)
    assert alike("fitted") == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("dispersion", [1.0, 1.4, 2.5])
def test_shares_have_the_dispersion_that_they_are_given(dispersion, rng):
    model = shares([0.5, 0.7, 0.9], dispersion=dispersion)
    nights = draw_nights(model, "fitted", years=300, accepted=10, later=60, rng=rng).nights
    away = nights.values - nights.values.mean(0)
    # Against the variance at the true share, so of histories whose baseline came near it.
    assert (away**2 / nights.variances).mean() == pytest.approx(dispersion, rel=0.12)


def test_values_are_those_that_judging_makes(rng):
    model = shares([0.8], answers=10)
    nights = draw_nights(model, "fitted", years=40, accepted=10, later=5, rng=rng).nights
    values = nights.values[..., 0]
    # The step between two counts is that of the arcsine, whatever the baseline.
    known = [share_coordinate(k, 10, pooled=80, pool_n=100)[0] for k in range(11)]
    steps = np.diff(known)
    found = np.abs(np.diff(np.unique(np.round(values[:, 0], 5))))
    assert all(np.isclose(steps, step, atol=1e-4).any() for step in found[found < steps.max()])


def test_a_shift_moves_later_nights_alone_and_by_its_size(rng):
    model = scores()
    shift = np.zeros((100, 20))
    shift[:, 3] = 2.0
    nights = draw_nights(
        model, "fitted", years=100, accepted=10, later=40, rng=rng, shift=shift
    ).nights
    later, accepted = nights.values[10:], nights.values[:10]
    assert later[..., 3].mean() == pytest.approx(2.0, abs=0.1)
    assert abs(later[..., 4].mean()) < 0.1
    assert abs(accepted[..., 3].mean()) < 0.15


def test_a_change_of_a_share_takes_part_of_its_answers(rng):
    model = shares([1.0, 0.6], answers=20)
    angle = np.arcsin(np.sqrt([1.0, 0.6]))
    to = np.arcsin(np.sqrt([0.9, 0.3]))
    shift = np.broadcast_to(to - angle, (200, 2))
    changed = draw_nights(
        model, "fitted", years=200, accepted=10, later=50, rng=rng, shift=shift
    ).nights
    plain = draw_nights(model, "fitted", years=200, accepted=10, later=50, rng=rng).nights

    def moved(nights):
        assert np.isfinite(nights.values).all()
        return nights.values[10:].mean((0, 1)) - nights.values[:10].mean((0, 1))

    assert moved(plain) == pytest.approx([0.0, 0.0], abs=0.02)
    # Of a share of 200 of 200 a little is left to be seen.
    pairs = [(0.9975, 0.9975 * 0.9), (0.6, 0.3)]
    expected = [arcsine_moments(new, 20)[0] - arcsine_moments(old, 20)[0] for old, new in pairs]
    assert moved(changed) == pytest.approx(expected, abs=0.03)


def test_a_second_label_is_counted_among_what_the_first_left(rng):
    one = shares([0.9, 0.5], answers=10)
    model = StreamModel(
        answers=one.answers,
        like=one.like,
        pool=np.array([100.0, 10.0]),
        left_of=np.array([-1, 0]),
        centre=one.centre,
        variance=one.variance,
        sampling_sd=one.sampling_sd,
        night_sd=one.night_sd,
        dispersion=np.ones(2),
        common=np.zeros(2),
        cases=np.zeros(2, int),
    )
    model.like[1] = 5.0
    nights = draw_nights(model, "fitted", years=50, accepted=10, later=20, rng=rng).nights
    whole = nights.values[..., 0] == nights.values[..., 0].max()
    unknown = np.isnan(nights.values[..., 1])
    assert 0.2 < unknown.mean() < 0.6
    assert np.isfinite(nights.values[..., 0]).all()
    assert whole.any()


def test_one_case_in_ten_jumps_in_the_two_level_family(rng):
    model = scores(night_sd=0.1)
    nights = draw_nights(model, "two-level", years=50, accepted=10, later=200, rng=rng).nights
    spread = nights.values.std(0).mean(0)
    assert (spread > 1.5).sum() == 2
    assert np.allclose(spread[2:], np.hypot(1.0, 0.1), rtol=0.1)


def test_the_same_seed_gives_the_same_nights():
    model = shares([0.5, 0.99], dispersion=1.4)
    one, two = (
        draw_nights(model, "t3", years=3, accepted=5, later=9, rng=np.random.default_rng(5)).nights
        for _ in range(2)
    )
    assert one.values.tobytes() == two.values.tobytes()

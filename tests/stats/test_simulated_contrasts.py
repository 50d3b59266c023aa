"""Contrasts of many years at once are those of each year alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.stats.night_scores import wilson_hilferty
from contractcheck.stats.nights import label_contrasts, number_contrasts
from contractcheck.stats.simulated_contrasts import (
    contrast_counts,
    contrast_ranks,
    contrast_scores,
    full_spread,
    measure_ranks,
)

ACCEPTED, YEARS = 6, 3


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kinds=st.integers(2, 5),
    answers=st.sampled_from([1, 3, 10, 60]),
    later=st.sampled_from([1, 200]),
    is_even=st.booleans(),
)
def test_counts_of_many_years_are_contrasted_as_those_of_one(seed, kinds, answers, later, is_even):
    rng = np.random.default_rng(seed)
    shape = ACCEPTED + later, YEARS
    sizes = answers if is_even else rng.integers(0, answers + 1, shape)
    counts = rng.multinomial(sizes, rng.dirichlet(np.ones(kinds) / 2), shape)
    together = contrast_counts(counts, ACCEPTED)
    for year in range(YEARS):
        alone = label_contrasts(counts[:, year], accepted=ACCEPTED)
        assert together.ratio[:, year] == pytest.approx(alone.ratio)
        assert together.dof[:, year] == pytest.approx(alone.dof)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), levels=st.sampled_from([1, 2, 5, 1000]))
def test_mean_ranks_are_contrasted_as_the_numbers_behind_them(seed, levels):
    rng = np.random.default_rng(seed)
    nights = [np.floor(rng.random(9) * levels) for _ in range(ACCEPTED)]
    tonight = np.floor(rng.random(9) * levels + rng.integers(0, 2) * levels / 3)
    judged = number_contrasts([*nights, tonight], accepted=ACCEPTED)
    pool = np.concatenate(nights)
    scale = measure_ranks(pool, answers=9, dof=(float(judged.dof[0]), float(judged.dof[-1])))

    def coordinates(values):
        below, upto = (np.searchsorted(np.sort(pool), values, side) for side in ("left", "right"))
        location = ((below + upto) / 2.0 + 0.25) / (len(pool) + 0.5) * 2.0 - 1.0
        return location.mean(), (np.abs(location) - scale.slope * location).mean()

    made = np.array([coordinates(night) for night in (*nights, tonight)])
    location, own = made[:, :1], made[:, 1:]
    contrast = contrast_ranks(location, full_spread(location, own, scale), scale, ACCEPTED)
    assert contrast.ratio[-1, 0] == pytest.approx(judged.ratio[-1], rel=1e-6)
    assert contrast.dof[-1, 0] == pytest.approx(judged.dof[-1])


@given(
    score=st.floats(-2.0, 20.0),
    dof=st.floats(0.3, 50.0),
)
def test_a_score_comes_back_from_its_ratio(score, dof):
    contrast = contrast_scores(np.array([[score]]), (dof, dof), 0)
    again = wilson_hilferty(contrast.ratio, contrast.dof)[0, 0]
    lowest = wilson_hilferty(0.0, dof)
    assert again == pytest.approx(max(score, float(lowest)), abs=1e-9)

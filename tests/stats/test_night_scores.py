"""Many measurements of one night, as one score per stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contractcheck.errors import UsageError
from contractcheck.stats.night_contrasts import Contrast
from contractcheck.stats.night_scores import (
    USUAL_RATIO_SD,
    conformance_score,
    latency_score,
    omnibus_floor_sd,
    omnibus_score,
    wilson_hilferty,
    worst_case_score,
)


def chi_square_contrasts(rng, contrasts, nights, dof):
    return [
        Contrast(ratio=rng.chisquare(dof, nights) / dof, dof=np.full(nights, float(dof)))
        for _ in range(contrasts)
    ]


@pytest.mark.parametrize("dof", [2, 5, 30])
def test_wilson_hilferty_gives_the_normal_quantile_of_the_chi_square_tail(dof):
    tail = np.array([0.5, 0.1, 0.01, 0.001])
    ratio = stats.chi2.isf(tail, dof) / dof
    np.testing.assert_allclose(wilson_hilferty(ratio, dof), stats.norm.isf(tail), atol=0.08)


@pytest.mark.parametrize("score", [omnibus_score, worst_case_score])
@pytest.mark.parametrize("contrasts", [1, 8, 60])
def test_output_scores_are_standard_normal_under_sampling_noise(score, contrasts):
    scores = score(chi_square_contrasts(np.random.default_rng(1), contrasts, 4000, 3))
    assert scores.mean() == pytest.approx(0.0, abs=0.1)
    assert scores.std() == pytest.approx(1.0, abs=0.1)
    assert np.mean(scores > 2.326) == pytest.approx(0.01, abs=0.006)


@given(ratio=st.floats(1.0, 1e12), factor=st.floats(1.1, 100.0), others=st.integers(0, 500))
def test_scores_never_saturate_however_large_the_change(ratio, factor, others):
    quiet = [Contrast(ratio=np.ones(2), dof=np.full(2, 3.0))] * others
    changed = Contrast(ratio=np.array([ratio, ratio * factor]), dof=np.full(2, 3.0))
    for score in (omnibus_score, worst_case_score):
        smaller, larger = score([*quiet, changed])
        assert np.isfinite([smaller, larger]).all()
        assert larger > smaller


def test_one_wholly_changed_case_stands_out_in_the_worst_case_and_drowns_in_the_mean():
    quiet = [Contrast(ratio=np.ones(1), dof=np.full(1, 3.0))] * 200
    changed = Contrast(ratio=np.array([12.0]), dof=np.full(1, 3.0))
    assert omnibus_score([*quiet, changed])[0] < 1.5
    assert worst_case_score([*quiet, changed])[0] > 3.0


def test_a_small_change_of_every_case_stands_out_in_the_mean_and_not_in_the_worst_case():
    changed = [Contrast(ratio=np.full(1, 1.8), dof=np.full(1, 3.0))] * 60
    assert omnibus_score(changed)[0] > 4.0
    assert worst_case_score(changed)[0] < 0.0


def test_a_case_without_answers_changes_no_score():
    rng = np.random.default_rng(2)
    present = chi_square_contrasts(rng, 5, 3, 3)
    absent = Contrast(ratio=np.array([1.0, 1.0, 1.0]), dof=np.zeros(3))
    for score in (omnibus_score, worst_case_score):
        np.testing.assert_allclose(score([*present, absent]), score(present))


def test_the_floor_is_near_sampling_noise_for_one_case_and_grows_with_the_suite():
    rng = np.random.default_rng(3)
    floors = [omnibus_floor_sd(chi_square_contrasts(rng, m, 5, 2)) for m in (1, 10, 100)]
    assert floors == sorted(floors)
    # Sampling noise is 1; nights add their usual spread times the root of half the directions.
    assert floors[0] == pytest.approx(np.hypot(1.0, USUAL_RATIO_SD), abs=0.15)
    assert floors[2] > 5.0


@pytest.mark.parametrize("score", [omnibus_score, worst_case_score])
def test_empty_nights_are_refused_not_scored(score):
    night = Contrast(ratio=np.array([1.0, 1.0]), dof=np.array([3.0, 0.0]))
    with pytest.raises(UsageError) as raised:
        score([night])
    assert str(raised.value).startswith("Night 1 (counted from 0) has no comparable answer")
    with pytest.raises(UsageError) as raised:
        score([])
    assert str(raised.value).startswith("No case and metric to score")


def test_latency_is_the_mean_log_ratio_to_each_cases_own_baseline():
    seconds = np.array([[1.0, 8.0], [1.0, 8.0], [1.1, 8.8], [2.0, 16.0]])
    scores = latency_score(np.log(seconds), accepted=2)
    np.testing.assert_allclose(np.exp(scores), [1.0, 1.0, 1.1, 2.0])


def test_latency_ignores_a_missing_case_instead_of_mistaking_it_for_a_change():
    seconds = np.array([[1.0, 8.0], [1.0, np.nan], [1.0, 8.0], [np.nan, 8.0]])
    np.testing.assert_allclose(latency_score(np.log(seconds), accepted=3), 0.0, atol=1e-12)
    with pytest.raises(UsageError) as raised:
        latency_score(np.full((2, 2), np.nan), accepted=1)
    assert "Night 0 (counted from 0) has no timing" in str(raised.value)


def test_conformance_is_standard_normal_under_binomial_noise_and_rises_when_fewer_pass():
    rng = np.random.default_rng(4)
    nights, cases = 2000, 12
    answers = rng.integers(5, 20, (nights, cases))
    passed = rng.binomial(answers, 0.85)
    scores = conformance_score(passed, answers, accepted=1000)
    # The arcsine of a small sample is biased, alike in accepted and later nights.
    assert scores[1000:].mean() == pytest.approx(scores[:1000].mean(), abs=0.15)
    assert abs(scores.mean()) < 0.5
    assert scores.std() == pytest.approx(1.0, abs=0.1)
    worse = conformance_score(
        np.concatenate([passed[:1000], rng.binomial(answers[1000:], 0.65)]), answers, accepted=1000
    )
    assert worse[1000:].mean() > 4


def test_conformance_of_all_passed_is_exactly_zero_whatever_the_numbers_of_answers():
    answers = np.array([[10, 10], [7, 3], [10, 0], [25, 1]])
    assert (conformance_score(answers, answers, accepted=3) == 0).all()


def test_impossible_or_empty_conformance_counts_are_refused():
    with pytest.raises(UsageError) as raised:
        conformance_score([[11]], [[10]], accepted=1)
    assert str(raised.value) == "Passed answers must lie between 0 and the answers judged."
    with pytest.raises(UsageError) as raised:
        conformance_score([[10], [0]], [[10], [0]], accepted=1)
    assert "Night 1 (counted from 0) has no answer" in str(raised.value)

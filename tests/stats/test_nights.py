"""One case and metric, tonight against the accepted nights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from contractcheck.errors import UsageError
from contractcheck.stats.night_contrasts import (
    contrast_labels,
    contrast_numbers,
    contrast_text,
)
from contractcheck.stats.nights import (
    label_contrasts,
    number_contrasts,
    pool_effective_dimensions,
    text_contrasts,
    text_effective_dimension,
)

COUNTS = hnp.arrays(
    np.int64, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=st.integers(0, 12)
)


def unit_rows(rng, n, dimensions=24, concentration=0.5):
    return np.sqrt(rng.dirichlet(np.full(dimensions, concentration), size=n))


@pytest.mark.parametrize(("n_reference", "slack"), [(100, 0.35), (1000, 0.1)])
def test_labels_have_ratio_one_and_the_stated_spread_when_nothing_changed(n_reference, slack):
    rng = np.random.default_rng(1)
    share = np.array([0.5, 0.3, 0.2])
    tonight, reference = rng.multinomial(10, share, 6000), rng.multinomial(n_reference, share, 6000)
    contrast = contrast_labels(tonight, reference)
    # The reference estimates its own denominators: a little too wide at 100 answers.
    assert contrast.ratio.mean() == pytest.approx(1.0, abs=slack / 3)
    assert contrast.ratio.var() == pytest.approx((2 / contrast.dof).mean(), rel=slack)


def test_labels_match_pearson_when_the_reference_is_large():
    share, n = np.array([0.5, 0.3, 0.2]), 10
    reference = share * 1e9
    tonight = np.array([9, 1, 0])
    pearson = ((tonight - n * share) ** 2 / (n * share)).sum()
    # Haldane's exact variance of Pearson's statistic, k = 3.
    variance = 2 * 2 + ((1 / share).sum() - 9 - 2 * 3 + 2) / n
    contrast = contrast_labels(tonight, reference)
    assert contrast.ratio == pytest.approx(pearson / 2, rel=1e-5)
    assert contrast.dof == pytest.approx(2 * 2**2 / variance, rel=1e-5)


def test_numbers_have_ratio_one_and_the_stated_spread_when_nothing_changed():
    rng = np.random.default_rng(2)
    pairs = [
        contrast_numbers(rng.lognormal(size=10).round(1), rng.lognormal(size=100).round(1))
        for _ in range(2000)
    ]
    ratio, dof = np.array([p.ratio for p in pairs]), np.array([p.dof for p in pairs])
    assert ratio.mean() == pytest.approx(1.0, abs=0.06)
    assert ratio.var() == pytest.approx((2 / dof).mean(), rel=0.2)


def test_text_has_ratio_one_and_the_stated_spread_when_nothing_changed():
    rng = np.random.default_rng(3)
    ratio, inverse_dof = [], []
    for _ in range(1500):
        tonight, reference = unit_rows(rng, 10), unit_rows(rng, 100)
        dimension = text_effective_dimension(reference)
        contrast = contrast_text(tonight.mean(0), 10, reference.mean(0), 100, dimension)
        ratio.append(contrast.ratio)
        inverse_dof.append(2 / contrast.dof)
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.05)
    assert np.var(ratio) == pytest.approx(np.mean(inverse_dof), rel=0.2)


def test_effective_dimension_of_one_night_is_right_on_average_of_its_reciprocal():
    rng = np.random.default_rng(4)
    rows = unit_rows(rng, 40_000)
    covariance = np.cov(rows.T)
    truth = np.trace(covariance) ** 2 / (covariance**2).sum()
    nights = [text_effective_dimension(unit_rows(rng, 10)) for _ in range(2000)]
    assert pool_effective_dimensions(nights) == pytest.approx(truth, rel=0.12)
    assert truth > 9  # more than ten rows can span


@pytest.mark.parametrize("rows", [np.ones((1, 4)) / 2, np.ones((10, 4)) / 2, np.eye(4)[:2]])
def test_effective_dimension_of_constant_or_few_rows_is_one(rows):
    assert text_effective_dimension(rows) == 1.0


@given(counts=COUNTS, data=st.data())
def test_label_contrasts_are_never_nan_and_ignore_the_order_of_categories(counts, data):
    accepted = data.draw(st.integers(1, len(counts)))
    order = data.draw(st.permutations(range(counts.shape[1])))
    contrast = label_contrasts(counts, accepted=accepted)
    assert np.isfinite(contrast.ratio).all()
    assert (contrast.ratio >= 0).all()
    assert (contrast.dof[counts.sum(1) == 0] == 0).all()
    again = label_contrasts(counts[:, order], accepted=accepted)
    np.testing.assert_allclose(again.ratio, contrast.ratio, rtol=1e-9)
    np.testing.assert_allclose(again.dof, contrast.dof, rtol=1e-9)


@given(
    nights=st.lists(
        st.lists(st.floats(allow_nan=False), min_size=0, max_size=6), min_size=2, max_size=6
    ),
    data=st.data(),
)
def test_number_contrasts_are_never_nan_and_see_only_the_order_of_values(nights, data):
    accepted = data.draw(st.integers(1, len(nights)))
    contrast = number_contrasts(nights, accepted=accepted)
    assert np.isfinite(contrast.ratio).all()
    assert (contrast.dof >= 0).all()
    values = np.unique(np.concatenate([np.array(night, float) for night in nights]))
    ranks = [np.searchsorted(values, np.array(night, float)) for night in nights]
    again = number_contrasts(ranks, accepted=accepted)
    np.testing.assert_allclose(again.ratio, contrast.ratio, rtol=1e-9)


def test_a_night_with_the_reference_mean_is_unremarkable_in_every_kind():
    row = unit_rows(np.random.default_rng(5), 1)[0]
    assert contrast_labels([10, 0, 0], [100, 0, 0]).ratio == 1.0
    assert contrast_numbers([7.0] * 10, [7.0] * 100).ratio == 1.0
    assert contrast_text(row, 10, row, 100, 1.0).ratio == 1.0


def test_one_deviation_from_a_constant_weighs_the_same_in_every_kind():
    first, other = np.eye(2)
    label = contrast_labels([9, 1], [100, 0])
    number = contrast_numbers([7.0] * 9 + [8.0], [7.0] * 100)
    text = contrast_text(0.9 * first + 0.1 * other, 10, first, 100, 1.0)
    assert number.ratio == pytest.approx(label.ratio, rel=0.05)
    assert text.ratio == pytest.approx(label.ratio, rel=0.05)
    assert number.dof == pytest.approx(label.dof, rel=0.05)
    assert text.dof == pytest.approx(label.dof, rel=0.3)


def test_an_unseen_category_counts_the_same_however_many_names_it_has():
    one = contrast_labels([6, 4, 0], [60, 40, 0])
    padded = contrast_labels([6, 4, 0, 0], [60, 40, 0, 0])
    invented = contrast_labels([6, 2, 2, 0], [60, 40, 0, 0])
    split = contrast_labels([6, 2, 1, 1], [60, 40, 0, 0])
    assert padded.ratio == one.ratio
    assert split.ratio == invented.ratio > 5 * one.ratio


def test_leaving_one_out_equals_contrasting_with_the_pooled_others():
    rng = np.random.default_rng(6)
    counts = rng.multinomial(10, [0.6, 0.3, 0.1], 7)
    values = [rng.normal(size=rng.integers(3, 9)).round(1) for _ in range(7)]
    labels, numbers = label_contrasts(counts, accepted=6), number_contrasts(values, accepted=6)
    for night in range(7):
        others = [i for i in range(6) if i != night]
        label = contrast_labels(counts[night], counts[others].sum(0))
        number = contrast_numbers(values[night], np.concatenate([values[i] for i in others]))
        assert labels.ratio[night] == pytest.approx(label.ratio)
        assert numbers.ratio[night] == pytest.approx(number.ratio)
        assert numbers.dof[night] == pytest.approx(number.dof)


def test_text_nights_of_unequal_size_are_pooled_by_answers():
    rng = np.random.default_rng(7)
    nights = [unit_rows(rng, n) for n in (4, 9, 2, 7, 5)]
    means, sizes = np.array([rows.mean(0) for rows in nights]), [len(rows) for rows in nights]
    all_nights = text_contrasts(means, sizes, effective_dimension=8.0, accepted=4)
    pooled = np.concatenate(nights[:4])
    tonight = contrast_text(means[4], 5, pooled.mean(0), len(pooled), 8.0)
    assert all_nights.ratio[4] == pytest.approx(tonight.ratio)


def test_replacing_answers_equals_writing_the_new_answers_down():
    counts = np.array([[6, 4, 0], [5, 5, 0], [8, 2, 0]])
    written = counts.copy()
    written[2] = [4, 1, 5]
    labels = label_contrasts(counts, accepted=2, replaced=0.5).ratio[2]
    assert labels == pytest.approx(label_contrasts(written, accepted=2).ratio[2])
    values = [[1.0, 2, 3, 4], [2.0, 3, 3, 5], [2.0, 2, 3, 3]]
    numbers = number_contrasts(values, accepted=2, replaced=0.5).ratio[2]
    assert numbers == pytest.approx(
        number_contrasts([*values[:2], [2.0, 3, 99, 99]], accepted=2).ratio[2]
    )
    means = np.array([[1.0, 0, 0], [0.6, 0.8, 0], [0.8, 0.6, 0]])
    text = text_contrasts(means, [9, 9, 9], effective_dimension=2.0, accepted=2, replaced=0.5)
    new = text_contrasts(
        [*means[:2], [0.4, 0.3, 0.5]], [9, 9, 9], effective_dimension=2.0, accepted=2
    )
    assert text.ratio[2] == pytest.approx(new.ratio[2])


def test_time_outs_are_the_largest_numbers_not_missing_ones():
    reference = np.linspace(1, 2, 100)
    usual = contrast_numbers([1.2, 1.5, 1.8], reference)
    late = contrast_numbers([np.inf, np.inf, np.inf], reference)
    assert late.ratio > 3 > usual.ratio


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contrast_numbers([np.nan], [1.0]), "A number is NaN: leave missing numbers out"),
        (lambda: contrast_labels([-1], [1]), "Category counts must be finite and >= 0"),
        (lambda: contrast_labels([], []), "with at least one category"),
        (lambda: label_contrasts([[1], [1]], accepted=3), "accepted=3 of 2 nights"),
        (lambda: label_contrasts([[1], [1]], accepted=0), "accepted=0 of 2 nights"),
    ],
)
def test_what_cannot_be_contrasted_is_refused_with_its_reason(call, message):
    with pytest.raises(UsageError) as raised:
        call()
    assert message in str(raised.value)

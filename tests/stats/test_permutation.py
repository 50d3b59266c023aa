import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.permutation import (
    View,
    case_shares,
    lay_out,
    relabel,
    step_down_max,
    step_down_min,
    tail_shares,
)

# Up to 6**3 relabellings, which are quickly gone through by hand.
SIZES = st.lists(
    st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (1, 4), (3, 1)]), min_size=1, max_size=3
)


def run(sizes, features, seed=0, permutations=50):
    layout = lay_out(sizes)
    view = View(metric=0, within=features, common=features)
    return relabel(layout, [view], permutations=permutations, rng=np.random.default_rng(seed))


def by_hand(sizes, features, labels):
    """Both statistics from their definitions, for one labelling."""
    within, sums, start = 0.0, [], 0
    for (n, m), chosen in zip(sizes, labels, strict=True):
        rows = features[start : start + n + m]
        new = np.isin(np.arange(n + m), chosen)
        difference = rows[new].mean(axis=0) - rows[~new].mean(axis=0)
        weight = n * m / (n + m)
        within += weight * difference @ difference if n + m > 2 else 0.0
        sums.append(weight * difference)
        start += n + m
    common = sum(2 * a @ b for a, b in itertools.combinations(sums, 2))
    return within, common


@settings(deadline=None, max_examples=40)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_exact_enumeration_is_every_relabelling_once(sizes, seed):
    layout = lay_out(sizes)
    features = np.random.default_rng(seed).normal(size=(layout.n_trials, 2))
    result = run(sizes, features)
    groups = [itertools.combinations(range(n + m), m) for n, m in sizes]
    expected = np.array([by_hand(sizes, features, labels) for labels in itertools.product(*groups)])
    assert result.exact
    assert len(result.statistics) == layout.group_size == len(expected)
    # One-against-one cases add the same number to `common` under every relabelling.
    observed = by_hand(sizes, features, [range(n, n + m) for n, m in sizes])
    constant = result.statistics[0, :2] - observed
    if all(n + m > 2 for n, m in sizes):
        assert constant == pytest.approx([0.0, 0.0], abs=1e-9)
    for column in (0, 1):
        ours = np.sort(result.statistics[:, column])
        assert ours == pytest.approx(np.sort(expected[:, column]) + constant[column], abs=1e-9)


def test_sampled_relabellings_keep_the_sizes_of_the_sides_and_start_with_the_observed_one():
    sizes = [(6, 7), (5, 9)]
    layout = lay_out(sizes)
    assert layout.group_size > 5000
    result = run(sizes, np.ones((layout.n_trials, 1)))
    # Constant features: centred to zero, whatever is relabelled.
    assert np.ptp(result.statistics, axis=0) == pytest.approx([0, 0, 0], abs=1e-12)
    features = np.random.default_rng(1).normal(size=(layout.n_trials, 3))
    observed = run(sizes, features).statistics[0, :2]
    assert observed == pytest.approx(by_hand(sizes, features, [range(6, 13), range(5, 14)]))
    assert not result.exact


def test_blocks_of_relabellings_do_not_change_the_statistics(monkeypatch):
    sizes = [(2, 3)] * 4
    features = np.random.default_rng(2).normal(size=(20, 3))
    whole = run(sizes[:3], features[:15])
    monkeypatch.setattr("contractcheck.stats.permutation._BLOCK_ELEMENTS", 1)
    pieces = run(sizes[:3], features[:15])
    assert whole.exact
    assert pieces.statistics == pytest.approx(whole.statistics)
    assert run(sizes, features).statistics[0, :2] == pytest.approx(
        by_hand(sizes, features, [range(2, 5)] * 4)
    )


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_tail_shares_count_ties_and_are_never_zero(values):
    column = np.asarray(values, dtype=float)[:, None]
    shares = tail_shares(column, np.array([1e-9]))[:, 0]
    assert shares == pytest.approx([(column[:, 0] >= v).mean() for v in values])
    assert shares.min() > 0


def test_step_down_of_one_hypothesis_changes_nothing_and_of_copies_neither():
    scores = np.random.default_rng(3).normal(size=(200, 1)).astype(np.float32)
    alone = case_shares(scores)
    assert step_down_max(scores) == pytest.approx(alone)
    assert step_down_max(np.repeat(scores, 4, axis=1)) == pytest.approx(np.repeat(alone, 4))


def test_step_down_adjusts_upwards_and_keeps_the_order():
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(500, 30)).astype(np.float32)
    scores[0, :2] = 10
    plain, adjusted = case_shares(scores), step_down_max(scores)
    assert np.all(adjusted >= plain)
    assert np.all(np.diff(adjusted[np.argsort(-scores[0], kind="stable")]) >= 0)
    assert adjusted[:2] == pytest.approx(1 / 500)
    shares = tail_shares(scores.astype(float), np.zeros(30))
    assert np.all(step_down_min(shares) >= shares[0] - 1e-12)


@pytest.mark.parametrize(
    ("sizes", "permutations", "words"),
    [
        ([], 9, "no case"),
        ([(1, 0)], 9, "case 0 has 1 baseline and 0"),
        ([(1, 1)], 0, "permutations is 0"),
    ],
)
def test_empty_designs_are_refused(sizes, permutations, words):
    with pytest.raises(UsageError, match=words):
        run(sizes, np.zeros((2, 1)), permutations=permutations)

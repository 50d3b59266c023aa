import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.layout import draw_labels, lay_out
from contractcheck.stats.multiplicity import (
    case_shares,
    step_down_max,
    step_down_min,
    tail_shares,
)
from contractcheck.stats.permutation import View, relabel

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
    monkeypatch.setattr("contractcheck.stats.permutation._CHUNK_ELEMENTS", 1)
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


# Blocks of the baseline's and the candidate's trials: interleaved, unequal, and lacking a side.
BLOCKED = [
    ([0, 1, 2], [0, 1, 2]),
    ([0, 0, 1], [1, 0]),
    ([0, 1, 1, 7], [1, 0, 9]),
    ([3], [3, 4]),
]


def blocked_by_hand(designs, features):
    """Both statistics of every relabelling inside blocks, from their definitions."""
    per_case, start = [], 0
    for old, new in designs:
        ids = np.array([*old, *new])
        size = ids.size
        observed = np.arange(size) >= len(old)
        rows = features[start : start + size]
        options = [
            [
                np.isin(np.arange(size), chosen)
                for chosen in itertools.combinations(
                    np.flatnonzero(ids == block), int(observed[ids == block].sum())
                )
            ]
            for block in np.unique(ids)
        ]
        found = []
        for labels in itertools.product(*options):
            marked = np.any(labels, axis=0)
            total, weight = 0.0, 0.0
            for block in np.unique(ids):
                a, b = rows[(ids == block) & ~marked], rows[(ids == block) & marked]
                if len(a) and len(b):
                    h = len(a) * len(b) / (len(a) + len(b))
                    total = total + h * (b.mean(axis=0) - a.mean(axis=0))
                    weight += h
            found.append((np.asarray(total) * np.ones(features.shape[1]), weight))
        per_case.append(found)
        start += size
    within, common = [], []
    for combination in itertools.product(*per_case):
        within.append(sum(s @ s / w for s, w in combination))
        total = sum(s for s, _ in combination)
        common.append(total @ total - sum(s @ s for s, _ in combination))
    return np.array(within), np.array(common)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(BLOCKED[:3]), min_size=1, max_size=2), st.integers(0, 2**32 - 1))
def test_blocks_are_summed_inside_their_case_before_squaring(designs, seed):
    sizes = [(len(old), len(new)) for old, new in designs]
    layout = lay_out(sizes, designs)
    features = np.random.default_rng(seed).normal(size=(layout.n_trials, 2))
    view = View(metric=0, within=features, common=features)
    result = relabel(layout, [view], permutations=9, rng=np.random.default_rng(0))
    within, common = blocked_by_hand(designs, features)
    assert result.exact
    assert len(result.statistics) == layout.group_size == len(within)
    assert np.sort(result.statistics[:, 0]) == pytest.approx(np.sort(within), abs=1e-9)
    assert np.sort(result.statistics[:, 1]) == pytest.approx(np.sort(common), abs=1e-9)


def test_drawn_relabellings_stay_inside_their_blocks():
    designs = [([0, 1, 1, 7], [1, 0, 9, 0]), *([(list(range(8)), list(range(8)))] * 3)]
    layout = lay_out([(len(old), len(new)) for old, new in designs], designs)
    ids = np.array([(case, block) for case, d in enumerate(designs) for s in d for block in s])
    keys = np.unique(ids, axis=0, return_inverse=True)[1].ravel()
    for group in layout.groups:
        labels = draw_labels(group, 200, np.random.default_rng(3))
        for place, rows in enumerate(group.rows):
            for key in np.unique(keys[rows]):
                inside = keys[rows] == key
                drawn = labels[:, place, inside]
                assert np.all(drawn.sum(axis=1) == group.observed[inside].sum())
                if 0 < group.observed[inside].sum() < inside.sum():
                    shares = drawn.mean(axis=0)
                    assert np.all(np.abs(shares - group.observed[inside].mean()) <= 0.15)


def test_features_of_distinct_values_are_those_of_their_trials():
    layout = lay_out([(3, 4)] * 3)
    codes = np.random.default_rng(5).integers(0, 4, layout.n_trials)
    table = np.random.default_rng(6).normal(size=(4, 2))
    looked_up = View(metric=0, within=table, common=table, codes=codes)
    spelt_out = View(metric=0, within=table[codes], common=table[codes])
    one, other = (
        relabel(layout, [view], permutations=20, rng=np.random.default_rng(0))
        for view in (looked_up, spelt_out)
    )
    assert np.array_equal(one.statistics, other.statistics)
    assert np.array_equal(one.case_scores, other.case_scores)


def test_a_case_whose_blocks_all_lack_a_side_tells_nothing():
    layout = lay_out([(2, 2)], [([0, 1], [2, 3])])
    features = np.random.default_rng(7).normal(size=(4, 2))
    view = View(metric=0, within=features, common=features)
    result = relabel(layout, [view], permutations=9, rng=np.random.default_rng(0))
    assert layout.group_size == 1
    assert result.statistics == pytest.approx(np.zeros((1, 2)))
    assert result.case_keys == ()


def test_blocks_that_do_not_fit_the_trials_are_refused():
    with pytest.raises(UsageError, match="case 0 has 2 and 1 trials, but blocks of 1 and 1"):
        lay_out([(2, 1)], [([0], [0])])


def test_memory_does_not_grow_with_what_is_relabelled_at_once():
    import tracemalloc

    layout = lay_out([(200, 200)] * 2)
    features = np.random.default_rng(8).normal(size=(layout.n_trials, 2))
    view = View(metric=0, within=features, common=features)
    tracemalloc.start()
    relabel(layout, [view], permutations=40_000, rng=np.random.default_rng(0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All labels at once would take 256 MB.
    assert peak <= 100e6

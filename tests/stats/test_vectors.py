"""Answers as points: embeddings."""

import math

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.outputs import Output, compare_outputs
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.sensitivity import smallest_visible_share
from contractcheck.stats.vectors import mean_shift, stack_vectors

EMBEDDING = [Output(metric="e", kind="embedding")]


def points(rng, n, lean=0.0):
    raw = rng.normal(size=(n, 16))
    raw[:, 0] += lean
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return [tuple(map(float, row)) for row in unit]


def cases(rng, n, lean, count):
    return [
        CaseSample(
            case=f"c{i}",
            baseline={"e": points(rng, n)},
            candidate={"e": points(rng, n, lean)},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize(("n", "count"), [(1, 40), (8, 6), (20, 1)])
def test_a_shift_of_meaning_is_found_whatever_the_repeats(n, count):
    rng = np.random.default_rng(0)
    result = compare_outputs(cases(rng, n, 2.0, count), EMBEDDING, rng=rng)
    assert result.p <= 0.005
    assert result.metrics[0].effect > 0


def test_missing_vectors_are_compared_by_presence():
    rng = np.random.default_rng(1)
    case = CaseSample(case="c", baseline={"e": points(rng, 8)}, candidate={"e": [None] * 8})
    result = compare_outputs([case], EMBEDDING, rng=rng)
    assert result.p <= 0.01
    assert math.isfinite(result.metrics[0].effect)


def test_what_would_have_been_seen_is_stated_for_vectors_too():
    rng = np.random.default_rng(2)
    share = smallest_visible_share(
        cases(rng, 6, 0.0, 4), [Stream(metric="e", kind="embedding")], rng=rng
    )
    assert 0.05 < share < 1.0


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([(1.0, 0.0), (1.0,)], "vectors of [1, 2] numbers"),
        ([()], "vectors of [0] numbers"),
        ([(math.inf, 0.0)], "not finite"),
    ],
)
def test_vectors_that_do_not_compare_are_refused(vectors, words):
    with pytest.raises(UsageError) as caught:
        stack_vectors(vectors, metric="e")
    assert words in str(caught.value)


def test_a_text_where_a_vector_belongs_is_refused():
    case = CaseSample(case="c", baseline={"e": ["x"]}, candidate={"e": [(1.0, 0.0)]})
    with pytest.raises(UsageError, match="metric 'e' is a embedding, but holds 'x'"):
        compare_outputs([case], EMBEDDING, rng=np.random.default_rng(0))


def test_nobody_is_as_far_out_as_the_vector_that_nobody_gave():
    rows = stack_vectors(points(np.random.default_rng(3), 30), metric="e")
    away = np.linalg.norm(rows - rows[:-1].mean(axis=0), axis=1)
    assert away[-1] == pytest.approx(2 * away[:-1].max())


def test_the_bounds_of_a_shift_cover_it():
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        old, new = rng.normal(size=(12, 3)), rng.normal([2.0, -2.0, 2.0], size=(12, 3))
        bounds, _ = mean_shift([(old, new)], 1.96)
        covered += bounds.low <= 2.0 <= bounds.high
    assert covered >= 180

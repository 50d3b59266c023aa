import math

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.effects import Sides, measure_effect
from contractcheck.stats.intervals import hodges_lehmann, newcombe_difference
from contractcheck.stats.views import encode


def measure(kind, cases, scale="linear"):
    values, sides = [], []
    for old, new in cases:
        start = len(values)
        values += [*old, *new]
        rows = np.arange(start, len(values))
        sides.append(Sides(baseline=rows[: len(old)], candidate=rows[len(old) :]))
    return measure_effect(encode(kind, values, metric="m"), sides, scale)


def test_one_case_of_labels_is_newcombes_difference_in_points():
    effect = measure("label", [(["a"] * 8 + ["b"] * 2, ["a"] * 3 + ["b"] * 7)])
    reference = newcombe_difference(8, 10, 3, 10)
    assert effect.detail == "a"
    assert (effect.effect, effect.low, effect.high) == pytest.approx(
        (-50, 100 * reference.low, 100 * reference.high)
    )
    assert effect.unit == "points"


def test_many_cases_of_labels_cover_the_true_difference():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        cases = []
        for rate in np.linspace(0.1, 0.6, 12):
            old = np.where(rng.random(10) < rate, "a", "b").tolist()
            new = np.where(rng.random(10) < rate + 0.2, "a", "b").tolist()
            cases.append((old, new))
        effect = measure("label", cases)
        low, high = sorted(
            (1 if effect.detail == "a" else -1) * b for b in (effect.low, effect.high)
        )
        covered += low <= 20 <= high
    assert covered >= 182


def test_single_trials_of_labels_have_a_matched_pair_interval_that_never_collapses():
    effect = measure("label", [(["a"], ["a"])] * 40)
    assert (effect.effect, effect.detail) == (0, "")
    assert effect.low < 0 < effect.high < 10
    assert effect.distance is None


@pytest.mark.parametrize("kind", ["label", "number", "text"])
def test_distance_is_unbiased_under_no_change(kind):
    # Plug-in total variation is .27 here although nothing changed.
    rng = np.random.default_rng(2)
    words = {
        "label": list("abcdef"),
        "number": [1.0, 2.0, 3.0, 4.0],
        "text": ["red fox", "blue sky", "grey owl"],
    }
    draws = [
        measure(
            kind, [(rng.choice(words[kind], 100).tolist(), rng.choice(words[kind], 10).tolist())]
        )
        for _ in range(150)
    ]
    distances = np.array([draw.distance for draw in draws])
    assert abs(distances.mean()) <= 4 * distances.std() / math.sqrt(150)


@pytest.mark.parametrize(
    ("kind", "old", "new"), [("label", "a", "b"), ("number", 1.0, 2.0), ("text", "yes", "I refuse")]
)
def test_distance_of_two_constant_sides_is_one(kind, old, new):
    effect = measure(kind, [([old] * 3, [new] * 5)] * 6)
    tolerance = 0.1 if kind == "text" else 1e-9  # hashed texts are nearly, not exactly, orthogonal
    assert effect.distance == pytest.approx(1.0, abs=tolerance)


def test_numbers_that_went_missing_are_told_by_how_many_are_left():
    effect = measure("number", [([5.0] * 4, [5.0, math.nan] * 2), ([7.0] * 4, [7.0] * 4)])
    assert effect.effect == 0.0
    assert effect.detail == "a value in 100% → 75% of answers"
    assert measure("number", [([5.0] * 4, [6.0] * 4)]).detail == ""


def test_one_case_of_numbers_is_hodges_lehmann():
    rng = np.random.default_rng(3)
    old, new = rng.normal(size=9).tolist(), rng.normal(1, 1, size=12).tolist()
    effect, reference = measure("number", [(old, new)]), hodges_lehmann(old, new)
    assert (effect.effect, effect.low, effect.high) == (
        reference.estimate,
        reference.low,
        reference.high,
    )


@pytest.mark.parametrize(("n", "m", "n_cases"), [(10, 10, 8), (1, 1, 40), (3, 7, 15)])
def test_many_cases_of_numbers_cover_the_true_shift(n, m, n_cases):
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        centres = 100 * rng.random(n_cases)
        cases = [
            ((c + rng.normal(size=n)).tolist(), (c + 0.5 + rng.normal(size=m)).tolist())
            for c in centres
        ]
        effect = measure("number", cases)
        covered += effect.low <= 0.5 <= effect.high
    assert covered >= 180


def test_ratio_of_numbers_is_scale_free():
    rng = np.random.default_rng(5)
    cases = [
        ((s * rng.lognormal(size=20)).tolist(), (2 * s * rng.lognormal(size=20)).tolist())
        for s in (1, 50)
    ]
    effect = measure("number", cases, "log")
    assert effect.unit == "ratio"
    assert effect.low < 2 < effect.high
    assert effect.low > 1
    with pytest.raises(UsageError, match="ratio needs positive values"):
        measure("number", [([1.0], [0.0])], "log")


def test_text_with_repeats_is_small_without_change_and_large_with_one():
    rng = np.random.default_rng(6)
    words = ["alpha", "beta", "gamma", "delta", "omega", "kappa", "sigma"]

    def answers(n, pool):
        return [" ".join(rng.choice(pool, 6)) for _ in range(n)]

    same = measure("text", [(answers(8, words), answers(8, words)) for _ in range(12)])
    other = measure("text", [(answers(8, words), ["I cannot help."] * 8) for _ in range(12)])
    assert same.low <= 0 <= same.high
    assert other.low > 0.3
    assert other.unit == same.unit == "share of distance"


def test_single_texts_tell_a_shared_change_from_scattered_ones():
    rng = np.random.default_rng(7)
    texts = ["".join(rng.choice(list("abcdefghijklmnop"), 60)) for _ in range(60)]
    scattered = measure("text", [([a], [b]) for a, b in zip(texts[:30], texts[30:], strict=True)])
    shared = measure("text", [([a], [a + " I hope this answer helps you!"]) for a in texts[:30]])
    assert scattered.effect < 0.15
    assert shared.low > 0.5
    assert shared.unit == "share in common"


@pytest.mark.parametrize(
    ("kind", "cases"),
    [
        ("number", [([None], [None])]),
        ("number", [([None, 1.0], [math.nan, None])] * 3),
        ("number", [([math.inf], [math.inf])] * 2),
        ("label", [([None], ["a"])]),
        ("text", [([None], [None])]),
        ("text", [([""], [""])] * 3),
        ("text", [(["a", "a"], ["a", "a"])]),
        ("text", [(["a", "b"], ["c", "d"])]),
    ],
)
def test_empty_and_tied_data_never_give_nan(kind, cases):
    effect = measure(kind, cases)
    assert not any(math.isnan(x) for x in (effect.effect, effect.low, effect.high))
    assert effect.low <= effect.effect <= effect.high


def test_bounds_of_one_case_of_texts_are_the_jackknife_over_its_trials():
    rng = np.random.default_rng(8)
    old = ["".join(rng.choice(list("abcdef"), 30)) for _ in range(6)]
    new = ["".join(rng.choice(list("defghi"), 30)) for _ in range(4)]
    effect = measure("text", [(old, new)])
    variance = 0.0
    for without in (
        [measure("text", [(old[:i] + old[i + 1 :], new)]).effect for i in range(6)],
        [measure("text", [(old, new[:i] + new[i + 1 :])]).effect for i in range(4)],
    ):
        n = len(without)
        variance += (n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2)
    half = 1.959964 * math.sqrt(variance)
    assert (effect.low, effect.high) == pytest.approx(
        (effect.effect - half, effect.effect + half), abs=1e-6
    )

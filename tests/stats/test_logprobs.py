"""First-token log-probabilities: aligned, censored, compared in nats."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.logprobs import MAX_TOKENS, align_logprobs
from contractcheck.stats.outputs import Output, compare_outputs
from contractcheck.stats.samples import CaseSample

LOGPROBS = [Output(metric="lp", kind="logprobs")]


def row(logits, rng, k=5):
    """The k likeliest tokens of a softmax whose logits are noisy, in steps of an eighth."""
    noisy = np.asarray(logits) + 0.125 * rng.integers(-1, 2, len(logits))
    listed = np.argsort(-noisy, kind="stable")[:k]
    normal = math.log(float(np.sum(np.exp(noisy))))
    return json.dumps({f"t{i}": float(noisy[i]) - normal for i in listed})


def cases(old, new, n, rng, count=4):
    return [
        CaseSample(
            case=f"c{i}",
            baseline={"lp": [row(old, rng) for _ in range(n)]},
            candidate={"lp": [row(new, rng) for _ in range(n)]},
        )
        for i in range(count)
    ]


LOGITS = np.array([3.0, 2.5, 1.0, 0.5, 0.0, -1.0, -2.0])


def test_a_token_that_is_not_listed_counts_as_the_rows_least():
    aligned = align_logprobs([{"a": -0.1, "b": -2.0}, None, {"a": -0.3, "c": -1.5}, {}])
    assert aligned == [(-0.1, -2.0, -2.0), None, (-0.3, -1.5, -1.5), None]


def test_what_stands_for_an_impossible_token_is_censored_too():
    aligned = align_logprobs([{"a": -0.1, "b": -9999.0}, {"a": -0.1, "b": -3.0}])
    assert aligned == [(-0.1, -0.1), (-0.1, -3.0)]


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.floats(-50, 0), max_size=5), min_size=1, max_size=6
    ),
    st.randoms(),
)
def test_the_order_of_trials_and_so_their_side_plays_no_part(trials, random):
    order = list(range(len(trials)))
    random.shuffle(order)
    aligned = align_logprobs(trials)
    shuffled = align_logprobs([trials[i] for i in order])
    assert shuffled == [aligned[i] for i in order]


def test_many_tokens_are_cut_to_the_likeliest():
    (aligned,) = align_logprobs([{str(i): -float(i) for i in range(500)}])
    assert aligned == tuple(-float(i) for i in range(MAX_TOKENS))


def test_a_small_shift_is_found_in_nats_where_the_words_stay_the_same():
    rng = np.random.default_rng(0)
    shifted = LOGITS + np.array([0.0, 0.375, 0.0, 0.0, 0.0, 0.0, 0.0])
    result = compare_outputs(cases(LOGITS, shifted, 8, rng), LOGPROBS, rng=rng)
    (metric,) = result.metrics
    assert metric.p <= 0.001
    assert metric.unit == "nats"
    assert metric.low < metric.effect < metric.high
    assert 0.05 < metric.effect < 0.5
    assert sum(case.p_adjusted <= 0.05 for case in result.cases) == 4


def test_one_row_per_case_is_enough():
    rng = np.random.default_rng(1)
    shifted = LOGITS + np.array([0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert compare_outputs(cases(LOGITS, shifted, 1, rng, count=25), LOGPROBS, rng=rng).p <= 0.01


def test_equal_rows_and_one_row_a_side_show_nothing_and_have_no_nan():
    text = json.dumps({"a": -0.125, "b": -2.5})
    same = CaseSample(case="c", baseline={"lp": [text] * 5}, candidate={"lp": [text] * 5})
    single = CaseSample(
        case="d", baseline={"lp": [text]}, candidate={"lp": [json.dumps({"b": -0.1})]}
    )
    for one in (same, single):
        result = compare_outputs([one], LOGPROBS, rng=np.random.default_rng(0))
        assert result.p == 1.0
        assert math.isfinite(result.metrics[0].effect)
        assert not math.isnan(result.metrics[0].low + result.metrics[0].high)


def test_a_side_without_any_is_compared_by_presence():
    text = json.dumps({"a": -0.125})
    case = CaseSample(case="c", baseline={"lp": [text] * 6}, candidate={"lp": [None] * 6})
    result = compare_outputs([case], LOGPROBS, rng=np.random.default_rng(0))
    assert result.p <= 0.01
    assert result.metrics[0].n_candidate == 0
    assert "no case has values on both sides" in result.metrics[0].detail


@pytest.mark.parametrize("text", ["x", "[]", '{"a": "b"}', '{"a": true}', '{"a": NaN}', "[" * 9999])
def test_what_is_no_log_probability_is_refused(text):
    case = CaseSample(case="c", baseline={"lp": [text]}, candidate={"lp": [text]})
    with pytest.raises(UsageError, match="metric 'lp'"):
        compare_outputs([case], LOGPROBS, rng=np.random.default_rng(0))

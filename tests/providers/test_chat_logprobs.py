"""First-token log-probabilities, as the reference of chat completions documents them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of

from contractcheck.model.completion import Outcome
from contractcheck.providers.chat_logprobs import read_first_token
from contractcheck.providers.openai_chat import DIALECT

LISTED = [
    {"token": "Hi", "logprob": -2.25, "bytes": [72, 105]},
    {"token": "Hello", "logprob": -0.125, "bytes": [72, 101, 108, 108, 111]},
    {"token": "�", "logprob": -7.5, "bytes": [240]},
    {"token": "�", "logprob": -6.5, "bytes": [241]},
]
EXPECTED = (("Hello", -0.125), ("Hi", -2.25), ("�", -6.5))


def choice(listed, **more):
    token = {"token": "Hello", "logprob": -0.125, "bytes": None, "top_logprobs": listed}
    return {"index": 0, "logprobs": {"content": [token, {"top_logprobs": []}]}, **more}


def read(body, kind):
    return DIALECT.read(answer_of(body, kind))


USAGE = {"prompt_tokens": 7, "completion_tokens": 1}


def whole(one):
    document = {
        "model": "gpt-x",
        "choices": [
            {**one, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": USAGE,
    }
    return read(json.dumps(document).encode(), "application/json")


def streamed(*choices):
    chunks = [
        {"model": "gpt-x", "choices": [{"delta": {"content": "Hello"}, **one}]} for one in choices
    ]
    chunks.append({"model": "gpt-x", "choices": [{"delta": {}, "finish_reason": "stop"}]})
    chunks.append({"model": "gpt-x", "choices": [], "usage": USAGE})
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return read(body.encode(), "text/event-stream")


def test_whole_and_streamed_answers_give_the_likeliest_first_tokens():
    later = choice([{"token": "x", "logprob": -1.0}])
    for completion in (
        whole(choice(LISTED)),
        streamed({"logprobs": None}, {"logprobs": {"content": []}}, choice(LISTED), later),
    ):
        assert completion.outcome is Outcome.ANSWERED
        assert completion.first_token_logprobs == EXPECTED


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        [],
        {},
        {"tokens": ["Hello"], "token_logprobs": [-0.1], "top_logprobs": [{"Hello": -0.1}]},
        {"content": "x"},
        {"content": [{"top_logprobs": {"Hello": -0.1}}]},
        {"content": [{"top_logprobs": [{"token": "x", "logprob": "-1"}, {"token": 3}, True]}]},
    ],
)
def test_older_and_broken_forms_are_passed_over_and_break_nothing(logprobs):
    completion = whole({"index": 0, "logprobs": logprobs})
    assert completion.first_token_logprobs == ()
    assert completion.outcome is Outcome.ANSWERED


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "top_logprobs", "token", "logprob"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_that_a_server_sends_raises(value):
    found = read_first_token({"logprobs": value})
    assert list(found) == sorted(found, key=lambda pair: (-pair[1], pair[0]))


def test_a_server_that_lists_too_many_tokens_is_read_so_far():
    many = [{"token": str(i), "logprob": -float(i)} for i in range(5000)]
    assert len(read_first_token(choice(many))) == 100

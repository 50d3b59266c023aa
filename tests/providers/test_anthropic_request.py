"""Requests of Anthropic messages are written as the published reference says."""

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.suite import Case, Image, Message, Parameters
from contractcheck.providers.anthropic_request import write_body


def make_case(images=(), **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content="Hi", images=images),),
        tools=(),
        response_schema=None,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


def test_an_answer_in_one_piece_is_asked_for_by_saying_nothing_of_streams():
    assert "stream" not in write_body(make_case(stream=False), "m")
    assert write_body(make_case(), "m")["stream"] is True


def test_pictures_come_before_the_words():
    picture = Image(name="a.png", media_type="image/png", data=b"\x89PNG")
    (message,) = write_body(make_case(images=(picture,)), "m")["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert message["content"] == [
        {"type": "image", "source": source},
        {"type": "text", "text": "Hi"},
    ]


@pytest.mark.parametrize(
    ("effort", "limit", "thinking", "max_tokens"),
    [
        ("none", None, {"type": "disabled"}, 1024),
        ("minimal", None, {"type": "enabled", "budget_tokens": 1024}, 2048),
        ("high", None, {"type": "enabled", "budget_tokens": 4096}, 5120),
        ("medium", 9000, {"type": "enabled", "budget_tokens": 2048}, 9000),
    ],
)
def test_an_effort_is_a_budget_of_thought(effort, limit, thinking, max_tokens):
    body = write_body(make_case(reasoning_effort=effort, max_output_tokens=limit), "m")
    assert (body["thinking"], body["max_tokens"]) == (thinking, max_tokens)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"top_logprobs": 2}, "case a: anthropic tells no log-probabilities"),
        ({"reasoning_effort": "low", "max_output_tokens": 1024}, "raise it above 1024"),
    ],
)
def test_what_the_wire_cannot_say_is_refused(parameters, words):
    with pytest.raises(UsageError, match=words):
        write_body(make_case(**parameters), "m")

"""An answer of any size and depth is read, and what is wrong with it stays a short list."""

import json

import pytest
from reading_kit import answer_of

from contractcheck.model.completion import Outcome
from contractcheck.providers import dialect
from contractcheck.providers.shape import Shape
from contractcheck.simulator.aws_events import encode_event

STREAM = "application/vnd.amazon.eventstream"


def test_each_problem_is_noted_once():
    shape = Shape()
    for _ in range(3):
        shape.additive("a", "is new")
        shape.breaking("b", "is missing")
    assert [(p.path, p.severity) for p in shape.problems] == [("a", "additive"), ("b", "breaking")]


@pytest.mark.parametrize("is_break_last", [True, False])
def test_of_many_problems_a_hundred_are_noted_and_the_first_break(is_break_last):
    shape = Shape()
    if not is_break_last:
        shape.breaking("b0", "is missing")
    for number in range(5000):
        shape.unknown(f"a{number}", "text")
    for number in range(5000):
        shape.breaking(f"b{number}", "is missing")
    breaks = [p.path for p in shape.problems if p.severity == "breaking"]
    assert len(shape.problems) <= 101
    assert breaks == ["b0"]
    assert shape.first_break.path == "b0"
    assert len(shape.unread) <= 100


@pytest.mark.parametrize(
    ("value", "carries"),
    [
        ("Hello", True),
        (" \n", False),
        ({"a": {"b": "Hello"}}, True),
        ({"type": "text", "id": "x", "a": {"name": "y", "n": 3}}, False),
        (3, False),
        (None, False),
    ],
)
def test_members_that_carry_text_are_told_from_labels(value, carries):
    shape = Shape()
    shape.unknown("a", value)
    assert shape.unread == (["a"] if carries else [])


def strange_answers(value, count):
    """Answers of several wires with unknown members, as text and as events."""
    return {
        "anthropic": {"content": [{"type": "x", "a": value}] * count},
        "bedrock": {"output": {"message": {"content": [{"x": value}] * count}}},
        "gemini": {"candidates": [{"content": {"parts": [{"x": value}] * count}}]},
        "openai": {"choices": [{"message": {f"x{n}": value for n in range(count)}}]},
    }


def read(provider, body, content_type="application/json"):
    return dialect(provider).read(answer_of(body, content_type))


@pytest.mark.parametrize("provider", sorted(strange_answers(None, 0)))
def test_a_value_nested_as_deeply_as_json_may_be_is_read(provider):
    deep = {"a": "b"}
    for _ in range(400):
        deep = {"a": deep}
    for depth in (1, 2):  # what orjson still reads, and what it refuses
        deeper = json.dumps(strange_answers("DEEP", 1)[provider]).replace(
            '"DEEP"', '{"a":' * 500 * depth + json.dumps(deep) + "}" * 500 * depth
        )
        assert read(provider, deeper.encode()).outcome is Outcome.MALFORMED


@pytest.mark.parametrize("provider", sorted(strange_answers(None, 0)))
def test_an_answer_full_of_strange_parts_has_a_short_list_of_problems(provider):
    body = json.dumps(strange_answers("text", 20_000)[provider]).encode()
    completion = read(provider, body)
    assert completion.outcome is Outcome.MALFORMED
    assert len(completion.wire_problems) <= 101


def test_so_has_a_stream_of_strange_events():
    events = [{"contentBlockIndex": 0, "delta": {f"x{n}": "text"}} for n in range(5000)]
    frames = [encode_event("contentBlockDelta", json.dumps(event).encode()) for event in events]
    frames += [
        encode_event("messageStop", b'{"stopReason": "end_turn"}'),
        encode_event("metadata", b'{"usage": {}}'),
    ]
    completion = read("bedrock", b"".join(frames), STREAM)
    assert completion.outcome is Outcome.MALFORMED
    assert len(completion.wire_problems) <= 101

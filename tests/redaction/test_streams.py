"""A secret that is spelled out over several events."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, redact_body, streams
from contractcheck.redaction.streams import joined_text, text_field
from contractcheck.repeats import Repeats, split_repeats

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
SHAPED = "sk-proj-aB3dE5gH7jK9mN1pQ3rS5"
EVENTS = {
    "openai": lambda text: {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "delta": {"content": text}}],
    },
    "openai tools": lambda text: {
        "choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}}]
    },
    "openai responses": lambda text: {
        "type": "response.output_text.delta",
        "delta": text,
        "logprobs": [],
    },
    "anthropic": lambda text: {
        "type": "content_block_delta",
        "delta": {"type": "text_delta", "text": text},
    },
    "anthropic tools": lambda text: {"delta": {"type": "input_json_delta", "partial_json": text}},
    "anthropic thinking": lambda text: {"delta": {"type": "thinking_delta", "thinking": text}},
    "google": lambda text: {"candidates": [{"content": {"parts": [{"text": text}]}}]},
}


def stream(event, pieces, **dumps):
    events = [json.dumps(event(piece), **dumps).encode() for piece in pieces]
    return b"".join(b"event: x\ndata: " + one + b"\n\n" for one in events) + b"data: [DONE]\n\n"


def cut(text, places):
    bounds = [0, *sorted(places), len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


@settings(deadline=None)
@given(
    st.sampled_from(list(EVENTS)),
    st.sampled_from([SECRET, SHAPED]),
    st.sets(st.integers(1, 70), max_size=20),
    st.sampled_from([{}, {"separators": (",", ":")}]),
)
def test_a_split_secret_is_starred_in_every_event_and_all_stays_json(name, secret, places, dumps):
    text = f'I know that "{secret}" \n is your key'
    pieces = cut(text, {place for place in places if place < len(text)})
    before = stream(EVENTS[name], pieces, **dumps)
    scrubber = Scrubber.for_secrets([SECRET])
    after = scrubber.scrub(before)
    starred = text.replace(secret, "*" * len(secret))
    lengths = [len(piece) for piece in pieces]
    expected = [starred[sum(lengths[:n]) : sum(lengths[: n + 1])] for n in range(len(lengths))]
    assert after == stream(EVENTS[name], expected, **dumps)
    assert scrubber.scrub(after) == after


@pytest.mark.parametrize("name", EVENTS)
def test_a_stream_of_ordinary_words_is_left_alone(name):
    words = [
        "Risk-averse",
        "people",
        "ask:",
        "is",
        "the",
        "api_key",
        "task-bound",
        "?",
        "It",
        "is",
        "not:",
        "sk-learn",
        "says",
        "so",
        ".",
    ]
    before = stream(EVENTS[name], [word + " " for word in words] * 20)
    assert Scrubber.for_secrets([SECRET]).scrub(before) == before


def test_answers_that_come_at_once_are_told_apart():
    def event(number, text):
        return {"choices": [{"index": number, "delta": {"content": text}, "finish_reason": None}]}

    text = f"I know {SECRET} is yours"
    texts = [text[start : start + 4] for start in range(0, len(text), 4)]
    events = [json.dumps(event(number, piece)) for piece in texts for number in (0, 1)]
    before = "".join(f"data: {one}\n\n" for one in events).encode()
    after = Scrubber.for_secrets([SECRET]).scrub(before)
    said = ["", ""]
    for line in after.decode().split("\n\n")[:-1]:
        (choice,) = json.loads(line.removeprefix("data: "))["choices"]
        said[choice["index"]] += choice["delta"]["content"]
    assert said == [f"I know {'*' * len(SECRET)} is yours"] * 2


@settings(deadline=None)
@given(
    st.sampled_from(list(EVENTS)),
    st.lists(
        st.text('ab \\\\"{}\n', max_size=4) | st.sampled_from([" the", "\\\\", "", '"']),
        max_size=20,
    ),
    st.sampled_from([{}, {"separators": (",", ":")}]),
    st.sets(st.integers(0, 19), max_size=2),
)
def test_what_a_stream_spells_is_the_same_if_its_parts_are_known(name, pieces, dumps, odd):
    event = EVENTS[name]
    lines = [stream(event, [piece], **dumps).removesuffix(b"data: [DONE]\n\n") for piece in pieces]
    for place in odd & set(range(len(lines))):
        lines[place] = b'data: {"role": "assistant", "content": "odd"}\n\n'
    data = b"".join(lines) + b"data: [DONE]\n\n"
    repeats = split_repeats(data.decode())
    if (field := text_field(data)) is not None:
        assert joined_text(data, field, repeats) == joined_text(data, field)
    scrubber = Scrubber.for_secrets([SECRET])
    assert scrubber.scrub(data, repeats) == scrubber.scrub(data)


WORDS = ['"', "content", "text", '":', '"content":"', '"content": "', '"}', "\n\n", "data: {", "\\"]
RAW = [
    "a",
    " b",
    "\\\\",
    "\\n",
    "\\",
    "\n",
    "\\\n",
    "é",
    "content",
    ":",
    "",
    '"',
    '{"content":"q"',
    '\\"',
]


def of(words, most):
    return st.lists(st.sampled_from(words), max_size=most).map("".join)


@settings(deadline=None, max_examples=400)
@given(
    of(['"', "a", *WORDS], 5).map(lambda text: f'{text}"content":"'),
    of([*RAW, '"content":"', '"content":'], 3),
    st.lists(of(RAW, 3) | of(RAW[:10], 2), min_size=1, max_size=5),
    of(RAW, 3),
)
@example('"}\n\n{"content":"', '{"content":"a', ["see \\\n", "b"], "c")
@example('"}\n\n{"content":"', '{"content":"a\\', ["b", "c"], "d")
@example('"content":"', '{"content":', ["b", "c"], "d")
@example('"}\n\n{"content":"', '{"content":"a', ["b\\", "c"], "d")
@example('"}\n\n{"content":"', '{"content":"a', ['b"', "c"], "d")
@example('"}\n\n{"content":"x"}\n\n{"content":"', '{"content":"a', ["b", "c"], "d")
@example('a"}\n\n{"content":"', '{"content":"a', ["b", "c"], "d")
def test_whatever_the_parts_are_nothing_else_is_spelled(joint, first, inner, last):
    """Not only of JSON: a gateway may write what it likes."""
    repeats = Repeats(joint, [first, *inner, last])
    data = joint.join(repeats.parts).encode()
    assert joined_text(data, b"content", repeats) == joined_text(data, b"content")


@pytest.mark.parametrize("odd", ["see \\\n", "see \\"])
def test_an_event_that_is_no_json_hides_no_secret(odd):
    pieces = ["I ", "know", " that", *cut(SECRET, {5, 9, 13, 17}), odd, " is", " it", "."]
    data = "".join(f'data: {{"content":"{piece}"}}\n\n' for piece in pieces).encode()
    redacted = redact_body(data, "", Scrubber.for_secrets([SECRET]))
    assert not redacted.is_clean
    assert b"**" in redacted.body


def test_parts_that_are_known_spare_the_look_at_every_event():
    words = [
        f" {word}"
        for word in ["the", "order", "was", "sent", "on", "Monday", "and", "is", "under", "way"]
    ]
    data = stream(EVENTS["openai"], [*words, *words])
    repeats = split_repeats(data.decode())
    field = text_field(data)
    once = streams._once(repeats, streams._pieces_of(field))
    assert len(once) < len(data) / 3
    assert joined_text(data, field, repeats) == "".join([*words, *words]).encode()


@settings(deadline=None)
@given(st.sampled_from(list(EVENTS)), st.sets(st.integers(1, 70), min_size=4, max_size=20))
def test_a_split_secret_is_found_in_a_stream_whose_parts_are_known(name, places):
    text = f"I know that {SECRET} is your key"
    data = stream(EVENTS[name], cut(text, {place for place in places if place < len(text)}))
    redacted = redact_body(data, "", Scrubber.for_secrets([SECRET]))
    assert not redacted.is_clean
    assert redacted.repeats is None
    assert redacted.body == Scrubber.for_secrets([SECRET]).scrub(data) != data

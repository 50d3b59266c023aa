"""Text of which one passage repeats: written once, and the same text again."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.repeats import MOST_JOINT_BYTES, join_repeats, split_repeats

LINE_ENDS = ("\n\n", "\r\n\r\n", "\n")
WORDS = (
    "the",
    " refund",
    " is",
    ' "on"',
    " its",
    " w\u00e4y",
    " \u2019",
    "\\",
    ":",
    "{",
    "",
    " 12",
)


def event(word, **changes):
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
    return "data: " + json.dumps(
        {"id": "chatcmpl-7", "object": "chunk", "choices": [choice], "usage": None, **changes}
    )


@st.composite
def streams(draw):
    """Events that are alike but for a word, some of another kind among them, ended somehow."""
    words = draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=30))
    odd = draw(st.sets(st.integers(0, 30), max_size=4))
    tail = draw(st.text(max_size=20))
    number = draw(st.booleans())
    events = [
        f"event: ping {n}"
        if n in odd
        else event(word, **({"sequence_number": n} if number else {}))
        for n, word in enumerate(words)
    ]
    end = draw(st.sampled_from(LINE_ENDS))
    return end.join(events) + end + tail


@given(text=st.text(max_size=60) | streams() | st.text('a\n{:"', max_size=200))
def test_the_parts_joined_are_the_text(text):
    found = split_repeats(text)
    assert found == split_repeats(text)
    if found is not None:
        assert join_repeats(*found) == text.encode()
        assert len(found[0].encode()) <= MOST_JOINT_BYTES
        assert len(orjson.dumps(found._asdict())) < len(orjson.dumps(text))


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("changing", [False, True])
def test_a_stream_is_kept_as_what_changes_in_it(end, changing):
    words = [f" {word}" for word in (*"abcdefghij", "refund", "of", "five", "is", "on", "its")]
    events = [
        event(word, **({"usage": {"tokens": 100 + n}} if changing else {}))
        for n, word in enumerate(words)
    ]
    text = end.join([event("", role="assistant"), *events, "data: [DONE]", ""])
    parts = split_repeats(text)[1]
    assert len(orjson.dumps(parts)) < len(text) / (1.5 if changing else 3)
    assert all(any(word in part for part in parts) for word in words)
    if not changing:
        assert parts[11:15] == [" of", " five", " is", " on"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        json.dumps({"choices": [{"message": {"content": "word " * 800}}]}),
        json.dumps({"a": [1, 2, 3], "b": {"c": "x"}, "d": "a longer text"}, indent=2),
        "A paragraph.\n\nAnother one, of more words.\n\nA third.\n\nThe end.\n\nReally.",
        "".join(event(word) + "\n\n" for word in ("one", "two")),
    ],
)
def test_what_hardly_repeats_stays_in_one_piece(text):
    assert split_repeats(text) is None


def test_lines_of_a_few_characters_stay_in_one_piece():
    """Each part costs its quotes and a comma."""
    assert split_repeats("1\n" * 4_000) is None
    assert split_repeats("1,2\n" * 4_000) is None


def test_no_text_longer_than_any_answer_is_in_parts(monkeypatch):
    text = "".join(event(f"w{n}") + "\n\n" for n in range(30))
    assert split_repeats(text) is not None
    monkeypatch.setattr("contractcheck.repeats.MOST_TEXT", len(text))
    assert split_repeats(text) is not None
    assert split_repeats(f"{text}.") is None
    joint, parts = split_repeats(text)
    with pytest.raises(ValueError, match="parts that spell more than"):
        join_repeats(joint, parts * 2)


def test_of_an_event_as_long_as_a_page_no_more_is_joined_than_may_be():
    text = "".join(event(f"w{n}", padding="é" * 2_000) + "\n\n" for n in range(9))
    assert split_repeats(text) is None  # 384 bytes are not a quarter of such an event
    text = "".join(f"é, {n}, " + "é, " * 190 + "\n" for n in range(9))
    joint, parts = split_repeats(text)
    assert MOST_JOINT_BYTES - 100 < len(joint.encode()) <= MOST_JOINT_BYTES
    assert join_repeats(joint, parts) == text.encode()


def test_hits_of_which_most_are_none_are_looked_at_once_more():
    """Two kinds of events take turns, and begin alike for more than a hundred characters."""
    one = [event(f"w{n}", object="chunk" * 40, kind="one") + "\n\n" for n in range(40)]
    other = [event(f"w{n}", object="chunk" * 40, kind="two") + "\n\n" for n in range(40)]
    text = "".join([*one[:20], *(a + b for a, b in zip(one, other, strict=True)), *other])
    joint, parts = split_repeats(text)
    assert join_repeats(joint, parts) == text.encode()
    assert joint not in "".join(parts)


@pytest.mark.parametrize("places", [(30,), (30, 31), (20, 21, 22, 25, 33), (39,)])
def test_a_hit_that_is_none_stays_in_its_part(places):
    """Some events have no value, and begin like the others for more than a hundred characters."""
    events = [event(f"w{n}", object="chunk" * 40) + "\n\n" for n in range(40)]
    for place in places:
        events[place] = event(f"w{place}", object="chunk" * 40).replace("null}]", "stop}]") + "\n\n"
    joint, parts = split_repeats("".join(events))
    assert join_repeats(joint, parts) == "".join(events).encode()
    assert len(parts) == 40 - sum(place < 39 for place in places)  # nothing comes after the last

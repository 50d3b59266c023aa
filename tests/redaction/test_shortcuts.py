"""What ``scrub`` leaves out of its search for the sake of speed is never a secret.

The oracle is the search without any shortcut: every finder over every byte, until nothing changes.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber
from contractcheck.redaction.addresses import find_in_addresses
from contractcheck.redaction.fields import find_fields
from contractcheck.redaction.shapes import find_shapes
from contractcheck.redaction.streams import find_in_streams

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
SHAPED = "sk-proj-aB3dE5gH7jK9mN1pQ3rS5"
FIELDS = ["content", "text", "delta", "arguments", "partial_json", "reasoning", "thinking", "note"]
SPACES = ["", " ", "\t", "\n", "\v", "  "]
NUMBERS = ["", '"index": 0, ', '"index":0,', '"index": 1,', '"index":\t2,', '"output_index":1, ']
ODD = ["", " the", "\\n", '\\"', "\\\\", '"', "\\", "é", 'x\\"content": "', "data:", '"index": 1']

scrubber = Scrubber.for_secrets([SECRET])


def find_everything(data):
    def find_certain(text):
        for span in scrubber.known.find(text):
            yield span, "known"
        yield from find_shapes(text)

    yield from find_certain(data)
    yield from find_fields(data)
    yield from find_in_addresses(data)
    yield from find_in_streams(data, find_certain)


def scrub_without_shortcuts(data):
    while True:
        starred = bytearray(data)
        for (start, end), _ in find_everything(data):
            starred[start:end] = b"*" * (end - start)
        if starred == data:
            return data
        data = bytes(starred)


@st.composite
def streams(draw):
    """Events that spell a secret, in one field or another, between events that spell anything."""
    secret = draw(st.sampled_from([SECRET, SHAPED, "password: hunter2"]))
    places = sorted(draw(st.sets(st.integers(1, len(secret) - 1), min_size=1, max_size=8)))
    pieces = [secret[a:b] for a, b in zip([0, *places], [*places, len(secret)], strict=True)]
    usual = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(SPACES))
    numbers = draw(st.sampled_from([NUMBERS[:1], NUMBERS[1:3], NUMBERS]))
    events = []
    for piece in pieces:
        for odd in draw(st.lists(st.sampled_from(ODD), max_size=2)):
            name = draw(st.sampled_from([usual[0], usual[0], *FIELDS]))
            events.append((name, draw(st.sampled_from(SPACES)), odd))
        events.append((*usual, piece))
    return b"".join(
        f'data: {{{draw(st.sampled_from(numbers))}"{name}":{space}"{text}"}}\n\n'.encode()
        for name, space, text in events
    )


@settings(deadline=None, max_examples=120)
@given(streams(), st.integers(0, 40))
def test_no_shortcut_misses_what_a_stream_spells(data, cut_bytes):
    for body in (data, data[:-cut_bytes]):
        assert scrubber.scrub(body) == scrub_without_shortcuts(body)


@pytest.mark.parametrize("number", [1, 2, 9, 10])
@pytest.mark.parametrize("space", ["", " "])
def test_answers_of_any_number_are_told_apart(number, space):
    events = [
        f'data: {{"index":{space}{index}, "delta": {{"content": "{text}"}}}}\n\n'
        for start in range(0, len(SECRET), 4)
        for index, text in ((0, "some"), (number, SECRET[start : start + 4]))
    ]
    after = scrubber.scrub("".join(events).encode()).decode()
    said = [json.loads(event[6:])["delta"]["content"] for event in after.split("\n\n")[1:-1:2]]
    assert set("".join(said)) == {"*"}


@pytest.mark.parametrize("field", FIELDS[:-1])
@pytest.mark.parametrize("space", SPACES[:-1])
def test_a_secret_in_one_field_is_found_beside_text_in_any_other(field, space):
    for other in FIELDS[:-1]:
        words = f'data: {{"{other}": "words"}}\n\n'
        before = words + "".join(
            f'data: {{"{field}":{space}"{SECRET[start : start + 5]}"}}\n\n{words}'
            for start in range(0, len(SECRET), 5)
        )
        after = scrubber.scrub(before.encode())
        if other == field:
            assert after == scrub_without_shortcuts(before.encode())
        else:
            assert after.count(b"*") == len(SECRET)

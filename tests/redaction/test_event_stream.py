import base64
import json
import struct
import zlib
from itertools import pairwise

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, redact_body

SECRET = "bedrock/key+0123456789abcdef=="  # noqa: S105 - made up, to be found
scrubber = Scrubber.for_secrets([SECRET])


def message(payload, **headers):
    """One message as Amazon's services write it; header values are strings (type 7)."""
    packed = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", 7, len(value))
        + value.encode()
        for name, value in {":event-type": "chunk", **headers}.items()
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    body = prelude + packed + payload
    return body + struct.pack(">I", zlib.crc32(body))


def parse(data):
    """Read with botocore, which refuses wrong checksums."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(one.headers, one.payload) for one in buffer]


def payload(text):
    inner = json.dumps({"type": "delta", "text": text}).encode()
    return json.dumps({"bytes": base64.b64encode(inner).decode()}).encode()


STREAM = (
    message(b'{"text": "hello"}'),
    message(json.dumps({"text": f"you sent {SECRET}"}).encode()),
    message(payload(f"again {SECRET} and more")),
    message(b"{}", note=f"x{SECRET}y"),
    message(b'{"text": "bye"}'),
)


def test_an_event_stream_is_still_one_when_a_secret_was_starred():
    before = b"".join(STREAM)
    redacted = redact_body(before, "", scrubber)
    after = redacted.body
    assert len(after) == len(before)
    assert not redacted.is_recoded
    old, new = parse(before), parse(after)
    assert [old[number] == new[number] for number in range(5)] == [True, False, False, False, True]
    assert json.loads(new[1][1])["text"] == "you sent " + "*" * len(SECRET)
    assert new[3][0]["note"] == "x" + "*" * len(SECRET) + "y"
    core = base64.b64encode(SECRET.encode())[4:20]
    assert SECRET.encode() not in after
    assert core not in after
    assert redact_body(after, "", scrubber).body == after


def test_a_message_that_was_wrong_when_it_came_stays_wrong():
    broken = bytearray(STREAM[1])
    broken[-1] ^= 1
    after = redact_body(STREAM[0] + bytes(broken), "", scrubber).body
    assert SECRET.encode() not in after
    with pytest.raises(ChecksumMismatch):
        parse(after)


@given(st.integers(0, sum(map(len, STREAM))))
def test_a_stream_that_was_cut_off_keeps_its_whole_messages(cut):
    before = b"".join(STREAM)[:cut]
    after = redact_body(before, "", scrubber).body
    assert len(after) == cut
    assert SECRET.encode() not in after
    whole = [index for index in range(6) if sum(map(len, STREAM[:index])) <= cut][-1]
    assert len(parse(after)) == whole


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_bytes_that_are_no_event_stream_are_only_starred(before, after):
    body = before + SECRET.encode() + after
    assert redact_body(body, "", scrubber).body == scrubber.scrub(body)


def converse_text(text):
    return {"contentBlockIndex": 0, "delta": {"text": text}, "p": "abcdef"}


def converse_input(text):
    return {"contentBlockIndex": 1, "delta": {"toolUse": {"input": text}}, "p": "ab"}


def converse_thought(text):
    return {"p": "ab", "delta": {"reasoningContent": {"text": text}}, "contentBlockIndex": 0}


@given(
    st.sampled_from([converse_text, converse_input, converse_thought]),
    st.sampled_from([SECRET, "sk-proj-aB3dE5gH7jK9mN1pQ3rS5"]),
    st.sets(st.integers(1, 60), max_size=20),
)
def test_a_secret_spelled_over_several_messages_is_starred(event, secret, places):
    text = f'I know that "{secret}" \n is your key'
    bounds = [0, *sorted(place for place in places if place < len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    before = b"".join(message(json.dumps(event(piece)).encode()) for piece in pieces)
    after = redact_body(before, "", scrubber).body
    starred = text.replace(secret, "*" * len(secret))
    told = [json.loads(payload) for _, payload in parse(after)]
    assert told == [event(starred[start:end]) for start, end in pairwise(bounds)]
    assert redact_body(after, "", scrubber).body == after


def test_blocks_that_come_at_once_are_told_apart():
    pieces = [SECRET[start : start + 4] for start in range(0, len(SECRET), 4)]
    events = [
        {"contentBlockIndex": number, "delta": {"text": piece}}
        for piece in pieces
        for number in (0, 1)
    ]
    before = b"".join(message(json.dumps(event).encode()) for event in events)
    said = ["", ""]
    for _, payload in parse(redact_body(before, "", scrubber).body):
        event = json.loads(payload)
        said[event["contentBlockIndex"]] += event["delta"]["text"]
    assert said == ["*" * len(SECRET)] * 2


def test_ordinary_words_in_messages_are_left_alone():
    words = ["Risk-averse", "people", "ask:", "is", "the", "api_key", "task-bound", "sk-learn", "?"]
    before = b"".join(
        message(json.dumps(event(f"{word} ")).encode())
        for event in (converse_text, converse_input)
        for word in words * 20
    )
    redacted = redact_body(before, "", scrubber)
    assert (redacted.body, redacted.is_clean) == (before, True)

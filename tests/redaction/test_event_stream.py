import base64
import json
import struct
import zlib

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

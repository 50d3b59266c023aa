"""Binary event streams, held against botocore's reader and the simulator's writer."""

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of

from contractcheck.providers.aws_event_stream import parse_event_stream, read_aws_frames
from contractcheck.simulator.aws_events import encode_event, encode_exception

names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
VALUES = {
    "true": (0, b""),
    "false": (1, b""),
    "byte": (2, b"\x07"),
    "short": (3, b"\x00\x07"),
    "integer": (4, struct.pack(">i", -7)),
    "long": (5, struct.pack(">q", 7)),
    "bytes": (6, b"\x00\x03abc"),
    "timestamp": (8, struct.pack(">q", 1_700_000_000_000)),
    "uuid": (9, bytes(range(16))),
}


def text(value):
    return 7, struct.pack(">H", len(value.encode())) + value.encode()


def header(name, kind, value):
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def framed(headers, payload=b"{}", *, size_bytes=None, header_bytes=None):
    total = 16 + len(headers) + len(payload) if size_bytes is None else size_bytes
    lengths = struct.pack(">II", total, len(headers) if header_bytes is None else header_bytes)
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def by_botocore(body):
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    return [(event.headers, event.payload) for event in buffer]


@given(st.lists(st.tuples(names, st.binary(max_size=60)), max_size=4))
def test_messages_are_read_as_botocore_reads_them(events):
    pieces = [encode_event(name, payload) for name, payload in events]
    stream = parse_event_stream(b"".join(pieces))
    assert (stream.is_cut, stream.flaw) == (False, "")
    assert [(m.headers, m.payload) for m in stream.messages] == by_botocore(b"".join(pieces))
    assert [m.name for m in stream.messages] == [name for name, _ in events]
    ends = [len(b"".join(pieces[: n + 1])) - 1 for n in range(len(pieces))]
    assert [m.last_byte for m in stream.messages] == ends


@given(st.permutations(sorted(VALUES)), names)
def test_headers_of_any_type_are_passed_over_for_texts(kinds, value):
    headers = b"".join(header(kind, *VALUES[kind]) for kind in kinds)
    body = framed(headers + header(":event-type", *text(value)))
    (message,) = parse_event_stream(body).messages
    ((theirs, payload),) = by_botocore(body)
    assert message.headers == {":event-type": theirs[":event-type"]} == {":event-type": value}
    assert message.payload == payload
    assert set(theirs) == {":event-type", *VALUES}


def test_a_stream_that_was_cut_keeps_its_whole_messages():
    pieces = [encode_event("messageStart", b'{"role":"assistant"}'), encode_event("é", b"x" * 40)]
    body = b"".join(pieces)
    for size_bytes in range(len(body) + 1):
        stream = parse_event_stream(body[:size_bytes])
        count = (size_bytes >= len(pieces[0])) + (size_bytes == len(body))
        assert len(stream.messages) == count
        assert stream.is_cut is (size_bytes not in (0, len(pieces[0]), len(body)))
        assert stream.flaw == ""


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_byte_changes_unseen(place, mask):
    pieces = [encode_event("messageStart", b'{"role":"assistant"}'), encode_event("b", b"{}")]
    body = bytearray(b"".join(pieces))
    place %= len(body)
    body[place] ^= mask
    stream = parse_event_stream(bytes(body))
    whole = int(place >= len(pieces[0]))
    start = whole * len(pieces[0])
    assert len(stream.messages) == whole
    assert stream.flaw.startswith(f"the message at byte {start} has a wrong checksum")
    assert not stream.is_cut


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (framed(b"", size_bytes=15), "tells impossible lengths (15 bytes, 0 of headers)"),
        (framed(b"", header_bytes=9, payload=b""), "impossible lengths (16 bytes, 9 of headers)"),
        (framed(b"", size_bytes=2**31), "tells impossible lengths"),
        (framed(b"", size_bytes=200_000, header_bytes=131_073), "tells impossible lengths"),
        (framed(header("a", 10, b"")), "has headers that cannot be read"),
        (framed(header("a", 7, b"\x00\x09abc")), "has headers that cannot be read"),
        (framed(header("a", 7, b"\x00")), "has headers that cannot be read"),
        (framed(header("a", 7, b"\x00\x02\xff\xff")), "has headers that cannot be read"),
        (framed(header("a", 5, b"\x00")), "has headers that cannot be read"),
        (framed(b"\x09abc"), "has headers that cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(body, words):
    first = encode_event("a", b"{}")
    stream = parse_event_stream(first + body)
    assert len(stream.messages) == 1
    assert stream.flaw.startswith(f"the message at byte {len(first)} ")
    assert words in stream.flaw


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(body):
    stream = parse_event_stream(body)
    assert bool(body) is bool(stream.messages or stream.flaw or stream.is_cut)


def response(body, kind):
    return answer_of(body, kind)


def test_frames_carry_the_name_of_event_or_exception():
    body = encode_event("messageStart", b'{"role": "assistant"}')
    body += encode_exception("throttlingException", b"\xff")
    first, second = read_aws_frames(response(body, "Application/vnd.amazon.EventStream"))
    assert (first.name, first.document) == ("messageStart", {"role": "assistant"})
    assert (second.name, second.document, second.text) == ("throttlingException", None, "\ufffd")
    assert second.last_byte == len(body) - 1
    (whole,) = read_aws_frames(response(b'{"a": 1}', "application/json"))
    assert (whole.name, whole.document, whole.last_byte) == ("", {"a": 1}, 7)

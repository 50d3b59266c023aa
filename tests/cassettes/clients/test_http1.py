"""Framing: what is taken off a wire in any pieces is what was put on it."""

import http.client
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes.clients.http1 import Deframer, Framer, Framing, framing_of
from contractcheck.model.exchange import Exchange, Request, Response

CHUNKS = Framing(kind="chunks")

bodies = st.lists(st.binary(min_size=1, max_size=30), max_size=8)


def make(chunks, *, headers=(), method="POST", status=200, ended="eof", reason="OK"):
    response = Response(
        status=status,
        http_version="HTTP/1.1",
        headers=tuple(headers),
        body=b"".join(chunks),
        chunk_bytes=tuple(map(len, chunks)),
        chunk_times_us=tuple(range(len(chunks))),
        reason=reason,
    )
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method=method, url="http://h/", headers=(), body=b"", digest="d"),
        response=response,
        started_at="2026-01-01T00:00:00+00:00",
        waited_us=0,
        headers_us=0,
        end_us=0,
        ended=ended,
        error="IncompleteRead" if ended == "error" else None,
    )


def wire(exchange):
    framer = Framer(exchange, exchange.response)
    chunks = map(framer.chunk, exchange.response.chunks())
    return framer.head(), b"".join(chunks) + framer.end()


def cut(data, places):
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


@given(bodies, st.lists(st.integers(min_value=0), max_size=10))
def test_chunks_survive_any_cutting_of_the_wire(chunks, places):
    _, data = wire(make(chunks, headers=[("Transfer-Encoding", "chunked")]))
    for whole_chunks in (False, True):
        deframer = Deframer(CHUNKS, whole_chunks=whole_chunks)
        pieces = [piece for part in cut(data, places) for piece in deframer.feed(part)]
        assert b"".join(pieces) == b"".join(chunks)
        assert deframer.is_complete
        if whole_chunks:
            assert pieces == chunks


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=4))
def test_no_bytes_crash_a_deframer_in_another_way_than_it_says(data, places):
    deframer = Deframer(CHUNKS)
    try:
        pieces = [piece for part in cut(data, places) for piece in deframer.feed(part)]
    except ValueError:
        return
    assert all(piece in data for piece in pieces)


@given(bodies, st.lists(st.integers(min_value=0), max_size=4))
def test_a_known_length_ends_the_body_and_what_follows_is_ignored(chunks, places):
    body = b"".join(chunks)
    deframer = Deframer(Framing(kind="length", length_bytes=len(body)))
    pieces = [piece for part in cut(body + b"HTTP/1.1", places) for piece in deframer.feed(part)]
    assert (b"".join(pieces), deframer.is_complete) == (body, True)


def test_extensions_trailers_and_bare_line_feeds_are_understood():
    deframer = Deframer(CHUNKS)
    data = b"3;name=value\r\nabc\r\n2 \nde\n0\r\nx-checksum: 1\r\n\r\nleft over"
    assert (deframer.feed(data), deframer.is_complete) == ([b"abc", b"de"], True)


@pytest.mark.parametrize(
    "line", [b"-5\r\n", b"0x5\r\n", b"\r\n", b"z\r\n", b"1_0\r\n", b"1" * 70_000]
)
def test_a_size_that_is_none_is_refused(line):
    with pytest.raises(ValueError, match="chunk"):
        Deframer(CHUNKS).feed(line)


def test_an_unfinished_chunk_is_held_back_until_it_is_asked_for():
    deframer = Deframer(CHUNKS, whole_chunks=True)
    assert deframer.feed(b"5\r\nab") == []
    assert deframer.feed(b"c") == []
    assert (deframer.rest(), deframer.rest()) == ([b"abc"], [])


@pytest.mark.parametrize(
    ("method", "status", "headers", "kind"),
    [
        ("POST", 200, {"Transfer-Encoding": "gzip, Chunked", "Content-Length": "3"}, "chunks"),
        ("POST", 200, {"content-length": "3"}, "length"),
        ("POST", 200, {}, "close"),
        ("POST", 200, {"content-length": "-3"}, "close"),
        ("HEAD", 200, {"content-length": "3"}, "none"),
        ("GET", 204, {}, "none"),
        ("GET", 304, {"content-length": "3"}, "none"),
        ("GET", 101, {}, "none"),
    ],
)
def test_where_a_body_ends(method, status, headers, kind):
    assert framing_of(method, status, tuple(headers.items())).kind == kind


class Wire:
    """What ``http.client`` wants of a socket."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _mode):
        return io.BytesIO(self.data)


def read_by_http_client(exchange, **options):
    response = http.client.HTTPResponse(Wire(b"".join(wire(exchange))), **options)
    response.begin()
    return response


@given(bodies, st.sampled_from(["chunked", "length", "close"]))
def test_http_client_reads_what_was_recorded(chunks, kind):
    headers = {
        "chunked": [("Transfer-Encoding", "chunked")],
        "length": [("Content-Length", str(sum(map(len, chunks))))],
        "close": [],
    }[kind]
    headers = [("X-Same", "1"), ("x-same", "2"), *headers]
    response = read_by_http_client(make(chunks, headers=headers, status=418, reason="Teapot é"))
    assert response.read() == b"".join(chunks)
    assert (response.status, response.reason) == (418, "Teapot é")
    assert response.headers.items() == headers


def test_a_length_that_redaction_changed_is_told_as_it_is():
    response = read_by_http_client(make([b"12345"], headers=[("Content-Length", "9")]))
    assert response.read() == b"12345"


def test_a_broken_body_is_left_without_its_end():
    for headers in ([("Content-Length", "9")], [("Transfer-Encoding", "chunked")]):
        response = read_by_http_client(make([b"12345"], headers=headers, ended="error"))
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_body_that_was_read_in_part_is_no_whole_one():
    for headers in ([("Content-Length", "9")], [("Transfer-Encoding", "chunked")]):
        response = read_by_http_client(make([b"12345"], headers=headers, ended="closed"))
        assert response.read(5) == b"12345"
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_an_empty_chunk_does_not_end_a_body():
    response = read_by_http_client(
        make([b"1", b"", b"2"], headers=[("transfer-encoding", "chunked")])
    )
    assert response.read() == b"12"


def test_no_body_is_sent_where_none_is_allowed():
    response = read_by_http_client(
        make([], headers=[("content-length", "7")], method="HEAD"), method="HEAD"
    )
    assert (response.read(), response.headers["content-length"]) == (b"", "7")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_recording_cannot_add_headers(reason, value):
    exchange = make([], headers=[("x-a", value), ("content-length", "0")], reason=reason)
    head, body = wire(exchange)
    assert body == b""
    assert head.count(b"\r\n") == 4
    assert head.count(b"\n") == 4


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "\xb2", "1e3", ""])
def test_a_length_that_is_none_is_not_taken_for_one(length):
    assert framing_of("GET", 200, (("content-length", length),)) == Framing(kind="close")

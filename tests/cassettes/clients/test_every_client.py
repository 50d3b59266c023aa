"""One table over every client: what it sees live, it sees again with the server gone."""

import asyncio
import contextlib
import contextvars
import gzip
import ssl
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import aiohttp
import botocore.awsrequest
import botocore.httpsession
import brotli
import httpx  # noqa: TID251 - recorded too
import httpx2
import pytest
import requests  # noqa: TID251 - recorded too
import urllib3
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import MemoryTape, in_trial, recording, replaying
from contractcheck.errors import RecordingError, ReplayError
from contractcheck.redaction import Scrubber

ANYTHING = Scrubber.for_secrets(())
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here; loading the certificates of the world takes longest of all."""

LARGE = b"0123456789abcdef" * 60_000
TEXT = b'{"text": "' + b"so many words " * 300 + b'"}'


@dataclass
class Seen:
    """What a client told its caller."""

    status: int | None = None
    reason: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    error: type[BaseException] | None = None

    @property
    def body(self):
        return b"".join(self.chunks)


@contextlib.contextmanager
def noting_errors(seen):
    try:
        yield
    except (
        httpx.TransportError,
        httpx2.TransportError,
        aiohttp.ClientError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        botocore.exceptions.BotoCoreError,
    ) as error:
        seen.error = type(error)


def ask_httpx(module, url, body, pull):
    seen = Seen()
    with (
        noting_errors(seen),
        module.Client(trust_env=False, verify=PLAIN) as client,
        client.stream("POST", url, content=body) as response,
    ):
        seen.status, seen.reason = response.status_code, response.reason_phrase
        seen.headers = [(k.decode(), v.decode()) for k, v in response.headers.raw]
        for chunk in response.iter_raw():
            seen.chunks.append(chunk)
            pull()
    return seen


def ask_httpx_async(module, url, body, pull):
    async def ask():
        seen = Seen()
        with noting_errors(seen):
            async with (
                module.AsyncClient(trust_env=False, verify=PLAIN) as client,
                client.stream("POST", url, content=body) as response,
            ):
                seen.status, seen.reason = response.status_code, response.reason_phrase
                seen.headers = [(k.decode(), v.decode()) for k, v in response.headers.raw]
                async for chunk in response.aiter_raw():
                    seen.chunks.append(chunk)
                    pull()
        return seen

    return asyncio.run(ask())


def ask_aiohttp(url, body, pull):
    async def ask():
        seen = Seen()
        with noting_errors(seen):
            async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
                seen.status, seen.reason = response.status, response.reason
                seen.headers = [(k.decode(), v.decode()) for k, v in response.raw_headers]
                async for chunk in response.content.iter_any():
                    seen.chunks.append(chunk)
                    pull()
        return seen

    return asyncio.run(ask())


def ask_requests(url, body, pull):
    seen = Seen()
    with (
        noting_errors(seen),
        requests.Session() as session,
        session.post(url, data=body, stream=True) as response,
    ):
        seen.status, seen.reason = response.status_code, response.reason
        seen.headers = list(response.raw.headers.iteritems())
        for chunk in response.iter_content(1 << 16):
            seen.chunks.append(chunk)
            pull()
    return seen


def ask_urllib3(url, body, pull):
    seen = Seen()
    with noting_errors(seen), urllib3.PoolManager() as pool:
        response = pool.request("POST", url, body=body, preload_content=False, retries=False)
        with response:
            seen.status, seen.reason = response.status, response.reason
            seen.headers = list(response.headers.iteritems())
            for chunk in response.stream(1 << 16, decode_content=False):
                seen.chunks.append(chunk)
                pull()
    return seen


def ask_botocore(url, body, pull):
    seen = Seen()
    session = botocore.httpsession.URLLib3Session()
    request = botocore.awsrequest.AWSRequest("POST", url, data=body, stream_output=True).prepare()
    with noting_errors(seen), contextlib.closing(session):
        response = session.send(request)
        seen.status, seen.reason = response.status_code, response.raw.reason
        seen.headers = list(response.raw.headers.iteritems())
        for chunk in response.raw.stream():
            seen.chunks.append(chunk)
            pull()
    return seen


CLIENTS = {
    "httpx": partial(ask_httpx, httpx),
    "httpx async": partial(ask_httpx_async, httpx),
    "httpx2": partial(ask_httpx, httpx2),
    "httpx2 async": partial(ask_httpx_async, httpx2),
    "aiohttp": ask_aiohttp,
    "requests": ask_requests,
    "urllib3": ask_urllib3,
    "botocore": ask_botocore,
}


def framed(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def whole(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return [b"\r\n".join(lines) + b"\r\n\r\n" + body]


def chunked(pieces, *headers):
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"transfer-encoding: chunked"])
    first, *others = [framed(piece) for piece in pieces]
    return [head + b"\r\n\r\n" + first, *others[:-1], others[-1] + b"0\r\n\r\n"]


EVENTS = [b'data: {"n": %d}\n\n' % number for number in range(6)]


def zipped(pieces):
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*packed[:-1], packed[-1] + packer.flush()]


SCRIPTS = {
    "stream": chunked(EVENTS, b"content-type: text/event-stream"),
    "packed stream": chunked(zipped(EVENTS), b"content-encoding: gzip"),
    "length": whole(TEXT, b"content-type: application/json"),
    "gzip": whole(gzip.compress(TEXT), b"content-encoding: gzip"),
    "deflate": whole(zlib.compress(TEXT), b"content-encoding: deflate"),
    "br": whole(brotli.compress(TEXT), b"content-encoding: br"),
    "zstd": whole(zstd.compress(TEXT), b"content-encoding: zstd"),
    "until closed": [b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n" + TEXT],
    "odd headers": whole(
        b"{}",
        b"X-RateLimit-Limit: 7",
        b"x-ratelimit-limit: 8",
        b"Request-Id: A",
        status=b"200 Fine",
    ),
    "nothing": [b"HTTP/1.1 204 No Content\r\nrequest-id: A\r\n\r\n"],
    "refused": whole(b'{"error": {}}', b"retry-after: 1", status=b"429 Too Many Requests"),
    "cut length": [b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + TEXT],
    "cut chunks": [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + framed(TEXT) + b"ff\r\nhalf"
    ],
    "no answer": [b""],
    "large": whole(LARGE, b"content-type: application/octet-stream"),
    "large packed": whole(gzip.compress(LARGE), b"content-encoding: gzip"),
    "large chunk": chunked([b"first", LARGE]),
    "large until closed": [b"HTTP/1.1 200 OK\r\n\r\n" + LARGE],
}
IS_SPLIT_AT_WILL = {"large", "large packed", "large chunk", "large until closed"}
"""Where the kernel cuts a large body is never the same twice; a replay cuts it as it came."""


def go(client, server, path, body=b'{"n": 1}'):
    return CLIENTS[client](f"{server.url}/{path}", body, server.next_part)


def only_stored(seen, stored):
    """Headers that nobody vouched for are not stored, so they are not replayed."""
    kept = Counter(name.lower() for name, _ in stored)
    seen.headers = [(name, value) for name, value in seen.headers if kept[name.lower()]]
    return seen


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_seen_live_is_seen_again_with_the_server_gone(client, script, server, sink):
    path = script.replace(" ", "-")
    server.scripts["/" + path] = SCRIPTS[script]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        live = go(client, server, path)
    server.stop()
    (exchange,) = sink
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        again = go(client, server, path)
    stored = exchange.response.headers if exchange.response else ()
    if script in IS_SPLIT_AT_WILL:
        live.chunks, again.chunks = [live.body], [again.body]
    assert again == only_stored(live, stored)
    assert exchange.ended == ("error" if script.startswith(("cut", "no ")) else "eof")
    assert (exchange.error is None) == (exchange.ended != "error")


@pytest.mark.parametrize("client", CLIENTS)
def test_the_bytes_of_the_wire_are_stored_with_their_bounds(client, server, sink):
    server.scripts["/packed"] = SCRIPTS["packed stream"]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        go(client, server, "packed")
    (exchange,) = sink
    assert list(exchange.response.chunks()) == zipped(EVENTS)
    times_us = exchange.response.chunk_times_us
    assert exchange.headers_us <= times_us[0]
    assert list(times_us) == sorted(times_us)
    assert exchange.via in {client.removesuffix(" async"), "urllib3"}
    assert exchange.request.body == b'{"n": 1}'


@pytest.mark.parametrize("client", CLIENTS)
def test_a_refused_connection_is_an_exchange_and_is_refused_again(client, closed_port, sink):
    url = f"http://127.0.0.1:{closed_port}/"
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        live = CLIENTS[client](url, b"{}", lambda: None)
    (exchange,) = sink
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        again = CLIENTS[client](url, b"{}", lambda: None)
    assert (exchange.ended, exchange.response) == ("error", None)
    assert live.error is not None
    assert again == live


@pytest.mark.parametrize("client", CLIENTS)
def test_equal_requests_keep_their_answers_apart_in_threads(client, server, sink):
    numbers = iter(range(24))
    server.scripts["/"] = lambda _body: whole(b'{"answer": %d}' % next(numbers))

    def all_at_once():
        def one(trial):
            with in_trial("a", trial):
                return [go(client, server, "").body for _ in range(3)]

        with ThreadPoolExecutor(8) as pool:
            contexts = [contextvars.copy_context() for _ in range(8)]
            return list(pool.map(lambda trial: contexts[trial].run(one, trial), range(8)))

    with recording(sink, ANYTHING, strict=True):
        live = all_at_once()
    server.stop()
    with replaying(sink.tape, ANYTHING):
        again = all_at_once()
    assert len({body for bodies in live for body in bodies}) == 24
    assert again == live


def test_clients_do_not_hear_each_other(server, sink):
    """All at once, each in its own thread and trial; half of them are event loops."""
    server.scripts["/"] = lambda body: whole(b'{"heard": %s}' % body)

    def all_at_once():
        def one(trial, client):
            with in_trial("a", trial):
                return [go(client, server, "", b"%d%02d" % (trial, n)).body for n in range(5)]

        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            return list(pool.map(one, range(1, len(CLIENTS) + 1), CLIENTS))

    with recording(sink, ANYTHING, strict=True):
        live = all_at_once()
    server.stop()
    assert {(one.trial, one.request.body[:1]) for one in sink} == {
        (trial, b"%d" % trial) for trial in range(1, len(CLIENTS) + 1)
    }
    with replaying(sink.tape, ANYTHING):
        assert all_at_once() == live
    assert live == [
        [b'{"heard": %d%02d}' % (trial, n) for n in range(5)]
        for trial in range(1, len(CLIENTS) + 1)
    ]


@pytest.mark.parametrize("first", CLIENTS)
def test_a_settled_answer_is_replayed_without_its_retry(first, server, sink):
    answers = iter([SCRIPTS["refused"], whole(b"{}")])
    server.scripts["/"] = lambda _body: next(answers)
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        statuses = [go(first, server, "").status for _ in range(2)]
    server.stop()
    assert statuses == [429, 200]
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        assert go(first, server, "").status == 200
    with replaying(sink.tape, ANYTHING, attempts="all"), in_trial("a", 0):
        assert [go(first, server, "").status for _ in range(2)] == [429, 200]


class Enough(Exception):  # noqa: N818 - no error: the caller has what it wanted
    """Raised by a caller that reads no further."""


def read_some(client, server, count, *, seen):
    """Read that many chunks and drop the rest."""

    def pull():
        seen.append(client)
        if len(seen) == count:
            raise Enough
        server.next_part()

    with contextlib.suppress(Enough):
        CLIENTS[client](f"{server.url}/", b"{}", pull)
    return seen


@pytest.mark.parametrize("client", CLIENTS)
def test_a_dropped_stream_is_no_whole_answer(client, server, sink):
    server.scripts["/"] = SCRIPTS["stream"]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        read_some(client, server, 2, seen=[])
    server.stop()
    (exchange,) = sink
    assert (exchange.ended, list(exchange.response.chunks())) == ("closed", EVENTS[:2])
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        assert len(read_some(client, server, 2, seen=[])) == 2
    past = "client stopped reading here when it was recorded, after 32 bytes"
    seen = []

    def read_on():
        with replaying(sink.tape, ANYTHING) as player, in_trial("a", 0):
            with pytest.raises(ReplayError, match=past):
                read_some(client, server, 9, seen=seen)
            assert len(player.refusals) == 1

    with pytest.raises(ReplayError, match=past):  # once more: a client may have swallowed it
        read_on()
    assert len(seen) == 2


@pytest.mark.parametrize("script", ["length", "large", "large chunk", "large until closed"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_stops_where_it_stopped_is_told_nothing(client, script, server, sink):
    """However far its library had read ahead."""
    server.scripts["/"] = [b"".join(SCRIPTS[script])]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        read_some(client, server, 1, seen=[])
    server.stop()
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        assert len(read_some(client, server, 1, seen=[])) == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_dropped_body_that_had_come_whole_is_whole(client, server, sink):
    server.scripts["/"] = SCRIPTS["length"]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        go("httpx2", server, "")
    server.stop()
    tape = MemoryTape.of([replace(sink[0], ended="closed")])
    with replaying(tape, ANYTHING), in_trial("a", 0):
        assert go(client, server, "").body == TEXT


def test_every_client_plays_what_another_recorded(server, sink):
    server.scripts["/"] = SCRIPTS["stream"]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        go("httpx2", server, "")
    server.stop()
    for client in CLIENTS:
        with replaying(sink.tape, ANYTHING), in_trial("a", 0):
            assert go(client, server, "").chunks == EVENTS, client


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=12))
@pytest.mark.parametrize("client", ["aiohttp", "requests", "urllib3", "botocore"])
def test_any_chunks_keep_their_bounds(client, chunks, recorded_stream):
    response = replace(
        recorded_stream.response,
        body=b"".join(chunks),
        chunk_bytes=tuple(map(len, chunks)),
        chunk_times_us=tuple(range(100, 100 + len(chunks))),
    )
    tape = MemoryTape.of([replace(recorded_stream, response=response)])
    with replaying(tape, ANYTHING), in_trial("a", 0):
        seen = CLIENTS[client]("http://127.0.0.1:9/", b"{}", lambda: None)
    assert seen.chunks == chunks


@pytest.fixture
def recorded_stream(server, sink):
    server.scripts["/"] = [b"".join(SCRIPTS["stream"])]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        go("httpx2", server, "", b"{}")
    server.stop()
    return sink[0]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_full_disk_is_told_whatever_the_client_makes_of_it(client, server):
    class Full:
        def append(self, _exchange):
            raise RecordingError("the disk is full")

    server.scripts["/"] = whole(b"{}")
    with (
        pytest.raises(RecordingError, match="the disk is full"),
        recording(Full(), ANYTHING, strict=True),
        in_trial("a", 0),
        contextlib.suppress(Exception),
    ):
        go(client, server, "")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_encrypted_address_is_replayed_without_any_encryption(client, recorded_stream):
    """Scheme and port are no part of what a request is."""
    with replaying(MemoryTape.of([recorded_stream]), ANYTHING), in_trial("a", 0):
        assert CLIENTS[client]("https://localhost:9/", b"{}", lambda: None).chunks == EVENTS


class Steps:
    """A clock that only moves when somebody waits."""

    def __init__(self):
        self.time_s = 0.0
        self.woken_us = []

    def now_s(self):
        return self.time_s

    def sleep(self, seconds):
        self.time_s += seconds
        self.woken_us.append(round(self.time_s * 1e6))

    async def sleep_async(self, seconds):
        for _ in range(9):  # whoever can run meanwhile does
            await asyncio.sleep(0)
        self.sleep(seconds)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_recorded_clock_can_be_kept(client, recorded_stream):
    times_us = (1_000, 2_000, 2_000, 5_000, 6_000, 7_000)
    response = replace(recorded_stream.response, chunk_times_us=times_us)
    slow = replace(recorded_stream, response=response, headers_us=500, end_us=9_000)
    clock = Steps()
    with replaying(MemoryTape.of([slow]), ANYTHING, retime=1.0, clock=clock), in_trial("a", 0):
        woken_us = []
        seen = CLIENTS[client](
            "http://127.0.0.1:9/", b"{}", lambda: woken_us.append(clock.woken_us[-1])
        )
    assert seen.body == b"".join(EVENTS)
    assert clock.woken_us == [500, 1_000, 2_000, 5_000, 6_000, 7_000, 9_000]
    # What came at once, aiohttp hands out at once.
    assert woken_us == sorted({*times_us} if client == "aiohttp" else times_us)


def test_outside_a_session_nothing_is_replaced(server, sink):
    owners = (
        (aiohttp.BaseConnector, "connect"),
        (urllib3.HTTPConnectionPool, "_make_request"),
        (urllib3.HTTPSConnectionPool, "_prepare_proxy"),
    )
    before = [getattr(owner, name) for owner, name in owners]
    with recording(sink, ANYTHING, strict=True):
        during = [getattr(owner, name) for owner, name in owners]
    assert [getattr(owner, name) for owner, name in owners] == before
    assert not set(during) & set(before)


@pytest.mark.parametrize("client", CLIENTS)
def test_outside_a_trial_a_lenient_session_lets_requests_pass(client, server, sink):
    server.scripts["/"] = whole(b"{}")
    with recording(sink, ANYTHING):
        seen = go(client, server, "")
    assert (seen.status, list(sink)) == (200, [])

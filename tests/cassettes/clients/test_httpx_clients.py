"""What only httpx and httpx2 have: traces, uploads read once, streams that nobody closes."""

import asyncio
import time

import httpx  # noqa: TID251 - the library under test
import httpx2
import pytest

from contractcheck.cassettes import in_trial, recording, replaying
from contractcheck.errors import InterceptionError
from contractcheck.redaction import Scrubber

SCRUBBER = Scrubber.for_secrets(())
LIBRARIES = {"httpx": httpx, "httpx2": httpx2}
PLAIN = b"HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\nok"
STREAM = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n0\r\n\r\n"
)
SENT = "http11.send_request_headers.started"


@pytest.fixture
def url(server):
    server.scripts |= {"/plain": [PLAIN], "/plain?q=1": [PLAIN], "/stream": [STREAM]}
    return server.url


@pytest.fixture(params=LIBRARIES)
def library(request):
    return LIBRARIES[request.param]


@pytest.fixture(params=["sync", "async"])
def post(request, library):
    """Post and read, sync or async."""

    def post_sync(url, content=b"1", **options):
        with library.Client(trust_env=False) as client:
            return client.post(url, content=content, **options).content

    def post_async(url, content=b"1", **options):
        async def work():
            async with library.AsyncClient(trust_env=False) as client:
                return (await client.post(url, content=content, **options)).content

        return asyncio.run(work())

    return {"sync": post_sync, "async": post_async}[request.param]


def test_the_exchange_says_how_it_was_made(url, sink, post, library):
    with recording(sink, SCRUBBER), in_trial("case", 0):
        post(url + "/plain?q=1")
    (exchange,) = sink
    assert (exchange.via, exchange.ended, exchange.attempt) == (library.__name__, "eof", 0)
    assert (exchange.response.reason, exchange.response.http_version) == ("Fine", "HTTP/1.1")
    assert (exchange.request.method, exchange.request.url) == ("POST", url + "/plain?q=1")
    assert 0 <= exchange.headers_us <= exchange.response.chunk_times_us[0] <= exchange.end_us


def test_outside_a_trial_a_lenient_session_lets_pass_and_a_strict_one_refuses(
    server, url, sink, post
):
    with recording(sink, SCRUBBER):
        assert post(url + "/plain") == b"ok"
    with replaying(sink.tape, SCRUBBER, strict=False):
        assert post(url + "/plain") == b"ok"
    asked = len(server.requests)
    refused = pytest.raises(InterceptionError, match=r"POST 127\.0\.0\.1:\d+/plain .* in_trial")
    with refused, recording(sink, SCRUBBER, strict=True):
        post(url + "/plain?key=secret")
    assert "secret" not in str(refused.excinfo.value)
    with pytest.raises(InterceptionError, match="in_trial"), replaying(sink.tape, SCRUBBER):
        post(url + "/plain")
    assert (sink, len(server.requests)) == ([], asked)


def test_an_upload_is_read_once_and_arrives_whole(server, url, sink, post):
    def pieces():
        yield b'{"n": '
        yield b"7}"

    async def pieces_async():
        for piece in pieces():
            yield piece

    upload = pieces_async() if post.__name__ == "post_async" else pieces()
    with recording(sink, SCRUBBER), in_trial("case", 0):
        assert post(url + "/plain", upload) == b"ok"
    assert [body for _, body in server.requests] == [b'{"n": 7}']
    assert [exchange.request.body for exchange in sink] == [b'{"n": 7}']


def test_a_multipart_body_is_known_again_under_another_boundary(server, url, sink, post):
    form = {"files": {"file": ("a.txt", b"said so")}}
    with recording(sink, SCRUBBER), in_trial("case", 0):
        live = post(url + "/plain", None, **form)
    with replaying(sink.tape, SCRUBBER), in_trial("case", 0):
        assert post("http://localhost:9/plain", None, **form) == live
    ((_, arrived),) = server.requests
    assert b"said so" in arrived
    assert arrived == sink[0].request.body


def test_the_callers_own_trace_goes_on(url, sink, post):
    events = []

    def note(event, _info):
        events.append(event)

    async def note_async(event, _info):
        events.append(event)

    trace = note_async if post.__name__ == "post_async" else note
    with recording(sink, SCRUBBER), in_trial("case", 0):
        post(url + "/plain", extensions={"trace": trace})
    assert SENT in events


def test_a_stream_that_nobody_closes_is_kept_when_the_trial_ends(url, sink, library):
    with recording(sink, SCRUBBER), library.Client() as client:
        with in_trial("case", 0):
            request = client.build_request("POST", url + "/stream", content=b"1")
            response = client.send(request, stream=True)
            chunks = response.iter_raw()
            first = next(chunks)
            assert sink == []
        (exchange,) = sink
        response.close()
    assert sink == [exchange]
    assert (exchange.ended, exchange.error) == ("closed", None)
    assert exchange.response.body.startswith(first)


def test_a_stream_that_nobody_closes_is_kept_when_the_session_ends(url, sink, library):
    with in_trial("case", 0), library.Client() as client:
        with recording(sink, SCRUBBER):
            request = client.build_request("POST", url + "/stream", content=b"1")
            response = client.send(request, stream=True)
        assert [exchange.ended for exchange in sink] == ["closed"]
        response.close()
    assert len(sink) == 1


def test_how_long_the_consumer_kept_a_chunk_is_noted(url, sink, library):
    with recording(sink, SCRUBBER), library.Client() as client:
        for trial, pause_s in enumerate((0.05, 0.0)):
            with (
                in_trial("case", trial),
                client.stream("POST", url + "/stream", content=b"1") as response,
            ):
                for _ in response.iter_raw():
                    time.sleep(pause_s)
    slow, quick = sink
    assert slow.held_us >= 50_000
    assert 0 < quick.held_us < slow.held_us


def test_an_error_without_a_class_in_the_library_is_still_the_librarys(sink, post, library, url):
    with recording(sink, SCRUBBER), in_trial("case", 0), pytest.raises(ZeroDivisionError):
        post(url + "/plain", extensions={"trace": lambda _event, _info: 1 // 0})
    assert [(x.error, x.response) for x in sink] == [("ZeroDivisionError", None)]
    with (
        replaying(sink.tape, SCRUBBER),
        in_trial("case", 0),
        pytest.raises(library.TransportError, match="ZeroDivisionError"),
    ):
        post(url + "/plain")


def test_what_needs_no_network_is_left_alone(sink, library):
    transport = library.MockTransport(lambda _request: library.Response(200, content=b"mocked"))
    with recording(sink, SCRUBBER, strict=True), library.Client(transport=transport) as client:
        assert client.get("http://elsewhere.invalid/").content == b"mocked"
    assert sink == []

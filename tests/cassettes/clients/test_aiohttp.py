"""Everything that aiohttp does with a response, live and from a recording."""

import asyncio
import contextlib
import gzip
import zlib
from functools import partial

import aiohttp
import pytest
from aiohttp import web

from contractcheck.cassettes import in_trial, recording, replaying
from contractcheck.errors import UnmatchedRequestError, UnseenCallError
from contractcheck.redaction import Scrubber

ANYTHING = Scrubber.for_secrets(())
LINES = b"".join(b"data: %d\n\n" % number for number in range(5))
JSON = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def framed(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def plain(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return [b"\r\n".join(lines) + b"\r\n\r\n" + body]


def live_and_again(server, sink, work, **options):
    """Run ``work(session)`` under recording, then from the recording; return both results."""

    async def main():
        async with aiohttp.ClientSession(**options) as session:
            return await work(session)

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        live = asyncio.run(main())
    server.stop()
    with replaying(sink.tape, ANYTHING, attempts="all"), in_trial("a", 0):
        return live, asyncio.run(main())


async def read(response):
    return await response.read()


async def text(response):
    return await response.text()


async def lines(response):
    return [line async for line in response.content]


async def chunks(response):
    return [chunk async for chunk in response.content.iter_chunked(7)]


async def exactly(response):
    return await response.content.readexactly(9), await response.content.readuntil(b"2")


@pytest.mark.parametrize("consume", [read, text, lines, chunks, exactly])
def test_a_body_may_be_read_in_every_way(consume, server, sink):
    server.scripts["/"] = plain(LINES, b"content-type: text/plain; charset=utf-8")

    async def work(session):
        async with session.get(server.url) as response:
            return await consume(response)

    live, again = live_and_again(server, sink, work)
    assert again == live
    assert live


def test_a_body_may_be_taken_without_ever_waiting_for_it(server, sink):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.scripts["/"] = [head, *(framed(b"data: %d\n\n" % n) for n in range(4)), b"0\r\n\r\n"]

    async def work(session):
        taken = b""
        async with session.get(server.url) as response, asyncio.timeout(10):
            while not response.content.at_eof():
                server.next_part()
                taken += response.content.read_nowait()
                await asyncio.sleep(0.01)
        return taken

    live, again = live_and_again(server, sink, work)
    assert again == live == b"".join(b"data: %d\n\n" % n for n in range(4))


def test_http_chunks_keep_their_bounds_even_when_they_came_together(server, sink):
    pieces = [framed(b"data: %d\n\n" % number) for number in range(4)]
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.scripts["/"] = [head, b"".join(pieces[:3]), pieces[3] + b"0\r\n\r\n"]

    async def work(session):
        seen = []
        async with session.get(server.url) as response:
            server.next_part()
            async for chunk in response.content.iter_chunks():
                seen.append(chunk)
                if len(seen) == 3:
                    server.next_part()
        return seen

    live, again = live_and_again(server, sink, work)
    assert again == live
    assert len(live) == 4
    (exchange,) = sink
    first, second, third, fourth = exchange.response.chunk_times_us
    assert first == second == third <= fourth


def test_json_that_was_compressed_and_cut_anywhere_is_decoded_by_the_client(server, sink):
    packed = gzip.compress(b'{"answer": "' + bytes(range(97, 123)) * 50 + b'"}')
    cuts = [1, 2, 11, 40, len(packed) - 3]
    parts = [packed[a:b] for a, b in zip([0, *cuts], [*cuts, len(packed)], strict=True)]
    server.scripts["/"] = [JSON + b"".join(map(framed, parts)) + b"0\r\n\r\n"]

    async def work(session):
        async with session.post(server.url, json={"a": 1}) as response:
            return await response.json()

    live, again = live_and_again(server, sink, work)
    assert again == live
    (exchange,) = sink
    assert exchange.response.body == packed
    assert exchange.request.body == b'{"a": 1}'


def test_raise_for_status_tells_the_recorded_reason(server, sink):
    server.scripts["/"] = plain(b"{}", b"Request-Id: r", status=b"503 Not Now")

    async def work(session):
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await session.get(server.url)
        return refused.value.status, refused.value.message, refused.value.headers["request-id"]

    live, again = live_and_again(server, sink, work, raise_for_status=True)
    assert again == live == (503, "Not Now", "r")


def test_redirects_are_followed_and_each_hop_is_an_exchange(server, sink):
    server.keeps_alive = True
    server.scripts["/old"] = plain(b"", b"Location: /new", status=b"307 Moved")
    server.scripts["/new"] = plain(b"here")

    async def work(session):
        async with session.post(f"{server.url}/old", data=b"body") as response:
            return response.url.path, len(response.history), await response.read()

    live, again = live_and_again(server, sink, work)
    assert again == live == ("/new", 1, b"here")
    assert [exchange.response.status for exchange in sink] == [307, 200]


async def upload():
    yield b"two "
    yield b"parts"


def make_form():
    form = aiohttp.FormData()
    form.add_field("file", b"content", filename="a.txt")
    return form


@pytest.mark.parametrize("make", [lambda: b"bytes", lambda: "text", upload, make_form])
def test_a_request_body_of_any_kind_is_sent_whole_and_stored(make, server, sink):
    server.scripts["/"] = plain(b"{}")

    async def work(session):
        async with session.post(server.url, data=make()) as response:
            return await response.read()

    live, again = live_and_again(server, sink, work)
    assert again == live == b"{}"
    (exchange,) = sink
    assert exchange.request.body == server.requests[0][1] != b""


def test_a_dropped_a_forgotten_and_a_cancelled_body_are_closed(server, sink):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.scripts["/"] = [head + framed(b"data: 1\n\n"), framed(b"data: 2\n\n")]

    async def dropped(response):
        async with response:
            await response.content.readany()

    async def forgotten(response):
        await response.content.readany()

    async def cancelled(response):
        await response.content.readany()
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    async def main():
        async with aiohttp.ClientSession() as session:
            for trial, work in enumerate((dropped, forgotten, cancelled)):
                with in_trial("a", trial):
                    response = await session.get(server.url)
                    await work(response)
                assert len(sink) == trial + 1
                response.close()

    with recording(sink, ANYTHING, strict=True):
        asyncio.run(main())
    assert [(one.ended, one.error, one.response.body) for one in sink] == [
        ("closed", None, b"data: 1\n\n")
    ] * 3


@pytest.mark.parametrize(
    ("limits", "ended"),
    [({"sock_read": 0.4}, "SocketTimeoutError"), ({"total": 0.4}, "TimeoutError")],
)
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_timeout_is_recorded_as_one_and_happens_again_without_the_wait(
    limits, ended, has_begun, server, sink
):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + framed(b"data: 1\n\n")
    server.scripts["/"] = [head if has_begun else b"", b"never"]
    # On replay, no clock of the client may be what ends it.
    timeouts = iter([aiohttp.ClientTimeout(**limits), aiohttp.ClientTimeout(total=60)])

    async def work(session):
        with pytest.raises((TimeoutError, aiohttp.ClientError)) as failed:
            async with session.get(server.url, timeout=next(timeouts)) as response:
                await response.read()
        return isinstance(failed.value, TimeoutError)

    live, again = live_and_again(server, sink, work)
    (exchange,) = sink
    assert (exchange.ended, exchange.error) == ("error", ended)
    assert (exchange.response is not None) == has_begun
    assert again == live is True


def test_a_name_that_nobody_knows_is_recorded_and_raised_again(server, sink):
    async def work(session):
        with pytest.raises(aiohttp.ClientConnectorError) as failed:
            await session.get("http://nowhere.invalid/")
        return type(failed.value)

    live, again = live_and_again(server, sink, work)
    assert again is live is aiohttp.ClientConnectorDNSError


def test_connections_are_reused_while_recording_and_after_a_replay(server, sink):
    server.keeps_alive = True
    server.scripts["/"] = plain(b"{}")

    async def live():
        async with aiohttp.ClientSession() as session:
            for trial in range(3):
                with in_trial("a", trial):
                    async with session.get(server.url) as response:
                        await response.read()

    async def mixed():
        async with aiohttp.ClientSession() as session:
            with replaying(sink.tape, ANYTHING, strict=False), in_trial("a", 0):
                async with session.get(server.url) as response:
                    again = await response.read()
            async with session.get(server.url) as response:
                return again, await response.read()

    with recording(sink, ANYTHING, strict=True):
        asyncio.run(live())
    assert [one.ended for one in sink] == ["eof"] * 3
    asked = len(server.requests)
    assert asyncio.run(mixed()) == (b"{}", b"{}")
    assert len(server.requests) == asked + 1


def test_a_request_that_was_never_recorded_is_refused_not_sent(server, sink):
    server.scripts["/"] = plain(b"{}")

    async def ask():
        async with aiohttp.ClientSession() as session:
            await session.post(server.url, data=b"other")

    with (
        pytest.raises(UnmatchedRequestError),
        replaying(sink.tape, ANYTHING),
        in_trial("a", 0),
    ):
        asyncio.run(ask())
    assert server.requests == []


def test_a_packed_stream_whose_pieces_decode_to_nothing_does_not_stall(server, sink):
    packed = zlib.compress(b"x" * 5000)
    parts = [framed(packed[i : i + 1]) for i in range(len(packed))]
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\ntransfer-encoding: chunked\r\n\r\n"
    server.scripts["/"] = [head + b"".join(parts) + b"0\r\n\r\n"]

    async def work(session):
        async with session.get(server.url) as response:
            return await response.read()

    live, again = live_and_again(server, sink, work)
    assert again == live == b"x" * 5000


def test_early_hints_are_no_answer(server, sink):
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    server.scripts["/"] = [hints + plain(b'{"a": 1}')[0]]

    async def work(session):
        async with session.get(server.url) as response:
            return response.status, await response.read()

    live, again = live_and_again(server, sink, work)
    assert again == live == (200, b'{"a": 1}')
    assert sink[0].response.body == b'{"a": 1}'


def test_a_client_that_asks_whether_it_may_send_is_told(server, sink):
    server.scripts["/"] = plain(b"{}")

    async def ask(**options):
        async with (
            aiohttp.ClientSession() as session,
            session.post(server.url, data=b"{}", **options) as response,
        ):
            return await response.read()

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        asyncio.run(ask())
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        assert asyncio.run(asyncio.wait_for(ask(expect100=True), 5)) == b"{}"


def test_a_proxy_is_not_asked_by_a_replay(server, closed_port, sink):
    server.scripts["/"] = plain(b"{}")

    async def ask(url, **options):
        async with aiohttp.ClientSession() as session, session.get(url, **options) as response:
            return await response.read()

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        asyncio.run(ask(f"{server.url}/"))
    with replaying(sink.tape, ANYTHING), in_trial("a", 0):
        proxy = f"http://127.0.0.1:{closed_port}"
        assert asyncio.run(ask("https://localhost:9/", proxy=proxy)) == b"{}"


@contextlib.asynccontextmanager
async def echo_server():
    """Answer every message of a WebSocket."""

    async def talk(request):
        answering = web.WebSocketResponse()
        await answering.prepare(request)
        async for message in answering:
            await answering.send_str(f"echo {message.data}")
        return answering

    app = web.Application()
    app.router.add_get("/", talk)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def say_hello(open_session):
    """Open a WebSocket inside a trial; like many a client, swallow the error that this raises."""

    async def main():
        async with echo_server() as url, aiohttp.ClientSession() as client:
            with open_session(), in_trial("a", 0), contextlib.suppress(UnseenCallError):
                async with client.ws_connect(url) as socket:
                    await socket.send_str("hello")
                    return await socket.receive_str()

    return asyncio.run(main())


def test_a_websocket_is_refused_before_it_opens(sink):
    for open_session in (
        partial(recording, sink, ANYTHING, strict=True),
        partial(replaying, sink.tape, ANYTHING),
        partial(replaying, sink.tape, ANYTHING, strict=False),
    ):
        with pytest.raises(UnseenCallError, match="WebSockets are not recorded"):
            say_hello(open_session)
    assert sink == []


def test_a_lenient_recording_lets_a_websocket_pass_unseen(sink):
    assert say_hello(partial(recording, sink, ANYTHING)) == "echo hello"
    assert sink == []

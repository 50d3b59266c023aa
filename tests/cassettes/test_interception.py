"""Against real servers on loopback: what the recorder sees, keeps and leaves alone."""

import asyncio
import base64
import json
import re
import time
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx2
import pytest

from contractcheck.cassettes import create_run, in_trial, read_run, recording, seal_run
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber

SECRET = "sesame+open+sesame"  # noqa: S105 - made up, to be looked for
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def framed(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@asynccontextmanager
async def server(answer):
    """Serve one exchange per connection; ``answer(request_body, writer)`` writes what it likes."""

    async def talk(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            await answer(body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # clients that go away are part of the game
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"


class Memory(list):
    """A sink that keeps what it is given."""

    def append(self, exchange):
        super().append(exchange)


@asynccontextmanager
async def _in_trial(case, trial):
    with in_trial(case, trial):
        yield


async def ask(client, url, *, trial=0, body=b"{}", chunks=None, headers=(), pull=lambda: None):
    """One request in a slot; returns (times, chunks) as the client saw them.

    ``pull`` is called after each chunk.
    """
    seen = []
    async with (
        _in_trial("a", trial),
        client.stream("POST", url, content=body, headers=list(headers)) as response,
    ):
        async for chunk in response.aiter_raw():
            seen.append((time.perf_counter_ns(), chunk))
            pull()
            if chunks is not None and len(seen) == chunks:
                break
    return seen


def run_recorded(work, sink=None, secrets=(), **options):
    """Run ``work(client)`` under recording and return the sink."""
    sink = Memory() if sink is None else sink

    async def main():
        with recording(sink, Scrubber.for_secrets(secrets), **options):
            async with httpx2.AsyncClient(trust_env=False) as client:
                await work(client)

    asyncio.run(main())
    return sink


def test_chunks_reach_the_client_live_and_are_kept_with_their_bounds_and_times():
    pieces = [b"data: %d\n\n" % number for number in range(6)]
    turn = asyncio.Semaphore(1)
    sent_ns, seen = [], []

    async def answer(_body, writer):
        sent_ns.append(time.perf_counter_ns())
        writer.write(CHUNKED)
        for piece in pieces:
            # The next one leaves when the client has this one: a recorder that buffers never ends.
            await asyncio.wait_for(turn.acquire(), timeout=20)
            sent_ns.append(time.perf_counter_ns())
            writer.write(framed(piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def work(client):
        async with server(answer) as url:
            seen.append((time.perf_counter_ns(), b""))
            seen.extend(await ask(client, url, pull=turn.release))

    (exchange,) = run_recorded(work)
    (asked_ns, _), *got = seen
    arrived_ns, *left_ns = sent_ns
    assert [chunk for _, chunk in got] == pieces
    assert list(exchange.response.chunks()) == pieces
    # Same process, same clock: each stamp lies between the server's sending and the client's
    # seeing; the request left after it was asked for and before it arrived.
    for stamp_us, (got_ns, _), sent in zip(
        exchange.response.chunk_times_us, got, left_ns, strict=True
    ):
        assert (sent - arrived_ns) // 1000 <= stamp_us <= (got_ns - asked_ns) // 1000
    assert exchange.ended == "eof"
    assert exchange.headers_us <= exchange.response.chunk_times_us[0] <= exchange.end_us


def test_how_a_stream_ends_is_kept_apart():
    async def endless(_body, writer):
        writer.write(CHUNKED)
        for number in range(100):
            writer.write(framed(b"data: %d\n\n" % number))
            await writer.drain()
            await asyncio.sleep(0.01)

    async def broken(_body, writer):
        writer.write(CHUNKED + framed(b"data: 1\n\n") + b"ff\r\nhalf")

    async def mute(_body, writer):
        await writer.drain()

    async def empty(_body, writer):
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def work(client):
        async with server(endless) as url:
            await ask(client, url, chunks=2)
        for trial, (answer, error) in enumerate(
            ((broken, httpx2.RemoteProtocolError), (mute, httpx2.RemoteProtocolError)), start=1
        ):
            async with server(answer) as url:
                with pytest.raises(error):
                    await ask(client, url, trial=trial)
        with pytest.raises(httpx2.ConnectError):
            await ask(client, url, trial=3)
        async with server(empty) as url:
            await ask(client, url, trial=4)

    dropped, broken_off, silent, unreachable, nothing = run_recorded(work)
    assert (dropped.ended, dropped.error, dropped.response.body) == (
        "closed",
        None,
        b"data: 0\n\ndata: 1\n\n",
    )
    assert (broken_off.ended, broken_off.error) == ("error", "RemoteProtocolError")
    assert broken_off.response.body.startswith(b"data: 1\n\n")
    for one, error in ((silent, "RemoteProtocolError"), (unreachable, "ConnectError")):
        assert (one.ended, one.error, one.response, one.headers_us) == ("error", error, None, None)
    assert (nothing.response.status, nothing.response.chunk_bytes, nothing.ended) == (
        204,
        (),
        "eof",
    )


def test_a_cancelled_trial_is_closed_before_and_after_its_headers():
    async def slow(body, writer):
        if body == b"1":
            writer.write(CHUNKED + framed(b"data: 1\n\n"))
            await writer.drain()
        await asyncio.sleep(1)

    async def work(client):
        async with server(slow) as url:
            for trial in range(2):
                task = asyncio.create_task(ask(client, url, trial=trial, body=b"%d" % trial))
                await asyncio.sleep(0.15)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    before, after = run_recorded(work)
    assert (before.ended, before.response) == ("closed", None)
    assert (after.ended, after.response.body) == ("closed", b"data: 1\n\n")


async def echo(body, writer):
    await asyncio.sleep(int(body) % 7 / 200)
    writer.write(OK + b"content-length: %d\r\n\r\n%s" % (len(body), body))


def test_fifty_equal_requests_at_once_keep_their_answers_apart():
    served = iter(range(50))

    async def number(_body, writer):
        mine = next(served)
        await asyncio.sleep((mine * 37) % 50 / 500)
        writer.write(OK + b"content-length: 2\r\n\r\n%02d" % mine)

    got = {}

    async def work(client):
        async def one(trial):
            seen = await ask(client, url, trial=trial)
            got[trial] = b"".join(chunk for _, chunk in seen)

        async with server(number) as url:
            await asyncio.gather(*(one(trial) for trial in range(50)))

    exchanges = run_recorded(work)
    assert {x.trial: x.response.body for x in exchanges} == got
    assert len(set(got.values())) == 50
    assert len({x.request.digest for x in exchanges}) == 1


def test_attempts_of_one_trial_count_themselves():
    async def work(client):
        async with server(echo) as url:
            with in_trial("a", 3, first_attempt=2):
                for _ in range(2):
                    await client.post(url, content=b"1")

    assert [(x.trial, x.attempt) for x in run_recorded(work)] == [(3, 2), (3, 3)]


def test_requests_outside_a_slot_pass_unseen():
    async def work(client):
        async with server(echo) as url:
            assert (await client.post(url, content=b"1")).content == b"1"
            await ask(client, url, body=b"2")

    assert [x.response.body for x in run_recorded(work)] == [b"2"]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_stays_patched_afterwards(fails):
    transport = httpx2.AsyncHTTPTransport
    before = dict(vars(transport)), dict(vars(httpx2.HTTPTransport))

    async def work(client):
        assert transport.handle_async_request is not before[0]["handle_async_request"]
        if fails:
            raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            run_recorded(work)
    else:
        run_recorded(work)
    assert (dict(vars(transport)), dict(vars(httpx2.HTTPTransport))) == before

    async def unseen():
        async with server(echo) as url, httpx2.AsyncClient(trust_env=False) as client:
            return await ask(client, url, body=b"7")

    assert asyncio.run(unseen())[0][1] == b"7"


def test_times_start_when_the_request_leaves():
    bounds_us = []

    async def work(client):
        async with server(echo) as url:
            for trial in range(2):
                asked_ns = time.perf_counter_ns()
                ((got_ns, _),) = await ask(client, url, body=b"6", trial=trial)
                bounds_us.append((got_ns - asked_ns) // 1000)

    for exchange, bound_us in zip(run_recorded(work), bounds_us, strict=True):
        assert exchange.headers_us >= 30_000, "what the server took"
        assert exchange.waited_us + exchange.headers_us <= bound_us


def test_waiting_for_a_connection_is_not_the_providers_time():
    async def slow(body, writer):
        await asyncio.sleep(0.2)
        await echo(body, writer)

    bounds_us = []

    async def work(_client):
        limits = httpx2.Limits(max_connections=1)
        async with server(slow) as url, httpx2.AsyncClient(trust_env=False, limits=limits) as one:
            asked_ns = time.perf_counter_ns()
            both = await asyncio.gather(
                *(ask(one, url, body=b"0", trial=trial) for trial in range(2))
            )
            bounds_us.extend((got_ns - asked_ns) // 1000 for ((got_ns, _),) in both)

    first, second = run_recorded(work)
    # The second one waits for all of the first one, and none of that is in its own times.
    assert second.waited_us >= 190_000
    assert min(first.headers_us, second.headers_us) >= 190_000
    assert second.waited_us + second.headers_us <= max(bounds_us)


def test_the_loops_lateness_is_asked_for_since_the_request_left():
    asked = []

    def lag_since_us(since_ns):
        asked.append((since_ns, time.perf_counter_ns()))
        return 1234

    async def work(client):
        async with server(echo) as url:
            await ask(client, url, body=b"6")

    (exchange,) = run_recorded(work, lag_since_us=lag_since_us)
    assert exchange.lag_us == 1234
    assert len(asked) == 1
    assert asked[0][1] - asked[0][0] >= 30_000_000


def test_prompts_can_be_kept_out():
    async def work(client):
        async with server(echo) as url:
            await ask(client, url, body=b"41")

    (full,) = run_recorded(work)
    (hashed,) = run_recorded(work, keep_request_bodies=False)
    assert (full.request.body, hashed.request.body) == (b"41", b"")
    assert hashed.request.digest


def test_an_error_of_the_sink_reaches_the_caller():
    class Full:
        def append(self, exchange):
            raise RecordingError(f"no room for {exchange.case}")

    async def work(client):
        async with server(echo) as url:
            with pytest.raises(RecordingError, match="no room for a"):
                await ask(client, url, body=b"1")

    # And once more at the end of the session: a client may have swallowed it.
    with pytest.raises(RecordingError, match="no room for a"):
        run_recorded(work, Full())


# A server that echoes the credential, everywhere it can.

FORMS = {
    "plain": SECRET.encode(),
    "base64": base64.b64encode(SECRET.encode()),
    "in a basic credential": base64.b64encode(b"user:" + SECRET.encode()),
    "url": quote(SECRET, safe="").encode(),
    "json": json.dumps({"key": SECRET}).encode(),
}


def needles():
    """What must not be found, at every alignment of base64."""
    raw = SECRET.encode()
    cores = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw[:12], quote(SECRET, safe="").encode()[:16], *(core[:14] for core in cores)]


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["body", "split", "error", "header", "header name", "cookie"])
def test_a_credential_never_reaches_the_disk(tmp_path, make_header, form, place):
    echoed = FORMS[form]

    async def answer(_body, writer):
        status = b"HTTP/1.1 401 No\r\n" if place == "error" else b"HTTP/1.1 200 OK\r\n"
        extra = {
            "header": b"x-request-id: " + echoed + b"\r\n",
            "header name": b"x-ratelimit-" + SECRET.encode() + b": 1\r\n",
            "cookie": b"Set-Cookie: session=" + echoed + b"\r\n",
        }.get(place, b"")
        writer.write(status + extra + b"transfer-encoding: chunked\r\n\r\n")
        said = b"You sent " + echoed + b" to me"
        cuts = range(0, len(said), 5) if place == "split" else [0]
        for start in cuts:
            end = start + 5 if place == "split" else None
            writer.write(framed(said[start:end]))
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(b"0\r\n\r\n")

    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([SECRET]))
    heard = []

    async def work(client):
        async with server(answer) as url:
            credential = [("authorization", f"Bearer {SECRET}"), ("x-api-key", SECRET)]
            body = json.dumps({"user": SECRET}).encode()
            seen = await ask(
                client, f"{url}?key={quote(SECRET, safe='')}", body=body, headers=credential
            )
            heard.append(b"".join(chunk for _, chunk in seen))

    run_recorded(work, run, [SECRET])
    run.close()
    assert echoed in heard[0], "the client itself gets the true bytes"
    open_files = files_of(run.folder)
    seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    for files in (open_files, files_of(run.folder)):
        assert files
        for path, data in files.items():
            assert [needle for needle in needles() if needle in data] == [], path
    (exchange,) = read_run(run.folder).exchanges
    assert len(exchange.response.body) == len(heard[0])


def test_compressed_bytes_in_which_nobody_can_look_are_not_kept():
    async def gzipped(_body, writer):
        writer.write(OK + b"content-encoding: gzip\r\ncontent-length: 9\r\n\r\n\x1f\x8b-secret")

    async def work(client):
        async with server(gzipped) as url:
            await ask(client, url)

    (exchange,) = run_recorded(work)
    assert exchange.response.body == b"*" * 9
    assert exchange.response.header("content-encoding") == "gzip"

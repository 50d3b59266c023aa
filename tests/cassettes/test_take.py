import asyncio
import contextlib
import gc
import gzip
import itertools
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import in_trial
from contractcheck.cassettes.clients import httpx_streams
from contractcheck.cassettes.clients.httpx_streams import stream_types
from contractcheck.cassettes.recorder import Recorder
from contractcheck.cassettes.session import Outgoing
from contractcheck.errors import InterceptionError, RecordingError
from contractcheck.redaction import Scrubber

SECRET = "sesame-open-sesame"  # noqa: S105 - made up, to be looked for
REQUEST = Outgoing(
    method="post",
    url=f"https://user:{SECRET}@api.example.com/v1/chat?key={SECRET}",
    headers=(("Content-Type", "application/json"), ("Authorization", f"Bearer {SECRET}")),
    body=b'{"n": 1}',
)
HEAD = {"status": 200, "reason": "OK", "http_version": "HTTP/1.1", "headers": ()}


def recorder(sink, **options):
    return Recorder(sink=sink, scrubber=Scrubber.for_secrets([SECRET]), **options)


@contextlib.contextmanager
def take(sink, outgoing=REQUEST, **options):
    with in_trial("case", 0):
        yield recorder(sink, **options).begin(outgoing, via="test")


def test_an_exchange_is_handed_over_once_however_it_ends():
    sink = []
    with take(sink) as one:
        one.on_headers(**HEAD)
        one.on_chunk(b"x")
        one.finish("eof")
        one.fail(ValueError())
        one.abandon()
    assert [(x.ended, x.error, x.response.body, x.via) for x in sink] == [
        ("eof", None, b"x", "test")
    ]


def test_two_that_end_it_at_once_hand_it_over_once():
    sink = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(200):
            together = threading.Barrier(2)

            def end(one, together=together):
                together.wait()
                one.abandon()

            with take(sink) as one, ThreadPoolExecutor(max_workers=2) as pool:
                list(pool.map(end, [one, one]))
    finally:
        sys.setswitchinterval(before)
    assert len(sink) == 200


@pytest.mark.parametrize(
    ("error", "ended", "name"),
    [
        (ValueError(), "error", "ValueError"),
        (asyncio.CancelledError(), "closed", None),
        (KeyboardInterrupt(), "closed", None),
        (GeneratorExit(), "closed", None),
    ],
)
def test_a_clients_own_decision_is_no_error(error, ended, name):
    sink = []
    with take(sink) as one:
        one.fail(error)
    assert [(x.ended, x.error, x.response) for x in sink] == [(ended, name, None)]


def test_a_take_that_is_left_open_ends_with_its_trial():
    sink = []
    with take(sink) as one:
        one.on_headers(**HEAD)
        one.on_chunk(b"half")
        assert sink == []
    assert [(x.ended, x.response.body) for x in sink] == [("closed", b"half")]


def test_a_take_that_is_left_open_ends_with_its_session():
    sink = []
    session = recorder(sink)
    with in_trial("case", 0):
        session.begin(REQUEST, via="test").on_headers(**HEAD)
        session.close()
        assert [x.ended for x in sink] == ["closed"]
    assert len(sink) == 1
    assert session.refusals == []


def test_a_request_that_waits_for_its_answer_outlives_its_trial():
    sink = []
    session = recorder(sink)
    with in_trial("case", 3):
        one = session.begin(REQUEST, via="test")
    assert sink == []
    one.on_headers(**HEAD)
    one.on_chunk(b"late")
    one.finish("eof")
    session.close()
    assert [(x.trial, x.ended, x.response.body) for x in sink] == [(3, "eof", b"late")]
    assert session.refusals == []


def test_a_late_answer_that_nobody_closes_ends_with_its_session():
    sink = []
    session = recorder(sink)
    with in_trial("case", 3):
        one = session.begin(REQUEST, via="test")
    one.on_headers(**HEAD)
    del one
    gc.collect()
    session.close()
    assert [(x.trial, x.ended) for x in sink] == [(3, "closed")]
    assert session.refusals == []


def test_an_answer_that_nobody_waited_for_is_told_at_the_end():
    sink = []
    session = recorder(sink)
    for trial in range(2):
        with in_trial("case", trial):
            session.begin(REQUEST, via="test")
    session.close()
    assert [(x.ended, x.response) for x in sink] == [("closed", None)] * 2
    (refusal,) = session.refusals
    assert isinstance(refusal, RecordingError)
    assert str(refusal).startswith("2 requests were still under way when the session ended")


def test_a_body_without_a_head_is_a_mistake_of_the_adapter():
    with take([]) as one, pytest.raises(RuntimeError, match="on_headers"):
        one.on_chunk(b"x")


def test_times_count_from_the_moment_of_sending():
    sink = []
    with take(sink) as one:
        threading.Event().wait(0.02)
        one.on_sent()
        one.on_headers(**HEAD)
        one.finish("eof")
    assert sink[0].waited_us >= 20_000 > sink[0].end_us >= sink[0].headers_us >= 0


def test_a_hold_is_known_although_the_next_piece_never_came():
    """The trial ends in one thread while the client waits in another."""
    waits, ended = threading.Event(), threading.Event()

    class Stalled(httpx2.SyncByteStream):
        def __iter__(self):
            yield b"one"
            waits.set()
            ended.wait(20)

    types = stream_types(httpx2.SyncByteStream, httpx2.AsyncByteStream, lambda _played: None)
    sink = []
    with take(sink) as one, ThreadPoolExecutor(max_workers=1) as pool:
        one.on_headers(**HEAD)
        chunks = iter(types.tee(Stalled(), one))

        def read():
            next(chunks)
            threading.Event().wait(0.05)
            next(chunks, None)

        reading = pool.submit(read)
        assert waits.wait(20)
        one.abandon()
        ended.set()
        reading.result()
    assert sink[0].ended == "closed"
    assert sink[0].held_us >= 50_000


def test_what_a_request_holds_of_secrets_is_not_kept():
    sink = []
    with take(sink) as one:
        one.abandon()
    assert SECRET not in repr(sink)
    assert sink[0].request.method == "POST"
    assert sink[0].request.headers == (("Content-Type", "application/json"),)


def test_a_request_never_shows_its_secrets_in_an_error_text():
    assert SECRET not in repr(REQUEST)
    placed = replace(REQUEST, url=f"https://api.example.com/bot{SECRET}/chat")
    with pytest.raises(InterceptionError) as refused:
        recorder([], strict=True).begin(placed, via="test")
    assert SECRET not in str(refused.value)
    assert "POST" in str(refused.value).upper()


def test_a_traceback_that_shows_local_values_shows_no_body():
    with take([]) as one:
        one.on_headers(**{**HEAD, "headers": (("set-cookie", SECRET),)})
        one.on_chunk(SECRET.encode())
        assert SECRET not in repr(one)
        assert SECRET not in repr(one._received)
        one.abandon()


class Breaking(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __iter__(self):
        yield SECRET.encode()
        raise httpx2.ReadError("gone")

    async def __aiter__(self):
        yield SECRET.encode()
        raise httpx2.ReadError("gone")


def shown_of_ours(error):
    """What a traceback with local values shows of the frames that are ours."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename == httpx_streams.__file__]
    assert ours
    return str([frame.locals for frame in ours])


def test_a_traceback_through_a_stream_that_breaks_shows_no_body():
    types = stream_types(httpx2.SyncByteStream, httpx2.AsyncByteStream, lambda _played: None)
    with take([]) as one:
        one.on_headers(**HEAD)
        with pytest.raises(httpx2.ReadError) as broken:
            list(types.tee(Breaking(), one))
        assert SECRET not in shown_of_ours(broken.value)


async def drain(stream):
    return [chunk async for chunk in stream]


def test_a_traceback_through_an_async_stream_that_breaks_shows_no_body():
    types = stream_types(httpx2.SyncByteStream, httpx2.AsyncByteStream, lambda _played: None)
    with take([]) as one:
        one.on_headers(**HEAD)
        with pytest.raises(httpx2.ReadError) as broken:
            asyncio.run(drain(types.async_tee(Breaking(), one)))
        assert SECRET not in shown_of_ours(broken.value)


def number(session, n=1, *, trial=0, first_attempt=0):
    outgoing = replace(REQUEST, body=b"%d" % n)
    with in_trial("case", trial, first_attempt=first_attempt):
        return session.begin(outgoing, via="test").attempt


def test_attempts_are_counted_by_request_and_trial():
    session = recorder([])
    assert [number(session, n) for n in (1, 1, 2, 1, 2)] == [0, 1, 0, 2, 1]
    assert [number(session, trial=1) for _ in range(2)] == [0, 1]


def test_a_resumed_trial_counts_on():
    session = recorder([])
    assert [number(session, first_attempt=3) for _ in range(3)] == [3, 4, 5]
    assert [number(session), number(session, first_attempt=9)] == [6, 9]


def test_attempts_are_numbered_once_whoever_asks():
    session = recorder([])
    together = threading.Barrier(8)

    def count(_):
        together.wait()
        return [number(session) for _ in range(50)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = [attempt for attempts in pool.map(count, range(8)) for attempt in attempts]
    assert sorted(found) == list(range(400))


def cut(body, bounds):
    edges = [0, *sorted(bound % (len(body) + 1) for bound in bounds), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_a_secret_cut_by_chunks_is_found_and_the_bounds_stay(bounds, before, after):
    body = b"a" * before + SECRET.encode() + b"z" * after
    sink = []
    with take(sink) as one:
        one.on_headers(**HEAD)
        for chunk in cut(body, bounds):
            one.on_chunk(chunk)
        one.finish("eof")
    (exchange,) = sink
    assert SECRET.encode() not in exchange.response.body
    assert exchange.response.chunk_bytes == tuple(map(len, cut(body, bounds)))
    assert sum(exchange.response.chunk_bytes) == len(exchange.response.body)
    assert exchange.note == ""


def coded(body, bounds, **head):
    sink = []
    packed = gzip.compress(body)
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(packed))))
    with take(sink) as one:
        one.on_headers(**{**HEAD, "headers": headers, **head})
        for chunk in cut(packed, bounds):
            one.on_chunk(chunk)
        one.finish("eof")
    return packed, sink[0]


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), max_size=6))
def test_a_compressed_body_without_a_secret_is_kept_byte_for_byte(bounds):
    packed, exchange = coded(b"nothing to see" * 20, bounds)
    assert exchange.response.body == packed
    assert list(exchange.response.chunks()) == cut(packed, bounds)
    assert exchange.note == ""


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), max_size=6))
def test_a_secret_in_a_compressed_body_is_scrubbed_and_the_body_stays_readable(bounds):
    body = b"It is " + SECRET.encode() + b", as you said"
    packed, exchange = coded(body, bounds)
    response = exchange.response
    opened = gzip.decompress(response.body)
    assert opened == body.replace(SECRET.encode(), b"*" * len(SECRET))
    assert len(response.chunk_bytes) == len(cut(packed, bounds))
    assert sum(response.chunk_bytes) == len(response.body)
    assert min(response.chunk_bytes) >= 0
    assert response.header("content-length") == str(len(response.body))
    assert exchange.note


def test_bytes_in_which_nobody_can_look_are_not_kept():
    _, exchange = coded(b"x", [], headers=(("content-encoding", "x-unknown"),))
    assert set(exchange.response.body) == set(b"*")
    assert exchange.note.startswith("not kept: ")


def test_what_the_sink_refuses_is_remembered_for_the_end():
    class Full:
        def append(self, exchange):
            raise RecordingError(f"no room for {exchange.case}")

    session = recorder(Full())
    with in_trial("case", 0):
        one = session.begin(REQUEST, via="test")
        with pytest.raises(RecordingError, match="no room for case"):
            one.finish("eof")
    assert [str(refusal) for refusal in session.refusals] == ["no room for case"]

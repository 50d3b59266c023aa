"""What is played to whom, in which order, and what happens when nothing fits."""

import asyncio
import contextvars
import json
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import MemoryTape, in_trial, open_tape, recording, replaying
from contractcheck.cassettes.canonical import Canonicalisation, canonical_request
from contractcheck.cassettes.lines import request_digest
from contractcheck.errors import (
    InterceptionError,
    ReplayError,
    UnmatchedRequestError,
    UnseenCallError,
    UnusedExchangesError,
)
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.redaction import Scrubber

NOBODYS = Scrubber.for_secrets(())
URL = "https://api.example.com/v1/chat"
FORMATS = Path(__file__).parent / "formats"


def exchange(answer=b"answer", *, body=b'{"n": 1}', trial=0, attempt=0, **changes):
    """A recorded exchange; ``status``, ``chunks`` and ``times`` describe its answer."""
    status, chunks = changes.pop("status", 200), changes.pop("chunks", (answer,))
    times = changes.pop("times", tuple(range(300, 300 + len(chunks))))
    request = Request(
        method="POST",
        url=URL,
        headers=(),
        body=body,
        digest=canonical_request("POST", URL, (), body, scrubber=NOBODYS).digest(),
    )
    response = Response(
        status=status,
        http_version="HTTP/1.1",
        headers=(("content-type", "text/plain"),),
        body=b"".join(chunks),
        chunk_bytes=tuple(map(len, chunks)),
        chunk_times_us=times,
    )
    fields = {
        "case": "case",
        "trial": trial,
        "attempt": attempt,
        "request": request,
        "response": response,
        "started_at": f"2026-01-01T00:00:{attempt:02d}+00:00",
        "waited_us": 0,
        "headers_us": 200,
        "end_us": 400,
        "ended": "eof",
        "error": None,
    }
    return Exchange(**{**fields, **changes})


def broken(*, attempt=0, error="ConnectError", **changes):
    return exchange(attempt=attempt, response=None, ended="error", error=error, **changes)


def older(one, *, url=URL, **changes):
    """The exchange as format 1 knew it: its digest is over the whole URL."""
    digest = request_digest("POST", url, one.request.body)
    return replace(one, request=replace(one.request, url=url, digest=digest, **changes))


def play(exchanges, *, scrubber=NOBODYS, **options):
    return replaying(MemoryTape.of(exchanges), scrubber, **options)


def ask(body=b'{"n": 1}', *, trial=0, url=URL, case="case"):
    with in_trial(case, trial), httpx2.Client() as client:
        return client.post(url, content=body).content


def ask_often(count, *, trial=0):
    """Several equal requests in one trial."""
    with in_trial("case", trial), httpx2.Client() as client:
        return [client.post(URL, content=b'{"n": 1}').content for _ in range(count)]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=12))
def test_any_chunks_are_played_at_their_own_bounds(chunks):
    with (
        play([exchange(chunks=tuple(chunks))]),
        in_trial("case", 0),
        httpx2.Client() as client,
        client.stream("POST", URL, content=b'{"n": 1}') as response,
    ):
        assert list(response.iter_raw()) == chunks


def test_equal_requests_get_the_answers_of_their_trial_whatever_the_schedule():
    taped = [exchange(b"%d/%d" % (t, a), trial=t, attempt=a) for t in range(25) for a in range(2)]
    waits = random.Random(7)  # noqa: S311 - an order that can be made again

    async def one(client, trial):
        answers = []
        with in_trial("case", trial):
            for _ in range(2):
                await asyncio.sleep(waits.random() / 50)
                # In a task of its own, as SDKs like to do it.
                reply = await asyncio.create_task(client.post(URL, content=b'{"n": 1}'))
                answers.append(reply.content)
        return answers

    async def gather():
        async with httpx2.AsyncClient() as client:
            return await asyncio.gather(*(one(client, trial) for trial in range(25)))

    expected = [[b"%d/%d" % (trial, attempt) for attempt in range(2)] for trial in range(25)]
    with play(taped):
        assert asyncio.run(gather()) == expected
    with play(taped), ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(lambda trial: ask_often(2, trial=trial), range(25))) == expected


def test_threads_that_share_a_trial_share_its_answers():
    taped = [exchange(b"%d" % attempt, attempt=attempt) for attempt in range(40)]
    with play(taped), in_trial("case", 0), httpx2.Client() as client:

        def work():
            return client.post(URL, content=b'{"n": 1}').content

        with ThreadPoolExecutor(max_workers=8) as pool:
            asked = [pool.submit(contextvars.copy_context().run, work) for _ in range(40)]
            assert {one.result() for one in asked} == {b"%d" % attempt for attempt in range(40)}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_what_a_client_would_repeat_is_passed_over(status):
    taped = [
        broken(),
        exchange(b"wait", attempt=1, status=status),
        broken(attempt=2, error="ReadError"),
        exchange(b"settled", attempt=3),
    ]
    with play(taped) as player:
        assert ask() == b"settled"
        assert player.unused() == ()


def test_the_last_attempt_is_played_even_when_it_failed():
    with play([exchange(b"wait", status=429), exchange(b"no", attempt=1, status=429)]):
        assert ask() == b"no"
    with play([broken()]), pytest.raises(httpx2.ConnectError, match="replayed from a recording"):
        ask()


def test_every_attempt_can_be_played():
    taped = [exchange(b"wait", status=429), exchange(b"settled", attempt=1)]
    with play(taped, attempts="all"):
        assert ask_often(2) == [b"wait", b"settled"]


def test_equal_requests_at_once_are_no_retries_of_each_other():
    began = "2026-01-01T00:00:00.{:06d}+00:00"
    taped = [
        exchange(b"0", started_at=began.format(0), status=500, waited_us=100, end_us=900),
        exchange(b"1", started_at=began.format(999), attempt=1, status=429),
        exchange(b"2", started_at="not a time", attempt=2, status=503),
        exchange(b"3", started_at="2026-01-01T00:00:09", attempt=3, end_us=10**30, status=503),
        exchange(b"4", started_at="2026-01-01T00:00:10", attempt=4),
    ]
    with play(taped):
        assert ask_often(5) == [b"0", b"1", b"2", b"3", b"4"]


def test_code_that_made_every_attempt_itself_gets_as_many_answers():
    taped = [exchange(b"%d" % n, attempt=n, status=500 - 100 * (n > 1)) for n in range(4)]
    with play(taped):
        assert ask_often(4) == [b"2", b"3", b"0", b"1"]
    with pytest.raises(UnmatchedRequestError, match="recorded 4 times"), play(taped):
        ask_often(5)


def test_answers_that_no_client_repeats_are_all_played():
    taped = [exchange(b"%d" % n, attempt=n, status=400 + n) for n in range(3)]
    with play(taped):
        assert ask_often(3) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("error", ["RemoteProtocolError", "ReadTimeout", "NameOfNoClass"])
def test_a_body_that_broke_breaks_again(error):
    kind = getattr(httpx2, error, httpx2.TransportError)
    taped = [exchange(chunks=(b"one", b"two"), ended="error", error=error)]
    with play(taped), in_trial("case", 0), httpx2.Client() as client:
        heard = []

        def listen():
            with client.stream("POST", URL, content=b'{"n": 1}') as response:
                heard.append(response.status_code)
                heard.extend(response.iter_raw())

        with pytest.raises(kind) as broke:
            listen()
        assert type(broke.value) is kind
        assert heard == [200, b"one", b"two"]


def test_a_request_that_was_never_recorded_is_refused_with_the_nearest():
    pattern = r"(?s)case 'case', trial 0: POST api.example.com/v1/chat: was never recorded.*\$\.n: recorded 1 -> sent 2"
    with pytest.raises(UnmatchedRequestError, match=pattern), play([exchange()], strict=False):
        ask(b'{"n": 2}')


def test_a_request_recorded_in_other_trials_only_says_in_which():
    taped = [exchange(trial=3), exchange(trial=5)]
    with (
        pytest.raises(UnmatchedRequestError, match=r"other trials only \(3, 5\)"),
        play(taped, strict=False),
    ):
        ask(trial=4)


def test_a_case_without_a_recording_says_so():
    with pytest.raises(UnmatchedRequestError, match="no recording"), play([]):
        ask()


def test_an_exhausted_tape_says_how_often_it_was_recorded():
    with (
        pytest.raises(UnmatchedRequestError, match="was recorded 2 times in this trial"),
        play([exchange(), exchange(attempt=1)]),
    ):
        ask_often(3)


def test_a_request_without_an_answer_is_told_even_when_the_client_swallows_it():
    def swallow():
        with pytest.raises(UnmatchedRequestError):
            ask(b'{"n": 2}')

    with pytest.raises(UnmatchedRequestError, match="no recording"), play([], strict=False):
        swallow()


def test_what_a_client_made_of_it_names_the_reason():
    def wrap():
        try:
            ask(b'{"n": 2}')
        except UnmatchedRequestError:
            raise ValueError("Connection error.") from None

    with pytest.raises(ValueError, match="Connection error") as wrapped, play([exchange()]):
        wrap()
    (note,) = wrapped.value.__notes__
    assert "$.n: recorded 1 -> sent 2" in note


def test_unused_exchanges_are_named_at_the_end():
    taped = [exchange(), exchange(attempt=1), exchange(trial=7), exchange(case="other")]
    with (
        pytest.raises(
            UnusedExchangesError,
            match=r"(?s)3 recorded .*case: trial 0, attempt 1: POST https://api.example.com/v1/chat.*case: trial 7.*other: trial 0",
        ),
        play(taped),
    ):
        ask()
    with play(taped, strict=False) as player:
        ask()
    assert [(case, key[1:]) for case, key in player.unused()] == [
        ("case", (0, 1)),
        ("case", (7, 0)),
        ("other", (0, 0)),
    ]


def test_many_unused_exchanges_are_counted():
    with (
        pytest.raises(UnusedExchangesError, match=r"(?s)30 recorded .*and 20 more$"),
        play([exchange(trial=trial) for trial in range(30)]),
    ):
        pass


@pytest.mark.parametrize(
    "head",
    [
        {"headers": (("x-a", "1\r\nx-b: 2"),)},
        {"headers": (("x-\0", "1"),)},
        {"headers": (("x-a", "\u20ac"),)},
        {"http_version": "HTTP/1.1\n"},
        {"reason": "\U0001f600"},
        {"http_version": "HTTP/\xe9"},
        {"headers": (("Content-Length", "9" * 5000),)},
        {"status": 42},
        {"status": 100},
        {"status": 1000},
    ],
    ids=str,
)
def test_a_head_that_http_cannot_carry_is_refused(head):
    one = exchange()
    one = replace(one, response=replace(one.response, **head))
    with pytest.raises(ReplayError, match="not one that HTTP can carry"), play([one]):
        ask()


def test_an_answer_that_opened_a_websocket_says_so():
    one = exchange()
    one = replace(one, response=replace(one.response, status=101))
    with pytest.raises(ReplayError, match="WebSockets are not recorded"), play([one]):
        ask()


def test_a_request_that_opens_a_websocket_is_refused_every_time():
    def upgrade():
        with in_trial("case", 0), httpx2.Client(headers={"Upgrade": "websocket"}) as client:
            client.post(URL, content=b'{"n": 1}')

    def ask_in_every_way():
        for _ in range(2):
            with pytest.raises(UnseenCallError, match="opens a WebSocket"):
                upgrade()
        assert ask() == b"answer"

    with (
        pytest.raises(UnseenCallError, match="opens a WebSocket"),
        play([exchange()], strict=False),
    ):
        ask_in_every_way()


class TakenAtItsWord(MemoryTape):
    """A recording that does not look at its own requests."""

    def find(self, case, digest, trial, attempt, sent=None):
        found = super().find(case, digest, trial, attempt)
        return None if found is None else replace(found, request=sent)


def test_what_is_told_of_an_overrun_holds_no_secret_of_today():
    secret = "sesame-open-of-today"  # noqa: S105 - made up
    knows = Scrubber.for_secrets([secret])
    url = f"{URL}?said={secret}"
    digest = canonical_request("POST", url, (), b'{"n": 1}', scrubber=knows).digest()
    one = exchange(ended="closed")
    one = replace(one, request=replace(one.request, digest=digest))
    with (
        pytest.raises(ReplayError, match="the client stopped reading here") as told,
        replaying(TakenAtItsWord.of([one]), knows),
    ):
        ask(url=url)
    assert "POST https://api.example.com/v1/chat?said=*****" in str(told.value)
    assert secret not in str(told.value)


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        ({"response": None, "ended": "closed"}, "gave this request up"),
        ({"note": "not kept: the content coding 'x' is not known"}, "not kept: the content coding"),
    ],
)
def test_an_answer_that_is_not_there_cannot_be_played(recorded, reason):
    with pytest.raises(ReplayError, match=reason), play([exchange(**recorded)]):
        ask()


def test_recordings_of_format_1_are_played_as_they_are():
    local = "http://127.0.0.1:4711/v1/chat"
    with play([older(exchange(), url=local)]):
        assert ask(url="http://localhost:9/v1/chat") == b"answer", "by what the request says"
    with play([older(exchange(), body=b"")]):
        assert ask() == b"answer", "without its prompt by the digest of then"
    with pytest.raises(UnmatchedRequestError), play([older(exchange(), url=local, body=b"")]):
        ask()


def test_digests_of_old_that_are_one_request_today_are_played_in_their_order():
    first, second = (URL.replace(".com", f".com:{port}") for port in (9, 8))
    taped = [
        older(exchange(b"2nd", started_at="2026-01-01T00:00:09+00:00"), url=first),
        older(exchange(b"1st", started_at="2026-01-01T00:00:01+00:00"), url=second),
    ]
    with play(taped):
        assert ask_often(2) == [b"1st", b"2nd"]


@pytest.mark.parametrize("kind", ["open", "sealed"])
def test_a_run_of_format_1_can_be_replayed_from_disk(kind):
    tape = open_tape(FORMATS / "format-1" / kind)
    whole = []
    with replaying(tape, NOBODYS, strict=False, attempts="all"):
        for case in tape.cases:
            for digest, trial, attempt in tape.keys(case):
                one = tape.find(case, digest, trial, attempt)
                if one.ended == "eof":
                    url = one.request.url
                    assert (
                        ask(one.request.body, trial=trial, url=url, case=case) == one.response.body
                    )
                    whole.append(one)
    assert whole


def test_another_key_is_the_same_request():
    def taped(secret):
        sink = []
        transport = httpx2.HTTPTransport.handle_request
        httpx2.HTTPTransport.handle_request = lambda _self, _request: httpx2.Response(
            200, stream=httpx2.ByteStream(b"hello")
        )
        try:
            with recording(sink, Scrubber.for_secrets([secret])):
                talk(secret)
        finally:
            httpx2.HTTPTransport.handle_request = transport
        return sink

    def talk(secret):
        url = f"https://api.example.com/v1/chat?key={secret}"
        return ask(json.dumps({"user": secret, "said": f"I am {secret}"}).encode(), url=url)

    sink = taped("sesame-open")
    assert b"sesame" not in sink[0].request.body
    assert "sesame" not in sink[0].request.url
    other = "a-longer-secret-of-another-day"
    with play(sink, scrubber=Scrubber.for_secrets([other])):
        assert talk(other) == b"hello"


def test_a_secret_in_a_path_is_in_no_error_text():
    secret = "sesame-open-sesame"  # noqa: S105 - made up, to be looked for
    knows = Scrubber.for_secrets([secret])
    with (
        pytest.raises(UnmatchedRequestError, match=r"/bot\*+/chat") as refused,
        play([exchange()], scrubber=knows),
    ):
        ask(url=f"https://api.example.com/bot{secret}/chat?key={secret}")
    assert secret not in str(refused.value)


def test_what_was_declared_volatile_may_differ():
    def body(number):
        return json.dumps({"n": 1, "metadata": {"id": number}}).encode()

    rule = Canonicalisation(fields=("$.metadata.id",))
    with play([exchange(body=body(1))], rule=rule):
        assert ask(body(2)) == b"answer"
    difference = r"\$\.metadata\.id: recorded 1 -> sent 2"
    with pytest.raises(UnmatchedRequestError, match=difference), play([exchange(body=body(1))]):
        ask(body(2))


def test_two_sessions_at_once_are_refused_and_the_first_goes_on():
    with play([exchange()]):
        with (
            pytest.raises(InterceptionError, match="another recording or replaying session"),
            recording([], NOBODYS),
        ):
            pass
        assert ask() == b"answer"
    with play([exchange()]):
        assert ask() == b"answer"


def test_nothing_may_connect_during_a_replay():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with pytest.raises(UnseenCallError, match=f"127.0.0.1:{address[1]}"), play([]):
            socket.create_connection(address)
        with play([], allow_hosts=["127.0.0.1"]), socket.create_connection(address) as made:
            assert made.getpeername() == address


class HandClock:
    """Stands still until somebody waits."""

    def __init__(self):
        self.now, self.waits = 100.0, []

    def now_s(self):
        return self.now

    def sleep(self, seconds):
        self.waits.append(round(seconds, 6))
        self.now += seconds

    async def sleep_async(self, seconds):
        self.sleep(seconds)


STREAM = {
    "chunks": (b"a", b"b", b"c"),
    "times": (250_000, 250_000, 900_000),
    "headers_us": 200_000,
    "end_us": 1_000_000,
}


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0])
def test_the_recorded_clock_can_be_kept(factor):
    def read():
        with in_trial("case", 0), httpx2.Client() as client:
            return client.post(URL, content=b'{"n": 1}').content

    async def read_async():
        with in_trial("case", 0):
            async with httpx2.AsyncClient() as client:
                return (await client.post(URL, content=b'{"n": 1}')).content

    for work in (read, lambda: asyncio.run(read_async())):
        clock = HandClock()
        with play([exchange(**STREAM)], retime=factor, clock=clock):
            assert work() == b"abc"
        assert clock.waits == [round(wait * factor, 6) for wait in (0.2, 0.05, 0.65, 0.1)]


def test_a_slow_consumer_does_not_add_to_the_recorded_times():
    clock = HandClock()
    with (
        play([exchange(**STREAM)], retime=1.0, clock=clock),
        in_trial("case", 0),
        httpx2.Client() as client,
        client.stream("POST", URL, content=b'{"n": 1}') as stream,
    ):
        for _ in stream.iter_raw():
            clock.now += 0.3
    assert clock.waits == [0.2, 0.05, 0.05]


def test_an_error_comes_when_it_came():
    clock = HandClock()
    taped = [broken(headers_us=None, end_us=3_000_000, error="ReadTimeout")]
    with play(taped, retime=1.0, clock=clock), pytest.raises(httpx2.ReadTimeout):
        ask()
    assert clock.waits == [3.0]


def test_without_the_recorded_clock_nobody_waits():
    clock = HandClock()
    with play([exchange(**STREAM)], clock=clock):
        assert ask() == b"abc"
    assert clock.waits == []

"""Everything that urllib3 does with a response, live and from a recording."""

import contextlib
import gzip
import io
import threading
import time
import urllib.request

import pytest
import urllib3

from contractcheck.cassettes import MemoryTape, in_trial, recording, replaying
from contractcheck.errors import UnmatchedRequestError, UnseenCallError
from contractcheck.redaction import Scrubber

ANYTHING = Scrubber.for_secrets(())
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def framed(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def plain(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return [b"\r\n".join(lines) + b"\r\n\r\n" + body]


def live_and_again(server, sink, work):
    """Run ``work(pool)`` under recording, then from the recording; return both results."""

    def main():
        with urllib3.PoolManager() as pool:
            return work(pool)

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        live = main()
    server.stop()
    with replaying(sink.tape, ANYTHING, attempts="all"), in_trial("a", 0):
        return live, main()


READS = {
    "all": lambda response: response.read(),
    "in parts": lambda response: list(iter(lambda: response.read(5), b"")),
    "what is there": lambda response: list(iter(lambda: response.read1(5), b"")),
    "as a stream": lambda response: list(response.stream(4)),
    "raw": lambda response: response.read(decode_content=False),
    "lines": lambda response: [response.readline() for _ in range(3)],
    "drained": lambda response: response.drain_conn(),
}
BODIES = {
    "length": plain(b"one\ntwo\nthree\n"),
    "packed": plain(gzip.compress(b"one\ntwo\nthree\n"), b"content-encoding: gzip"),
    "chunks": [CHUNKED + framed(b"one\nt") + framed(b"wo\nthree\n") + b"0\r\n\r\n"],
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("read", READS)
def test_a_body_may_be_read_in_every_way(read, body, server, sink):
    server.scripts["/"] = BODIES[body]
    live, again = live_and_again(
        server,
        sink,
        lambda pool: READS[read](pool.request("GET", server.url, preload_content=False)),
    )
    assert again == live
    (exchange,) = sink
    assert exchange.ended == "eof"


def test_a_preloaded_body_is_there_when_the_response_is(server, sink):
    server.scripts["/"] = BODIES["packed"]
    live, again = live_and_again(
        server,
        sink,
        lambda pool: (response := pool.request("GET", server.url)).data + response.data,
    )
    assert again == live == b"one\ntwo\nthree\n" * 2
    assert len(sink) == 1


def test_each_retry_and_each_redirect_is_an_exchange(server, sink):
    answers = iter(
        [
            plain(b"", status=b"503 Busy"),
            plain(b"", b"location: /new", status=b"307 Moved"),
            plain(b"here"),
        ]
    )
    server.keeps_alive = True
    server.scripts["/old"] = server.scripts["/new"] = lambda _body: next(answers)

    def work(pool):
        retries = urllib3.Retry(3, status_forcelist=[503], allowed_methods=None)
        response = pool.request("POST", f"{server.url}/old", body=b"{}", retries=retries)
        return response.data, [step.status for step in response.retries.history]

    live, again = live_and_again(server, sink, work)
    assert again == live == (b"here", [307])
    assert [one.attempt for one in sink] == [0, 1, 0]


BODY_KINDS = {
    "bytes": lambda: b"content",
    "text": lambda: "cöntent",
    "array": lambda: bytearray(b"content"),
    "file": lambda: io.BytesIO(b"content"),
    "text file": lambda: io.StringIO("cöntent"),
    "parts": lambda: iter([b"con", b"tent"]),
}


@pytest.mark.parametrize("kind", BODY_KINDS)
def test_a_request_body_of_any_kind_is_sent_whole_and_stored(kind, server, sink):
    server.scripts["/"] = plain(b"{}")
    live, again = live_and_again(
        server, sink, lambda pool: pool.request("POST", server.url, body=BODY_KINDS[kind]()).data
    )
    assert again == live == b"{}"
    (exchange,) = sink
    assert exchange.request.body == server.requests[0][1] != b""


def test_a_file_is_sent_again_from_where_it_began(server, sink):
    answers = iter([plain(b"", status=b"503 Busy"), plain(b"{}")])
    server.keeps_alive = True
    server.scripts["/"] = lambda _body: next(answers)
    file = io.BytesIO(b"skipped content")
    file.seek(8)

    def work(pool):
        retries = urllib3.Retry(1, status_forcelist=[503], allowed_methods=None)
        return pool.request("PUT", server.url, body=file, retries=retries).data

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0), urllib3.PoolManager() as pool:
        assert work(pool) == b"{}"
    assert [body for _, body in server.requests] == [b"content", b"content"]
    assert [one.request.body for one in sink] == [b"content", b"content"]


def test_a_body_dropped_in_the_middle_is_closed_with_what_was_read(server, sink):
    server.scripts["/"] = [CHUNKED + framed(b"one\n"), framed(b"two\n")]

    def work(pool):
        response = pool.request("GET", server.url, preload_content=False)
        first = next(response.stream())
        response.close()
        return first

    live, again = live_and_again(server, sink, work)
    assert again == live == b"one\n"
    (exchange,) = sink
    assert (exchange.ended, exchange.error, exchange.response.body) == ("closed", None, b"one\n")


def test_a_forgotten_body_is_closed_with_its_trial(server, sink):
    server.scripts["/"] = [CHUNKED + framed(b"one\n"), framed(b"two\n")]
    with recording(sink, ANYTHING, strict=True), urllib3.PoolManager() as pool:
        with in_trial("a", 0):
            response = pool.request("GET", server.url, preload_content=False)
            assert next(response.stream()) == b"one\n"
        assert [(one.ended, one.response.body) for one in sink] == [("closed", b"one\n")]
        response.close()
    assert len(sink) == 1


def test_a_body_that_nobody_needs_to_read_is_whole_at_once(server, sink):
    server.scripts["/"] = plain(b"", status=b"200 OK")
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0), urllib3.PoolManager() as pool:
        response = pool.request("GET", server.url, preload_content=False)
        assert [one.ended for one in sink] == ["eof"]
        response.close()


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_timeout_is_recorded_and_happens_again_without_the_wait(has_begun, server, sink):
    server.scripts["/"] = [CHUNKED + framed(b"one\n") if has_begun else b"", b"never"]
    # On replay, no clock of the client may be what ends it.
    timeouts_s = iter([0.4, 60.0])

    def work(pool):
        with pytest.raises(urllib3.exceptions.ReadTimeoutError) as failed:
            pool.request("GET", server.url, timeout=next(timeouts_s), retries=False)
        return type(failed.value)

    live, again = live_and_again(server, sink, work)
    assert again is live
    (exchange,) = sink
    assert exchange.ended == "error"
    assert "Timeout" in exchange.error
    assert (exchange.response is not None) == has_begun


def test_a_name_that_nobody_knows_is_recorded_and_raised_again(server, sink):
    def work(pool):
        with pytest.raises(urllib3.exceptions.NameResolutionError) as failed:
            pool.request("GET", "http://nowhere.invalid/", retries=False)
        return failed.value.host if hasattr(failed.value, "host") else type(failed.value)

    live, again = live_and_again(server, sink, work)
    assert again == live
    (exchange,) = sink
    assert exchange.error == "NameResolutionError"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ConnectError", "NewConnectionError"),
        ("ConnectTimeoutError", "ConnectTimeoutError"),
        ("ReadTimeout", "ReadTimeoutError"),
        ("ServerDisconnectedError", "ProtocolError"),
        ("ConnectionResetError", "ProtocolError"),
        ("SSLError", "SSLError"),
        ("SystemExit", "ProtocolError"),
    ],
)
def test_the_errors_of_other_clients_become_the_nearest_of_urllib3(name, kind, closed_port, sink):
    url = f"http://127.0.0.1:{closed_port}/"
    with urllib3.PoolManager() as pool:
        with (
            recording(sink, ANYTHING, strict=True),
            in_trial("a", 0),
            pytest.raises(urllib3.exceptions.HTTPError),
        ):
            pool.request("GET", url, retries=False)
        (exchange,) = sink
        other = type(exchange)(
            **{field: getattr(exchange, field) for field in exchange.__slots__} | {"error": name}
        )
        with (
            replaying(MemoryTape.of([other]), ANYTHING),
            in_trial("a", 0),
            pytest.raises(getattr(urllib3.exceptions, kind)),
        ):
            pool.request("GET", url, retries=False)


def test_https_through_a_proxy_is_replayed_without_the_proxy(server, closed_port, sink):
    """Recorded without one: what was asked is the same."""
    server.scripts["/v1"] = plain(b"{}")
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0), urllib3.PoolManager() as direct:
        direct.request("GET", f"{server.url}/v1")
    with urllib3.ProxyManager(f"http://127.0.0.1:{closed_port}") as pool:
        with replaying(sink.tape, ANYTHING), in_trial("a", 0):
            assert pool.request("GET", "https://localhost:9/v1").data == b"{}"
        with pytest.raises(urllib3.exceptions.ProxyError):
            pool.request("GET", "https://localhost:9/v1", retries=False)


def test_a_tunnel_that_a_proxy_refuses_is_recorded(server, sink):
    server.scripts["nowhere.invalid:443"] = plain(b"", status=b"403 No")

    with (
        urllib3.ProxyManager(server.url) as pool,
        recording(sink, ANYTHING, strict=True),
        in_trial("a", 0),
        pytest.raises(urllib3.exceptions.HTTPError),
    ):
        pool.request("GET", "https://nowhere.invalid/", retries=False)
    (exchange,) = sink
    assert exchange.request.url == "https://nowhere.invalid:443/"
    assert (exchange.response, exchange.ended) == (None, "error")
    assert server.requests == [("nowhere.invalid:443", b"")]


def test_connections_are_reused_while_recording_and_after_a_replay(server, sink):
    server.keeps_alive = True
    server.scripts["/"] = plain(b"{}")
    with urllib3.PoolManager() as pool:
        with recording(sink, ANYTHING, strict=True):
            for trial in range(3):
                with in_trial("a", trial):
                    pool.request("GET", server.url)
        assert pool.connection_from_url(server.url).num_connections == 1
        assert [one.ended for one in sink] == ["eof"] * 3
        asked = len(server.requests)
        with replaying(sink.tape, ANYTHING):
            for trial in range(3):
                with in_trial("a", trial):
                    assert pool.request("GET", server.url).data == b"{}"
        assert len(server.requests) == asked
        assert pool.request("GET", server.url).data == b"{}"
        assert len(server.requests) == asked + 1


def test_a_request_that_was_never_recorded_is_refused_not_sent(server, sink):
    server.scripts["/"] = plain(b"{}")
    with (
        urllib3.PoolManager() as pool,
        pytest.raises(UnmatchedRequestError),
        replaying(sink.tape, ANYTHING),
        in_trial("a", 0),
    ):
        pool.request("POST", server.url, body=b"other")
    assert server.requests == []


def test_a_thread_outside_any_trial_is_refused_by_a_replay(server, sink):
    """By a library that nobody intercepts."""
    server.scripts["/"] = plain(b"{}")

    def elsewhere():
        with contextlib.suppress(Exception):
            urllib.request.urlopen(server.url)  # noqa: S310 - loopback

    def replay():
        with replaying(sink.tape, ANYTHING):
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()

    with pytest.raises(UnseenCallError):
        replay()
    assert server.requests == []


def test_waiting_for_a_connection_is_noted_apart(server, sink, monkeypatch):
    server.scripts["/"] = plain(b"{}")
    connect = urllib3.connection.HTTPConnection.connect

    def slowly(connection):
        time.sleep(0.05)
        connect(connection)

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", slowly)
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0), urllib3.PoolManager() as pool:
        pool.request("GET", server.url)
    (exchange,) = sink
    assert exchange.waited_us >= 50_000


def test_a_consumer_that_keeps_a_chunk_is_noted(server, sink):
    server.scripts["/"] = [CHUNKED + framed(b"one\n"), framed(b"two\n") + b"0\r\n\r\n"]
    with recording(sink, ANYTHING, strict=True), in_trial("a", 0), urllib3.PoolManager() as pool:
        response = pool.request("GET", server.url, preload_content=False)
        for _ in response.stream():
            time.sleep(0.05)
            server.next_part()
    (exchange,) = sink
    assert exchange.held_us >= 50_000


@pytest.mark.parametrize("url", ["http://[::1]:9/v1?a=1", "http://127.0.0.1:9/v1?a=1"])
def test_the_stored_address_is_the_one_that_was_asked(url, sink):
    with (
        recording(sink, ANYTHING, strict=True),
        in_trial("a", 0),
        urllib3.PoolManager() as pool,
        pytest.raises(urllib3.exceptions.HTTPError),
    ):
        pool.request("GET", url, retries=False)
    assert sink[0].request.url == url

"""requests on the urllib3 adapter: what it adds of its own still works from a recording."""

import pytest
import requests  # noqa: TID251 - recorded too
from urllib3 import Retry

from contractcheck.cassettes import in_trial, recording, replaying
from contractcheck.redaction import Scrubber

ANYTHING = Scrubber.for_secrets(())


def plain(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return [b"\r\n".join(lines) + b"\r\n\r\n" + body]


def live_and_again(server, sink, work):
    def main():
        with requests.Session() as session:
            session.trust_env = False
            return work(session)

    with recording(sink, ANYTHING, strict=True), in_trial("a", 0):
        live = main()
    server.stop()
    with replaying(sink.tape, ANYTHING, attempts="all"), in_trial("a", 0):
        return live, main()


def test_json_and_status_and_headers(server, sink):
    server.scripts["/v1?q=1"] = plain(
        b'{"a": 1}', b"content-type: application/json", b"Request-Id: r", status=b"201 Made"
    )

    def work(session):
        response = session.post(f"{server.url}/v1", params={"q": 1}, json={"b": 2})
        return (
            response.json(),
            response.status_code,
            response.reason,
            response.headers["request-id"],
        )

    live, again = live_and_again(server, sink, work)
    assert again == live == ({"a": 1}, 201, "Made", "r")


def test_lines_of_a_stream_come_one_by_one(server, sink):
    lines = [b"data: %d\n" % number for number in range(4)]
    frames = [b"%x\r\n%s\r\n" % (len(line), line) for line in lines]
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    # Each line is sent when the client has the one before: a buffer in between would hang.
    server.scripts["/"] = [head + frames[0], *frames[1:3], frames[3] + b"0\r\n\r\n"]

    def work(session):
        seen = []
        with session.get(server.url, stream=True) as response:
            for chunk in response.iter_content(None):
                seen.append(chunk)
                server.next_part()
        return seen

    live, again = live_and_again(server, sink, work)
    assert again == live == lines


def test_redirects_are_followed(server, sink):
    server.keeps_alive = True
    server.scripts["/old"] = plain(b"", b"location: /new", status=b"302 Found")
    server.scripts["/new"] = plain(b"here")

    def work(session):
        response = session.get(f"{server.url}/old")
        return response.url.rpartition("/")[2], [one.status_code for one in response.history]

    live, again = live_and_again(server, sink, work)
    assert again == live == ("new", [302])


def test_retries_of_an_adapter_are_attempts(server, sink):
    answers = iter([plain(b"", status=b"429 Slow"), plain(b"{}")])
    server.keeps_alive = True
    server.scripts["/"] = lambda _body: next(answers)

    def work(session):
        session.mount(
            "http://", requests.adapters.HTTPAdapter(max_retries=Retry(2, status_forcelist=[429]))
        )
        return session.get(server.url).status_code

    live, again = live_and_again(server, sink, work)
    assert again == live == 200
    assert [one.response.status for one in sink] == [429, 200]


def test_a_refused_connection_keeps_its_class(closed_port, server, sink):
    def work(session):
        with pytest.raises(requests.ConnectionError) as failed:
            session.get(f"http://127.0.0.1:{closed_port}/")
        return type(failed.value)

    live, again = live_and_again(server, sink, work)
    assert again is live


def test_a_multipart_upload_matches_whatever_its_boundary(server, sink):
    server.scripts["/"] = plain(b"{}")

    def work(session):
        return session.post(server.url, files={"file": ("a.txt", b"content")}).status_code

    live, again = live_and_again(server, sink, work)
    assert again == live == 200
    assert b"content" in sink[0].request.body

"""Answers that are HTTP, or nearly, and not what was asked for: each is known for what it is."""

import gzip
import json

import pytest

from contractcheck.cassettes import read_run
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict

INFRA, TRUNCATED, MALFORMED, ANSWERED = (
    Outcome.INFRA,
    Outcome.TRUNCATED,
    Outcome.MALFORMED,
    Outcome.ANSWERED,
)
HTML = b"<html><body>502 Bad Gateway</body></html>"
ERROR = b'{"error": {"message": "The server had an error", "type": "server_error", "code": null}}'
WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-sim-mini-2026-03-01",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
ZIPPED = gzip.compress(WHOLE)


def http(body, *more, status=b"200 OK", media_type=b"application/json", length=None):
    size = len(body) if length is None else length
    lines = [b"HTTP/1.1 " + status, b"content-type: " + media_type, b"content-length: %d" % size]
    return b"\r\n".join([*lines, *more, b"", body])


def dechunked(answer):
    """The body of a chunked answer, put together."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


WRONG = {
    "error in a 200": (lambda _: http(ERROR), INFRA),
    "error text in a 200": (lambda _: http(b'{"error": "overloaded"}'), INFRA),
    "error in a stream": (
        lambda _: http(b"data: " + ERROR + b"\n\n", media_type=b"text/event-stream"),
        INFRA,
    ),
    "page in a 200": (lambda _: http(HTML, media_type=b"text/html"), MALFORMED),
    "page that says it is JSON": (lambda _: http(HTML), MALFORMED),
    "page that says it is a stream": (
        lambda _: http(HTML, media_type=b"text/event-stream"),
        TRUNCATED,
    ),
    "page with 502": (lambda _: http(HTML, status=b"502 Bad Gateway"), INFRA),
    "nothing in a 200": (lambda _: http(b""), MALFORMED),
    "nothing, 204": (lambda _: b"HTTP/1.1 204 No Content\r\n\r\n", MALFORMED),
    "no choices": (lambda _: http(WHOLE.replace(b"choices", b"chances")), MALFORMED),
    "empty choices": (
        lambda _: http(json.dumps(json.loads(WHOLE) | {"choices": []}).encode()),
        MALFORMED,
    ),
    "stream that says it is JSON": (lambda a: http(dechunked(a)), MALFORMED),
    "JSON that says it is a stream": (
        lambda _: http(WHOLE, media_type=b"text/event-stream"),
        TRUNCATED,
    ),
    "JSON that says nothing": (
        lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(WHOLE), WHOLE),
        ANSWERED,
    ),
    "length too long": (lambda _: http(WHOLE, length=len(WHOLE) + 7), TRUNCATED),
    "length too short": (lambda _: http(WHOLE, length=len(WHOLE) - 7), TRUNCATED),
    "length that is no number": (lambda _: http(WHOLE, length=0).replace(b": 0", b": x"), INFRA),
    "two lengths": (lambda _: http(WHOLE, b"content-length: 3"), INFRA),
    "bad chunk size": (
        lambda _: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + WHOLE,
        TRUNCATED,
    ),
    "compressed unasked": (lambda _: http(ZIPPED, b"content-encoding: gzip"), INFRA),
    "compressed and broken": (
        lambda _: http(ZIPPED[:20] + b"\0" * 9 + ZIPPED[29:], b"content-encoding: gzip"),
        INFRA,
    ),
    "not HTTP": (lambda _: b"220 mail.example ESMTP\r\n", INFRA),
    "no answer": (lambda _: b"", INFRA),
    "head only": (lambda _: b"HTTP/1.1 200 OK\r\ncontent-type: applica", INFRA),
    "elsewhere": (
        lambda _: http(b"", b"location: http://127.0.0.2:9/v1", status=b"302 Found"),
        Outcome.CONFIG,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_known_for_what_it_is(name, make_project, faults, proxy):
    make, outcome = WRONG[name]
    project = make_project(samples=1)
    folder = project.record(1, fault=lambda *_: faults["Instead"](make))
    completions = project.completions(folder)
    assert {c.outcome for c in completions} == {outcome}, completions[0].detail
    assert all(c.detail for c in completions if c.outcome is not ANSWERED)
    report = project.judge(folder)
    assert not {f.kind for f in report.findings} & {FindingKind.DRIFT, FindingKind.SUSPECT}
    if outcome in {INFRA, TRUNCATED}:
        assert report.verdict is Verdict.ERROR
        assert report.findings == ()


def test_an_answer_that_is_too_long_does_not_spoil_the_next_one(make_project, faults):
    """What stands behind an answer is not read as the beginning of another."""
    project = make_project(samples=3)
    smuggled = http(WHOLE) + http(ERROR, status=b"500 Oops")
    odd = faults["Instead"](lambda _: smuggled)
    folder = project.record(
        1, concurrency=1, fault=lambda n, _: odd if n == 0 else faults["Fault"]()
    )
    assert [c.outcome for c in project.completions(folder)] == [ANSWERED] * 6


def test_wrong_answers_are_kept_byte_for_byte(make_project, faults):
    project = make_project(samples=1)
    folder = project.record(
        1, fault=lambda *_: faults["Instead"](lambda _: http(HTML, media_type=b"text/html"))
    )
    bodies = {exchange.response.body for exchange in read_run(folder).exchanges}
    assert bodies == {HTML}

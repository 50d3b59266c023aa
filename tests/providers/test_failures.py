import json

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.providers import DIALECTS, dialect, provider_names
from contractcheck.providers.answer import read_answer


def exchange(status=200, body=b"{}", *, ended="eof", error=None, headers=(), **lateness):
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="http://x/", headers=(), body=b"", digest="d"),
        response=Response(
            status=status,
            http_version="HTTP/1.1",
            headers=(("content-type", "application/json"), *headers),
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(500_000,),
        ),
        started_at="2026-01-01T00:00:00+00:00",
        waited_us=0,
        headers_us=1000,
        end_us=1_000_000,
        ended=ended,
        error=error,
        **lateness,
    )


def envelope(code, message="words"):
    return json.dumps({"error": {"type": code, "code": code, "message": message}}).encode()


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, "rate_limit_exceeded", Outcome.INFRA),
        (429, "insufficient_quota", Outcome.CONFIG),
        (400, "invalid_request_error", Outcome.CONFIG),
        (401, "invalid_api_key", Outcome.CONFIG),
        (403, "permission_error", Outcome.CONFIG),
        (404, "model_not_found", Outcome.RETIRED),
        (410, "gone", Outcome.RETIRED),
        (408, "timeout", Outcome.INFRA),
        (500, "server_error", Outcome.INFRA),
        (503, "overloaded", Outcome.INFRA),
        (529, "overloaded_error", Outcome.INFRA),
        (302, "", Outcome.CONFIG),
    ],
)
def test_what_a_status_means(provider, status, code, outcome):
    completion = read_answer(exchange(status, envelope(code)), provider).completion
    assert completion.outcome is outcome
    assert completion.detail == " ".join(filter(None, (f"HTTP {status}", code))) + ": words"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": null}', b'{"error": [1]}', b"\xff"])
def test_an_error_without_an_envelope_still_has_its_status(body):
    completion = read_answer(exchange(503, body), "openai").completion
    assert (completion.outcome, completion.detail) == (Outcome.INFRA, "HTTP 503")


def test_what_a_server_says_is_quoted_at_bounded_length():
    completion = read_answer(exchange(500, envelope("x" * 999, "y" * 9999)), "openai").completion
    assert len(completion.detail) < 300


def test_other_successes_are_not_answers():
    completion = read_answer(exchange(204, b""), "openai").completion
    assert completion.outcome is Outcome.MALFORMED
    assert completion.detail == "HTTP 204, where 200 and an answer is documented"


def test_how_an_exchange_ended_decides_before_its_body():
    broken = read_answer(exchange(ended="error", error="ReadTimeout"), "openai").completion
    assert (broken.outcome, broken.detail) == (
        Outcome.TRUNCATED,
        "the answer broke off: ReadTimeout",
    )
    assert read_answer(exchange(ended="closed"), "openai").completion.outcome is Outcome.INFRA


def test_compressed_answers_are_named_instead_of_read():
    zipped = exchange(body=b"*" * 10, headers=(("content-encoding", "gzip"),))
    completion = read_answer(zipped, "openai").completion
    assert completion.outcome is Outcome.INFRA
    assert completion.detail == "the answer came as gzip, though plain bytes were asked for"


def test_no_response_is_the_transports_trouble():
    nothing = exchange()
    silent = Exchange(
        **{
            **{name: getattr(nothing, name) for name in nothing.__slots__},
            "response": None,
            "ended": "error",
            "error": "ConnectError",
        }
    )
    answer = read_answer(silent, "anthropic")
    assert (answer.completion.outcome, answer.completion.detail) == (Outcome.INFRA, "ConnectError")
    assert answer.timing.ttft_s is None


def test_times_are_in_seconds_and_a_late_loop_is_said():
    first = (
        b'data: {"model":"m","choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    )
    stream = exchange(body=first + b"data: [DONE]\n\n", headers=())
    streamed = Exchange(
        **{
            **{name: getattr(stream, name) for name in stream.__slots__},
            "response": Response(
                status=200,
                http_version="HTTP/1.1",
                headers=(("content-type", "text/event-stream"),),
                body=stream.response.body,
                chunk_bytes=(len(first) - 1, 15),
                chunk_times_us=(250_000, 750_000),
            ),
        }
    )
    timing = read_answer(streamed, "openai").timing
    # The event's last byte came with the second chunk.
    assert (timing.ttft_s, timing.total_s, timing.is_contended) == (0.75, 1.0, False)
    for late in ("lag_us", "held_us"):
        assert not read_answer(exchange(**{late: 250_000}), "openai").timing.is_contended
        assert read_answer(exchange(**{late: 250_001}), "openai").timing.is_contended


def test_an_unknown_provider_is_named_with_the_known_ones():
    with pytest.raises(UsageError) as refused:
        dialect("acme")
    known = ", ".join(provider_names())
    assert str(refused.value) == f"unknown provider 'acme'; known providers: {known}"

"""Every provider's way to say no: which class it is, what is said of it, what asking again may do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.completion import Completion, Outcome
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.providers.error_envelope import read_envelope
from contractcheck.providers.failures import Remedy, failure_of, has_error, late_error, remedy_for


def response(status, body, headers=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(
        status=status,
        http_version="HTTP/1.1",
        headers=tuple(headers),
        body=data,
        chunk_bytes=(len(data),),
        chunk_times_us=(1,),
    )


def exchange(answer, *, ended="eof", error=None):
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="http://x/", headers=(), body=b"", digest="d"),
        response=answer,
        started_at="2026-01-01T00:00:00+00:00",
        waited_us=0,
        headers_us=None,
        end_us=1,
        ended=ended,
        error=error,
    )


def openai(code, kind="requests"):
    return {"error": {"message": "words", "type": kind, "param": None, "code": code}}


def anthropic(kind):
    return {"type": "error", "error": {"type": kind, "message": "words"}, "request_id": "r"}


def google(code, status):
    return {"error": {"code": code, "message": "words", "status": status}}


def mistral(kind, code):
    return {"object": "error", "message": "words", "type": kind, "param": None, "code": code}


def aws(kind):
    return [("x-amzn-ErrorType", f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/")]


WRONG_FIELD = {"detail": [{"type": "value_error", "loc": ["body", "seed"], "msg": "too large"}]}
FILTERED = {
    "error": {
        "message": "words",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}
INFRA, CONFIG, RETIRED = Outcome.INFRA, Outcome.CONFIG, Outcome.RETIRED
NEVER, BUDGETED, RENEWED = Remedy.NEVER, Remedy.BUDGETED, Remedy.RENEWED

TABLE = [
    # OpenAI and servers like it
    (429, openai("rate_limit_exceeded"), (), INFRA, BUDGETED, "HTTP 429 rate_limit_exceeded: words"),
    (429, openai("insufficient_quota"), (), CONFIG, NEVER, "HTTP 429 insufficient_quota: words"),
    (429, openai(None, "insufficient_quota"), (), CONFIG, NEVER, "HTTP 429 insufficient_quota: words"),
    (401, openai("invalid_api_key"), (), CONFIG, RENEWED, "HTTP 401 invalid_api_key: words"),
    (404, openai("model_not_found"), (), RETIRED, NEVER, "HTTP 404 model_not_found: words"),
    (400, openai("model_not_found"), (), RETIRED, NEVER, "HTTP 400 model_not_found: words"),
    (403, openai("model_not_found"), (), CONFIG, NEVER, "HTTP 403 model_not_found: words"),
    (400, openai("unsupported_parameter"), (), CONFIG, NEVER, "HTTP 400 unsupported_parameter: words"),
    (409, openai(None, "conflict"), (), INFRA, BUDGETED, "HTTP 409 conflict: words"),
    (500, openai(None, "server_error"), (), INFRA, BUDGETED, "HTTP 500 server_error: words"),
    (503, {"error": "loading"}, (), INFRA, BUDGETED, "HTTP 503: loading"),
    (402, {"error": {"code": 402, "message": "words"}}, (), CONFIG, NEVER, "HTTP 402 402: words"),
    # Azure OpenAI
    (404, {"error": {"code": "DeploymentNotFound", "message": "words"}}, (), RETIRED, NEVER, "HTTP 404 DeploymentNotFound: words"),
    (401, {"statusCode": 401, "message": "words"}, (), CONFIG, RENEWED, "HTTP 401: words"),
    (400, FILTERED, (), Outcome.ANSWERED, NEVER, "HTTP 400 content_filter: words"),
    # Anthropic
    (529, anthropic("overloaded_error"), (), INFRA, BUDGETED, "HTTP 529 overloaded_error: words"),
    (404, anthropic("not_found_error"), (), RETIRED, NEVER, "HTTP 404 not_found_error: words"),
    (400, anthropic("invalid_request_error"), (), CONFIG, NEVER, "HTTP 400 invalid_request_error: words"),
    (413, anthropic("request_too_large"), (), CONFIG, NEVER, "HTTP 413 request_too_large: words"),
    # Google, also in a list
    (429, google(429, "RESOURCE_EXHAUSTED"), (), INFRA, BUDGETED, "HTTP 429 RESOURCE_EXHAUSTED: words"),
    (503, [google(503, "UNAVAILABLE")], (), INFRA, BUDGETED, "HTTP 503 UNAVAILABLE: words"),
    (404, google(404, "NOT_FOUND"), (), RETIRED, NEVER, "HTTP 404 NOT_FOUND: words"),
    (403, google(403, "PERMISSION_DENIED"), (), CONFIG, NEVER, "HTTP 403 PERMISSION_DENIED: words"),
    # AWS: the name is in a header
    (429, {"message": "words"}, aws("ThrottlingException"), INFRA, BUDGETED, "HTTP 429 ThrottlingException: words"),
    (424, {"message": "words"}, aws("ModelErrorException"), INFRA, BUDGETED, "HTTP 424 ModelErrorException: words"),
    (400, {"message": "words"}, aws("ValidationException"), CONFIG, NEVER, "HTTP 400 ValidationException: words"),
    (404, {"message": "words"}, aws("ResourceNotFoundException"), RETIRED, NEVER, "HTTP 404 ResourceNotFoundException: words"),
    (403, {"Message": "words"}, aws("ExpiredTokenException"), CONFIG, RENEWED, "HTTP 403 ExpiredTokenException: words"),
    (400, {"message": "words"}, aws("ExpiredTokenException"), CONFIG, RENEWED, "HTTP 400 ExpiredTokenException: words"),
    (403, {"message": "words"}, aws("AccessDeniedException"), CONFIG, NEVER, "HTTP 403 AccessDeniedException: words"),
    # Mistral
    (400, mistral("invalid_model", "1500"), (), RETIRED, NEVER, "HTTP 400 invalid_model: words"),
    (422, WRONG_FIELD, (), CONFIG, NEVER, "HTTP 422: body.seed: too large"),
    (401, {"detail": "Unauthorized"}, (), CONFIG, RENEWED, "HTTP 401: Unauthorized"),
    # Cohere
    (404, {"id": "i", "message": "words"}, (), RETIRED, NEVER, "HTTP 404: words"),
    (429, {"id": "i", "message": "words"}, (), INFRA, BUDGETED, "HTTP 429: words"),
    # not for humans
    (502, b"<html>Bad Gateway", (), INFRA, BUDGETED, "HTTP 502"),
    (503, {"message": "words"}, [("x-should-retry", "false")], INFRA, NEVER, "HTTP 503: words"),
    (204, b"", (), Outcome.MALFORMED, Remedy.ONCE, "HTTP 204, where 200 and an answer is documented"),
]  # fmt: skip


@pytest.mark.parametrize(
    "row", TABLE, ids=[f"{row[0]}-{number}" for number, row in enumerate(TABLE)]
)
def test_what_a_refusal_is(row):
    status, body, headers, outcome, remedy, detail = row
    answer = response(status, body, headers)
    completion = failure_of(answer, ended="eof", error=None)
    assert (completion.outcome, completion.detail) == (outcome, detail)
    assert remedy_for(exchange(answer), completion) is remedy


def test_a_filter_that_looked_at_the_content_is_an_outcome_of_the_question():
    completion = failure_of(response(400, FILTERED), ended="eof", error=None)
    assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "content_filter")


@pytest.mark.parametrize(
    ("body", "error_type", "outcome"),
    [
        (openai("server_error"), None, INFRA),
        (openai("insufficient_quota"), None, CONFIG),
        (openai("content_filter"), None, Outcome.ANSWERED),
        ({"error": {"code": 502, "message": "words"}}, None, INFRA),
        ({"error": {"code": 402, "message": "words"}}, None, CONFIG),
        ({"error": {"code": 404, "message": "words"}}, None, RETIRED),
        (anthropic("overloaded_error"), None, INFRA),
        (anthropic("invalid_request_error"), None, CONFIG),
        (anthropic("not_found_error"), None, RETIRED),
        ([google(429, "RESOURCE_EXHAUSTED")], None, INFRA),
        (mistral("server_error", "3000"), None, INFRA),
        ({"message": "words"}, "throttlingException", INFRA),
        ({"message": "words"}, "modelStreamErrorException", INFRA),
        ({"message": "words"}, "validationException", CONFIG),
    ],
)
def test_an_error_after_the_status_was_sent(body, error_type, outcome):
    completion = late_error(json.dumps(body), "in the stream", error_type=error_type)
    assert completion.outcome is outcome
    assert completion.detail.startswith("in the stream: ")
    assert "words" in completion.detail


def test_an_error_inside_an_answer_is_worth_one_more_try():
    answer = response(200, openai("server_error"))
    completion = late_error(answer.body, "HTTP 200")
    assert remedy_for(exchange(answer), completion) is Remedy.ONCE


def test_a_connection_that_fails_may_be_tried_as_often_as_there_is_patience():
    completion = Completion(outcome=Outcome.INFRA, detail="ConnectError")
    silent = exchange(None, ended="error", error="ConnectError")
    assert remedy_for(silent, completion) is Remedy.BUDGETED


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.MALFORMED])
def test_a_broken_answer_is_worth_one_more_try(outcome):
    completion = Completion(outcome=outcome)
    assert remedy_for(exchange(response(200, b"")), completion) is Remedy.ONCE


def test_an_answer_is_never_asked_for_again():
    completion = Completion(outcome=Outcome.ANSWERED)
    assert remedy_for(exchange(response(200, b"")), completion) is Remedy.NEVER


def test_google_says_how_long_to_wait_in_the_body():
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}
    assert read_envelope(json.dumps(body)).retry_s == 34.5


@pytest.mark.parametrize("delay", ["-1s", "1e9s", "s", "34", 34, None, "9" * 99 + "s"])
def test_a_wait_that_is_none_is_passed_over(delay):
    body = {"error": {"details": [{"retryDelay": delay}, 1, None]}}
    assert read_envelope(json.dumps(body)).retry_s is None


@pytest.mark.parametrize(
    ("document", "is_error"),
    [
        ({"error": {"message": "x"}}, True),
        ({"error": "x"}, True),
        ({"object": "error", "message": "x"}, True),
        ({"type": "error"}, True),
        ({"error": None, "choices": []}, False),
        ({"error": {}}, False),
        ({"object": "chat.completion"}, False),
    ],
)
def test_an_envelope_is_known_by_its_shape(document, is_error):
    assert has_error(document) is is_error


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "status", "detail", "details", "loc", "type"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(body=JSON, status=st.sampled_from([204, 302, 400, 401, 404, 422, 429, 500, 529]))
def test_whatever_an_envelope_holds_it_has_a_class(body, status):
    answer = response(status, body)
    completion = failure_of(answer, ended="eof", error=None)
    assert completion is not None
    assert len(completion.detail) < 400
    assert remedy_for(exchange(answer), completion) in Remedy

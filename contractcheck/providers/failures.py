"""Tell provider trouble, our own mistakes and a changed provider apart, in one place.

A 429 or a 503 says nothing about the model; scoring it as an answer is the best-known way to
report a regression that never was. What is asked again, and how often, follows from the same
table (docs/explanation/failures-are-not-drift.md).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.error_envelope import is_error, read_envelope
from contractcheck.providers.shape import is_cut

if TYPE_CHECKING:
    from contractcheck.model.exchange import Ending, Exchange, Response
    from contractcheck.model.json_value import JsonObject
    from contractcheck.providers.error_envelope import ErrorEnvelope

_OK = 200
_OTHER_SUCCESS = range(201, 300)
_BAD_REQUEST = 400
_UNAUTHORISED = 401
_UNPROCESSABLE = 422
_RATE_LIMITED = 429
_SERVER_ERROR = 500
_GONE: Final = frozenset({404, 410})

_TRANSIENT: Final = frozenset({408, 409, 424, 425, _RATE_LIMITED})
"""With 5xx, what a later try may get past: time-out, lock conflict and rate limit (which the SDKs
of OpenAI and Anthropic repeat too), Bedrock's ``ModelErrorException`` (424), and 425 Too Early."""

_QUOTA: Final = frozenset(
    {
        "access_terminated",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_quota",
        "servicequotaexceededexception",
    }
)
"""Error codes (lower case) about money and plans: no wait within a run mends them."""

_OURS: Final = frozenset(
    {
        "accessdeniedexception",
        "authentication_error",
        "invalid_argument",
        "invalid_request_error",
        "permission_denied",
        "permission_error",
        "unauthenticated",
        "validationexception",
    }
)
"""Error codes (lower case) of our request or key, for errors that have no status."""

_MODEL_GONE: Final = frozenset(
    {
        "deploymentnotfound",
        "invalid_model",
        "model_not_found",
        "not_found",
        "not_found_error",
        "resourcenotfoundexception",
    }
)
"""Error codes (lower case) that say that there is no such model (any more)."""

_FILTERED: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        # OpenAI responses: types/responses/response_error.py of its SDK 3.52
        "bio_policy",
        "image_content_policy_violation",
        "invalid_prompt",
        "misalignment_policy_violation",
    }
)
"""Error codes of a filter that looked at the content: an outcome of this question, no outage."""

_EXPIRED: Final = frozenset(
    {"expiredtoken", "expiredtokenexception", "token_expired", "unauthenticated"}
)
"""Error codes of a credential that was good once: AWS says 403 for it, some of its services 400."""

_REFUSED: Final = frozenset({_BAD_REQUEST, 403})

TIME_OUTS: Final = frozenset(
    {"ReadTimeout", "HeadersTimeout", "FirstTokenTimeout", "IdleTimeout", "RequestTimeout"}
)
"""Names of the errors by which a wait for an answer was ended on our side: the answer would have
taken longer, so its times are censored, not unknown."""


class Remedy(Enum):
    """What asking again may do about a failure.

    ``NEVER``: nothing. ``ONCE``: it may have been an accident of this one answer. ``BUDGETED``:
    it will pass; as often as the run's patience allows. ``RENEWED``: once, with a new credential.
    """

    NEVER = "never"
    ONCE = "once"
    BUDGETED = "budgeted"
    RENEWED = "renewed"


def failure_of(response: Response, *, ended: Ending, error: str | None) -> Completion | None:
    """Return the completion of a failed exchange, or None when there is an answer to read."""
    if response.status in _OTHER_SUCCESS:
        detail = f"HTTP {response.status}, where 200 and an answer is documented"
        return Completion(outcome=Outcome.MALFORMED, detail=detail)
    if response.status != _OK:
        return _refused(response)
    if ended == "error":
        detail = f"the answer broke off: {error or 'connection lost'}"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    if ended == "closed":
        return Completion(outcome=Outcome.INFRA, detail="we stopped reading before the end")
    encoding = response.header("content-encoding") or "identity"
    if encoding.lower() != "identity":
        detail = f"the answer came as {encoding}, though plain bytes were asked for"
        return Completion(outcome=Outcome.INFRA, detail=detail)
    return None


def unreadable(body: bytes) -> Completion:
    """Return the completion of a 200 whose body should be a JSON object and is not."""
    if is_cut(body):
        detail = "HTTP 200, but the JSON body ends in the middle"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    what = "is not a JSON object" if body else "is empty"
    return Completion(outcome=Outcome.MALFORMED, detail=f"HTTP 200, but the body {what}")


def has_error(document: JsonObject) -> bool:
    """Whether a body or event is an error envelope, whatever else it carries."""
    return is_error(document)


def late_error(body: bytes | str, place: str, *, error_type: str | None = None) -> Completion:
    """Return the completion of an error that came after the status 200 was sent.

    OpenRouter documents this: once generation has begun, the status can no longer tell.

    Args:
        body: The body or event with the error envelope.
        place: Where it stood, for the detail.
        error_type: Name of the error where it stands outside the body (AWS event streams).
    """
    envelope = read_envelope(body, error_type=error_type)
    words = envelope.words or "an error without code and message"
    return _failed(envelope.status, envelope, f"{place}: {words}")


def remedy_for(exchange: Exchange, completion: Completion) -> Remedy:
    """Say what asking again may do about how an exchange ended.

    Args:
        exchange: One attempt.
        completion: What it was read as.
    """
    response = exchange.response
    if response is not None and (response.header("x-should-retry") or "").lower() == "false":
        return Remedy.NEVER
    if completion.outcome is Outcome.INFRA:
        is_late = response is not None and response.status == _OK and exchange.ended == "eof"
        return Remedy.ONCE if is_late else Remedy.BUDGETED
    if completion.outcome in (Outcome.TRUNCATED, Outcome.MALFORMED):
        return Remedy.ONCE
    if response is not None and completion.outcome is Outcome.CONFIG and has_expired(response):
        return Remedy.RENEWED
    return Remedy.NEVER


def _refused(response: Response) -> Completion:
    envelope = read_envelope(response.body, error_type=response.header("x-amzn-errortype"))
    code = envelope.codes[0] if envelope.codes else ""
    detail = f"HTTP {response.status}" + (f" {code}" if code else "")
    detail += f": {envelope.message}" if envelope.message else ""
    return _failed(response.status, envelope, detail)


def _failed(status: int | None, envelope: ErrorEnvelope, detail: str) -> Completion:
    codes = frozenset(code.lower() for code in envelope.codes)
    if codes & _FILTERED:
        return Completion(outcome=Outcome.ANSWERED, finish_reason="content_filter", detail=detail)
    return Completion(outcome=_outcome(status, codes), detail=detail)


def _outcome(status: int | None, codes: frozenset[str]) -> Outcome:
    # 403 says that a model is not for us, which is ours to mend.
    if status in _GONE or (status in (None, _BAD_REQUEST, _UNPROCESSABLE) and codes & _MODEL_GONE):
        return Outcome.RETIRED
    if codes & _QUOTA:
        return Outcome.CONFIG
    if status is None:
        return Outcome.CONFIG if codes & _OURS else Outcome.INFRA
    is_transient = status in _TRANSIENT or status >= _SERVER_ERROR
    return Outcome.INFRA if is_transient else Outcome.CONFIG


def has_expired(response: Response) -> bool:
    """Whether an answer refuses a credential that another one may take the place of."""
    if response.status == _UNAUTHORISED:
        return True
    if response.status not in _REFUSED:
        return False
    envelope = read_envelope(response.body, error_type=response.header("x-amzn-errortype"))
    return bool(_EXPIRED & {code.lower() for code in envelope.codes})

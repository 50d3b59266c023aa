"""Tell provider trouble, our own mistakes and a changed provider apart, in one place.

A 429 or a 503 says nothing about the model; scoring it as an answer is the best-known way to
report a regression that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.shape import is_cut, parse_object

if TYPE_CHECKING:
    from contractcheck.model.exchange import Ending, Response
    from contractcheck.model.json_value import JsonObject

_OK = 200
_OTHER_SUCCESS = range(201, 300)
_GONE = frozenset({404, 410})
_RATE_LIMITED = 429
_SERVER_ERROR = 500
_REQUEST_TIMEOUT = 408
_LONGEST_CODE = 80
_LONGEST_MESSAGE = 200
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


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
    error = document.get("error")
    return isinstance(error, (dict, str)) and bool(error)


def late_error(body: bytes | str, place: str) -> Completion:
    """Return the completion of an error that came after the status 200 was sent.

    OpenRouter documents this: once generation has begun, the status can no longer tell.

    Args:
        body: The body or event with the error envelope.
        place: Where it stood, for the detail.
    """
    code, message = error_in(body)
    words = ": ".join(filter(None, (code, message))) or "an error without code and message"
    outcome = Outcome.CONFIG if code in _QUOTA_CODES else Outcome.INFRA
    return Completion(outcome=outcome, detail=f"{place}: {words}")


def _refused(response: Response) -> Completion:
    code, message = error_in(response.body)
    detail = f"HTTP {response.status}" + (f" {code}" if code else "")
    detail += f": {message}" if message else ""
    if response.status == _RATE_LIMITED and code in _QUOTA_CODES:
        outcome = Outcome.CONFIG
    elif response.status in (_RATE_LIMITED, _REQUEST_TIMEOUT) or response.status >= _SERVER_ERROR:
        outcome = Outcome.INFRA
    elif response.status in _GONE:
        outcome = Outcome.RETIRED
    else:
        outcome = Outcome.CONFIG
    return Completion(outcome=outcome, detail=detail)


def error_in(body: bytes | str) -> tuple[str, str]:
    """Return code and message of an error envelope, empty when there is none."""
    document = parse_object(body)
    error = document.get("error") if document is not None else None
    if isinstance(error, str):
        return "", error[:_LONGEST_MESSAGE]
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code") or error.get("type") or ""
    return str(code)[:_LONGEST_CODE], str(error.get("message") or "")[:_LONGEST_MESSAGE]

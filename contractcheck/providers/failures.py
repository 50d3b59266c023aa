"""Tell provider trouble, our own mistakes and a changed provider apart, in one place.

A 429 or a 503 says nothing about the model; scoring it as an answer is the best-known way to
report a regression that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.shape import parse_object

if TYPE_CHECKING:
    from contractcheck.model.exchange import Ending, Response

_OK = 200
_GONE = frozenset({404, 410})
_RATE_LIMITED = 429
_SERVER_ERROR = 500
_REQUEST_TIMEOUT = 408
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def failure_of(response: Response, *, ended: Ending, error: str | None) -> Completion | None:
    """Return the completion of a failed exchange, or None when there is an answer to read."""
    if response.status != _OK:
        return _refused(response)
    if ended == "error":
        detail = f"the answer broke off: {error or 'connection lost'}"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    if ended == "closed":
        return Completion(outcome=Outcome.INFRA, detail="we stopped reading before the end")
    return None


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
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code") or error.get("type") or ""
    return str(code)[:80], str(error.get("message") or "")[:200]

"""What a provider says when it says no: every dialect's error envelope in one form.

Sources: the providers' error pages, as of 2026-11: OpenAI and Azure OpenAI ``{"error": {message,
type, param, code}}``; Anthropic ``{"type": "error", "error": {type, message}}``; Google
``{"error": {code, message, status, details}}`` (google.rpc.Status), in a list of one when
streamed; AWS ``{"message"}`` beside the header ``x-amzn-errortype``; Mistral ``{"object":
"error", message, type, code}``; FastAPI (422) ``{"detail": [{loc, msg}]}``; Cohere ``{"id",
"message"}``; Ollama ``{"error": "…"}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.json_value import JsonObject, JsonValue

_LONGEST_CODE = 80
_LONGEST_MESSAGE = 200
_MOST_CODES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorEnvelope:
    """An error as a provider words it; bounded, but not made safe to show.

    Attributes:
        codes: Names of the error, the most telling first; empty when none is given.
        message: For people, or empty.
        status: HTTP status that the envelope itself names, or None.
        retry_s: Wait that the body asks for (s, ``google.rpc.RetryInfo``), or None.
    """

    codes: tuple[str, ...] = ()
    message: str = ""
    status: int | None = None
    retry_s: float | None = None

    @property
    def words(self) -> str:
        """Code and message, or empty."""
        return ": ".join(filter(None, (self.codes[0] if self.codes else "", self.message)))


def read_envelope(body: bytes | str, *, error_type: str | None = None) -> ErrorEnvelope:
    """Read the error envelope of a body or an event; never raises.

    Args:
        body: The bytes; what is no envelope gives an empty one.
        error_type: Value of the header ``x-amzn-errortype``, or the name of a stream's exception.
    """
    # AWS puts an address of its own behind the name.
    named = (error_type or "").partition(":")[0].strip()
    document = parse_error_document(body)
    if document is None:
        return ErrorEnvelope(codes=_bounded(iter((named,))))
    error = document.get("error")
    inner = cast("JsonObject", error) if isinstance(error, dict) else document
    message = error if isinstance(error, str) else _message(inner) or _message(document)
    status = inner.get("code")
    is_status = isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600  # noqa: PLR2004 - the error statuses of HTTP
    return ErrorEnvelope(
        codes=_bounded((named, *_codes(inner))),
        message=message[:_LONGEST_MESSAGE],
        status=cast("int", status) if is_status else None,
        retry_s=_retry_delay(inner.get("details")),
    )


def parse_error_document(body: bytes | str) -> JsonObject | None:
    """Parse an object, or a list that holds one (streamed errors of Google)."""
    try:
        value = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return cast("JsonObject", value) if isinstance(value, dict) else None


def is_error(document: JsonObject) -> bool:
    """Whether a body or event is an error envelope, whatever else it carries."""
    error = document.get("error")
    if isinstance(error, (dict, str)) and bool(error):
        return True
    return "error" in (document.get("object"), document.get("type"))


def _codes(error: JsonObject) -> Iterator[str]:
    """Names first, numbers last: a number is the status again, or of the provider's own count."""
    values = [error.get(name) for name in ("code", "status", "type")]
    names = [v for v in values if isinstance(v, str) and v not in ("", "error")]
    yield from (name for name in names if not name.isdecimal())
    yield from (name for name in names if name.isdecimal())
    code = values[0]
    if isinstance(code, int) and not isinstance(code, bool):
        yield str(code)


def _bounded(codes: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    found = dict.fromkeys(code[:_LONGEST_CODE] for code in codes if code)
    return tuple(found)[:_MOST_CODES]


def _message(error: JsonObject) -> str:
    for name in ("message", "Message", "detail"):
        value = error.get(name)
        if isinstance(value, str):
            return value
        if name == "detail" and isinstance(value, list) and value:
            return _detail(value[0])
    return ""


def _detail(entry: JsonValue) -> str:
    """Word one entry of a validation error as FastAPI writes it."""
    if not isinstance(entry, dict):
        return ""
    place = entry.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    what = entry.get("msg")
    return ": ".join(filter(None, (where, what if isinstance(what, str) else "")))


_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


def _retry_delay(details: JsonValue) -> float | None:
    """Read ``retryDelay`` (``"34s"``) of a ``google.rpc.RetryInfo`` among an error's details."""
    for entry in details if isinstance(details, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str) and (found := _DELAY.fullmatch(delay)):
            return float(found[1])
    return None

"""What a wire dialect has to offer; every ``*_wire`` module is one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import orjson

from contractcheck.simulator.question import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.question import Question

Frame = tuple[int, bytes]
"""One event of a stream, and the index of the token with which it leaves."""

EVENT_STREAM = "text/event-stream; charset=utf-8"
"""Media type of server-sent events
(https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

SNAPSHOT_DATE = "2026-03-01"
"""Date of the snapshot that undated model names resolve to."""

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}$|\d{8}$")
_DEFAULT_DAY = datetime(2026, 3, 1, tzinfo=UTC)


class Dialect(Protocol):
    """A module that reads requests and writes answers of one provider's HTTP API.

    Attributes:
        FORMAT: Name of the wire format, as the catalogue of incidents knows it.
        PATHS: Path templates (starlette's) of its routes, each with the fields that this path
            alone says. They and the path's parameters are laid over the request body before it
            is read, so that ``model`` and ``stream`` are found there in every dialect.
        AUTH_HEADERS: Lower-case names of the headers that may carry the key; one that begins
            with ``?`` is a query parameter of the URL.
        STREAM_TYPE: Media type of a streamed answer.
    """

    FORMAT: str
    PATHS: Mapping[str, Mapping[str, object]]
    AUTH_HEADERS: tuple[str, ...]
    STREAM_TYPE: str

    def read_question(self, body: Mapping[str, object]) -> Question:
        """Read a request body; raises RequestError."""
        ...

    def write_answer(self, question: Question, answer: Answer, night: str) -> dict[str, object]:
        """Return the JSON body of a plain answer."""
        ...

    def write_frames(self, question: Question, answer: Answer, night: str) -> list[Frame]:
        """Return the events of a streamed answer."""
        ...

    def make_overload(self, kind: int) -> RequestError:
        """Return one of the refusals of an overloaded server."""
        ...

    def write_error(self, error: RequestError, request_id: str) -> dict[str, object]:
        """Return the error envelope."""
        ...

    def write_headers(self, request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
        """Return the response headers beside the content type."""
        ...

    def write_stream_error(self, error: RequestError, sent: int) -> bytes:
        """Return the event by which a stream ends early, after ``sent`` other events."""
        ...

    def write_error_headers(self, error: RequestError) -> dict[str, str]:
        """Return what an error has in its headers, beside those of every answer."""
        ...


def resolve_model(name: str, date: str) -> str:
    """Return the snapshot a model name stands for; dated names stand for themselves."""
    return name if _DATED.search(name) else f"{name}-{date}"


def check_model(name: str) -> None:
    """Refuse names of models that do not exist.

    Raises:
        RequestError: 404 for names that begin with ``does-not-exist``.
    """
    if name.startswith("does-not-exist"):
        raise RequestError(
            f"The model `{name}` does not exist or you do not have access to it.",
            status=404,
            code="model_not_found",
        )


def parse_arguments(text: str) -> object:
    """Return the arguments of a tool call; an empty object where the token limit cut them."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}


def date_answer(answer: Answer, night: str) -> int:
    """Return the Unix time an answer claims, seconds: some moment of its night.

    Taken from the night and not from the clock, so that equal requests give equal bytes.
    """
    try:
        day = datetime.fromisoformat(night).replace(tzinfo=UTC)
    except ValueError:
        day = _DEFAULT_DAY
    return int(day.timestamp()) + int(answer.key, 16) % 86_400

"""An answer on the wire, cut into the events it came in, and the way from an exchange and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.exchange import Exchange, Headers, Response

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LENGTH_BYTES = 4
_LEAST_MESSAGE_BYTES = 16
"""Prelude of 12 bytes and checksum of 4: the shortest message of an AWS event stream
(https://smithy.io/2.0/aws/amazon-eventstream.html)."""

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One event of a stream, or a whole body.

    Attributes:
        due_s: When its last byte came, seconds since the request was sent.
        data: As on the wire, with whatever ends it.
    """

    due_s: float
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class WireAnswer:
    """What a provider sent back.

    Attributes:
        status: HTTP status code.
        headers: In wire order; may lack the content type.
        parts: In wire order, times never falling.
        is_streamed: Whether the parts are events; else there is one, a JSON body.
    """

    status: int
    headers: Headers
    parts: tuple[Part, ...]
    is_streamed: bool

    @property
    def body(self) -> bytes:
        """All parts joined."""
        return b"".join(part.data for part in self.parts)


def read_response(response: Response) -> WireAnswer:
    """Cut a response into its events; what follows the last whole event is a part of its own."""
    kind = (response.header("content-type") or "").lower()
    is_streamed = kind.startswith(_STREAMS)
    split = _split_messages if kind.startswith(_STREAMS[1]) else _split_events
    cut = split(response.body) if is_streamed else [response.body]
    parts, end = [], 0
    for data in cut:
        end += len(data)
        time_us = response.time_of_byte_us(end - 1) or 0
        parts.append(Part(due_s=time_us / _MICROSECONDS, data=data))
    return WireAnswer(
        status=response.status,
        headers=response.headers,
        parts=tuple(parts),
        is_streamed=is_streamed,
    )


def with_answer(exchange: Exchange, answer: WireAnswer) -> Exchange:
    """Return the exchange with another answer: its events become its chunks, at their times.

    It ends as much earlier or later as the last of them comes.

    Raises:
        ValueError: If the exchange had no response.
    """
    if exchange.response is None:
        raise ValueError("an exchange without a response has no answer to replace")
    times_us = tuple(round(part.due_s * _MICROSECONDS) for part in answer.parts)
    last_us = max(exchange.response.chunk_times_us, default=0)
    later_us = max(times_us, default=last_us) - last_us
    response = replace(
        exchange.response,
        status=answer.status,
        headers=_with_length(answer.headers, len(answer.body)),
        body=answer.body,
        chunk_bytes=tuple(len(part.data) for part in answer.parts),
        chunk_times_us=times_us,
    )
    return replace(exchange, response=response, end_us=exchange.end_us + later_us)


def _with_length(headers: Headers, size_bytes: int) -> Headers:
    return tuple(
        (name, str(size_bytes) if name.lower() == "content-length" else value)
        for name, value in headers
    )


def _split_events(body: bytes) -> Iterator[bytes]:
    start = 0
    for end in _BLANK_LINE.finditer(body):
        yield body[start : end.end()]
        start = end.end()
    if start < len(body):
        yield body[start:]


def _split_messages(body: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(body):
        told = int.from_bytes(body[start : start + _LENGTH_BYTES], "big")
        end = start + told if told >= _LEAST_MESSAGE_BYTES else len(body)
        yield body[start:end]
        start = end

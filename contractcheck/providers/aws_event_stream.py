"""The binary event stream of AWS, ``application/vnd.amazon.eventstream``, read from bytes.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html. A message is a prelude (its length, the
length of its headers, CRC-32 of these two), headers, a payload, and a CRC-32 of all before it; all
numbers are big-endian.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.wire import Frame
from contractcheck.providers.shape import parse_object
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.model.exchange import Response

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_FRAMING_BYTES = _PRELUDE.size + _CHECKSUM.size
_MOST_HEADER_BYTES = 128 * 1024
_MOST_PAYLOAD_BYTES = 24 * 1024**2
"""Beyond these botocore 1.44 refuses a message (eventstream.py)."""

_STRING = 7
_WITH_LENGTH = frozenset({6, _STRING})
"""Types of header values that tell their length in two bytes: byte array and string."""

_VALUE_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Length of the others: true, false, byte, short, integer, long, timestamp, UUID."""

_NAMES = (":event-type", ":exception-type", ":error-code")


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsMessage:
    """One message.

    Attributes:
        headers: Those whose value is a text.
        payload: What it carries.
        last_byte: Offset in the stream of its last byte.
    """

    headers: Mapping[str, str]
    payload: bytes
    last_byte: int

    @property
    def name(self) -> str:
        """Kind of event, exception or error; empty when it has no such header."""
        return next((self.headers[key] for key in _NAMES if key in self.headers), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsEventStream:
    """What could be read of a stream.

    Attributes:
        messages: The whole messages at its beginning.
        is_cut: Whether it ends in the middle of the message that follows them.
        flaw: Why the message that follows them cannot be read, and where it begins; empty when
            there is none.
    """

    messages: tuple[AwsMessage, ...]
    is_cut: bool = False
    flaw: str = ""


class _FlawError(ValueError):
    """A message breaks its own framing."""


def is_aws_event_stream(response: Response) -> bool:
    """Whether a response says that it is such a stream (media types ignore case)."""
    kind = (response.header("content-type") or "").lower()
    return "application/vnd.amazon.eventstream" in kind


def read_aws_frames(response: Response) -> tuple[Frame, ...]:
    """Cut an answer that is an event stream of AWS or one JSON body into its frames."""
    if not is_aws_event_stream(response):
        return read_frames(response)
    return tuple(
        Frame(
            name=message.name,
            document=parse_object(message.payload),
            text=message.payload.decode("utf-8", errors="replace"),
            last_byte=message.last_byte,
        )
        for message in parse_event_stream(response.body).messages
    )


def parse_event_stream(body: bytes) -> AwsEventStream:
    """Read the messages of a stream as far as they can be trusted; never raises."""
    messages: list[AwsMessage] = []
    start = 0
    while start < len(body):
        try:
            message = _read_message(body, start)
        except _FlawError as error:
            flaw = f"the message at byte {start} {error}"
            return AwsEventStream(messages=tuple(messages), flaw=flaw)
        if message is None:
            return AwsEventStream(messages=tuple(messages), is_cut=True)
        messages.append(message)
        start = message.last_byte + 1
    return AwsEventStream(messages=tuple(messages))


def _read_message(body: bytes, start: int) -> AwsMessage | None:
    """Return the message that begins at ``start``, or None when the stream ends within it."""
    if start + _PRELUDE.size > len(body):
        return None
    size_bytes, header_bytes, checksum = _PRELUDE.unpack_from(body, start)
    head = start + _PRELUDE.size
    if checksum != zlib.crc32(body[start : head - _CHECKSUM.size]):
        raise _FlawError("has a wrong checksum of its lengths")
    payload_bytes = size_bytes - header_bytes - _FRAMING_BYTES
    if header_bytes > _MOST_HEADER_BYTES or not 0 <= payload_bytes <= _MOST_PAYLOAD_BYTES:
        raise _FlawError(
            f"tells impossible lengths ({size_bytes} bytes, {header_bytes} of headers)"
        )
    end = start + size_bytes
    if end > len(body):
        return None
    (checksum,) = _CHECKSUM.unpack_from(body, end - _CHECKSUM.size)
    if checksum != zlib.crc32(body[start : end - _CHECKSUM.size]):
        raise _FlawError("has a wrong checksum")
    middle = head + header_bytes
    try:
        headers = dict(_read_headers(body[head:middle]))
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        raise _FlawError("has headers that cannot be read") from None
    payload = body[middle : end - _CHECKSUM.size]
    return AwsMessage(headers=headers, payload=payload, last_byte=end - 1)


def _read_headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Read the headers of one message, and pass over what is no text.

    Raises:
        IndexError: If they end too early; so do struct.error and KeyError (an unknown type) say.
    """
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name, kind = data[at + 1 : name_end], data[name_end]
        at = name_end + 1
        size_bytes = _VALUE_BYTES.get(kind)
        if kind in _WITH_LENGTH:
            (size_bytes,) = struct.unpack_from(">H", data, at)
            at += 2
        if size_bytes is None:
            raise KeyError(kind)
        if at + size_bytes > len(data):
            raise IndexError
        if kind == _STRING:
            yield name.decode(), data[at : at + size_bytes].decode()
        at += size_bytes

"""The binary event stream of AWS, ``application/vnd.amazon.eventstream``.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import zlib

_STRING = 7
"""Type of a header value: UTF-8 behind its length in two bytes."""

_CRC_BYTES = 4
_PRELUDE_BYTES = 12


def encode_event(kind: str, payload: bytes) -> bytes:
    """Return one message of the stream with a JSON payload.

    Args:
        kind: Value of ``:event-type``.
        payload: JSON text.
    """
    return _encode_message({":event-type": kind}, "event", payload)


def encode_exception(kind: str, payload: bytes) -> bytes:
    """Return the message that ends a stream with an exception.

    Args:
        kind: Value of ``:exception-type``.
        payload: JSON text.
    """
    return _encode_message({":exception-type": kind}, "exception", payload)


def _encode_message(named: dict[str, str], kind: str, payload: bytes) -> bytes:
    told = {**named, ":content-type": "application/json", ":message-type": kind}
    headers = b"".join(_encode_header(name, value) for name, value in told.items())
    length = _PRELUDE_BYTES + len(headers) + len(payload) + _CRC_BYTES
    lengths = struct.pack(">II", length, len(headers))
    message = lengths + _checksum(lengths) + headers + payload
    return message + _checksum(message)


def _encode_header(name: str, value: str) -> bytes:
    short, long = name.encode(), value.encode()
    return struct.pack(
        f">B{len(short)}sBH{len(long)}s", len(short), short, _STRING, len(long), long
    )


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))

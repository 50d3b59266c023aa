"""Keep the checksums of Amazon event streams true after a secret was starred.

Layout (https://smithy.io/2.0/aws/amazon-eventstream.html): a message is a prelude of total length,
length of the headers and CRC-32 of these two; headers; payload; CRC-32 of everything before it.
All numbers are 32 bits, big-endian. Clients refuse a message whose checksum is wrong.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_SHORTEST_MESSAGE = _PRELUDE.size + _CHECKSUM.size


def mend_checksums(original: bytes, scrubbed: bytes) -> bytes:
    """Recompute the checksum of every message that scrubbing changed.

    A body that is no event stream is returned as it is; so is a message that was wrong when it
    came, because a fault of the provider is part of the recording.

    Args:
        original: The body as it came.
        scrubbed: The same body at the same length, secrets starred.
    """
    mended = bytearray(scrubbed)
    for start, end in _messages(original):
        checksum_at = end - _CHECKSUM.size
        if original[start:end] == scrubbed[start:end]:
            continue
        (checksum,) = _CHECKSUM.unpack_from(original, checksum_at)
        if checksum == zlib.crc32(original[start:checksum_at]):
            prelude_end = start + _PRELUDE.size
            mended[start:prelude_end] = original[start:prelude_end]  # lengths are no secret
            _CHECKSUM.pack_into(mended, checksum_at, zlib.crc32(mended[start:checksum_at]))
    return bytes(mended)


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    """Bounds of the whole messages at the beginning of ``data``."""
    start = 0
    while start + _SHORTEST_MESSAGE <= len(data):
        size_bytes, _, checksum = _PRELUDE.unpack_from(data, start)
        is_prelude = checksum == zlib.crc32(data[start : start + _PRELUDE.size - _CHECKSUM.size])
        end = start + size_bytes
        if not is_prelude or size_bytes < _SHORTEST_MESSAGE or end > len(data):
            return
        yield start, end
        start = end

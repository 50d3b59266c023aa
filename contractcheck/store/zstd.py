"""Documents that are kept packed in a database or an archive: zstd (RFC 8878), bounded."""

from __future__ import annotations

import sys

from contractcheck.errors import RecordingError

LEVEL = 3
"""zstd level: the default of the library; documents are small and written once."""

MOST_BYTES = 64 << 20
"""Largest document that is unpacked: a night of 20,000 cases."""


def pack(data: bytes) -> bytes:
    """Pack a document; the same bytes give the same bytes."""
    if sys.version_info >= (3, 14):
        from compression.zstd import compress
    else:
        from backports.zstd import compress

    return compress(data, LEVEL)


def unpack(data: bytes, place: str, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Unpack one document, never holding more than ``most_bytes`` and a bit.

    Args:
        data: One zstd frame.
        place: Where it lies, for the error.
        most_bytes: Refuse more than that, before it is in memory.

    Raises:
        RecordingError: If it is damaged, torn, followed by something else, or too large.
    """
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor, ZstdError
    else:
        from backports.zstd import ZstdDecompressor, ZstdError

    decompressor = ZstdDecompressor()
    try:
        plain = decompressor.decompress(data, max_length=most_bytes + 1)
    except ZstdError as error:
        raise RecordingError(f"{place}: cannot be unpacked ({error})") from error
    if len(plain) > most_bytes:
        raise RecordingError(f"{place}: is larger than {most_bytes >> 20} MiB unpacked")
    if not decompressor.eof or decompressor.unused_data:
        raise RecordingError(f"{place}: was torn (its packing does not end where it should)")
    return plain

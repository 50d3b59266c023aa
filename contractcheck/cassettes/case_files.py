"""The bytes of one file of a recording: a plain file in its place, bounded, unpacked if packed.

Recordings may come from a pull request, so nothing is read through a symbolic link or from
anything but a regular file, and nothing larger than the bounds here comes into memory. A run
store may keep a sealed case as ``<case>.jsonl.zst`` (RFC 8878). Digests are always over the plain
bytes, so that packing a run does not change its root.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

from contractcheck.cassettes.caps import MOST_CASE_BYTES
from contractcheck.cassettes.layout import PACKED_SUFFIX
from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

REMEDY = (
    "restore it from another copy (accepted nights are in version control, the run store is not), "
    "or delete its run and record again"
)


def read_case_bytes(path: Path, *, most_bytes: int = MOST_CASE_BYTES) -> bytes:
    """Read the plain bytes of a sealed case, from ``path`` or else from the packed file beside it.

    Args:
        path: ``<case>.jsonl``; when it is absent, ``<case>.jsonl.zst`` is read and unpacked.
        most_bytes: Refuse more than that, before it is in memory.

    Raises:
        RecordingError: If neither is there, or one is no plain file, too large or damaged.
    """
    packed = path.with_name(path.name + PACKED_SUFFIX)
    try:
        return read_plain(path, most_bytes=most_bytes)
    except RecordingError:
        # It may never have been there, or another process has packed it just now.
        if os.path.lexists(path) or not os.path.lexists(packed):
            raise
    return _unpack(read_plain(packed, most_bytes=most_bytes), packed, most_bytes)


def read_plain(path: Path, *, most_bytes: int = MOST_CASE_BYTES) -> bytes:
    """Read a whole file.

    Raises:
        RecordingError: If it is missing, no plain file (a symbolic link is none), or too large.
    """
    descriptor = open_plain(path)
    with os.fdopen(descriptor, "rb") as file:
        size_bytes = os.fstat(descriptor).st_size
        if size_bytes > most_bytes:
            raise _too_large(path, most_bytes)
        try:
            return file.read()
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}; {REMEDY}") from error


def open_plain(path: Path) -> int:
    """Open a regular file for reading and return its descriptor; the caller closes it.

    Raises:
        RecordingError: If it is missing or anything but a regular file.
    """
    try:
        # Without O_NONBLOCK, a named pipe would wait for a writer that never comes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise RecordingError(
                f"{path}: is a symbolic link; recordings are plain files; {REMEDY}"
            ) from error
        what = "is missing" if isinstance(error, FileNotFoundError) else str(error.strerror)
        raise RecordingError(f"{path}: {what}; {REMEDY}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordingError(f"{path}: is no plain file; {REMEDY}")
    return descriptor


def _unpack(data: bytes, path: Path, most_bytes: int) -> bytes:
    """Undo zstd (RFC 8878), frame by frame, never holding more than ``most_bytes`` and a bit."""
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor, ZstdError
    else:
        from backports.zstd import ZstdDecompressor, ZstdError

    plain = bytearray()
    try:
        while data:
            decompressor = ZstdDecompressor()
            plain += decompressor.decompress(data, max_length=most_bytes + 1 - len(plain))
            if len(plain) > most_bytes:
                raise _too_large(path, most_bytes)
            if not decompressor.eof:
                raise RecordingError(f"{path}: was torn (its packing does not end); {REMEDY}")
            data = decompressor.unused_data
    except ZstdError as error:
        raise RecordingError(f"{path}: cannot be unpacked ({error}); {REMEDY}") from error
    return bytes(plain)


def _too_large(path: Path, most_bytes: int) -> RecordingError:
    return RecordingError(
        f"{path}: is larger than {most_bytes / (1 << 20):,.0f} MiB, as no recording is; {REMEDY}"
    )

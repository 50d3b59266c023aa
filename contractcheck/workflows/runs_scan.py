"""Search recordings of anybody for credentials: where and of what kind, never which."""

from __future__ import annotations

from dataclasses import dataclass
from stat import S_ISREG
from typing import TYPE_CHECKING

from contractcheck.cassettes import written_out
from contractcheck.content_coding import decode_body
from contractcheck.errors import ContentCodingError
from contractcheck.redaction import Scrubber, scan_file
from contractcheck.workflows.detect_secrets_scan import (
    detect_secrets_in,
    require_detect_secrets,
)
from contractcheck.workflows.endpoint import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MAX_BYTES = 256 << 20
"""Larger files are named, not searched, 256 MiB: they would have to be held whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeakPlace:
    """A secret in a file: where, and what kind; never the secret itself."""

    file: Path
    line: int
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanResult:
    """What a search came to.

    Attributes:
        leaks: By file and line.
        files: Files that were searched.
        unread: Files that were not, and why.
    """

    leaks: tuple[LeakPlace, ...]
    files: int
    unread: tuple[str, ...]


def scan_paths(
    paths: Iterable[Path], *, environment: Mapping[str, str], detect_secrets: bool = False
) -> ScanResult:
    """Search files, and all files below folders (links, pipes and ``.git`` left out).

    Args:
        paths: Files and folders.
        environment: Its credentials are searched for by value.
        detect_secrets: Ask the detect-secrets package too.

    Raises:
        UsageError: If that package is asked for and not installed.
    """
    if detect_secrets:
        require_detect_secrets()
    scrubber = Scrubber.for_secrets(find_secrets(environment))
    leaks: list[LeakPlace] = []
    unread: list[str] = []
    files = 0
    for file in _files(paths):
        try:
            if reason := _unreadable(file):
                unread.append(f"{file}: {reason}")
                continue
            data = _written_out(_unpacked(file, file.read_bytes()))
        except OSError as error:
            unread.append(f"{file}: {error.strerror}")
            continue
        except ContentCodingError as error:
            unread.append(f"{file}: {error}")
            continue
        files += 1
        leaks.extend(
            LeakPlace(file=file, line=leak.line, kind=leak.kind)
            for leak in scan_file(data, scrubber)
        )
        if detect_secrets:
            leaks.extend(
                LeakPlace(file=file, line=line, kind=f"{kind}, says detect-secrets")
                for line, kind in detect_secrets_in(file)
            )
    return ScanResult(leaks=tuple(leaks), files=files, unread=tuple(unread))


_PACKED = {".zst": "zstd", ".gz": "gzip"}


def _unreadable(file: Path) -> str | None:
    """Why a file is not even opened: reading a pipe or a device may never end."""
    status = file.stat()
    if not S_ISREG(status.st_mode):
        return "is a pipe, socket or device and no file; write what it gives to a file first"
    if status.st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES} bytes"
    return None


def _unpacked(file: Path, data: bytes) -> bytes:
    """What a packed file holds; lines are then counted in that."""
    coding = _PACKED.get(file.suffix)
    if coding is None:
        return data
    return decode_body(data, coding, max_bytes=MAX_BYTES, max_ratio=MAX_BYTES)


def _written_out(data: bytes) -> bytes:
    """The same lines, with every body of a recording in one piece.

    Raises:
        ContentCodingError: If they would be larger than what is held.
    """
    lines, size_bytes = [], 0
    for line in data.split(b"\n"):
        lines.append(written_out(line))
        size_bytes += len(lines[-1]) + 1
        if size_bytes - 1 > MAX_BYTES:
            raise ContentCodingError(f"larger than {MAX_BYTES} bytes when it is written out")
    return b"\n".join(lines)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        below = (file for file in path.rglob("*") if ".git" not in file.relative_to(path).parts)
        yield from sorted(file for file in below if file.is_file() and not file.is_symlink())

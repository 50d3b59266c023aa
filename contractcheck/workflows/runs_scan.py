"""Search recordings of anybody for credentials: where and of what kind, never which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from stat import S_ISREG
from typing import TYPE_CHECKING

from contractcheck.cassettes import body_of
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
            data = _unpacked(file, file.read_bytes())
        except OSError as error:
            unread.append(f"{file}: {error.strerror}")
            continue
        except ContentCodingError as error:
            unread.append(f"{file}: {error}")
            continue
        files += 1
        found = {(leak.line, leak.kind) for leak in scan_file(data, scrubber)}
        try:
            for line, body in _bodies(data):
                found |= {(line, leak.kind) for leak in scan_file(body, scrubber)}
        except ContentCodingError as error:
            unread.append(f"{file}: {error}")
        leaks.extend(LeakPlace(file=file, line=line, kind=kind) for line, kind in sorted(found))
        if detect_secrets:
            leaks.extend(
                LeakPlace(file=file, line=line, kind=f"{kind}, says detect-secrets")
                for line, kind in detect_secrets_in(file)
            )
    return ScanResult(leaks=tuple(leaks), files=files, unread=tuple(unread))


_BODY, _PARTS = b'"body"', b'"parts"'
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"?')
_JOINT = re.compile(rb'"join"\s*:\s*"((?:[^"\\]|\\.)*)"')

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


def _bodies(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number of each line that holds a body of a recording, and the body.

    A secret may lie across two parts of a body, or across two events of a stream whose quotes are
    escaped in the line.

    Raises:
        ContentCodingError: If all of them are larger than what is searched.
    """
    number, counted, size_bytes, start = 1, 0, 0, data.find(_BODY)
    while start >= 0:
        begin = data.rfind(b"\n", 0, start) + 1
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += data.count(b"\n", counted, begin)
        counted = begin
        line = data[begin:end]
        body = body_of(line)
        if body is None:
            body = _text_in_parts(line, most_bytes=MAX_BYTES - size_bytes)
        size_bytes += 0 if body is None else len(body)
        if body is None or size_bytes > MAX_BYTES:
            raise ContentCodingError(
                f"its bodies are larger than {MAX_BYTES} bytes; not searched from line {number} on"
            )
        yield number, body
        start = data.find(_BODY, end)


def _text_in_parts(line: bytes, *, most_bytes: int) -> bytes | None:
    """What a line spells in parts that is torn, or behind the mark of a diff; else nothing.

    None when it spells more than ``most_bytes``: nobody bounded the joint of such a line.
    """
    joint, at = _JOINT.search(line), line.find(_PARTS)
    if joint is None or at < 0:
        return b""
    parts = _STRING.findall(line, at + len(_PARTS))
    if len(joint[1]) * len(parts) + len(line) > most_bytes:
        return None
    return joint[1].join(parts)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        below = (file for file in path.rglob("*") if ".git" not in file.relative_to(path).parts)
        yield from sorted(file for file in below if file.is_file() and not file.is_symlink())

"""Seal a run: sorted plain JSONL, a digest per file, one root. Immutable from then on.

Order of the steps decides what a kill leaves behind: sealed case files first, then the
manifest (its rename is the moment of sealing), then the parts are removed. Killed in between,
a run is still open and is sealed again from its parts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.case_files import read_case_bytes
from contractcheck.cassettes.digests import file_digest, root_digest
from contractcheck.cassettes.headers import encode_header
from contractcheck.cassettes.journal import read_part
from contractcheck.cassettes.layout import (
    CASE_SUFFIX,
    HEADER_FILE,
    MANIFEST_FILE,
    PART_SUFFIX,
    is_sealed,
)
from contractcheck.cassettes.lines import exchange_line, request_line
from contractcheck.cassettes.open_run import read_open_header
from contractcheck.cassettes.page import first_line
from contractcheck.cassettes.reading import read_manifest
from contractcheck.cassettes.run_lock import locked
from contractcheck.cassettes.upgrade import FORMAT
from contractcheck.errors import RecordingError
from contractcheck.files import TEMPORARY_SUFFIX, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cassettes.page import Page
    from contractcheck.model.run import RunHeader, RunStatus


def seal_run(folder: Path, *, status: RunStatus, ended_at: str) -> str:
    """Seal an open run and return its root digest; sealing a sealed run only cleans up.

    Args:
        folder: The run folder; no journal in it may still be written.
        status: How the run ended.
        ended_at: UTC, RFC 3339.

    Raises:
        RecordingError: If a journal or what was sealed does not verify, a journal is still
            written, or the disk refuses; nothing is removed then.
    """
    if not is_sealed(folder):
        header = replace(read_open_header(folder), status=status, ended_at=ended_at)
        with locked(folder):
            if not is_sealed(folder):  # another process may have, before we had the lock
                _write_sealed(folder, header)
    root = _verified_root(folder)
    try:
        for leftover in (*folder.glob(f"*{PART_SUFFIX}"), *folder.glob(f"*{TEMPORARY_SUFFIX}")):
            leftover.unlink(missing_ok=True)
        (folder / HEADER_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(
            f"{folder}: is sealed and whole, but its journals cannot be removed ({error.strerror})"
        ) from error
    return root


def _verified_root(folder: Path) -> str:
    """Root digest of a sealed run whose journals may be removed, because all of it is sealed."""
    parts = sorted(folder.glob(f"*{PART_SUFFIX}"))
    try:
        _, digests, root = read_manifest(folder)
        for part in parts:
            _verify_case(folder / f"{part.name.removesuffix(PART_SUFFIX)}{CASE_SUFFIX}", digests)
    except RecordingError as error:
        if not parts:
            raise
        raise RecordingError(
            f"{error}. Its journals are kept; if every case still has one, remove "
            f"{folder / MANIFEST_FILE} and seal again"
        ) from error
    return root


def _verify_case(path: Path, digests: dict[str, str]) -> None:
    if digests.get(path.name) != file_digest(read_case_bytes(path)):
        raise RecordingError(f"{path}: is not what {MANIFEST_FILE} says")


def _write_sealed(folder: Path, header: RunHeader) -> None:
    digests: dict[str, str] = {}
    for part in sorted(folder.glob(f"*{PART_SUFFIX}")):
        case = part.name.removesuffix(PART_SUFFIX)
        data = _sealed_bytes(read_part(part, header.id).page)
        write_atomically(folder / f"{case}{CASE_SUFFIX}", data)
        digests[f"{case}{CASE_SUFFIX}"] = file_digest(data)
    write_atomically(folder / MANIFEST_FILE, _manifest_bytes(header, digests))


def _sealed_bytes(page: Page) -> bytes:
    """Sorted by key, so that the bytes do not depend on the order in which answers came."""
    first = first_line("cassette", page.run, page.case)
    requests = [request_line(page.requests[digest]) for digest in sorted(page.requests)]
    ordered = sorted(page.exchanges.values(), key=lambda x: (x.trial, x.attempt, x.request.digest))
    return b"\n".join((first, *requests, *map(exchange_line, ordered))) + b"\n"


def _manifest_bytes(header: RunHeader, files: dict[str, str]) -> bytes:
    encoded = encode_header(header)
    document = {
        "contractcheck": "manifest",
        "format": FORMAT,
        "root": root_digest(encoded, files),
        "header": encoded,
        "files": files,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"

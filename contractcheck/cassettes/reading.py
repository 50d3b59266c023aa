"""Load a sealed run and prove that it is what was sealed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.cassettes.headers import decode_header
from contractcheck.cassettes.journal import PART_SUFFIX, check_format, read_open_header, read_part
from contractcheck.cassettes.lines import decode_exchange, decode_request
from contractcheck.cassettes.sealing import CASE_SUFFIX, MANIFEST_FILE, is_sealed, root_digest
from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object
from contractcheck.model.run import Run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from contractcheck.model.exchange import Exchange, Request
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.run import RunHeader

_REMEDY = "restore it from version control, or record the run again"


def read_header(folder: Path) -> RunHeader:
    """Read the header of a run, sealed or open.

    Raises:
        RecordingError: If there is none or it is damaged.
    """
    if not is_sealed(folder):
        return read_open_header(folder)
    return _read_manifest(folder)[0]


def read_run(folder: Path, *, cases: Collection[str] | None = None) -> Run:
    """Read a run, verifying every file that is read: against its digest, or (open) its chain.

    Args:
        folder: Folder of a run; one that is still open reads as interrupted.
        cases: Read only these; None reads all.

    Raises:
        RecordingError: If a file is missing, torn, edited, or of a newer format.
    """
    if not is_sealed(folder):
        return _read_open_run(folder, cases)
    header, files, root = _read_manifest(folder)
    exchanges: list[Exchange] = []
    for name, digest in sorted(files.items()):
        case = name.removesuffix(CASE_SUFFIX)
        if cases is None or case in cases:
            exchanges.extend(_read_case(folder / name, case, digest))
    return Run(header=header, exchanges=tuple(exchanges), root=root)


def _read_open_run(folder: Path, cases: Collection[str] | None) -> Run:
    header = read_open_header(folder)
    exchanges: list[Exchange] = []
    for path in sorted(folder.glob(f"*{PART_SUFFIX}")):
        case = path.name.removesuffix(PART_SUFFIX)
        if cases is None or case in cases:
            exchanges.extend(read_part(path, case).exchanges)
    exchanges.sort(key=lambda x: (x.case, x.trial, x.attempt))
    return Run(header=header, exchanges=tuple(exchanges))


def _read_manifest(folder: Path) -> tuple[RunHeader, dict[str, str], str]:
    path = folder / MANIFEST_FILE
    document = parse_json_object(path.read_bytes(), str(path))
    check_format(document, str(path))
    header = document.get("header")
    files = document.get("files")
    if not isinstance(header, dict) or not isinstance(files, dict):
        raise RecordingError(f"{path}: header or files are missing; {_REMEDY}")
    digests = {str(name): str(digest) for name, digest in files.items()}
    if any("/" in name or name.startswith(".") for name in digests):
        raise RecordingError(f"{path}: a file name leaves the run's folder")
    root = str(document.get("root"))
    if root != root_digest(cast("dict[str, object]", header), digests):
        raise RecordingError(f"{path}: was edited after sealing (root digest differs); {_REMEDY}")
    return decode_header(cast("JsonObject", header), str(path)), digests, root


def _read_case(path: Path, case: str, digest: str) -> list[Exchange]:
    if path.is_symlink():
        raise RecordingError(f"{path}: is a symbolic link; recordings are plain files")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: is missing; {_REMEDY}") from error
    if b"<<<<<<< " in data:
        raise RecordingError(f"{path}: holds a merge conflict; take one side whole")
    if hashlib.sha256(data).hexdigest() != digest:
        raise RecordingError(f"{path}: was edited or torn after sealing; {_REMEDY}")
    requests: dict[str, Request] = {}
    exchanges: list[Exchange] = []
    for number, line in enumerate(data.splitlines(), start=1):
        document = cast("JsonObject", orjson.loads(line))
        try:
            if "req" in document:
                request = decode_request(document)
                requests[request.digest] = request
            elif "res" in document:
                exchanges.append(decode_exchange(document, case, requests))
            else:
                check_format(document, f"{path}:{number}")
        except (RecordingError, KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}:{number}: {error}") from error
    return exchanges

"""Load a whole run and prove that it is what was sealed."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.caps import refuse_long_line, refuse_many_lines
from contractcheck.cassettes.case_files import REMEDY, read_case_bytes, read_plain
from contractcheck.cassettes.digests import root_digest
from contractcheck.cassettes.headers import decode_header
from contractcheck.cassettes.journal import read_part
from contractcheck.cassettes.layout import (
    CASE_SUFFIX,
    MANIFEST_FILE,
    PART_SUFFIX,
    is_sealed,
    refuse_linked_folder,
)
from contractcheck.cassettes.open_run import read_open_header
from contractcheck.cassettes.page import Page
from contractcheck.cassettes.upgrade import check_format
from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, refuse_conflict
from contractcheck.model.run import Run
from contractcheck.model.suite import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from contractcheck.model.exchange import Exchange
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.run import RunHeader

_CASE_FILE = re.compile(ID_PATTERN + re.escape(CASE_SUFFIX))


def read_header(folder: Path) -> RunHeader:
    """Read the header of a run, sealed or open.

    Raises:
        RecordingError: If there is none or it is damaged.
    """
    if not is_sealed(folder):
        return read_open_header(folder)
    return read_manifest(folder)[0]


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
    header, files, root = read_manifest(folder)
    exchanges: list[Exchange] = []
    for name, digest in files.items():
        case = name.removesuffix(CASE_SUFFIX)
        if cases is None or case in cases:
            exchanges.extend(_read_case(folder / name, header.id, digest))
    return Run(header=header, exchanges=_in_order(exchanges), root=root)


def case_sizes_bytes(folder: Path) -> dict[str, int]:
    """Plain size of each case file of a sealed run, by case, whether it is packed or not.

    Raises:
        RecordingError: If the manifest or a file is missing or damaged.
    """
    _, files, _ = read_manifest(folder)
    return {name.removesuffix(CASE_SUFFIX): len(read_case_bytes(folder / name)) for name in files}


def _read_open_run(folder: Path, cases: Collection[str] | None) -> Run:
    header = read_open_header(folder)
    exchanges: list[Exchange] = []
    for path in folder.glob(f"*{PART_SUFFIX}"):
        if cases is None or path.name.removesuffix(PART_SUFFIX) in cases:
            exchanges.extend(read_part(path, header.id).page.exchanges.values())
    return Run(header=header, exchanges=_in_order(exchanges))


def _in_order(exchanges: list[Exchange]) -> tuple[Exchange, ...]:
    return tuple(sorted(exchanges, key=lambda x: (x.case, x.trial, x.attempt)))


def read_manifest(folder: Path) -> tuple[RunHeader, dict[str, str], str]:
    """Read and verify the manifest of a sealed run.

    Returns:
        The header, the digest (sha256, hex) of each case file by name, and the root digest.

    Raises:
        RecordingError: If it is missing, edited, torn or of a newer format.
    """
    refuse_linked_folder(folder)
    path = folder / MANIFEST_FILE
    document = parse_json_object(read_plain(path), str(path))
    check_format(document, str(path))
    header = document.get("header")
    files = document.get("files")
    if not isinstance(header, dict) or not isinstance(files, dict):
        raise RecordingError(f"{path}: header or files are missing; {REMEDY}")
    digests = {name: digest for name, digest in files.items() if isinstance(digest, str)}
    foreign = next((name for name in files if not _CASE_FILE.fullmatch(name)), None)
    if foreign is not None or len(digests) < len(files):
        raise RecordingError(f"{path}: {foreign!r} is not the name of a recording; {REMEDY}")
    if document.get("root") != _root(header, digests):
        raise RecordingError(f"{path}: was edited after sealing (root digest differs); {REMEDY}")
    return decode_header(header, str(path)), digests, str(document["root"])


def _root(header: JsonObject, digests: dict[str, str]) -> str | None:
    try:
        return root_digest(cast("dict[str, object]", header), digests)
    except TypeError:  # nested deeper than anything of ours, and than can be written
        return None


def edited_after_sealing(path: Path) -> RecordingError:
    """The error of a file that is not what its digest says."""
    return RecordingError(f"{path}: was edited or torn after sealing; {REMEDY}")


def refuse_empty(size_bytes: int, path: Path) -> None:
    """Refuse an empty file: it is never one in which nothing was recorded.

    Raises:
        RecordingError: If ``size_bytes`` is 0.
    """
    if size_bytes == 0:
        raise RecordingError(f"{path}: is empty; {REMEDY}")


def _read_case(path: Path, run: str, digest: str) -> Iterable[Exchange]:
    data = read_case_bytes(path)
    if hashlib.sha256(data).hexdigest() != digest:
        refuse_conflict(data, str(path))
        raise edited_after_sealing(path)
    refuse_empty(len(data), path)
    page = Page(run=run, case=path.name.removesuffix(CASE_SUFFIX))
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), start=1):
        place = f"{path}:{number}"
        refuse_long_line(len(line), place)
        refuse_many_lines(number, place)
        page.take(line, place)
    return page.exchanges.values()

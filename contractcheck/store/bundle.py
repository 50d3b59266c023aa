"""A sealed run as one file: an uncompressed USTAR archive of its manifest and its packed cases.

One file is whole or absent where several could be half a run. The same run gives the same bytes.
Any ``tar`` can unpack it; what is read back here is only what would be written here, header by
header, because an archive comes from a place that others write to.

The format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar).
"""

from __future__ import annotations

import os
import re
import tarfile
from typing import TYPE_CHECKING, BinaryIO

from contractcheck.errors import RecordingError
from contractcheck.files import sync_folder
from contractcheck.model.suite import ID_PATTERN
from contractcheck.store.packing import run_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 4 << 30
"""Largest bundle that is read, 4 GiB: a run of some million exchanges, packed."""

MOST_FILES = 20_001
"""Most files of one: the manifest, and as many cases as a night's statistics may have."""

MOST_MANIFEST_BYTES = 64 << 20
"""Largest manifest, which is read at once: of so many cases it has some 15 MB."""

_MANIFEST = "manifest.json"
_NAME = re.compile(rf"manifest\.json|{ID_PATTERN}\.jsonl(\.zst)?")
_CHUNK_BYTES = 1 << 20


def write_bundle(folder: Path, path: Path) -> None:
    """Write a sealed run as one file.

    Args:
        folder: A sealed run; nobody writes to it any more.
        path: The new file.

    Raises:
        RecordingError: If a file cannot be read, the disk refuses, or the bundle would be larger
            or hold more files than one that is read.
    """
    try:
        files = _fitting_files(folder)
        with path.open("xb") as out:
            for file in files:
                with file.open("rb") as content:
                    size_bytes = os.fstat(content.fileno()).st_size
                    out.write(_header(file.name, size_bytes))
                    _copy(content, out, size_bytes, file.name)
                out.write(_padding(size_bytes))
            out.write(bytes(2 * tarfile.BLOCKSIZE))
    except OSError as error:
        raise RecordingError(f"{folder}: cannot be bundled ({error})") from error


def _fitting_files(folder: Path) -> list[Path]:
    """Files of a run whose bundle can be read again."""
    files = list(run_files(folder))
    strange = [file.name for file in files if not _NAME.fullmatch(file.name)]
    if strange:
        raise RecordingError(f"{folder}: {strange[0]!r} is no file of a recording")
    if len(files) > MOST_FILES:
        raise RecordingError(f"{folder}: holds more than {MOST_FILES} files; none could fetch it")
    if (folder / _MANIFEST).stat().st_size > MOST_MANIFEST_BYTES:
        words = f"its manifest is larger than {MOST_MANIFEST_BYTES >> 20} MiB; none could fetch it"
        raise RecordingError(f"{folder}: {words}")
    block = tarfile.BLOCKSIZE
    sizes_bytes = [file.stat().st_size for file in files]
    whole_bytes = sum(block + size + -size % block for size in sizes_bytes) + 2 * block
    if whole_bytes > MOST_BYTES:
        raise RecordingError(
            f"{folder}: is larger than {MOST_BYTES >> 30} GiB when bundled; none could fetch it"
        )
    return files


def unpack_bundle(path: Path, folder: Path, place: str) -> None:
    """Unpack a bundle; only plain files with the names of a run come out of it.

    Args:
        path: The bundle.
        folder: An empty folder.
        place: Where the bundle came from, for errors.

    Raises:
        RecordingError: If it is torn, anything but a bundle of ours, too large, or the disk
            refuses. What lies in ``folder`` then is of no use.
    """
    try:
        with path.open("rb") as archive:
            for name, size_bytes in _members(archive, place):
                with (folder / name).open("xb") as out:
                    _copy(archive, out, size_bytes, place)
                    out.flush()
                    os.fsync(out.fileno())
                archive.seek(-size_bytes % tarfile.BLOCKSIZE, os.SEEK_CUR)
    except FileExistsError as error:
        raise RecordingError(f"{place}: holds a file twice; it is no recording of ours") from error
    except OSError as error:
        raise RecordingError(f"{place}: cannot be unpacked ({error})") from error
    if not (folder / _MANIFEST).is_file():
        raise RecordingError(f"{place}: has no manifest; it is no recording of ours")
    sync_folder(folder)


def _members(archive: BinaryIO, place: str) -> Iterator[tuple[str, int]]:
    """Name and size of each file; its bytes must be read before the next is asked for."""
    size_bytes = os.fstat(archive.fileno()).st_size
    if size_bytes > MOST_BYTES:
        raise RecordingError(f"{place}: is larger than {MOST_BYTES >> 30} GiB, as no recording is")
    for _ in range(MOST_FILES + 1):
        block = archive.read(tarfile.BLOCKSIZE)
        if block == bytes(tarfile.BLOCKSIZE):
            return
        yield _read_header(block, place)
    raise RecordingError(f"{place}: holds more than {MOST_FILES} files, as no recording does")


def _read_header(block: bytes, place: str) -> tuple[str, int]:
    """Read a header that is, to the last byte, one that would be written here."""
    if len(block) < tarfile.BLOCKSIZE:
        raise RecordingError(f"{place}: was torn; push the run again")
    try:
        name = block[:100].rstrip(b"\0").decode("ascii")
        size_bytes = int(block[124:135], 8)
    except ValueError:
        name, size_bytes = "", -1
    if not _NAME.fullmatch(name) or size_bytes < 0 or block != _header(name, size_bytes):
        raise RecordingError(f"{place}: is no recording of ours (an unknown entry)")
    if name == _MANIFEST and size_bytes > MOST_MANIFEST_BYTES:
        words = f"its manifest is larger than {MOST_MANIFEST_BYTES >> 20} MiB, as no recording's is"
        raise RecordingError(f"{place}: {words}")
    return name, size_bytes


def _header(name: str, size_bytes: int) -> bytes:
    """Header of a file without owner, date or permissions of this machine."""
    info = tarfile.TarInfo(name)
    info.size = size_bytes
    info.mode = 0o644
    return info.tobuf(format=tarfile.USTAR_FORMAT)


def _padding(size_bytes: int) -> bytes:
    return bytes(-size_bytes % tarfile.BLOCKSIZE)


def _copy(source: BinaryIO, out: BinaryIO, size_bytes: int, place: str) -> None:
    left_bytes = size_bytes
    while left_bytes:
        chunk = source.read(min(left_bytes, _CHUNK_BYTES))
        if not chunk:
            raise RecordingError(f"{place}: was torn; push the run again")
        out.write(chunk)
        left_bytes -= len(chunk)

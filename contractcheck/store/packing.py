"""Keep sealed runs small: zstd in the run store, plain JSONL where people review.

A packed case is ``<case>.jsonl.zst`` (RFC 8878). Digests are over the plain bytes, so packing
changes no root. Order of the steps: the packed file is written whole and renamed, then the plain
one is removed; a kill in between leaves both, which reads as the plain one, and the next packing
removes it.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.files import TEMPORARY_SUFFIX, sync_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEVEL = 10
"""zstd level; docs/reference/storage.md has the sizes and times of the others."""

_PLAIN = ".jsonl"
_PACKED = ".jsonl.zst"
_MANIFEST = "manifest.json"


def pack_run(folder: Path, *, level: int = LEVEL) -> None:
    """Pack the cases of a sealed run; done again, it only finishes what a kill left.

    Args:
        folder: A sealed run: nobody writes to it any more.
        level: zstd level, 1..22.

    Raises:
        RecordingError: If the disk refuses; what was not packed is still there, plain.
    """
    found = sorted(folder.glob(f"*{_PLAIN}"))
    plain = [path for path in found if path.is_file() and not path.is_symlink()]
    if not plain:
        return
    if sys.version_info >= (3, 14):
        from compression.zstd import compress
    else:
        from backports.zstd import compress

    for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        with suppress(OSError):
            leftover.unlink()
    for path in plain:
        try:
            data = compress(path.read_bytes(), level)
            write_atomically(path.with_name(path.name.removesuffix(_PLAIN) + _PACKED), data)
            path.unlink()
        except FileNotFoundError:  # another process has packed it meanwhile
            continue
        except OSError as error:
            raise RecordingError(f"{path}: cannot be packed ({error.strerror})") from error


def copy_plain(source: Path, destination: Path) -> None:
    """Copy a sealed run, unpacked; a half-made copy never carries the final name.

    Only the manifest and the cases are copied, and nothing through a link: the folder may have
    come from elsewhere.

    Args:
        source: The run, plain or packed; it has been read and verified already.
        destination: Where it is to lie; left alone when it is there.

    Raises:
        RecordingError: If the disk refuses; nothing is left at ``destination`` then.
    """
    if destination.is_dir():
        return
    temporary = destination.with_name(destination.name + TEMPORARY_SUFFIX)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        for path in run_files(source):
            _copy_file(path, temporary)
        sync_folder(temporary)
        temporary.replace(destination)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RecordingError(f"{destination}: cannot be written ({error})") from error
    sync_folder(destination.parent)


def run_files(folder: Path) -> Iterator[Path]:
    """The manifest and the cases of a run; of a case that lies there twice, the plain file."""
    names = {path.name for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
    for name in sorted(names):
        has_twin = name.removesuffix(_PACKED) + _PLAIN in names
        is_case = name.endswith(_PLAIN) or (name.endswith(_PACKED) and not has_twin)
        if is_case or name == _MANIFEST:
            yield folder / name


def _copy_file(path: Path, folder: Path) -> None:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    is_packed = path.name.endswith(_PACKED)
    name = path.name.removesuffix(_PACKED) + _PLAIN if is_packed else path.name
    try:
        with (folder / name).open("wb") as out:
            if is_packed:
                with zstd.open(path, "rb") as packed:
                    shutil.copyfileobj(packed, out)
            else:
                with path.open(mode="rb") as plain:
                    shutil.copyfileobj(plain, out)
            out.flush()
            os.fsync(out.fileno())
    except (zstd.ZstdError, EOFError) as error:
        raise OSError(f"{path} cannot be unpacked: {error}") from error

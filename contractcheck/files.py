"""Our own files: written whole or not at all, read with errors that say what to do.

A kill or a full disk leaves the old file or the new one, never half of either.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.json_value import JsonObject

TEMPORARY_SUFFIX = ".tmp"

_CONFLICT = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
"""What git leaves behind. In JSON only at the start of a line: an answer may talk of conflicts,
but inside a string there is no line."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: temporary file, fsync, rename, fsync of the folder.

    Raises:
        RecordingError: If the disk refuses; the old file is then untouched and the temporary gone.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        # A leftover of a dead process of our number, or a link that somebody put there.
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RecordingError(
                f"{path}: cannot be written ({error.strerror}); what was there before is untouched"
            ) from error
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable.

    Raises:
        RecordingError: If the disk does not confirm them.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordingError(
            f"{folder}: the disk did not confirm a new file ({error.strerror}); check it"
        ) from error


def refuse_conflict(data: bytes, place: str) -> None:
    """Say so when a file was left in the middle of a merge.

    Raises:
        RecordingError: If a line of ``data`` is a conflict marker.
    """
    if _CONFLICT.search(data):
        raise RecordingError(f"{place}: holds a merge conflict; take one side whole")


def parse_json_object(data: bytes, place: str) -> JsonObject:
    """Parse a JSON object of ours.

    Args:
        data: The bytes.
        place: Path, or path and line, for the error.

    Raises:
        RecordingError: If it is not one; merge conflicts are named.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        refuse_conflict(data, place)  # which is never JSON
        raise RecordingError(f"{place}: not JSON ({error}); torn or edited") from error
    if not isinstance(value, dict):
        raise RecordingError(f"{place}: expected a JSON object")
    return cast("JsonObject", value)

"""Read lines out of verified files, with few calls of the system and little held.

A replay asks for one line after the other, mostly of the same few files. Opening a file for each
of them costs more than finding and parsing the line.
"""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from contractcheck.cassettes.case_files import REMEDY, open_plain
from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE_BYTES = 4 << 20
"""Files up to this size are read whole when they are first asked: one case of an ordinary run."""

_MOST_FILES = 8
"""Held at a time, as bytes or as a descriptor; trials under way at once are of few cases."""

State = tuple[int, ...]
"""What changes when a file does; no two files have the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BytesSource:
    """A file that had to be unpacked, in memory."""

    path: Path
    data: bytes

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to before ``end``."""
        return self.data[start:end]

    def read_all(self) -> bytes:
        """Return all of it."""
        return self.data


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSource:
    """A plain file.

    Attributes:
        path: The file.
        state: As it was when it was verified.
        files: Shared by the files of a run.
    """

    path: Path
    state: State
    files: RecentFiles

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to before ``end``.

        Raises:
            RecordingError: If the file changed since it was verified, or cannot be read.
        """
        return self.files.read(self.path, self.state, start, end)

    def read_all(self) -> bytes:
        """Return all of it, and hold nothing.

        Raises:
            RecordingError: As ``read``.
        """
        try:
            descriptor = open_plain(self.path)
            try:
                _refuse_changed(descriptor, self.path, self.state)
                return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise RecordingError(f"{self.path}: {error.strerror}; {REMEDY}") from error


@dataclass(slots=True, eq=False, weakref_slot=True)
class RecentFiles:
    """The files that were read last; several threads may read."""

    _held: OrderedDict[State, bytes | int] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, _let_go, self._held)

    def read(self, path: Path, state: State, start: int, end: int) -> bytes:
        """Return a piece of a file: see ``FileSource.read``."""
        try:
            with self._lock:
                held = self._held.get(state)
                if held is None:
                    held = self._hold(path, state)
                else:
                    self._held.move_to_end(state)
                if isinstance(held, bytes):
                    return held[start:end]
                _refuse_changed(held, path, state)
                return os.pread(held, end - start, start)
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}; {REMEDY}") from error

    def _hold(self, path: Path, state: State) -> bytes | int:
        descriptor = open_plain(path)
        held: bytes | int = descriptor
        try:
            _refuse_changed(descriptor, path, state)
            if (size_bytes := os.fstat(descriptor).st_size) <= _WHOLE_BYTES:
                held = os.pread(descriptor, size_bytes, 0)
        except BaseException:
            os.close(descriptor)
            raise
        if isinstance(held, bytes):
            os.close(descriptor)
        if len(self._held) >= _MOST_FILES:
            _close(self._held.popitem(last=False)[1])
        self._held[state] = held
        return held


def state_of(descriptor: int) -> State:
    """What changes when a file does."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _refuse_changed(descriptor: int, path: Path, state: State) -> None:
    if state_of(descriptor) != state:
        raise RecordingError(f"{path}: changed after it was verified; open the recording again")


def _let_go(held: OrderedDict[State, bytes | int]) -> None:
    while held:
        _close(held.popitem()[1])


def _close(held: bytes | int) -> None:
    if isinstance(held, int):
        with suppress(OSError):  # only read from: no failure means anything
            os.close(held)

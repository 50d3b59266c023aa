"""The lock of an open run: one process records it, and others can see that one does."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from contractcheck.cassettes.layout import HEADER_FILE
from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRIES = 5
_PAUSE_S = 0.01
"""Whoever only looks holds the lock for some microseconds, and must not stop a recording."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an open run, so that nobody records it meanwhile.

    Raises:
        RecordingError: If somebody does.
    """
    descriptor = take_lock(folder)
    try:
        yield
    finally:
        release(descriptor)


def is_being_recorded(folder: Path) -> bool:
    """Whether a process, this one included, records an open run right now."""
    try:
        descriptor = os.open(folder / HEADER_FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # sealed meanwhile, or never a run
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a disk without locks: nothing can be recorded there
        return False
    finally:
        release(descriptor)
    return False


def take_lock(folder: Path) -> int:
    """Lock an open run; the descriptor holds the lock until ``release``.

    Raises:
        RecordingError: If another process holds it, or the disk gives no locks.
    """
    path = folder / HEADER_FILE
    try:
        # Read and write: what a lock over NFS asks for. The kernel lets go of it, however we end.
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            _lock_patiently(descriptor)
        except OSError:
            release(descriptor)
            raise
    except BlockingIOError as error:
        raise RecordingError(
            f"{folder}: another process is recording this run; wait for it, then resume"
        ) from error
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be locked ({error.strerror}); record to a disk that can be written "
            "and locked"
        ) from error
    return descriptor


def release(descriptor: int) -> None:
    """Let go of a lock."""
    with suppress(OSError):  # nothing was written through it, so no failure means anything
        os.close(descriptor)


def _lock_patiently(descriptor: int) -> None:
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(_PAUSE_S)
        else:
            return

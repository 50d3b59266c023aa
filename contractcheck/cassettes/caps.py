"""Bounds of what is written and read, so that no file can fill a memory or a repository."""

from __future__ import annotations

from contractcheck.errors import RecordingError

MOST_LINE_BYTES = 64 << 20
"""Longest line, 64 MiB: a body of 8 MiB in the most wasteful spelling that JSON has."""

MOST_CASE_BYTES = 1 << 30
"""Largest case file that is read, unpacked: 1 GiB, some 200,000 exchanges of chat."""

MOST_LINES = 1_000_000
"""Most lines of one case file."""

MOST_GIT_BYTES = 5 << 20
"""Largest case file that is accepted into version control unless somebody says otherwise, 5 MiB:
reviewers read it, and it stays in the history for ever."""


def refuse_long_line(size_bytes: int, place: str) -> None:
    """Refuse a line beyond ``MOST_LINE_BYTES``.

    Raises:
        RecordingError: If it is.
    """
    if size_bytes > MOST_LINE_BYTES:
        raise RecordingError(
            f"{place}: a line of more than {MOST_LINE_BYTES >> 20} MiB; no exchange is that long"
        )


def refuse_many_lines(count: int, place: str) -> None:
    """Refuse a file with more than ``MOST_LINES`` lines.

    Raises:
        RecordingError: If it has.
    """
    if count > MOST_LINES:
        raise RecordingError(
            f"{place}: more than {MOST_LINES:,} lines; give the case fewer samples, or split it"
        )

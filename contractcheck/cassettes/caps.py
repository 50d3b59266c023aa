"""Bounds of what is written and read, so that no file can fill a memory or a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LINE_BYTES = 64 << 20
"""Longest line, 64 MiB: a body of 8 MiB in the most wasteful spelling that JSON has."""

MOST_CASE_BYTES = 1 << 30
"""Largest case file that is read, unpacked: 1 GiB, some 200,000 exchanges of chat."""

MOST_LINES = 1_000_000
"""Most lines of one case file."""

MOST_GIT_BYTES = 5 << 20
"""Largest case file that is accepted into version control unless somebody says otherwise, 5 MiB:
reviewers read it, and it stays in the history for ever."""


def refuse_long_line(size_bytes: int, place: object) -> None:
    """Refuse a line beyond ``MOST_LINE_BYTES``; ``place`` is shown in the error.

    Raises:
        RecordingError: If it is.
    """
    if size_bytes > MOST_LINE_BYTES:
        raise RecordingError(
            f"{place}: a line of more than {MOST_LINE_BYTES >> 20} MiB; no exchange is that long"
        )


def refuse_large_case(size_bytes: int, place: object) -> None:
    """Refuse a journal beyond ``MOST_CASE_BYTES``; ``place`` is shown in the error.

    A sealed case is never larger than its journal, so what was written until then can be sealed.

    Raises:
        RecordingError: If it is.
    """
    if size_bytes > MOST_CASE_BYTES:
        raise RecordingError(
            f"{place}: would be larger than {MOST_CASE_BYTES / (1 << 20):,.0f} MiB, which is never "
            "read; everything before is kept: seal the run, and give the case fewer samples, or "
            "split it"
        )


def refuse_large_answers(size_bytes: int, place: object) -> None:
    """Refuse a case whose answers are beyond ``MOST_CASE_BYTES``, however short its lines are.

    Raises:
        RecordingError: If they are.
    """
    if size_bytes > MOST_CASE_BYTES:
        raise RecordingError(
            f"{place}: the answers until here are larger than {MOST_CASE_BYTES / (1 << 20):,.0f} "
            "MiB, as no recording is: the file was edited; restore it, or delete its run and "
            "record again"
        )


def refuse_many_lines(count: int, place: object) -> None:
    """Refuse a file with more than ``MOST_LINES`` lines; ``place`` is shown in the error.

    Raises:
        RecordingError: If it has.
    """
    if count > MOST_LINES:
        raise RecordingError(
            f"{place}: more than {MOST_LINES:,} lines; give the case fewer samples, or split it"
        )


def words_about_size(sizes_bytes: Mapping[str, int], most_bytes: int) -> str | None:
    """Why case files are too large for version control, and what helps; None when none is.

    Args:
        sizes_bytes: Plain size of each case file, by case.
        most_bytes: Largest size accepted.
    """
    large = {case: size for case, size in sizes_bytes.items() if size > most_bytes}
    if not large:
        return None
    worst = sorted(large, key=lambda case: (-large[case], case))
    shown = ", ".join(f"{case} ({_mb(large[case])})" for case in worst[:_SHOWN])
    more = f" and {len(worst) - _SHOWN} more" if len(worst) > _SHOWN else ""
    return (
        f"would put case files of more than {_mb(most_bytes)} into version control: {shown}{more}; "
        "record the case with fewer samples, keep prompts out (policy: store_prompts: hash), or "
        "say with --max-cassette-mb that so much is meant"
    )


_SHOWN = 5


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.1f} MB"

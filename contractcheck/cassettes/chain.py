"""The hash chain of an open journal: a line that was touched is found, and named.

Each line ends in ``"chain"``: blake2b-128 over the previous line's link and this line's bytes
without it. Only a last line without its line feed may be missing its end: a kill leaves that.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from contractcheck.cassettes.caps import refuse_long_line, refuse_many_lines
from contractcheck.errors import RecordingError
from contractcheck.files import refuse_conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REMEDY = "restore the file, or delete the run and record again"

_KEY = b',"chain":"'
_HEX = 32
_LENGTH_BYTES = len(_KEY) + _HEX + len(b'"}')


def chained(line: bytes, previous: str) -> tuple[bytes, str]:
    """Append the chain to a line, which is a JSON object; return it and its link."""
    link = _link(line, previous)
    return b"".join((memoryview(line)[:-1], _KEY, link.encode(), b'"}')), link


def unchained(line: bytes) -> tuple[bytes, str]:
    """Split a chained line into its plain bytes and the link it claims.

    Raises:
        ValueError: If the line carries no link.
    """
    tail = line[-_LENGTH_BYTES:]
    if not tail.startswith(_KEY) or not tail.endswith(b'"}'):
        raise ValueError("the line carries no chain: it was torn or edited")
    return line[:-_LENGTH_BYTES] + b"}", tail[len(_KEY) : -2].decode("ascii", "replace")


def verified_lines(data: bytes, path: Path) -> Iterator[tuple[bytes, str, int]]:
    """The whole lines of an open journal, each proven by its chain.

    Yields:
        The line without chain, its link, and the offset behind its line feed.

    Raises:
        RecordingError: If the first line is not whole, or any whole line does not verify.
    """
    link, start, number = "", 0, 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        place = f"{path}:{number}"
        refuse_long_line(end - start, place)
        refuse_many_lines(number, place)
        plain, link = _verified(data[start:end], link, place)
        start = end + 1
        yield plain, link, start
    if number == 0:
        raise RecordingError(
            f"{path}:1: is empty or cut before the end of its first line, which no kill leaves "
            "behind: what it held is lost; restore it, or delete it to record its case again"
        )


def _verified(line: bytes, previous: str, place: str) -> tuple[bytes, str]:
    try:
        plain, claimed = unchained(line)
    except ValueError as error:
        refuse_conflict(line, place)
        raise RecordingError(f"{place}: {error}; {REMEDY}") from error
    if _link(plain, previous) != claimed:
        raise RecordingError(
            f"{place}: the chain breaks here: a line was edited, moved or removed; {REMEDY}"
        )
    return plain, claimed


def _link(line: bytes, previous: str) -> str:
    digest = hashlib.blake2b(previous.encode(), digest_size=16)
    digest.update(line)
    return digest.hexdigest()

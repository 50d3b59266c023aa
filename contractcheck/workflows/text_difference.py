"""Where two texts differ, line by line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from contractcheck.workflows.json_difference import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_CHARACTERS = 1 << 18
"""Longer texts are not compared: the time grows with the square of their lines."""


def line_differences(old: str, new: str, where: str) -> Iterator[Difference]:
    """Yield each line that one text has and the other has not there.

    Args:
        old: The one.
        new: The other.
        where: What both are, for each difference.
    """
    if max(len(old), len(new)) > _MOST_CHARACTERS:
        return
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    for line in list(lines)[2:]:
        if line.startswith("-"):
            yield Difference(where=where, old=line[1:], new=None)
        elif line.startswith("+"):
            yield Difference(where=where, old=None, new=line[1:])

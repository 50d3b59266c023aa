"""In which line of a JSON text a value stands, so that errors can point at it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.suite.yaml_reader import Path

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def line_of_path(text: str, path: Path) -> int:
    """1-based line of the value at ``path``, or of the nearest thing around it.

    Args:
        text: A text that parses as JSON.
        path: Keys and indices from the top.
    """
    position = _skip(text, 0)
    for step in path:
        inner = _find(text, position, step)
        if inner is None:
            break
        position = inner
    return text.count("\n", 0, position) + 1


def _find(text: str, start: int, step: str | int) -> int | None:
    """Position of a member of the array or object that begins at ``start``."""
    is_object = text[start] == "{"
    if text[start] not in "[{":
        return None
    position = _skip(text, start + 1)
    index = 0
    while text[position] not in "]}":
        name: str | int = index
        if is_object:
            name, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        if name == step:
            return position
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
        index += 1
    return None


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position

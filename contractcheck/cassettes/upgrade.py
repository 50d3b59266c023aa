"""Lines of older formats, made what the current one would have written.

Each step is one pure function from a line of format n to the same line of format n + 1. Steps
stay for ever: a recording that was ever accepted can be read by every later version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject

FORMAT = 3
"""Version of the line format that is written; newer ones are refused."""

_PARTS_SINCE = 3
"""An answer in which much repeats may be spelled in parts."""


def upgraded(line: JsonObject, version: int) -> JsonObject:
    """Return a request or exchange line of format ``version`` (1 … FORMAT) as one of FORMAT.

    Every line of format 2 is one of format 3.

    Raises:
        ValueError: If it has what its format has not.
    """
    if version == 1:
        line = _to_format_2(line)
    if version < _PARTS_SINCE and isinstance(body := line.get("body"), dict) and "join" in body:
        raise ValueError(f"a body in parts, as format {version} has none")
    return line


def check_format(document: JsonObject, place: str) -> int:
    """Return the format version that a document names.

    Raises:
        RecordingError: If it is not one that this program reads.
    """
    version = document.get("format")
    if type(version) is int and 1 <= version <= FORMAT:
        return version
    shown = type(version).__name__ if isinstance(version, list | dict) else repr(version)[:40]
    raise RecordingError(
        f"{place}: format {shown}; this version reads up to {FORMAT}: upgrade contractcheck"
    )


def _to_format_2(line: JsonObject) -> JsonObject:
    """Format 2 keeps the reason phrase, how long chunks were held, the client, and a note."""
    if "res" not in line:
        return line
    line = {**line, "held_us": 0, "via": "", "note": ""}
    return {**line, "reason": ""} if "status" in line else line

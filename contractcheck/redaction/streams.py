"""Find secrets that a server spells out over several events of a stream.

Each event of a token stream (``data: {"delta": {"content": "sk-pr"}}``) holds a few characters
of the answer. Laid end to end the pieces show what no single event does. In the binary frames of
AWS the events are the same JSON, between headers and checksums.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contractcheck.redaction.linear import Span
    from contractcheck.repeats import Repeats

    Finder = Callable[[bytes], Iterator[tuple[Span, str]]]

_FIELDS = (
    *(b"content", b"text", b"partial_json", b"arguments", b"delta", b"thinking"),
    *(b"reasoning", b"reasoning_content", b"input"),
)
"""The fields in which OpenAI, Anthropic, Google, Mistral, Cohere and Bedrock stream text."""

_EVENT_MARKS = (b"data:", b":event-type")
"""What stands before each event: of server-sent events, and of the event streams of AWS."""

_TEXT = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_WHOLE = re.compile(_TEXT)
_STRING = b'"(' + _TEXT + b')"'
_ANY_FIELD = rb'"(' + b"|".join(_FIELDS) + rb')":\s?'
_PIECE = re.compile(_ANY_FIELD + _STRING)
_NUMBERED = re.compile(_ANY_FIELD + _STRING + rb'|"(?:(?:output_)?i|contentBlockI)ndex":\s?(\d+)')
"""The same, and the number of the answer or part that follows; looking for both takes longer."""

_SECOND = rb'[iI]ndex":[\s\v]?[1-9]'
r"""The number of an answer or part beyond the first (RE2's ``\s`` lacks the vertical tab)."""

_IS_NUMBERED = re.compile(_SECOND)


def text_field(data: bytes) -> bytes | None:
    """Name of the field in which a stream begins to spell its text; None of anything else."""
    if not _has_events(data):
        return None
    first = _PIECE.search(data)
    return first[1] if first else None


def _has_events(data: bytes) -> bool:
    """Whether there are two, or more: one event splits nothing."""
    for mark in _EVENT_MARKS:
        first = data.find(mark)
        if first >= 0 and data.find(mark, first + 1) >= 0:
            return True
    return False


def other_texts_source(field: bytes) -> bytes:
    """RE2 source that matches where a stream spells text beside one field of one answer."""
    others = b"|".join(name for name in _FIELDS if name != field)
    return rb'"(?:' + others + rb')":[\s\v]?"|' + _SECOND


def joined_text(data: bytes, field: bytes, repeats: Repeats | None = None) -> bytes:
    """What a stream spells in one field, end to end, as it is escaped there.

    Args:
        data: The stream.
        field: Name of the field.
        repeats: The same as a text in parts, if that is known.
    """
    pieces = _pieces_of(field)
    short = None if repeats is None else _once(repeats, pieces)
    return b"".join(pieces.findall(data if short is None else short))


def _once(repeats: Repeats, pieces: re.Pattern[bytes]) -> bytes | None:
    """A stream that spells the same text with all its inner events as one; None if it is not known.

    It is when every joint ends the text of the field and begins the next one, and nothing else; the
    first part ends inside that text or any other string; and the inner parts hold nothing but text,
    none ending in a backslash, which would hide the quote with which the joint begins.
    """
    joint, parts = repeats
    inner = parts[1:-1]
    text = "".join(inner)
    if not joint.startswith('"') or _WHOLE.fullmatch(text.encode()) is None:
        return None
    if "\\" in text and any(part.endswith("\\") for part in inner):
        return None
    if not _begins_text(parts[0] + joint, pieces) or not _begins_text(joint[1:], pieces, most=1):
        return None
    return joint.join((parts[0], text, parts[-1])).encode()


def _begins_text(before: str, pieces: re.Pattern[bytes], most: int | None = None) -> bool:
    """Whether what comes next is text of the field, which begins ``most`` times until then."""
    data = before.encode() + b'"'
    found = list(pieces.finditer(data))
    if not found or (most is not None and len(found) > most):
        return False
    return not found[-1][1] and found[-1].end() == len(data)


@cache
def _pieces_of(field: bytes) -> re.Pattern[bytes]:
    # That this begins with a literal makes the search as quick as it is.
    return re.compile(b'"' + field + rb'":\s?' + _STRING)


def find_in_streams(data: bytes, find: Finder) -> Iterator[tuple[Span, str]]:
    """Find secrets in the text that the events of a stream spell together.

    Pieces are joined per field name and number of the answer, in the order of the events.

    Args:
        data: A whole body of server-sent events or of an event stream of AWS; anything else holds
            no stream.
        find: Finds secrets in plain text.
    """
    if text_field(data) is None:
        return
    pieces: dict[tuple[bytes, bytes], list[Span]] = {}
    if _IS_NUMBERED.search(data):
        number = b""
        for match in _NUMBERED.finditer(data):
            if match.group(3):
                number = match.group(3)
            else:
                pieces.setdefault((number, match.group(1)), []).append(match.span(2))
    else:
        for match in _PIECE.finditer(data):
            pieces.setdefault((b"", match.group(1)), []).append(match.span(2))
    for spans in pieces.values():
        text = b"".join(data[start:end] for start, end in spans)
        bounds = [0, *accumulate(end - start for start, end in spans)]
        for found, kind in find(text):
            for span in _places(found, spans, bounds):
                yield span, kind


def _places(found: Span, spans: list[Span], bounds: list[int]) -> Iterator[Span]:
    """Where in the body a span of the joined text stands, piece by piece."""
    start, end = found
    number = bisect_right(bounds, start) - 1
    while number < len(spans) and bounds[number] < end:
        shift = spans[number][0] - bounds[number]
        left, right = max(start, bounds[number]), min(end, bounds[number + 1])
        if left < right:
            yield left + shift, right + shift
        number += 1

"""Find secrets that a server spells out over several events of a stream.

Each event of a token stream (``data: {"delta": {"content": "sk-pr"}}``) holds a few characters
of the answer. Laid end to end the pieces show what no single event does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contractcheck.redaction.linear import Span

    Finder = Callable[[bytes], Iterator[tuple[Span, str]]]

_FIELDS = rb"content|text|partial_json|arguments|delta|thinking|reasoning(?:_content)?"
"""The fields in which OpenAI, Anthropic, Google, Mistral and Cohere stream text."""

_STRING = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_PIECE = re.compile(rb'"(' + _FIELDS + rb')":\s?' + _STRING)
_NUMBERED = re.compile(rb'"(' + _FIELDS + rb'|(?:output_)?index)":\s?(?:' + _STRING + rb"|(\d+))")
"""The same, and the number of the answer or part that follows; looking for both takes longer."""


def find_in_streams(data: bytes, find: Finder) -> Iterator[tuple[Span, str]]:
    """Find secrets in the text that the events of a stream spell together.

    Pieces are joined per field name and number of the answer, in the order of the events.

    Args:
        data: A whole body of server-sent events; anything else holds no stream.
        find: Finds secrets in plain text.
    """
    if data.count(b"data:") < 2:  # noqa: PLR2004 - one event splits nothing
        return
    pieces: dict[tuple[bytes, bytes], list[Span]] = {}
    if b'index":1' in data or b'index": 1' in data:
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

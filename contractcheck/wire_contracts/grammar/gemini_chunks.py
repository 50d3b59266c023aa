"""Streams of Gemini's ``streamGenerateContent``.

Source: Gemini API reference, "streamGenerateContent": every event is a whole response; the last
one that carries content has a ``finishReason``. There is no event for the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import Automaton

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.wire import Frame

_CONTENT, _BLANK, _FINISH = "a chunk with content", "a chunk without content", "a finishReason"
_ORDER = Automaton(
    start="running",
    moves={
        "running": {_CONTENT: "running", _BLANK: "running", _FINISH: "finished"},
        # Grounding and usage may follow the end of the content.
        "finished": {_BLANK: "finished", _FINISH: "finished"},
    },
    done="",
)


def check_contents(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check that no content comes after the end of the content."""
    yield from _ORDER.misplaced(_kind(frame.document) for frame in frames if frame.document)


def _kind(document: JsonObject) -> str:
    candidates = document.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(first, dict):
        return _BLANK
    if isinstance(first.get("finishReason"), str):
        return _FINISH
    content = first.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    shown = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    has_content = any(part.get("text") or part.get("functionCall") for part in shown)
    return _CONTENT if has_content else _BLANK

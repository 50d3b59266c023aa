"""Whether an answer that is still coming has content yet.

Dialects read whole answers: one that is not over is a broken one to them. For a time-out it is
enough to know whether any event said something. The built-in wires are known by the names that
they give what a model says; another wire may tell by itself, or its first event counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contractcheck.providers.wire import TellsContent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.model.json_value import JsonValue
    from contractcheck.model.wire import Frame
    from contractcheck.providers.wire import Dialect

_SAID: Final = frozenset(
    {
        "arguments",
        "content",
        "delta",
        "input",
        "partial_json",
        "reasoning",
        "reasoning_content",
        "refusal",
        "text",
        "thinking",
        "tool_plan",
    }
)
"""Members whose strings are what a model says: text, tool arguments and reasoning of the built-in
dialects' stream events."""

_CALLED: Final = frozenset({"functionCall", "toolUse"})
"""Members that are a tool call, which may have no arguments (Gemini and Vertex, Bedrock)."""

_CALL_TYPE: Final = "tool_use"
"""Type of a content block that is a tool call (Anthropic); its text may stay empty too."""


class NamedContent:
    """Tells content by the names of members; a base of dialects whose names are among them."""

    __slots__ = ()

    def has_content(self, frame: Frame) -> bool:
        """Whether an event carries a text that is not empty where models speak, or a call."""
        return _says_something(frame.document)


def has_content(dialect: Dialect, frames: Iterable[Frame]) -> bool:
    """Whether any event of an answer so far carries content.

    Of a dialect that does not tell, every event that is not empty counts: better to wait for an
    answer that will not come than to cut off one that is coming.

    Args:
        dialect: How the answer speaks.
        frames: What has come of it.
    """
    if isinstance(dialect, TellsContent):
        return any(dialect.has_content(frame) for frame in frames)
    return any(frame.text.strip() for frame in frames)


def _says_something(value: JsonValue) -> bool:
    left: list[JsonValue] = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            if any(isinstance(one[name], str) and one[name] for name in _SAID & one.keys()):
                return True
            if one.get("type") == _CALL_TYPE or any(one[name] for name in _CALLED & one.keys()):
                return True
            left.extend(one.values())
    return False

"""Whether an answer that is still coming has content yet.

Dialects read whole answers: one that is not over is a broken one to them. For a time-out it is
enough to know whether any event said something, under any of the names that providers give it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.model.json_value import JsonValue
    from contractcheck.model.wire import Frame

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


def has_content(frames: Iterable[Frame]) -> bool:
    """Whether any event carries a text that is not empty where models speak."""
    return any(_says_something(frame.document) for frame in frames)


def _says_something(value: JsonValue) -> bool:
    left: list[JsonValue] = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            if any(isinstance(one.get(name), str) and one[name] for name in _SAID & one.keys()):
                return True
            left.extend(one.values())
    return False

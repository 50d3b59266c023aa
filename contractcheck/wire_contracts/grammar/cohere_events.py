"""Streams of Cohere's chat, version 2.

Source: Cohere API reference, "Chat with streaming" (v2): ``message-start``, then plan, contents
and tool calls, each begun and ended, citations anywhere, ``message-end``; ``[DONE]`` closes the
connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import Automaton

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire import Frame

_DONE = "[DONE]"
_ORDER = Automaton(
    start="nothing",
    moves={
        "nothing": {"message-start": "between"},
        "between": {
            "tool-plan-delta": "between",
            "content-start": "content",
            "tool-call-start": "call",
            "message-end": "ended",
        },
        "content": {"content-delta": "content", "content-end": "between"},
        "call": {"tool-call-delta": "call", "tool-call-end": "between"},
        "ended": {_DONE: "done"},
    },
    done="done",
)


def check_events(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check the order of events."""
    yield from _ORDER.misplaced(_kind(frame) for frame in frames)


def _kind(frame: Frame) -> str:
    if frame.document is None:
        return _DONE if frame.text.startswith(_DONE) else ""
    kind = frame.document.get("type")
    return kind if isinstance(kind, str) else frame.name

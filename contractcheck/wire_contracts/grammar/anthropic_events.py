"""Streams of Anthropic messages.

Source: Anthropic API reference, "Streaming messages", section "Event types": one
``message_start``, blocks one after another with increasing index, one or more ``message_delta``,
one ``message_stop``; ``ping`` anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import Automaton, breaking, child, integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire import Frame

_ORDER = Automaton(
    start="nothing",
    moves={
        "nothing": {"message_start": "between"},
        "between": {"content_block_start": "block", "message_delta": "ending"},
        "block": {"content_block_delta": "block", "content_block_stop": "between"},
        "ending": {"message_delta": "ending", "message_stop": "done"},
    },
    done="done",
)


def check_messages(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check the order of events, the numbers of blocks, and that a message starts empty."""
    yield from _ORDER.misplaced(_kind(frame) for frame in frames)
    yield from _check_indices(frames)
    for frame in frames:
        if _kind(frame) == "message_start" and child(frame.document, "message").get("content"):
            yield breaking("is not empty", "message_start.message.content")


def _check_indices(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    last = -1
    for frame in frames:
        kind, index = _kind(frame), integer(frame.document, "index")
        if index is None:
            continue
        if kind == "content_block_start":
            if index != last + 1:
                yield breaking("is not the next one, from 0", f"{kind}.index")
            last = index
        elif kind in ("content_block_delta", "content_block_stop") and index != last:
            yield breaking("is not that of the open block", f"{kind}.index")


def _kind(frame: Frame) -> str:
    kind = None if frame.document is None else frame.document.get("type")
    return kind if isinstance(kind, str) else frame.name

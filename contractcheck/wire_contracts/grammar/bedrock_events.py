"""Streams of Bedrock's ConverseStream.

Source: Amazon Bedrock API reference, "ConverseStream", "Response elements": ``messageStart``,
blocks (``contentBlockStart`` only where there is something to start with, as for tools),
``messageStop``, ``metadata``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import Automaton, breaking, integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire import Frame

_ORDER = Automaton(
    start="nothing",
    moves={
        "nothing": {"messageStart": "between"},
        "between": {
            "contentBlockStart": "block",
            "contentBlockDelta": "block",
            "contentBlockStop": "between",
            "messageStop": "ending",
        },
        "block": {"contentBlockDelta": "block", "contentBlockStop": "between"},
        "ending": {"metadata": "done"},
    },
    done="done",
)


def check_events(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check the order of events, and that no block is spoken of after its end."""
    yield from _ORDER.misplaced(frame.name for frame in frames)
    last, closed = -1, -1
    for frame in frames:
        index = integer(frame.document, "contentBlockIndex")
        if index is None:
            continue
        if index < last:
            yield breaking("is that of a block before", f"{frame.name}.contentBlockIndex")
        elif index == closed:
            yield breaking("is that of a block that had ended", f"{frame.name}.contentBlockIndex")
        last = max(last, index)
        closed = index if frame.name == "contentBlockStop" else closed

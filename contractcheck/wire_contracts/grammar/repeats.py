"""Events that came twice in a row.

A model may write the same token twice, so two equal events are no proof of anything, unless they
carry what is random or numbered: ``obfuscation`` is random padding (OpenAI API reference,
``include_obfuscation``). Long equal texts are told, and decide nothing. Events of structure that
come twice are out of order, and numbered ones do not increase; the automata see both.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import additive, breaking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire import Frame

_LEAST_PADDING = 6
"""Random letters by which two events are known for one: at 36 letters, one pair in 2e9."""

_LONG = 400
"""Characters of an event, envelope included, from which on an exact repetition is worth a word."""


def find_repeats(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Find events that are byte for byte the one before them, where that can be told."""
    for before, frame in pairwise(frames):
        if frame.text != before.text or frame.document is None:
            continue
        padding = frame.document.get("obfuscation")
        if isinstance(padding, str) and len(padding) >= _LEAST_PADDING:
            yield breaking("the same event came twice in a row", "stream")
        elif len(frame.text) >= _LONG:
            yield additive("the same long event came twice in a row", "stream")

"""Streams of OpenAI responses.

Source: OpenAI API reference, "Responses: streaming events": events are numbered by
``sequence_number``; ``response.created`` comes first, items are added before anything of theirs
comes, and one of ``completed``, ``incomplete``, ``failed`` and ``cancelled`` is the last.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import (
    Automaton,
    additive,
    breaking,
    child,
    integer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.wire import Frame

_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_ANYTHING = "an event of an item"
_ORDER = Automaton(
    start="nothing",
    moves={
        "nothing": {"response.created": "running"},
        "running": {
            "response.queued": "running",
            "response.in_progress": "running",
            _ANYTHING: "running",
            **dict.fromkeys(_ENDS, "done"),
        },
    },
    done="done",
)
_WHOLE = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.function_call_arguments.delta": (
        "response.function_call_arguments.done",
        "arguments",
    ),
    "response.refusal.delta": ("response.refusal.done", "refusal"),
}
"""Event of a fragment → the event that repeats the whole, and where it stands there."""


def check_responses(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check order, sequence numbers, numbers of items, and that fragments make up the whole."""
    known = [(frame.document, _kind(frame)) for frame in frames if frame.document is not None]
    yield from _ORDER.misplaced(_step(kind) for _, kind in known)
    yield from _check_sequence([document for document, _ in known])
    yield from _check_items(known)
    yield from _Fragments().check(known)


def _check_sequence(documents: Sequence[JsonObject]) -> Iterator[WireProblem]:
    numbers = [integer(document, "sequence_number") for document in documents]
    for before, number in pairwise(one for one in numbers if one is not None):
        if number <= before:
            yield breaking("does not increase", "sequence_number")
        elif number > before + 1:
            yield additive("has a gap", "sequence_number")


def _check_items(known: Sequence[tuple[JsonObject, str]]) -> Iterator[WireProblem]:
    added = 0
    for document, kind in known:
        index = integer(document, "output_index")
        if index is None:
            continue
        if kind == "response.output_item.added":
            if index != added:
                yield breaking("is not the next one, from 0", f"{kind}.output_index")
            added = max(added, index + 1)
        elif index >= added:
            yield breaking("is that of an item that was never added", f"{kind}.output_index")


@dataclass(slots=True)
class _Fragments:
    """Fragments by event, item and part, until the whole comes."""

    texts: dict[tuple[str, int | None, int | None], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def check(self, known: Sequence[tuple[JsonObject, str]]) -> Iterator[WireProblem]:
        for document, kind in known:
            place = (integer(document, "output_index"), integer(document, "content_index"))
            delta = document.get("delta")
            if kind in _WHOLE and isinstance(delta, str):
                self.texts[(_WHOLE[kind][0], *place)].append(delta)
                continue
            for whole, name in _WHOLE.values():
                text = document.get(name)
                if kind != whole or not isinstance(text, str):
                    continue
                if text != "".join(self.texts.pop((whole, *place), [])):
                    yield breaking("is not what the fragments make up", f"{kind}.{name}")


def _step(kind: str) -> str:
    if kind in _ENDS or kind in ("response.created", "response.queued", "response.in_progress"):
        return kind
    return _ANYTHING if kind.startswith("response.") else ""


def _kind(frame: Frame) -> str:
    kind = child({"frame": frame.document}, "frame").get("type")
    return kind if isinstance(kind, str) else frame.name

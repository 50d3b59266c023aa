"""What an exchange shows, held against the documented shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.model.completion import WireProblem
from contractcheck.wire_contracts.schema import EMPTY_ARRAY
from contractcheck.wire_contracts.walk import UNNAMEABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.model.wire_shape import Fact
    from contractcheck.wire_contracts.schema import Node, PublishedShape

UNTYPED_KINDS = ("body", "chunk")
"""Kinds of frames that are no part of a path that is shown: the format has only one at a time."""

UNKNOWN_FIELD = "unknown field"
"""What is said of a member that is not documented, by dialects too."""

_KIND_OF_OBJECT = re.compile(r"<[^>]*>")
_MOST_SHOWN = 8


def find_problems(shape: PublishedShape, facts: Iterable[Fact]) -> tuple[WireProblem, ...]:
    """Find where an exchange left the documented shape, ordered by path.

    A member that is required and missing, and a type that is not documented, are breaking;
    members, kinds of frames and values that are not documented are additive.
    """
    found = dict.fromkeys(_problems(shape, facts))
    return tuple(sorted(found, key=lambda one: (one.path, one.severity, one.what)))


def path_of(place: str) -> str:
    """Return a place as it is shown: ``choices[*].delta``, ``message_start.message.usage``."""
    kind, _, path = place.partition(" ")
    if kind == "header":
        return place
    path = _KIND_OF_OBJECT.sub("", path)
    if kind in UNTYPED_KINDS:
        return path or kind
    return f"{kind}.{path}" if path else kind


def _problems(shape: PublishedShape, facts: Iterable[Fact]) -> Iterator[WireProblem]:
    for place, aspect, seen in facts:
        node = shape.places.get(place)
        if node is None:
            yield from _unknown(place, aspect)
        elif aspect == "type":
            yield from _mistyped(node, seen)
        elif aspect == "lacked" and node.is_required:
            yield _problem(node, "required field is missing")
        elif aspect == "value":
            yield from _unlisted(node, seen)
        elif aspect == "pattern":
            yield _problem(node, f"identifier of another form than {node.pattern}")
        elif aspect == "empty":
            some = ", ".join(sorted(node.one_of)[:_MOST_SHOWN])
            yield _problem(node, f"has none of the members of which it must have one: {some}, ...")


def _unknown(place: str, aspect: str) -> Iterator[WireProblem]:
    if aspect != "came" or place.startswith("header "):
        return
    if " " in place:
        yield WireProblem(path=path_of(place), what=UNKNOWN_FIELD, severity="additive")
    else:
        what = f"unknown stream event {place!r}"
        yield WireProblem(path="event", what=what, severity="additive")


def _mistyped(node: Node, seen: str) -> Iterator[WireProblem]:
    kind = "array" if seen == EMPTY_ARRAY else seen
    if kind in node.types or (kind == "integer" and "number" in node.types):
        return
    yield _problem(node, f"expected {' or '.join(sorted(node.types))}, got {kind}")


def _unlisted(node: Node, seen: str) -> Iterator[WireProblem]:
    values = node.values
    if values is None or seen in values:
        return
    known = ", ".join(sorted(values)[:_MOST_SHOWN])
    more = ", ..." if len(values) > _MOST_SHOWN else ""
    shown = "that is no name" if seen == UNNAMEABLE else repr(seen)
    what = f"new value {shown} (documented: {known}{more})"
    yield WireProblem(path=path_of(node.place), what=what, severity="additive")


def _problem(node: Node, what: str) -> WireProblem:
    return WireProblem(path=path_of(node.place), what=what, severity="breaking")


def parent_of(place: str) -> tuple[str, str]:
    """Return the place that a place belongs to, and its own name there.

    Items and kinds belong to the same object as their array: ``choices[*]`` has no parent of its
    own but ``choices``. The parent of a kind of frame is empty: it belongs to the exchange.
    """
    kind, _, path = place.partition(" ")
    if not path:
        return "", kind
    if path.endswith(("]", ">")):
        cut = max(path.rfind("["), path.rfind("<"))
        return (f"{kind} {path[:cut]}" if cut else kind), path[cut:]
    head, dot, name = path.rpartition(".")
    # A kind may hold a dot (`response.done`), but it stands before the blank.
    return (f"{kind} {head}" if dot else kind), name

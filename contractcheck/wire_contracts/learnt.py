"""Learn the shape of a night's wire from what its exchanges showed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from contractcheck.model.wire_shape import BROKEN_ASPECTS, PlaceShape, WireShape
from contractcheck.wire_contracts.published import parent_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contractcheck.model.wire_shape import Fact

OTHERS = "(others)"
"""Stands for the rarer values or forms of a place that has too many to be told apart."""

PROBLEM = "problem "
"""Begins the places of problems (``lived_with``)."""

_MOST_PROBLEMS = 64
"""Kinds of problems of one night that are kept, the most frequent first."""

_MOST_KINDS = 12
"""Values or forms of one place that are kept: more of them are no closed set."""


def learn_shape(wire_format: str, seen: Iterable[frozenset[Fact]]) -> WireShape | None:
    """Count what the exchanges of a night showed; None when no whole answer came.

    Args:
        wire_format: Name of the format.
        seen: Facts per exchange; those of exchanges that did not come whole are empty.
    """
    shown = [facts for facts in seen if facts]
    if not shown:
        return None
    counts = Counter[tuple[str, str, str]]()
    for facts in shown:
        counts.update(facts)
    for rare in _rare_problems(counts):
        del counts[rare]
    places: dict[str, dict[str, dict[str, int]]] = {}
    for (place, aspect, what), count in counts.items():
        if aspect not in BROKEN_ASPECTS:
            places.setdefault(place, {}).setdefault(aspect, {})[what] = count
    return WireShape(
        format=wire_format,
        exchanges=len(shown),
        places={
            place: _place(place, aspects, len(shown))
            for place, aspects in sorted(places.items())
            if "came" in aspects
        },
    )


def _rare_problems(counts: Mapping[Fact, int]) -> list[Fact]:
    told = [fact for fact in counts if fact[0].startswith(PROBLEM)]
    return sorted(told, key=lambda fact: (-counts[fact], fact))[_MOST_PROBLEMS:]


def pool_shapes(shapes: Sequence[WireShape]) -> WireShape | None:
    """Add up the shapes of several nights of one format; None when there is none."""
    if not shapes:
        return None
    names = sorted({name for shape in shapes for name in shape.places})
    exchanges = sum(shape.exchanges for shape in shapes)
    return WireShape(
        format=shapes[-1].format,
        exchanges=exchanges,
        places={name: _pool_place(name, shapes, exchanges) for name in names},
    )


def belongs_to_exchange(place: str) -> bool:
    """Whether a place is a header, a frame or a problem, which any exchange may have or lack."""
    return " " not in place or place.startswith(("header ", PROBLEM))


def _place(place: str, aspects: Mapping[str, Mapping[str, int]], exchanges: int) -> PlaceShape:
    came = aspects["came"][""]
    lacked = aspects.get("lacked", {}).get("", 0)
    return PlaceShape(
        came=came,
        lacked=exchanges - came if belongs_to_exchange(place) else lacked,
        types=dict(sorted(aspects.get("type", {}).items())),
        values=_bounded(aspects.get("value", {})),
        forms=_bounded(aspects.get("form", {})),
    )


def _bounded(counts: Mapping[str, int]) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = dict(sorted(ranked[:_MOST_KINDS]))
    rest = sum(count for _, count in ranked[_MOST_KINDS:])
    return kept | ({OTHERS: rest} if rest else {})


def _pool_place(name: str, shapes: Sequence[WireShape], exchanges: int) -> PlaceShape:
    parts = [shape.places[name] for shape in shapes if name in shape.places]
    came = sum(part.came for part in parts)
    # A place that never came in a night is not kept there: whatever it belongs to lacked it.
    parent, _ = parent_of(name)
    without = [shape for shape in shapes if name not in shape.places]
    lacked = sum(part.lacked for part in parts)
    owners = [shape.places[parent] for shape in without if parent in shape.places]
    lacked += sum(owner.types.get("object", 0) for owner in owners)
    return PlaceShape(
        came=came,
        lacked=exchanges - came if belongs_to_exchange(name) else lacked,
        types=_sum(part.types for part in parts),
        values=_sum(part.values for part in parts),
        forms=_sum(part.forms for part in parts),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))

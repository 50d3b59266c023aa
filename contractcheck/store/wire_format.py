"""The learnt shape of a night's wire ↔ JSON, one short array per place.

An array holds, as far as there is something to tell: how often the place came, how often it was
lacking, its types, values and forms. One type that always came is written as its name alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from contractcheck.model.wire_shape import PlaceShape, WireShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue


def encode_places(shape: WireShape) -> dict[str, list[object]]:
    """Return the places of a shape as they are stored."""
    return {name: _encode_place(place) for name, place in shape.places.items()}


def decode_wire(document: JsonObject) -> WireShape:
    """Decode a shape.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: If it is not built like one.
    """
    places = cast("dict[str, list[JsonValue]]", document["places"])
    return WireShape(
        format=str(document["format"]),
        exchanges=_count(document["exchanges"]),
        places={name: _decode_place(place) for name, place in places.items()},
    )


def _encode_place(place: PlaceShape) -> list[object]:
    types: object = dict(place.types)
    if list(place.types.values()) == [place.came]:
        types = next(iter(place.types))
    row = [place.came, place.lacked, types, dict(place.values), dict(place.forms)]
    while len(row) > 1 and not row[-1]:
        row.pop()
    return row


def _decode_place(row: list[JsonValue]) -> PlaceShape:
    came, lacked, types, values, forms = (*row, *_NOTHING[len(row) :])
    named = {types: came} if isinstance(types, str) else types
    return PlaceShape(
        came=_count(came),
        lacked=_count(lacked),
        types=_counts(named),
        values=_counts(values),
        forms=_counts(forms),
    )


_NOTHING: tuple[JsonValue, ...] = (0, 0, {}, {}, {})


def _counts(value: object) -> Mapping[str, int]:
    named = cast("JsonObject", value)
    return {name: _count(count) for name, count in named.items()}


def _count(value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"expected a count, got {value!r}")

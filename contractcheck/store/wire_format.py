"""The learnt shape of a night's wire ↔ JSON, short enough to be reviewed.

Most places are steady: they came whenever what they belong to came, always with one type. Of
those only the names are written, by type, on the line of what they belong to. Every other place
has a line with an array of as much as there is to tell: how often it came, how often it was
lacking, its types, values and forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.model.wire_shape import PlaceShape, WireShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue


def encode_wire(shape: WireShape) -> bytes:
    """Encode a shape as a JSON object with one line per fact."""
    rows: dict[str, list[object]] = {}
    steady: dict[str, dict[str, list[str]]] = {}
    for place, own in shape.places.items():
        parent, name = _split(place)
        if parent in shape.places and _is_steady(own, shape.places[parent]):
            by_type = steady.setdefault(parent, {})
            by_type.setdefault(next(iter(own.types)), []).append(name)
        else:
            rows[place] = _encode_place(own)
    head = {"format": shape.format, "exchanges": shape.exchanges}
    members = b",".join(
        b'"' + name.encode() + b'":' + _lines(lines)
        for name, lines in (("places", rows), ("steady", steady))
    )
    return orjson.dumps(head)[:-1] + b"," + members + b"}"


def decode_wire(document: JsonObject) -> WireShape:
    """Decode a shape.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: If it is not built like one.
    """
    rows = cast("dict[str, list[JsonValue]]", document["places"])
    places = {name: _decode_place(row) for name, row in rows.items()}
    steady = cast("dict[str, dict[str, list[str]]]", document["steady"])
    # What something belongs to has a shorter name, and so is there before it.
    for parent in sorted(steady, key=len):
        came = places[parent].came
        for kind, names in steady[parent].items():
            for name in names:
                places[_join(parent, str(name))] = PlaceShape(came=came, types={kind: came})
    return WireShape(
        format=str(document["format"]),
        exchanges=_count(document["exchanges"]),
        places=dict(sorted(places.items())),
    )


def _split(place: str) -> tuple[str, str]:
    """What a place belongs to, and its name there; no owner for items and kinds of objects."""
    kind, blank, path = place.partition(" ")
    if not blank or place.endswith(("]", ">")):
        return "", place
    owner, dot, name = path.rpartition(".")
    return (f"{kind} {owner}", name) if dot else (kind, name)


def _join(parent: str, name: str) -> str:
    return f"{parent}.{name}" if " " in parent else f"{parent} {name}"


def _is_steady(own: PlaceShape, parent: PlaceShape) -> bool:
    is_plain = not (own.lacked or own.values or own.forms)
    return is_plain and own.came == parent.came and list(own.types.values()) == [own.came]


def _lines(members: Mapping[str, object]) -> bytes:
    lines = [b"\n" + orjson.dumps(name) + b":" + orjson.dumps(own) for name, own in members.items()]
    return b"{" + b",".join(lines) + b"}"


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
    named: JsonValue = {types: came} if isinstance(types, str) else types
    return PlaceShape(
        came=_count(came),
        lacked=_count(lacked),
        types=_counts(named),
        values=_counts(values),
        forms=_counts(forms),
    )


_NOTHING: tuple[JsonValue, ...] = (0, 0, {}, {}, {})


def _counts(value: JsonValue) -> dict[str, int]:
    return {name: _count(count) for name, count in cast("JsonObject", value).items()}


def _count(value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"expected a count, got {value!r}")

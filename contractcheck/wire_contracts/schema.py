"""Published shapes: JSON Schemas that come with the package, made ready for walking.

The schemas are plain Draft 2020-12 (https://json-schema.org/draft/2020-12) of few keywords:
``type``, ``properties``, ``required``, ``items``, ``enum``, ``pattern``, ``$ref`` into ``$defs``,
``anyOf`` for "this or null" and for "one of these members", and OpenAPI's ``discriminator``
(OpenAPI 3.1.1, section 4.8.25) for kinds of objects. Four annotations are our own: ``frames``
names the kinds of frames of the format, ``x-identifier`` marks strings whose form is learnt,
``x-volatile`` members whose comings and goings break nobody, and ``x-content`` those that the model
fills or leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.wire_shape import Fact

JSON_TYPES: Mapping[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}

EMPTY_ARRAY = "empty array"
"""Learnt as a type of its own: programs take the first element of what was never empty."""

_ANYTHING = frozenset(JSON_TYPES.values())


@dataclass(slots=True)
class Node:
    """One documented place.

    Attributes:
        place: Kind of frame and path.
        types: Documented JSON types.
        members: Documented members; None when nobody looks inside.
        is_required: Whether it must be there.
        one_of: Names of members of which one must be there; empty when none must.
        items: Of an array.
        values: The documented closed set, or None.
        pattern: What an identifier must match (RE2), or None.
        is_volatile: Whether its comings and goings break nobody.
        is_content: Whether the model decides if it comes: texts, calls, kinds of blocks.
        switch: Member that says which of ``kinds`` an object is, or empty.
        kinds: Documented kinds of the object.
        is_told: Whether something of its text is noted.
        lacked: The fact that it did not.
        typed: The fact that it came with a type.
        hollow: The fact that an array came empty.
    """

    place: str
    types: frozenset[str] = _ANYTHING
    members: dict[str, Node] | None = None
    is_required: bool = False
    one_of: frozenset[str] = frozenset()
    items: Node | None = None
    values: frozenset[str] | None = None
    pattern: str | None = None
    is_volatile: bool = False
    is_content: bool = False
    switch: str = ""
    kinds: dict[str, Node] = field(default_factory=dict)
    is_told: bool = False
    lacked: Fact = ("", "", "")
    typed: dict[type, Fact] = field(default_factory=dict)
    hollow: Fact = ("", "", "")

    def __post_init__(self) -> None:
        self.lacked = (self.place, "lacked", "")
        self.typed = {kind: (self.place, "type", name) for kind, name in JSON_TYPES.items()}
        self.hollow = (self.place, "type", EMPTY_ARRAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedShape:
    """The documented shape of one wire format.

    Attributes:
        frames: By kind of frame.
        places: Every documented place, by its name.
    """

    frames: Mapping[str, Node]
    places: Mapping[str, Node]


def read_schema_file(name: str) -> JsonObject:
    """Return the schema of a wire format as it lies in the package."""
    path = files("contractcheck.wire_contracts") / "published" / f"{name}.schema.json"
    return cast("JsonObject", orjson.loads(path.read_bytes()))


@cache
def published_shape(name: str) -> PublishedShape:
    """Return the documented shape of a wire format, ready for walking."""
    document = read_schema_file(name)
    builder = _Builder(definitions=cast("JsonObject", document["$defs"]))
    frames = cast("dict[str, JsonObject]", document["frames"])
    return PublishedShape(
        frames={kind: builder.build(schema, kind, "") for kind, schema in frames.items()},
        places=builder.places,
    )


@dataclass(slots=True)
class _Builder:
    """Unfolds references, so that every place of the wire has one node."""

    definitions: JsonObject
    places: dict[str, Node] = field(default_factory=dict)

    def build(self, schema: JsonObject, kind: str, path: str) -> Node:
        schema = self._resolve(schema)
        place = f"{kind} {path}" if path else kind
        node = Node(
            place=place,
            is_told=schema.get("x-identifier") is True or "enum" in schema,
            types=_types(schema),
            one_of=_alternatives(schema),
            pattern=cast("str | None", schema.get("pattern")),
            is_volatile=schema.get("x-volatile") is True,
            is_content=schema.get("x-content") is True,
        )
        self.places[place] = node
        if "enum" in schema:
            node.values = frozenset(_names(schema["enum"]))
        if "items" in schema:
            node.items = self.build(_object(schema["items"]), kind, f"{path}[*]")
        if "properties" in schema:
            members = cast("dict[str, JsonObject]", schema["properties"])
            node.members = {
                name: self.build(member, kind, _join(path, name))
                for name, member in members.items()
            }
            for name in _names(schema.get("required")):
                node.members[name].is_required = True
            for name in node.one_of:
                node.members[name].is_content = True
        if "discriminator" in schema:
            self._build_kinds(node, _object(schema["discriminator"]), kind, path)
        return node

    def _build_kinds(self, node: Node, switch: JsonObject, kind: str, path: str) -> None:
        node.switch = str(switch["propertyName"])
        mapping = cast("dict[str, str]", switch["mapping"])
        node.kinds = {
            name: self.build({"$ref": target}, kind, f"{path}<{name}>")
            for name, target in mapping.items()
        }
        for one in node.kinds.values():
            one.is_content = True
        if node.members is not None:
            node.members[node.switch].values = frozenset(mapping)
            node.members[node.switch].is_told = True

    def _resolve(self, schema: JsonObject) -> JsonObject:
        """Follow ``$ref``, and write "this or null" as one schema."""
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            return self._resolve(_object(self.definitions[name]))
        alternatives = cast("list[JsonObject]", schema.get("anyOf") or [])
        if {"type": "null"} in alternatives:
            (other,) = (one for one in alternatives if one != {"type": "null"})
            inner = self._resolve(other)
            return {**inner, **schema, "type": [*sorted(_types(inner)), "null"], "anyOf": []}
        return schema


def _types(schema: JsonObject) -> frozenset[str]:
    named = schema.get("type")
    if named is None:
        return _ANYTHING
    return frozenset([named] if isinstance(named, str) else _names(named))


def _alternatives(schema: JsonObject) -> frozenset[str]:
    alternatives = cast("list[JsonObject]", schema.get("anyOf") or [])
    return frozenset(name for one in alternatives for name in _names(one.get("required")))


def _names(value: JsonValue) -> list[str]:
    return [one for one in cast("list[JsonValue]", value or []) if isinstance(one, str)]


def _object(value: JsonValue) -> JsonObject:
    return cast("JsonObject", value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

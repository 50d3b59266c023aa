"""Walk the frames of one answer along the documented shape and note what was seen where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

from contractcheck.model.pattern import search_pattern
from contractcheck.wire_contracts.identifier_form import identifier_form
from contractcheck.wire_contracts.schema import EMPTY_ARRAY, JSON_TYPES

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.wire_shape import Fact
    from contractcheck.wire_contracts.schema import Node

UNNAMEABLE = "(text)"
"""Stands for a name or value that may be content, and so is not kept."""

_MOST_UNKNOWN = 16
"""Unknown members of one object that are told apart: more of them are a map with names for keys."""

_MOST_ODD = 64
"""Undocumented names, values and forms of one answer that are told apart: whoever sends more of
them sends no format."""

_DEEPEST_OPEN = 6
_MOST_OPEN = 256
_FREE = frozenset({"arguments", "args", "input", "parameters", "properties", "metadata"})
"""Of formats that are not published: how deep, how much, and below which names nobody looks,
because what stands there is named by those who ask or by the model."""

_IDENTIFIER = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.:/$@-]{0,47}", re.ASCII)


def nameable(text: str) -> str:
    """Return a name that looks like a technical one, else a word that stands for any text."""
    return text if _IDENTIFIER.fullmatch(text) else UNNAMEABLE


@dataclass(slots=True)
class Walk:
    """A walk over the frames of one answer.

    Attributes:
        facts: What was seen so far, each once.
    """

    facts: set[Fact] = field(default_factory=set)
    _known: set[tuple[str, ...]] = field(default_factory=set)
    """Objects met before, by place and keys: the chunks of a stream are much alike."""

    _identifiers: set[tuple[str, str]] = field(default_factory=set)
    _odd: set[Fact] = field(default_factory=set)

    def frame(self, node: Node, document: JsonObject) -> None:
        """Note what one frame shows, the order of its keys included."""
        keys = tuple(document)
        if (node.place, *keys) not in self._known:
            order = crc32("\0".join(keys).encode("utf-8", "surrogatepass"))
            self._note_odd((node.place, "form", f"{order:08x}"))
        self._object(node, document)

    def unknown_frame(self, kind: str) -> None:
        """Note a frame of a kind that is not documented; nobody looks inside."""
        self._note_odd((nameable(kind), "came", ""), (UNNAMEABLE, "came", ""))

    def open_frame(self, kind: str, document: JsonObject) -> None:
        """Note the types in a frame of a format that is not published: names, no values."""
        self._open(nameable(kind), document, _DEEPEST_OPEN)

    def _open(self, place: str, value: JsonValue, depth: int) -> None:
        kind = EMPTY_ARRAY if value == [] else JSON_TYPES[type(value)]
        self._note_odd((place, "type", kind), most=_MOST_OPEN)
        if isinstance(value, list) and value and depth:
            self._open(f"{place}[*]" if " " in place else f"{place} [*]", value[0], depth - 1)
        if not isinstance(value, dict) or len(value) > _MOST_UNKNOWN or not depth:
            return
        for name, child in value.items():
            below = 0 if name.lower() in _FREE else depth - 1
            self._open(f"{place}{'.' if ' ' in place else ' '}{_step(name)}", child, below)

    def finish(self) -> set[Fact]:
        """Return all facts: what came with some type, came."""
        came = {place for place, aspect, _ in self.facts if aspect == "type"}
        return self.facts | {(place, "came", "") for place in came}

    def _value(self, node: Node, value: JsonValue) -> None:
        if isinstance(value, dict):
            self._object(node, value)
        elif isinstance(value, list):
            self._array(node, value)
        else:
            self.facts.add(node.typed[type(value)])
            if node.is_told and isinstance(value, str):
                self._text(node, value)

    def _object(self, node: Node, value: JsonObject) -> None:
        self.facts.add(node.typed[dict])
        members = node.members
        if members is None:
            return
        if node.switch:
            kind = value.get(node.switch)
            if isinstance(kind, str) and kind in node.kinds:
                self._object(node.kinds[kind], value)
                return
        keys = (node.place, *value)
        if keys not in self._known:
            self._known.add(keys)
            self._absent(node, members, value)
        unknown = []
        for name, child in value.items():
            member = members.get(name)
            if member is not None:
                self._value(member, child)
            elif not node.switch:
                unknown.append(name)
        for name in unknown[:_MOST_UNKNOWN]:
            self._unknown(node, name, value[name])

    def _absent(self, node: Node, members: dict[str, Node], value: JsonObject) -> None:
        """Note which documented members an object lacks."""
        self.facts.update([one.lacked for name, one in members.items() if name not in value])
        is_documented = members.keys() >= value.keys()
        if node.one_of and is_documented and not node.one_of & value.keys():
            self.facts.add((node.place, "empty", ""))

    def _unknown(self, node: Node, name: str, value: JsonValue) -> None:
        start = f"{node.place}{'.' if ' ' in node.place else ' '}"
        kind = EMPTY_ARRAY if value == [] else JSON_TYPES[type(value)]
        self._note_odd(
            (f"{start}{_step(name)}", "type", kind), (f"{start}{UNNAMEABLE}", "type", kind)
        )

    def _array(self, node: Node, value: list[JsonValue]) -> None:
        if not value:
            self.facts.add(node.hollow)
            return
        self.facts.add(node.typed[list])
        items = node.items
        if items is None:
            return
        if items.members is None and items.items is None and not items.is_told:
            # Vectors of an embedding have thousands of numbers.
            self.facts.update([items.typed[kind] for kind in set(map(type, value))])
            return
        for item in value:
            self._value(items, item)

    def _text(self, node: Node, value: str) -> None:
        if node.values is not None:
            if value in node.values:
                self.facts.add((node.place, "value", value))
            else:
                odd = (node.place, "value", nameable(value))
                self._note_odd(odd, (node.place, "value", UNNAMEABLE))
        elif (node.place, value) not in self._identifiers:
            self._identifiers.add((node.place, value))
            self._note_odd((node.place, "form", identifier_form(value)))
            if node.pattern is not None and search_pattern(node.pattern, value) is None:
                self.facts.add((node.place, "pattern", ""))

    def _note_odd(self, fact: Fact, instead: Fact | None = None, most: int = _MOST_ODD) -> None:
        """Note what has no end of spellings, as long as there are few; then ``instead``."""
        if fact in self._odd or len(self._odd) < most:
            self._odd.add(fact)
            self.facts.add(fact)
        elif instead is not None:
            self.facts.add(instead)


def _step(name: str) -> str:
    """A member's name as a step of a place: a dot in it would read as another step."""
    return nameable(name).replace(".", ":")

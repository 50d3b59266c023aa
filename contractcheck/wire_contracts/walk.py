"""Walk one frame along the documented shape and note what was seen where."""

from __future__ import annotations

import re
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

_IDENTIFIER = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.:/$@-]{0,47}", re.ASCII)


def walk_frame(node: Node, document: JsonObject, facts: set[Fact]) -> None:
    """Add to ``facts`` what one frame shows, the order of its keys included."""
    order = crc32("\0".join(document).encode("utf-8", "surrogatepass"))
    facts.add((node.place, "form", f"{order:08x}"))
    _walk(node, document, facts)


def note_unknown_frame(kind: str, facts: set[Fact]) -> None:
    """Note a frame of a kind that is not documented; nobody looks inside."""
    facts.add((nameable(kind), "came", ""))


def nameable(text: str) -> str:
    """Return a name that looks like a technical one, else a word that stands for any text."""
    return text if _IDENTIFIER.fullmatch(text) else UNNAMEABLE


def _walk(node: Node, value: JsonValue, facts: set[Fact]) -> None:
    facts.add(node.came)
    if isinstance(value, dict):
        facts.add(node.typed[dict])
        if node.members is not None:
            _walk_members(node, value, facts)
    elif isinstance(value, list):
        _walk_items(node, value, facts)
    else:
        facts.add(node.typed[type(value)])
        if isinstance(value, str) and (node.is_identifier or node.values is not None):
            _note_text(node, value, facts)


def _walk_members(node: Node, value: JsonObject, facts: set[Fact]) -> None:
    if node.switch:
        kind = value.get(node.switch)
        if isinstance(kind, str) and kind in node.kinds:
            _walk(node.kinds[kind], value, facts)
            return
    found = 0
    for name, member in (node.members or {}).items():
        if name in value:
            found += 1
            _walk(member, value[name], facts)
        else:
            facts.add(member.lacked)
    if found < len(value) and not node.switch:
        _note_unknown(node, value, facts)
    elif node.one_of and not node.one_of & value.keys():
        facts.add((node.place, "empty", ""))


def _note_unknown(node: Node, value: JsonObject, facts: set[Fact]) -> None:
    names = [name for name in value if name not in (node.members or {})]
    for name in names[:_MOST_UNKNOWN]:
        place = f"{node.place}{'.' if ' ' in node.place else ' '}{nameable(name)}"
        facts.add((place, "came", ""))
        facts.add((place, "type", EMPTY_ARRAY if value[name] == [] else _type_of(value[name])))


def _walk_items(node: Node, value: list[JsonValue], facts: set[Fact]) -> None:
    if not value:
        facts.add(node.hollow)
        return
    facts.add(node.typed[list])
    items = node.items
    if items is None:
        return
    if items.members is None and items.items is None and items.values is None:
        # Vectors of an embedding have thousands of numbers.
        facts.add(items.came)
        facts.update([items.typed[kind] for kind in set(map(type, value))])
        return
    for item in value:
        _walk(items, item, facts)


def _note_text(node: Node, value: str, facts: set[Fact]) -> None:
    if node.values is not None:
        facts.add((node.place, "value", value if value in node.values else nameable(value)))
        return
    facts.add((node.place, "form", identifier_form(value)))
    if node.pattern is not None and search_pattern(node.pattern, value) is None:
        facts.add((node.place, "pattern", ""))


def _type_of(value: JsonValue) -> str:
    return JSON_TYPES[type(value)]

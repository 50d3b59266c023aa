"""What a JSON document holds at each path, bounded against documents written to exhaust us."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contractcheck.model.json_text import JsonTextError, parse_json

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue

MAX_DEPTH: Final = 8
"""Objects and arrays below this depth are compared whole, as canonical JSON."""

MAX_ELEMENTS: Final = 100
"""Elements of one array that are looked at; all of them count in its length."""

MAX_NODES: Final = 2000
"""Values of one answer that are looked at."""

ABSENT: Final = "absent"
NOT_JSON: Final = "not json"

LONGEST_KEY: Final = 60
"""Characters of a key or a tool's name that a path shows."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


class NotJson:
    """Stands for a text that does not parse."""


@dataclass(frozen=True, slots=True)
class Fenced(NotJson):
    """Stands for a document inside a code fence."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Deep(NotJson):
    """Stands for an object or array that is not taken apart."""

    value: JsonValue


@dataclass(slots=True)
class Tree:
    """One answer, by path.

    Attributes:
        nodes: Values at each path, in document order; several where the path goes through an array.
        objects: How many objects were found at each path.
        parent: The path of the object that holds each keyed path.
        is_cut: Whether the answer holds more than is looked at.
    """

    nodes: dict[str, list[JsonValue | NotJson]] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    _count: int = 0

    def add(self, path: str, value: JsonValue | NotJson, depth: int = 0) -> None:
        """Add a value and everything in it below a path."""
        if self._count >= MAX_NODES:
            self.is_cut = True
            return
        self._count += 1
        here = self.nodes.setdefault(path, [])
        if depth >= MAX_DEPTH and isinstance(value, dict | list):
            here.append(Deep(value))
            return
        here.append(value)
        if isinstance(value, dict):
            self.objects[path] = self.objects.get(path, 0) + 1
            for key, item in value.items():
                place = _place(path, key)
                self.parent[place] = path
                self.add(place, item, depth + 1)
        elif isinstance(value, list):
            self.is_cut |= len(value) > MAX_ELEMENTS
            for item in value[:MAX_ELEMENTS]:
                self.add(f"{path}[*]", item, depth + 1)

    def types(self, path: str, parent: str | None) -> str | None:
        """Types at a path, joined by ``|``; ``absent`` where an object lacks it.

        None where there is no object that could hold it.
        """
        found = {json_type(value) for value in self.nodes.get(path, ())}
        if parent is not None and len(self.nodes.get(path, ())) < self.objects.get(parent, 0):
            found.add(ABSENT)
        return "|".join(sorted(found)) or None


def read_tree(text: str) -> Tree:
    """Read an answer that should be JSON; one code fence around it is looked through.

    A text that is not JSON has one node, of type ``not json``. JSON in a fence differs in the
    type of its root (``fenced object``), because a program that parses the answer fails on it.
    """
    tree = Tree()
    try:
        tree.add("$", parse_json(text))
    except JsonTextError:
        inner = _unfenced(text)
        try:
            value = NotJson() if inner is None else parse_json(inner)
        except JsonTextError:
            value = NotJson()
        tree.add("$", value)
        if not isinstance(value, NotJson):
            tree.nodes["$"] = [Fenced(value)]
    return tree


def json_type(value: JsonValue | NotJson) -> str:
    """The JSON type of a value; integers are numbers, since 3 and 3.0 are one number."""
    if isinstance(value, Fenced):
        return f"fenced {json_type(value.value)}"
    if isinstance(value, Deep):
        value = value.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return NOT_JSON


_NAMES: Final = ((str, "string"), (int | float, "number"), (dict, "object"), (list, "array"))


def bounded(text: str, length: int) -> str:
    """A text of at most so many characters; long ones that differ stay different."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[: length - 10]}…#{digest}"


def _place(path: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    quoted = bounded(key, LONGEST_KEY).replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{quoted}']"


def _unfenced(text: str) -> str | None:
    """What is inside the one Markdown code fence that a text consists of, or None."""
    lines = text.strip().split("\n")
    if len(lines) < 3 or not lines[0].startswith("```") or lines[-1].strip() != "```":  # noqa: PLR2004 - fence, content, fence
        return None
    return "\n".join(lines[1:-1])

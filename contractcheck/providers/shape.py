"""Walk untrusted JSON and write down every place where it left the documented shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

import orjson

from contractcheck.model.completion import Outcome, WireProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.model.json_value import JsonObject, JsonValue

T = TypeVar("T")

_MOST_PLACES = 100
"""Places written down of one answer. Nobody reads more, and an answer may have a million."""

_NAMES: dict[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
}


@dataclass(slots=True)
class Shape:
    """A walk over one answer; collects problems, each place once.

    Attributes:
        problems: In the order found; the first hundred, and the first break in any case.
        unread: Paths of unknown members that carried text: where the content may have gone.
    """

    problems: list[WireProblem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    _noted: set[WireProblem] = field(default_factory=set)

    @property
    def first_break(self) -> WireProblem | None:
        """The first problem on which clients fail, or None."""
        return next((p for p in self.problems if p.severity == "breaking"), None)

    @property
    def outcome(self) -> tuple[Outcome, str]:
        """What the walk says of the answer, and why: malformed with the first break."""
        if first := self.first_break:
            return Outcome.MALFORMED, f"{first.path}: {first.what}"
        return Outcome.ANSWERED, ""

    def breaking(self, path: str, what: str) -> None:
        """Note that clients of the documented format fail here."""
        self._note(WireProblem(path=path, what=what, severity="breaking"))

    def additive(self, path: str, what: str) -> None:
        """Note something new that clients may not expect."""
        self._note(WireProblem(path=path, what=what, severity="additive"))

    def unknown(self, path: str, value: JsonValue, what: str = "unknown field") -> None:
        """Note a member that the format does not know; whoever ignores it is safe."""
        self.additive(path, what)
        if len(self.unread) < _MOST_PLACES and path not in self.unread and _carries_text(value):
            self.unread.append(path)

    def known(self, path: str, value: str | None, documented: frozenset[str]) -> None:
        """Note a value that is not among the documented ones; None is no value."""
        if value is not None and value not in documented:
            listed = ", ".join(sorted(documented))
            self.additive(path, f"new value {value!r} (documented: {listed})")

    def renamed(self, what: str) -> None:
        """Note that an answer is empty that should not be, if an unknown member carries text."""
        if self.unread:
            self.breaking(self.unread[0], f"{what}: was it renamed?")

    def objects(self, items: Iterable[JsonValue], path: str) -> Iterator[tuple[str, JsonObject]]:
        """Yield the objects of an array, each with its place; what is none breaks clients."""
        for index, item in enumerate(items):
            place = f"{path}[{index}]"
            if isinstance(item, dict):
                yield place, item
            else:
                self.breaking(place, "expected object")

    def required(self, parent: JsonObject, name: str, kind: type[T], path: str) -> T | None:
        """Return a member of the documented type, or None and a breaking problem."""
        place = f"{path}.{name}" if path else name
        if name not in parent:
            present = ", ".join(sorted(parent)) or "nothing"
            self.breaking(place, f"required field is missing (present: {present})")
            return None
        return self._typed(parent[name], kind, place)

    def optional(self, parent: JsonObject, name: str, kind: type[T], path: str) -> T | None:
        """Return a member of the documented type; None without a problem when absent or null."""
        value = parent.get(name)
        if value is None:
            return None
        return self._typed(value, kind, f"{path}.{name}" if path else name)

    def _typed(self, value: JsonValue, kind: type[T], place: str) -> T | None:
        # bool is an int to Python, but never to JSON.
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        found = "null" if value is None else _NAMES[type(value)]
        self.breaking(place, f"expected {_NAMES.get(kind, kind.__name__)}, got {found}")
        return None

    def _note(self, problem: WireProblem) -> None:
        if problem in self._noted:
            return
        is_full = len(self.problems) >= _MOST_PLACES
        if is_full and (problem.severity == "additive" or self.first_break is not None):
            return
        self._noted.add(problem)
        self.problems.append(problem)


def _carries_text(value: JsonValue) -> bool:
    left = [value]  # and no recursion: whoever sends the value says how deep it is
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [item for name, item in one.items() if name not in _LABELS]
        elif isinstance(one, str) and one.strip():
            return True
    return False


_LABELS = frozenset({"type", "id", "name", "signature"})
"""Members whose strings name a thing and are never the answer itself."""


def find_text(document: JsonObject, *names: str) -> str | None:
    """Return a text that nothing depends on; None when absent or of another type."""
    value = _walk(document, names)
    return value if isinstance(value, str) else None


def find_count(document: JsonObject, *names: str) -> int | None:
    """Return a count that nothing depends on; None when absent or no count."""
    value = _walk(document, names)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _walk(document: JsonObject, names: tuple[str, ...]) -> JsonValue:
    value: JsonValue = document
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_cut(body: bytes) -> bool:
    """Whether a body is the beginning of a JSON object that ends too early."""
    text = body.decode("utf-8", errors="replace")
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return text.lstrip().startswith("{") and error.pos >= len(text)
    return False


def parse_object(text: str | bytes) -> JsonObject | None:
    """Parse a JSON object; None when it is not JSON, or not an object, or nested too deeply."""
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    return cast("JsonObject", value) if isinstance(value, dict) else None

"""YAML 1.2 bytes → plain values and the line of each; data only, and bounded.

The document is built from the parser's events, so that nothing is ever constructed that the
file does not spell out: no tags, no aliases (a few hundred bytes of them can stand for
gigabytes), no duplicate keys (in most readers the last one silently wins), no deep nesting.
Scalars follow the core schema (YAML 1.2.2 §10.3.2): ``no``, ``on`` and ``12:30`` are texts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from contractcheck.errors import Problem
from contractcheck.model.json_text import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.model.json_value import JsonValue

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document to a value."""

MAX_BYTES = 1 << 20
"""Largest file read, 1 MiB: suites are written by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file's value (JSON-like) and the 1-based line of every value and key in it."""

    value: JsonValue
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """Line of a value, or of the nearest thing around it that the file spells out."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


class YamlError(ValueError):
    """A file is not YAML that is read here; carries every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def read_yaml(data: bytes, *, file: str) -> Document:
    """Read one YAML document.

    Args:
        data: Content of the file; UTF-8, with or without a byte order mark.
        file: Its name, for problems.

    Raises:
        YamlError: If it is not one plain, bounded YAML 1.2 document.
    """
    text = _decode(data, file)
    reader = _Reader(file)
    value: JsonValue = None
    try:
        value = reader.read(text)
    except _StopReadingError:
        pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"not YAML: {error.problem or error.context or 'cannot be parsed'}"
        reader.add(None if mark is None else mark.line + 1, (), what)
    except (YAMLError, ArithmeticError, LookupError, ValueError) as error:
        # Besides its own errors the parser lets through those of int() and chr().
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        # What chr() says of a number beyond Unicode depends on the version of Python.
        is_ours = isinstance(error, YAMLError)
        what = str(error).partition("\n")[0] if is_ours else "a number or an escape is out of range"
        reader.add(line, (), f"not YAML: {what}")
    if reader.problems:
        raise YamlError(reader.problems)
    return Document(value=value, lines=reader.lines)


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        what = f"holds {len(data)} bytes; at most {MAX_BYTES} (1 MiB) are read"
        raise YamlError([Problem(file=file, line=None, where="", what=what)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Within the BOM codec, offsets count from after the mark.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = data.count(b"\n", 0, offset) + 1
        what = f"not UTF-8 at byte {offset}; save the file as UTF-8"
        raise YamlError([Problem(file=file, line=line, where="", what=what)]) from None


class _StopReadingError(Exception):
    """Going on would only repeat the same problem."""


class _Reader:
    """Builds one document from events and notes what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self.lines: dict[Path, int] = {}

    def add(self, line: int | None, path: Path, what: str) -> None:
        # Names of aliases and tags come from the file: show what would act on a terminal.
        short = what if len(what) <= _LONGEST else f"{what[:_LONGEST]}…"
        shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in short)
        problem = Problem(file=self._file, line=line, where=dotted(path), what=shown)
        self.problems.append(problem)

    def read(self, text: str) -> JsonValue:
        events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        value: JsonValue = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._check_start(event, documents)
            elif isinstance(event, NodeEvent):
                value = self._value(event, events, ())
        return value

    def _check_start(self, event: DocumentStartEvent, number: int) -> None:
        line = _line(event)
        if number > 1:
            self.add(line, (), "a second document begins here; a file holds one")
            raise _StopReadingError
        if event.version not in (None, (1, 2)):
            self.add(line, (), "the directive asks for another YAML version; 1.2 is read")

    def _value(self, event: Event, events: Iterator[Event], path: Path) -> JsonValue:
        self.lines.setdefault(path, _line(event))
        if isinstance(event, AliasEvent):
            what = f"alias *{event.anchor}: aliases are not read; write the value out"
            self.add(_line(event), path, what)
            return None
        self._check_node(event, path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self.add(_line(event), path[:3], f"nested deeper than {MAX_DEPTH} levels")
            raise _StopReadingError
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _check_node(self, event: Event, path: Path) -> None:
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            what = f"anchor &{anchor}: anchors are not read; remove it"
            self.add(_line(event), path, what)
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.add(_line(event), path, f"tag {tag}: tags are not read; remove it")

    def _sequence(self, events: Iterator[Event], path: Path) -> JsonValue:
        items: list[JsonValue] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._value(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Event], path: Path) -> JsonValue:
        found: dict[str, JsonValue] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self._key(event, events, path)
            here = (*path, key)
            if key in found:
                first = self.lines[here]
                self.add(_line(event), here, f"key given twice; first on line {first}")
                self._value(next(events), events, here)
                continue
            self.lines[here] = _line(event)
            found[key] = self._value(next(events), events, here)
        return found

    def _key(self, event: Event, events: Iterator[Event], path: Path) -> str:
        key = self._value(event, events, (*path, "?"))
        if isinstance(key, str):
            return key
        self.add(_line(event), path, "a key that is not a text; put it in quotes")
        return f"?{_line(event)}"

    def _scalar(self, event: ScalarEvent, path: Path) -> JsonValue:
        try:
            # JSON writes characters beyond U+FFFF as two escapes; UTF-16 puts them together.
            text = str(event.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.add(_line(event), path, "holds half of a surrogate pair, which is not text")
            return ""
        if not event.implicit[0]:  # quoted, or a block: a text whatever it looks like
            return text
        try:
            return _plain(text)
        except ValueError as error:
            self.add(_line(event), path, str(error))
            return None


_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_MOST_DIGITS = 400
_LONGEST = 300


def _plain(text: str) -> JsonValue:
    """Resolve a plain scalar by the core schema.

    Raises:
        ValueError: If it is a number that JSON cannot carry.
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    is_number = _FLOAT.fullmatch(text) or _OCTAL.fullmatch(text) or _HEX.fullmatch(text)
    if is_number and len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits is too long")
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is beyond the range of a number")
    return number


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def dotted(path: Path) -> str:
    """Write a path as people do: ``cases[2].checks[0]``; odd keys are quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _PLAIN_KEY.fullmatch(step) else repr(step[:40])
            text += f".{key}" if text else key
    return text


_PLAIN_KEY = re.compile(r"[\w.$ -]{1,64}")

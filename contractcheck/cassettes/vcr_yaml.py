"""The text of somebody's vcrpy cassette → plain values: nothing executed, everything bounded.

YAML is built from the parser's events, so no tag ever constructs an object: the few tags that
vcrpy wrote in its years (``!!binary``, ``!!python/unicode``, file-like bodies …) are read as the
data inside them, and every other tag is refused by name. Aliases are followed, because PyYAML
writes them for a value that occurs twice, and count for all that they stand for.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from contractcheck.cassettes.vcr_values import Plain
from contractcheck.content_coding import decode_body
from contractcheck.errors import ContentCodingError, UsageError
from contractcheck.model.json_text import MAX_DEPTH, JsonTextError, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.cassettes.vcr_values import Value

MAX_BYTES = 64 << 20
"""Largest file read, 64 MiB: 10,000 chat interactions make 63 MB of YAML."""

MAX_EXPANDED = 2 * MAX_BYTES
"""Most characters that a file may stand for when its aliases are written out."""

_NODE_CHARACTERS = 16
"""What an empty value counts as, so that a bomb without text is bounded too."""

_SHOWN_CHARACTERS = 100
"""Of names in a file that is refused."""

_NAMESPACE = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"str", "python/str", "python/unicode"})
_LIST_TAGS = frozenset(
    {
        "seq",
        "python/tuple",
        "python/list",
        "python/object/apply:__builtin__.frozenset",
        "python/object/apply:builtins.frozenset",
    }
)
_MAPPING_TAGS = frozenset({"map", "python/dict", "python/object:vcr.request.Request"})
_WRAPPING_TAGS = {
    "python/object/new:_io.BytesIO": "state",
    "python/object/new:io.BytesIO": "state",
    "python/object/apply:builtins.iter": "args",
    "python/object/apply:__builtin__.iter": "args",
}
"""Tag of a body that was a stream → the key under which its content stands first."""


def parse_cassette(data: bytes, file: str) -> Value:
    """Parse a cassette file, YAML or JSON.

    Args:
        data: Content of the file; UTF-8, or UTF-16 with a byte order mark.
        file: Its name, for errors.

    Returns:
        The whole document; of a file packed with gzip the one inside.

    Raises:
        UsageError: If it is neither, holds a tag that vcrpy never wrote, names a key twice, is
            nested deeper than ``MAX_DEPTH``, or stands for more than the bounds above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{file}: holds {len(data)} bytes; at most {MAX_BYTES} are read: split it")
    text = _decode(_unpacked(data, file), file)
    if not text.strip():
        raise UsageError(f"{file}: is empty: nothing was recorded in it")
    if text.lstrip()[:1] in ("{", "["):
        try:
            return cast("Value", parse_json(text, unique_keys=True))
        except JsonTextError as error:
            # YAML has braces too, and a suffix that says which of the two is meant.
            if not file.endswith((".yaml", ".yml")):
                raise UsageError(f"{file}: {error}") from None
    return _parse_yaml(text, file)


def _unpacked(data: bytes, file: str) -> bytes:
    """LangChain keeps its cassettes as ``.yaml.gz``."""
    if not data.startswith(_GZIP):
        return data
    try:
        return decode_body(data, "gzip", max_bytes=MAX_BYTES, max_ratio=MAX_BYTES)
    except ContentCodingError as error:
        raise UsageError(f"{file}: {error}") from None


_GZIP = b"\x1f\x8b"
"""RFC 1952, section 2.3.1."""


def _decode(data: bytes, file: str) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file}: not {encoding.removesuffix('-sig').upper()} at byte {error.start}; "
            "save it as UTF-8"
        ) from None


class _Mark(Protocol):
    line: int


class _Event(Protocol):
    """What is used of PyYAML's events; which of the attributes are there depends on the kind."""

    start_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    implicit: tuple[bool, bool]


def _parse_yaml(text: str, file: str) -> Value:
    # vcrpy brings PyYAML; its parser is used here, its constructors are not.
    import yaml  # type: ignore[import-untyped]  # noqa: TID251 - events only, see above

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    builder = _Builder(file)
    value: Value = None
    documents = 0
    try:
        events = iter(cast("Iterator[_Event]", yaml.parse(text, Loader=loader)))
        for event in events:
            kind = _kind(event)
            if kind == "DocumentStart":
                documents += 1
                if documents > 1:
                    raise builder.refused(event, "a second document begins; a cassette is one")
            elif kind in _NODES:
                value = builder.build(event, events, 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = file if mark is None else f"{file}:{mark.line + 1}"
        what = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise UsageError(f"{place}: neither YAML nor JSON: {what}") from None
    return value


_NODES = frozenset({"Alias", "Scalar", "SequenceStart", "MappingStart"})


def _kind(event: _Event) -> str:
    return type(event).__name__.removesuffix("Event")


@dataclass(slots=True)
class _Builder:
    """Builds one document from events."""

    file: str
    expanded: int = 0
    anchors: dict[str, tuple[Value, int]] = field(default_factory=dict)

    def refused(self, event: _Event, what: str) -> UsageError:
        return UsageError(f"{self.file}:{event.start_mark.line + 1}: {what}")

    def unread(self, event: _Event) -> UsageError:
        tag = (event.tag or "")[:_SHOWN_CHARACTERS]
        return self.refused(event, f"tag {tag} is not data; it is not read")

    def build(self, event: _Event, events: Iterator[_Event], depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.refused(event, f"nested deeper than {MAX_DEPTH} levels")
        if _kind(event) == "Alias":
            return self._follow(event)
        before = self.expanded
        self._count(event, _NODE_CHARACTERS)
        value = self._node(event, events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.expanded - before)
        return value

    def _follow(self, event: _Event) -> Value:
        name = event.anchor or ""
        if name not in self.anchors:
            raise self.refused(
                event, f"alias *{name[:_SHOWN_CHARACTERS]} of nothing that stands before it"
            )
        value, characters = self.anchors[name]
        self._count(event, characters)
        return value

    def _count(self, event: _Event, characters: int) -> None:
        self.expanded += characters
        if self.expanded > MAX_EXPANDED:
            raise self.refused(event, f"stands for more than {MAX_EXPANDED} characters")

    def _node(self, event: _Event, events: Iterator[_Event], depth: int) -> Value:
        tag = (event.tag or "").removeprefix(_NAMESPACE)
        kind = _kind(event)
        if kind == "Scalar":
            self._count(event, len(event.value))
            return self._scalar(event, tag)
        if kind == "SequenceStart":
            items = list(self._items(events, depth))
            if tag == "python/object/apply:http.HTTPStatus" and len(items) == 1:
                return items[0]
            if tag and tag not in _LIST_TAGS:
                raise self.unread(event)
            return items
        found = self._mapping(events, depth)
        if tag in _WRAPPING_TAGS:
            return _unwrap(found.get(_WRAPPING_TAGS[tag]))
        if tag and tag not in _MAPPING_TAGS:
            raise self.unread(event)
        return found

    def _items(self, events: Iterator[_Event], depth: int) -> Iterator[Value]:
        while _kind(event := next(events)) != "SequenceEnd":
            yield self.build(event, events, depth + 1)

    def _mapping(self, events: Iterator[_Event], depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while _kind(event := next(events)) != "MappingEnd":
            key = self.build(event, events, depth + 1)
            if isinstance(key, bytes):
                key = key.decode("latin-1")
            if not isinstance(key, str):
                raise self.refused(event, "a key that is not a text")
            if key == "<<" and isinstance(key, Plain):
                raise self.refused(event, "a merge key (<<); write the values out")
            if key in found:
                raise self.refused(event, f"key {key[:_SHOWN_CHARACTERS]!r} given twice")
            found[str(key)] = self.build(next(events), events, depth + 1)
        return found

    def _scalar(self, event: _Event, tag: str) -> Value:
        text = event.value
        if tag == "binary":
            try:
                return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
            except (UnicodeEncodeError, binascii.Error):
                raise self.refused(event, "tag !!binary on what is not base64") from None
        if tag in _TEXT_TAGS or (not tag and not event.implicit[0]):
            return text
        if tag in ("int", "float", "bool") or not tag:
            return None if text in _NULLS and not tag else Plain(text)
        if tag == "null":
            return None
        raise self.unread(event)


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def _unwrap(wrapped: Value) -> Value:
    """First element of a pickled state or argument list: the content of the stream."""
    return wrapped[0] if isinstance(wrapped, list) and wrapped else None

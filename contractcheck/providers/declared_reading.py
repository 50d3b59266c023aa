"""Read an answer as a mapping declares it, by JSONPaths (RFC 9535), whole or streamed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, cast

import orjson
from jsonpath_rfc9535 import JSONPathError, JSONPathRecursionError
from jsonpath_rfc9535 import compile as compile_path

from contractcheck.errors import UsageError
from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.growing_call import GrowingCall
from contractcheck.providers.shape import Shape, parse_object
from contractcheck.providers.sse import parse_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonpath_rfc9535 import JSONPathQuery
    from jsonpath_rfc9535.environment import JSONValue

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.wire_mapping import AnswerPaths, StreamPaths

_MOST_VALUES = 10_000
"""Values of one path that are looked at, nulls too."""

_DEPTH_ERRORS = (RecursionError, JSONPathRecursionError)
"""The library stops below 100 levels; whoever sends the answer says how deep it is."""

_TOO_DEEP = Completion(outcome=Outcome.MALFORMED, detail="the answer is nested too deeply")
_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "total_tokens")
_LABELS = ("finish_reason", "model", "id")


@lru_cache(maxsize=256)
def compiled(path: str) -> JSONPathQuery:
    """Compile a JSONPath.

    Raises:
        UsageError: If it is none.
    """
    try:
        return compile_path(path)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path!r} in a mapping is not a JSONPath ({reason})") from error


def find(path: str, document: JsonValue) -> list[JsonValue]:
    """Return what a path finds, nulls left out."""
    nodes = islice(compiled(path).finditer(cast("JSONValue", document)), _MOST_VALUES)
    return [cast("JsonValue", node.value) for node in nodes if node.value is not None]


def has_said(document: JsonObject | None, paths: AnswerPaths) -> bool:
    """Whether a document has text, reasoning or a call; never raises."""
    if document is None:
        return False
    said = [paths.paths[name] for name in ("text", "reasoning") if name in paths.paths]
    calls = [paths.calls["each"]] if paths.calls else []
    try:
        return any(value != "" for path in (*said, *calls) for value in find(path, document))
    except _DEPTH_ERRORS:
        return True  # what cannot be looked into is not nothing


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or event by event."""

    paths: AnswerPaths
    prefix: str
    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[JsonValue, GrowingCall] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    has_text: bool = False
    first_content_byte: int | None = None

    def error_in(self, document: JsonObject) -> bytes | None:
        """The error of a document as an envelope, or None when it is an answer."""
        path = self.paths.paths.get("error")
        if path is None:
            return orjson.dumps(document) if has_error(document) else None
        for value in find(path, document):
            return orjson.dumps({"error": value if isinstance(value, str | dict) else str(value)})
        return None

    def take(self, document: JsonObject, last_byte: int | None) -> None:
        """Take what one document has."""
        for name, kept in (("text", self.text), ("reasoning", self.reasoning)):
            values = self._find(name, document)
            self.has_text = self.has_text or (name == "text" and bool(values))
            kept.extend(
                str(value) for value in values if value != "" and self._is_text(name, value)
            )
        for name in _LABELS:
            for value in self._find(name, document)[-1:]:
                if self._is_text(name, value):
                    self.labels[name] = str(value)
        for name in _COUNTS:
            for value in self._find(name, document)[-1:]:
                self._take_count(name, value)
        if self.paths.calls:
            for call in find(self.paths.calls["each"], document):
                self._take_call(call)
        if self.first_content_byte is None and (self.text or self.calls):
            self.first_content_byte = last_byte

    def completion(self) -> Completion:
        self._judge()
        outcome, detail = self.shape.outcome
        return Completion(
            outcome=outcome,
            detail=detail,
            text="".join(self.text),
            tool_calls=tuple(call.finished() for call in self.calls.values()),
            finish_reason=self.labels.get("finish_reason"),
            model=self.labels.get("model"),
            response_id=self.labels.get("id"),
            input_tokens=self.counts.get("input_tokens"),
            output_tokens=self.counts.get("output_tokens"),
            cached_input_tokens=self.counts.get("cached_input_tokens"),
            total_tokens=self.counts.get("total_tokens"),
            reasoning_text="".join(self.reasoning),
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
        )

    def _judge(self) -> None:
        """What is declared is promised: an answer says something, and how it ended."""
        paths = self.paths.paths
        if not self.has_text and not self.calls:
            name = "text" if "text" in paths else "calls"
            self.shape.breaking(self._place(name), "nothing was found in the whole answer")
        told = {problem.path for problem in self.shape.problems}
        for name in (*_LABELS, *_COUNTS):
            is_found = name in self.labels or name in self.counts or self._place(name) in told
            if name in paths and not is_found:
                note = self.shape.breaking if name == "finish_reason" else self.shape.additive
                note(self._place(name), "nothing was found")

    def _find(self, name: str, document: JsonObject) -> list[JsonValue]:
        path = self.paths.paths.get(name)
        return [] if path is None else find(path, document)

    def _place(self, name: str) -> str:
        path = self.paths.paths.get(name) or self.paths.calls.get("each")
        return f"{self.prefix}.{name} ({path})"

    def _is_text(self, name: str, value: JsonValue) -> bool:
        if isinstance(value, str):
            return True
        self.shape.breaking(self._place(name), "expected a string")
        return False

    def _take_count(self, name: str, value: JsonValue) -> None:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            self.counts[name] = value
        else:
            self.shape.breaking(self._place(name), "expected a count")

    def _take_call(self, call: JsonValue) -> None:
        found = {
            name: next(iter(find(path, call)), None)
            for name, path in self.paths.calls.items()
            if name != "each"
        }
        name, arguments = found.get("name"), found.get("arguments")
        known = self._call_at(found)
        if isinstance(name, str):
            known.name = known.name or name
        elif name is not None or not known.name:
            self.shape.breaking(f"{self.prefix}.calls.name", "expected a string")
        call_id = found.get("id")
        known.id = call_id if isinstance(call_id, str) else known.id
        if isinstance(arguments, dict):
            known.given = arguments
        elif isinstance(arguments, str):
            known.text.append(arguments)
        elif arguments is not None:
            self.shape.breaking(f"{self.prefix}.calls.arguments", "expected a string or an object")

    def _call_at(self, found: Mapping[str, JsonValue]) -> GrowingCall:
        """Which call a fragment belongs to: by its index, else a name begins a new one."""
        index = found.get("index")
        if isinstance(index, int | str):
            return self.calls.setdefault(index, GrowingCall())
        if found.get("name") is not None or not self.calls:
            return self.calls.setdefault(len(self.calls), GrowingCall())
        return self.calls[next(reversed(self.calls))]


def read_whole(body: bytes, paths: AnswerPaths) -> Completion:
    """Read a JSON body; never raises."""
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    parts = _Parts(paths=paths, prefix="answer")
    try:
        error = parts.error_in(document)
        if error is not None:
            return late_error(error, "HTTP 200")
        parts.take(document, None)
    except _DEPTH_ERRORS:
        return _TOO_DEEP
    return parts.completion()


def read_stream(body: bytes, paths: StreamPaths) -> Completion:
    """Read a stream of events; never raises."""
    parts = _Parts(paths=paths.event, prefix="stream")
    is_whole = False
    for event in parse_events(body):
        is_whole = event.data == paths.end_text
        if is_whole:
            break
        document = parse_object(event.data)
        if document is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        try:
            error = parts.error_in(document)
            if error is not None:
                return late_error(error, "in the stream")
            parts.take(document, event.last_byte)
            is_whole = paths.end_path is not None and bool(find(paths.end_path, document))
        except _DEPTH_ERRORS:
            return _TOO_DEEP
        if is_whole:
            break
    # What broke before a cut stays broken.
    if not is_whole and parts.shape.first_break is None:
        detail = "the stream ended without its last event"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    return parts.completion()

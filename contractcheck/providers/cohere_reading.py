"""Read what Cohere's chat (version 2) answers, whole or streamed.

Sources: Cohere API reference, "Chat" and "Chat with Streaming" v2, and the types of the official
SDK 7.3. No member names the model. The plan that comes before tool calls is reasoning that was
let be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.growing_call import GrowingCall
from contractcheck.providers.shape import Shape, find_text, parse_object
from contractcheck.providers.sse import parse_events, typed_kind

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue

_FINISH_REASONS = frozenset(
    {"COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL", "ERROR", "TIMEOUT"}
)
_EMPTY_ENDINGS = frozenset({"MAX_TOKENS", "ERROR", "TIMEOUT"})
"""Endings after which an answer may well be empty."""

_MESSAGE_FIELDS = frozenset({"citations", "content", "role", "tool_calls", "tool_plan"})
_SILENT_EVENTS = frozenset(
    {"citation-end", "citation-start", "content-end", "debug", "tool-call-end"}
)
_CONTENTS = ("text", "thinking")
"""Kinds of content; each has its words in a member of its own name."""


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or event by event."""

    shape: Shape = field(default_factory=Shape)
    contents: dict[int, tuple[str, list[str]]] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    calls: dict[int, GrowingCall] = field(default_factory=dict)
    says_something: bool = False
    finish_reason: str | None = None
    error: str | None = None
    response_id: str | None = None
    usage: JsonObject | None = None
    first_content_byte: int | None = None
    first_token_logprobs: tuple[tuple[str, float], ...] = ()

    def words(self, kind: str) -> str:
        found = [self.contents[index] for index in sorted(self.contents)]
        return "".join(part for own, parts in found if own == kind for part in parts)

    def completion(self) -> Completion:
        text = self.words("text")
        self._judge(is_empty=not text and not self.calls)
        outcome, detail = self.shape.outcome
        if outcome is Outcome.ANSWERED and self.finish_reason == "ERROR":
            envelope = {"error": {"message": self.error or "finish_reason is 'ERROR'"}}
            return late_error(orjson.dumps(envelope), "at the end of the answer")
        return Completion(
            outcome=outcome,
            detail=detail,
            text=text,
            tool_calls=tuple(self.calls[index].finished() for index in sorted(self.calls)),
            finish_reason=self.finish_reason,
            input_tokens=self._count("input_tokens"),
            output_tokens=self._count("output_tokens"),
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            first_token_logprobs=self.first_token_logprobs,
            reasoning_text="".join(self.plan) + self.words("thinking"),
            cached_input_tokens=_whole(self.usage or {}, "cached_tokens"),
            response_id=self.response_id,
        )

    def _count(self, name: str) -> int | None:
        """Tokens of the model; servers that tell only what is billed are taken at that."""
        for group in ("tokens", "billed_units"):
            counts = (self.usage or {}).get(group)
            found = _whole(counts, name) if isinstance(counts, dict) else None
            if found is not None:
                return found
        return None

    def _judge(self, *, is_empty: bool) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        if self.usage is None:
            shape.additive("usage", "none came, so tokens are not counted")
        shape.known("finish_reason", reason, _FINISH_REASONS)
        if reason == "TOOL_CALL" and not self.calls:
            shape.breaking("message.tool_calls", "finish_reason is 'TOOL_CALL', but no call came")
        if is_empty and reason not in _EMPTY_ENDINGS:
            shape.renamed("unknown field carries text, and no text content has any")


def _whole(counts: JsonObject, name: str) -> int | None:
    """A count; the reference calls counts numbers, and some come as ``12.0``."""
    value = counts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def read_whole(body: bytes) -> Completion:
    """Read a JSON body; never raises."""
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    if has_error(document):
        return late_error(body, "HTTP 200")
    parts = _Parts()
    shape = parts.shape
    parts.response_id = shape.required(document, "id", str, "")
    parts.finish_reason = shape.required(document, "finish_reason", str, "")
    parts.usage = shape.optional(document, "usage", dict, "")
    message = shape.required(document, "message", dict, "")
    if message is not None:
        _take_message(parts, message)
        if not parts.calls and parts.finish_reason not in _EMPTY_ENDINGS:
            shape.required(message, "content", list, "message")
    logprobs = document.get("logprobs")
    if isinstance(logprobs, list) and logprobs:
        parts.first_token_logprobs = _first_token(logprobs[0])
    return parts.completion()


def _take_message(parts: _Parts, message: JsonObject) -> None:
    shape, path = parts.shape, "message"
    contents = shape.optional(message, "content", list, path) or []
    for place, content in shape.objects(contents, f"{path}.content"):
        _open_content(parts, content, len(parts.contents), place)
    parts.plan.append(shape.optional(message, "tool_plan", str, path) or "")
    calls = shape.optional(message, "tool_calls", list, path) or []
    for place, call in shape.objects(calls, f"{path}.tool_calls"):
        _open_call(parts, call, len(parts.calls), place, is_whole=True)
    for name in sorted(set(message) - _MESSAGE_FIELDS):
        shape.unknown(f"{path}.{name}", message[name])


def _open_content(parts: _Parts, content: JsonObject, index: int, path: str) -> None:
    kind = parts.shape.required(content, "type", str, path)
    said: list[str] = []
    if kind in _CONTENTS:
        _say(parts, kind, said, parts.shape.required(content, kind, str, path))
    elif kind is not None:
        parts.shape.unknown(path, content, f"unknown content {kind!r}")
    parts.contents[index] = (kind or "", said)


def _say(parts: _Parts, kind: str, said: list[str], words: str | None) -> None:
    if words:
        said.append(words)
        # Thoughts are no content.
        parts.says_something = parts.says_something or kind == "text"


def _open_call(parts: _Parts, call: JsonObject, index: int, path: str, *, is_whole: bool) -> None:
    shape = parts.shape
    function = shape.required(call, "function", dict, path) or {}
    name, arguments = "", None
    if function:
        name = shape.required(function, "name", str, f"{path}.function") or ""
        # Opened in a stream, the arguments are yet to come.
        read = shape.required if is_whole else shape.optional
        arguments = read(function, "arguments", str, f"{path}.function")
    parts.calls[index] = GrowingCall(name=name, id=find_text(call, "id"), text=[arguments or ""])
    parts.says_something = True


def read_stream(body: bytes) -> Completion:
    """Read a stream of typed events; never raises."""
    parts = _Parts()
    is_whole = False
    for event in parse_events(body):
        if event.data.startswith("[DONE]"):
            break
        data = parse_object(event.data)
        if data is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if has_error(data):
            return late_error(event.data, "in the stream")
        kind = typed_kind(event, data)
        _take_event(parts, kind, data)
        is_whole = is_whole or kind == "message-end"
        if parts.first_content_byte is None and parts.says_something:
            parts.first_content_byte = event.last_byte
    # What broke before a cut stays broken.
    if not is_whole and parts.shape.first_break is None:
        detail = "the stream ended without message-end"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    return parts.completion()


def _take_event(parts: _Parts, kind: str, data: JsonObject) -> None:
    shape = parts.shape
    if kind == "message-start":
        parts.response_id = shape.required(data, "id", str, kind)
    elif kind == "message-end":
        _take_end(parts, data)
    elif kind == "tool-plan-delta":
        message = _message_of(parts, kind, data)
        if message is not None:
            plan = shape.required(message, "tool_plan", str, f"{kind}.delta.message")
            parts.plan.append(plan or "")
    elif kind in ("content-start", "content-delta"):
        _take_content(parts, kind, data)
    elif kind in ("tool-call-start", "tool-call-delta"):
        _take_call(parts, kind, data)
    elif kind not in _SILENT_EVENTS:
        shape.unknown("event", data, f"unknown stream event {kind!r}")


def _message_of(parts: _Parts, kind: str, data: JsonObject) -> JsonObject | None:
    delta = parts.shape.required(data, "delta", dict, kind)
    if delta is None:
        return None
    return parts.shape.required(delta, "message", dict, f"{kind}.delta")


def _take_content(parts: _Parts, kind: str, data: JsonObject) -> None:
    shape, path = parts.shape, f"{kind}.delta.message.content"
    index = shape.required(data, "index", int, kind)
    message = _message_of(parts, kind, data)
    if index is None or message is None:
        return
    content = shape.required(message, "content", dict, f"{kind}.delta.message")
    if content is None:
        return
    if kind == "content-start":
        _open_content(parts, content, index, path)
        return
    if not parts.first_token_logprobs:
        parts.first_token_logprobs = _first_token(data.get("logprobs"))
    known = parts.contents.get(index)
    if known is None:
        shape.breaking(f"{kind}.index", "delta for a content that was never started")
    elif known[0] in _CONTENTS:
        _say(parts, known[0], known[1], shape.required(content, known[0], str, path))
    else:
        shape.unknown(path, content, f"unknown delta of {known[0]!r} content")


def _take_call(parts: _Parts, kind: str, data: JsonObject) -> None:
    shape, path = parts.shape, f"{kind}.delta.message.tool_calls"
    index = shape.required(data, "index", int, kind)
    message = _message_of(parts, kind, data)
    if index is None or message is None:
        return
    call = shape.required(message, "tool_calls", dict, f"{kind}.delta.message")
    if call is None:
        return
    if kind == "tool-call-start":
        _open_call(parts, call, index, path, is_whole=False)
        return
    known = parts.calls.get(index)
    if known is None:
        shape.breaking(f"{kind}.index", "delta for a call that was never started")
        return
    function = shape.required(call, "function", dict, path)
    if function is not None:
        piece = shape.required(function, "arguments", str, f"{path}.function")
        known.text.append(piece or "")


def _take_end(parts: _Parts, data: JsonObject) -> None:
    shape, path = parts.shape, "message-end"
    delta = shape.required(data, "delta", dict, path)
    if delta is None:
        return
    parts.finish_reason = shape.required(delta, "finish_reason", str, f"{path}.delta")
    parts.error = find_text(delta, "error")
    parts.usage = shape.optional(delta, "usage", dict, f"{path}.delta")


def _first_token(entry: JsonValue) -> tuple[tuple[str, float], ...]:
    """The first token that was written and its log-probability; other forms break nothing."""
    if not isinstance(entry, dict):
        return ()
    text, values = entry.get("text"), entry.get("logprobs")
    value = values[0] if isinstance(values, list) and values else None
    if not isinstance(text, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return ()
    return ((text, float(value)),)

"""Anthropic messages.

Source: Anthropic API reference, "Messages" and "Streaming messages"; header and version as
sent by the official SDK 2.11 (``anthropic-version: 2026-10-21``, bearer authorisation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome
from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.anthropic_request import write_body
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.growing_call import GrowingCall
from contractcheck.providers.shape import Shape, find_text, parse_object
from contractcheck.providers.sse import is_event_stream, parse_events, read_frames, typed_kind

if TYPE_CHECKING:
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame

_STOP_REASONS = frozenset(
    {
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    }
)
_EVENTS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
    }
)
_EMPTY_ENDINGS = frozenset({"max_tokens", "model_context_window_exceeded", "pause_turn", "refusal"})
"""Endings after which an answer may well be empty."""

_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
"""Kind of block → kind of its deltas, and the member that carries the content."""

_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "thinking_tokens")

_SILENT_BLOCKS = frozenset({"thinking", "redacted_thinking"})
_SILENT_DELTAS = frozenset({"thinking_delta", "signature_delta", "citations_delta"})


@dataclass(frozen=True, slots=True)
class AnthropicMessages(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://api.anthropic.com"
    schemes: tuple[CredentialScheme, ...] = (ApiKey(variable="ANTHROPIC_API_KEY"),)
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case."""
        return WireRequest(
            method="POST",
            path="/v1/messages",
            headers=(
                ("anthropic-version", "2026-10-21"),
                ("content-type", "application/json"),
            ),
            body=orjson.dumps(write_body(case, target.model)),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        if is_event_stream(response):
            return _read_stream(response.body)
        return _read_whole(response.body)


DIALECT = AnthropicMessages()


@dataclass(slots=True)
class _Block:
    """One content block as it grows; of unknown kinds nothing is read."""

    kind: str
    text: list[str] = field(default_factory=list)
    call: GrowingCall = field(default_factory=GrowingCall)


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or event by event."""

    shape: Shape = field(default_factory=Shape)
    blocks: dict[int, _Block] = field(default_factory=dict)
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    first_content_byte: int | None = None

    def completion(self) -> Completion:
        blocks = [self.blocks[index] for index in sorted(self.blocks)]
        text = _text_of(blocks, "text")
        calls = tuple(block.call.finished() for block in blocks if block.kind == "tool_use")
        self._judge(is_empty=not text and not calls, has_calls=bool(calls))
        outcome, detail = self.shape.outcome
        return Completion(
            outcome=outcome,
            detail=detail,
            text=text,
            tool_calls=calls,
            finish_reason=self.finish_reason,
            model=self.model,
            input_tokens=self.counts.get("input_tokens"),
            output_tokens=self.counts.get("output_tokens"),
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            reasoning_text=_text_of(blocks, "thinking"),
            cached_input_tokens=self.counts.get("cache_read_input_tokens"),
            reasoning_tokens=self.counts.get("thinking_tokens"),
            response_id=self.response_id,
        )

    def _judge(self, *, is_empty: bool, has_calls: bool) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        shape.known("stop_reason", reason, _STOP_REASONS)
        if reason == "tool_use" and not has_calls:
            shape.breaking("content", "stop_reason is 'tool_use', but no tool_use block came")
        if is_empty and reason not in _EMPTY_ENDINGS:
            shape.renamed("unknown field carries text, and no text block has any")


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    if document.get("type") == "error" or has_error(document):
        return late_error(body, "HTTP 200")
    parts = _Parts()
    _take_message(parts, document, "")
    parts.finish_reason = parts.shape.required(document, "stop_reason", str, "")
    content = parts.shape.required(document, "content", list, "")
    for index, block in enumerate(content or []):
        _take_block(parts, block, index, f"content[{index}]")
    return parts.completion()


def _text_of(blocks: list[_Block], kind: str) -> str:
    return "".join(part for block in blocks if block.kind == kind for part in block.text)


def _take_message(parts: _Parts, message: JsonObject, path: str) -> None:
    parts.model = parts.shape.required(message, "model", str, path)
    # Clients repeat it to no one: its absence breaks nobody.
    parts.response_id = find_text(message, "id")
    usage = parts.shape.required(message, "usage", dict, path)
    if usage is not None:
        _take_usage(parts, usage, f"{path}.usage" if path else "usage", at_least=("input_tokens",))


def _take_usage(
    parts: _Parts, usage: JsonObject, path: str, *, at_least: tuple[str, ...] = ()
) -> None:
    """Counts are totals so far: a later one overwrites, one that is left out does not."""
    for name in (*at_least, "output_tokens"):
        parts.shape.required(usage, name, int, path)
    details = usage.get("output_tokens_details")
    found = {**usage, **(details if isinstance(details, dict) else {})}
    for name in _COUNTS:
        value = found.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            parts.counts[name] = value


def _take_block(parts: _Parts, block: JsonValue, index: int, path: str) -> None:
    if not isinstance(block, dict):
        parts.shape.breaking(path, "expected object")
        return
    kind = parts.shape.required(block, "type", str, path)
    taken = parts.blocks[index] = _Block(kind=kind or "")
    if kind == "text":
        text = parts.shape.required(block, "text", str, path)
        taken.text = [text] if text else []
    elif kind == "tool_use":
        taken.call = GrowingCall(
            name=parts.shape.required(block, "name", str, path) or "",
            id=find_text(block, "id"),
            text=taken.text,
            given=parts.shape.required(block, "input", dict, path) or {},
        )
    elif kind == "thinking":
        thought = parts.shape.optional(block, "thinking", str, path)
        taken.text = [thought] if thought else []
    elif kind is not None and kind not in _SILENT_BLOCKS:
        parts.shape.unknown(path, block, f"unknown content block {kind!r}")


def _read_stream(body: bytes) -> Completion:
    parts = _Parts()
    seen: set[str] = set()
    for event in parse_events(body):
        data = parse_object(event.data)
        if data is None:
            if event.name in _EVENTS or event.name == "message":
                return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
            parts.shape.additive("event", f"unknown stream event {event.name!r}")
            continue
        kind = typed_kind(event, data)
        if kind == "error":
            return late_error(event.data, "in the stream")
        if kind not in _EVENTS:
            parts.shape.unknown("event", data, f"unknown stream event {kind!r}")
        _take_event(parts, kind, data, event.last_byte)
        seen.add(kind)
    # What broke before a cut stays broken.
    if "message_stop" not in seen and parts.shape.first_break is None:
        detail = "the stream ended without message_stop"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    for kind in ("message_start", "message_delta"):
        if kind not in seen:
            parts.shape.breaking(kind, "no such event came")
    if parts.finish_reason is None and parts.shape.first_break is None:
        parts.shape.breaking("message_delta.delta.stop_reason", "expected string, got null")
    return parts.completion()


def _take_event(parts: _Parts, kind: str, data: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    if kind == "message_start":
        message = shape.required(data, "message", dict, kind)
        if message is not None:
            _take_message(parts, message, f"{kind}.message")
            _take_prefilled(parts, message)
    elif kind == "content_block_start":
        index = shape.required(data, "index", int, kind)
        block = shape.required(data, "content_block", dict, kind)
        if index is not None and block is not None:
            _take_block(parts, block, index, f"{kind}.content_block")
            taken = parts.blocks[index]
            if taken.kind == "tool_use" or (taken.kind == "text" and taken.text):
                _note_content(parts, last_byte)
    elif kind == "content_block_delta":
        _take_delta(parts, data, last_byte)
    elif kind == "message_delta":
        _take_ending(parts, data)


def _take_prefilled(parts: _Parts, message: JsonObject) -> None:
    """Blocks that come with the start stand before those that are opened later."""
    content = parts.shape.optional(message, "content", list, "message_start.message") or []
    for place, block in enumerate(content):
        path = f"message_start.message.content[{place}]"
        _take_block(parts, block, place - len(content), path)


def _take_delta(parts: _Parts, data: JsonObject, last_byte: int) -> None:
    shape, path = parts.shape, "content_block_delta"
    index = shape.required(data, "index", int, path)
    delta = shape.required(data, "delta", dict, path)
    if index is None or delta is None:
        return
    block = parts.blocks.get(index)
    if block is None:
        shape.breaking(f"{path}.index", "delta for a block that was never started")
        return
    kind = shape.required(delta, "type", str, f"{path}.delta")
    expected = _DELTAS.get(block.kind)
    if expected is not None and kind == expected[0]:
        if text := shape.required(delta, expected[1], str, f"{path}.delta"):
            block.text.append(text)
            if block.kind != "thinking":
                _note_content(parts, last_byte)
    elif kind is not None and kind not in _SILENT_DELTAS and block.kind not in _SILENT_BLOCKS:
        shape.unknown(f"{path}.delta", delta, f"unknown delta {kind!r} of a {block.kind!r} block")


def _take_ending(parts: _Parts, data: JsonObject) -> None:
    shape, path = parts.shape, "message_delta"
    delta = shape.required(data, "delta", dict, path)
    if delta is not None:
        # Null in all but the last: there may be several (API reference, "Event types").
        read = shape.optional if "stop_reason" in delta else shape.required
        reason = read(delta, "stop_reason", str, f"{path}.delta")
        parts.finish_reason = reason or parts.finish_reason
    usage = shape.required(data, "usage", dict, path)
    if usage is not None:
        _take_usage(parts, usage, f"{path}.usage")


def _note_content(parts: _Parts, last_byte: int) -> None:
    if parts.first_content_byte is None:
        parts.first_content_byte = last_byte

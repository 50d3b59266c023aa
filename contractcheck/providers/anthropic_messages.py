"""Anthropic messages.

Source: Anthropic API reference, "Messages" and "Streaming messages"; header and version as
sent by the official SDK 2.11 (``anthropic-version: 2026-10-21``, bearer authorisation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.providers.dialect import WireRequest
from contractcheck.providers.failures import error_in
from contractcheck.providers.shape import Shape, parse_object
from contractcheck.providers.sse import parse_events

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case

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
_DEFAULT_MAX_TOKENS = 1024
"""The wire requires a limit; this one is sent when a case declares none."""

_CHOICES_OF_TOOLS = {"auto": "auto", "none": "none", "required": "any"}
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
_SILENT_BLOCKS = frozenset({"thinking", "redacted_thinking"})
_SILENT_DELTAS = frozenset({"thinking_delta", "signature_delta", "citations_delta"})


@dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """The dialect; stateless."""

    base_url: str = "https://api.anthropic.com"
    key_variable: str = "ANTHROPIC_API_KEY"

    def build(self, case: Case, model: str, key: str) -> WireRequest:
        """Write a streamed request for a case."""
        return WireRequest(
            method="POST",
            path="/v1/messages",
            headers=(
                ("authorization", f"Bearer {key}"),
                ("anthropic-version", "2026-10-21"),
                ("content-type", "application/json"),
            ),
            body=orjson.dumps(_body(case, model)),
        )

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        if "text/event-stream" in (response.header("content-type") or ""):
            return _read_stream(response.body)
        return _read_whole(response.body)


DIALECT = AnthropicMessages()


def _body(case: Case, model: str) -> dict[str, JsonValue]:
    parameters = case.parameters
    system = "\n\n".join(m.content for m in case.messages if m.role == "system")
    body: dict[str, JsonValue] = {
        "model": model,
        "max_tokens": parameters.max_output_tokens or _DEFAULT_MAX_TOKENS,
        "messages": [
            {"role": m.role, "content": m.content} for m in case.messages if m.role != "system"
        ],
        "stream": True,
    }
    optional: dict[str, JsonValue] = {
        "system": system or None,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "stop_sequences": list(parameters.stop) or None,
        "tool_choice": _tool_choice(parameters.tool_choice),
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in case.tools
        ]
        or None,
        "output_config": None
        if case.response_schema is None
        else {"format": {"type": "json_schema", "schema": case.response_schema}},
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def _tool_choice(choice: str | None) -> JsonValue:
    if choice is None:
        return None
    if choice in _CHOICES_OF_TOOLS:
        return {"type": _CHOICES_OF_TOOLS[choice]}
    return {"type": "tool", "name": choice}


@dataclass(slots=True)
class _Block:
    """One content block as it grows."""

    kind: str
    name: str = ""
    text: list[str] = field(default_factory=list)
    input: JsonObject | None = None


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from."""

    shape: Shape = field(default_factory=Shape)
    blocks: dict[int, _Block] = field(default_factory=dict)
    finish_reason: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_content_byte: int | None = None

    def completion(self) -> Completion:
        if self.finish_reason is not None and self.finish_reason not in _STOP_REASONS:
            known = ", ".join(sorted(_STOP_REASONS))
            what = f"new value {self.finish_reason!r} (documented: {known})"
            self.shape.additive("stop_reason", what)
        first = next((p for p in self.shape.problems if p.severity == "breaking"), None)
        blocks = [self.blocks[index] for index in sorted(self.blocks)]
        return Completion(
            outcome=Outcome.MALFORMED if first else Outcome.ANSWERED,
            detail=f"{first.path}: {first.what}" if first else "",
            text="".join(part for b in blocks if b.kind == "text" for part in b.text),
            tool_calls=tuple(_call(block) for block in blocks if block.kind == "tool_use"),
            finish_reason=self.finish_reason,
            model=self.model,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
        )


def _call(block: _Block) -> ToolCall:
    written = "".join(block.text)
    parsed = parse_object(written) if written else (block.input or {})
    if parsed is None:
        return ToolCall(name=block.name, arguments=written, is_parsed=False)
    return ToolCall(name=block.name, arguments=parsed, is_parsed=True)


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        return Completion(outcome=Outcome.MALFORMED, detail="HTTP 200, but the body is not JSON")
    if document.get("type") == "error":
        return Completion(outcome=Outcome.INFRA, detail="HTTP 200: " + ": ".join(error_in(body)))
    parts = _Parts()
    _take_message(parts, document, "")
    parts.finish_reason = parts.shape.required(document, "stop_reason", str, "")
    content = parts.shape.required(document, "content", list, "")
    for index, block in enumerate(content or []):
        _take_block(parts, block, index, f"content[{index}]")
    return parts.completion()


def _take_message(parts: _Parts, message: JsonObject, path: str) -> None:
    parts.model = parts.shape.required(message, "model", str, path)
    usage = parts.shape.required(message, "usage", dict, path)
    if usage is not None:
        place = f"{path}.usage" if path else "usage"
        parts.input_tokens = parts.shape.required(usage, "input_tokens", int, place)
        parts.output_tokens = parts.shape.required(usage, "output_tokens", int, place)


def _take_block(parts: _Parts, block: JsonValue, index: int, path: str) -> None:
    if not isinstance(block, dict):
        parts.shape.breaking(path, "expected object")
        return
    kind = parts.shape.required(block, "type", str, path)
    if kind == "text":
        text = parts.shape.required(block, "text", str, path)
        parts.blocks[index] = _Block(kind="text", text=[text] if text else [])
    elif kind == "tool_use":
        name = parts.shape.required(block, "name", str, path) or ""
        arguments = parts.shape.required(block, "input", dict, path)
        parts.blocks[index] = _Block(kind="tool_use", name=name, input=arguments)
    elif kind is not None and kind not in _SILENT_BLOCKS:
        parts.shape.additive(f"{path}.type", f"unknown content block {kind!r}")


def _read_stream(body: bytes) -> Completion:
    parts = _Parts()
    is_stopped = False
    for event in parse_events(body):
        data = parse_object(event.data)
        if data is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        kind = str(data.get("type", event.name))
        if kind == "error":
            detail = "in the stream: " + ": ".join(error_in(event.data))
            return Completion(outcome=Outcome.INFRA, detail=detail)
        if kind not in _EVENTS:
            parts.shape.additive("event", f"unknown stream event {kind!r}")
        _take_event(parts, kind, data, event.last_byte)
        is_stopped = is_stopped or kind == "message_stop"
    if not is_stopped:
        detail = "the stream ended without message_stop"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    return parts.completion()


def _take_event(parts: _Parts, kind: str, data: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    if kind == "message_start":
        message = shape.required(data, "message", dict, "message_start")
        if message is not None:
            _take_message(parts, message, "message_start.message")
    elif kind == "content_block_start":
        index = shape.required(data, "index", int, kind)
        if index is not None:
            _take_block(parts, data.get("content_block"), index, f"{kind}.content_block")
            block = parts.blocks.get(index)
            if block is not None and block.kind == "tool_use":
                _note_content(parts, last_byte)
    elif kind == "content_block_delta":
        _take_delta(parts, data, last_byte)
    elif kind == "message_delta":
        _take_ending(parts, data)


def _take_delta(parts: _Parts, data: JsonObject, last_byte: int) -> None:
    shape, path = parts.shape, "content_block_delta"
    index = shape.required(data, "index", int, path)
    delta = shape.required(data, "delta", dict, path)
    if index is None or delta is None:
        return
    kind = shape.required(delta, "type", str, f"{path}.delta")
    if kind in _SILENT_DELTAS or kind is None:
        return
    if kind not in ("text_delta", "input_json_delta"):
        shape.additive(f"{path}.delta.type", f"unknown delta {kind!r}")
        return
    name = "text" if kind == "text_delta" else "partial_json"
    text = shape.required(delta, name, str, f"{path}.delta")
    block = parts.blocks.get(index)
    if block is None:
        shape.breaking(f"{path}.index", f"delta for block {index}, which was never started")
    elif text:
        block.text.append(text)
        _note_content(parts, last_byte)


def _take_ending(parts: _Parts, data: JsonObject) -> None:
    delta = parts.shape.required(data, "delta", dict, "message_delta")
    if delta is not None:
        parts.finish_reason = parts.shape.required(delta, "stop_reason", str, "message_delta.delta")
    usage = parts.shape.required(data, "usage", dict, "message_delta")
    if usage is not None:
        parts.output_tokens = parts.shape.required(
            usage, "output_tokens", int, "message_delta.usage"
        )


def _note_content(parts: _Parts, last_byte: int) -> None:
    if parts.first_content_byte is None:
        parts.first_content_byte = last_byte

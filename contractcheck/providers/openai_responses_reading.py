"""Read what OpenAI responses answer, whole or as typed events.

Source: OpenAI API reference, "The response object" and "Streaming events", as published in the
openai-openapi specification of 2026-08-19.

The last event of a stream repeats the answer as a whole, and that is what is read. Clients show the
pieces that came before it: pieces that do not add up to it are broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.providers.chat_logprobs import likeliest_tokens
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.openai_responses_events import DONE, EVENTS, SILENT_ITEMS
from contractcheck.providers.shape import Shape, find_count, find_text, parse_object
from contractcheck.providers.sse import is_event_stream, parse_events, typed_kind

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue

_REASONS = frozenset({"max_output_tokens", "max_messages", "content_filter", "steered"})
_TEXTS = {"output_text": "text", "refusal": "refusal"}
"""Kind of a message's part → member with its text: a refusal is what the model said."""

_TEXT_DELTAS = frozenset({"response.output_text.delta", "response.refusal.delta"})
_CALL_DELTA = "response.function_call_arguments.delta"


def read_responses(response: Response) -> Completion:
    """Read an answer of status 200, streamed or not; never raises."""
    if is_event_stream(response):
        return _read_stream(response.body)
    document = parse_object(response.body)
    if document is None:
        return unreadable(response.body)
    if _has_failed(document):
        return late_error(response.body, "HTTP 200")
    parts = _Parts()
    _take_response(parts, document, "")
    return parts.completion()


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from."""

    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    usage: JsonObject = field(default_factory=dict)
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_content_byte: int | None = None
    first_token_logprobs: tuple[tuple[str, float], ...] = ()

    def completion(self) -> Completion:
        shape = self.shape
        if not self.text and not self.calls and self.finish_reason == "completed":
            shape.renamed("unknown field carries text, and no output text has any")
        outcome, detail = shape.outcome
        return Completion(
            outcome=outcome,
            detail=detail,
            text="".join(self.text),
            tool_calls=tuple(self.calls),
            finish_reason=self.finish_reason,
            model=self.model,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(shape.problems),
            first_token_logprobs=self.first_token_logprobs,
            reasoning_text="".join(self.reasoning),
            cached_input_tokens=find_count(self.usage, "input_tokens_details", "cached_tokens"),
            reasoning_tokens=find_count(self.usage, "output_tokens_details", "reasoning_tokens"),
            total_tokens=find_count(self.usage, "total_tokens"),
            response_id=self.response_id,
        )


def _take_response(parts: _Parts, document: JsonObject, path: str) -> None:
    """Take the whole response, which stands at ``path`` of the body."""
    shape, at = parts.shape, f"{path}." if path else ""
    parts.model = shape.required(document, "model", str, path)
    parts.response_id = find_text(document, "id")
    output = shape.required(document, "output", list, path) or []
    for place, item in shape.objects(output, f"{at}output"):
        _take_item(parts, item, place)
    usage = shape.optional(document, "usage", dict, path)
    if usage is None:
        shape.additive(f"{at}usage", "none came, so tokens are not counted")
    else:
        parts.usage = usage
        parts.input_tokens = shape.required(usage, "input_tokens", int, f"{at}usage")
        parts.output_tokens = shape.required(usage, "output_tokens", int, f"{at}usage")
    status = shape.required(document, "status", str, path)
    parts.finish_reason = status
    if status == "incomplete":
        details = shape.required(document, "incomplete_details", dict, path) or {}
        place = f"{at}incomplete_details"
        reason = shape.optional(details, "reason", str, place)
        parts.finish_reason = reason or status
        shape.known(f"{place}.reason", reason, _REASONS)
    elif status not in (None, "completed"):
        shape.breaking(f"{at}status", f"{status!r}, where the answer should be there")


def _take_item(parts: _Parts, item: JsonObject, path: str) -> None:
    shape = parts.shape
    kind = shape.required(item, "type", str, path)
    if kind == "message":
        for index, part in enumerate(shape.required(item, "content", list, path) or []):
            _take_part(parts, part, f"{path}.content[{index}]")
    elif kind == "function_call":
        _take_call(parts, item, path)
    elif kind == "reasoning":
        _take_reasoning(parts, item, path)
    elif kind is not None and kind not in SILENT_ITEMS:
        shape.unknown(path, item, f"unknown output item {kind!r}")


def _take_part(parts: _Parts, part: JsonValue, path: str) -> None:
    shape = parts.shape
    if not isinstance(part, dict):
        shape.breaking(path, "expected object")
        return
    kind = shape.required(part, "type", str, path)
    if kind in _TEXTS:
        parts.text.append(shape.required(part, _TEXTS[kind], str, path) or "")
        parts.first_token_logprobs = parts.first_token_logprobs or likeliest_tokens(
            part.get("logprobs")
        )
    elif kind is not None:
        shape.unknown(path, part, f"unknown content part {kind!r}")


def _take_call(parts: _Parts, item: JsonObject, path: str) -> None:
    written = parts.shape.required(item, "arguments", str, path) or ""
    parsed = parse_object(written)
    parts.arguments.append(written)
    parts.calls.append(
        ToolCall(
            name=parts.shape.required(item, "name", str, path) or "",
            arguments=written if parsed is None else parsed,
            is_parsed=parsed is not None,
            id=parts.shape.required(item, "call_id", str, path),
        )
    )


def _take_reasoning(parts: _Parts, item: JsonObject, path: str) -> None:
    """Take what is shown of the reasoning: its text, or else a summary of it."""
    for name in ("content", "summary"):
        members = parts.shape.optional(item, name, list, path) or []
        texts = [find_text(one, "text") for one in members if isinstance(one, dict)]
        if shown := [text for text in texts if text]:
            parts.reasoning.extend(shown)
            return


@dataclass(slots=True)
class _Pieces:
    """What came before the last event: by place, since items may come side by side."""

    text: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    arguments: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def judge(self, parts: _Parts) -> None:
        """Compare the pieces with the whole."""
        for name, pieces, whole in (
            ("output_text", self.text, parts.text),
            ("function_call_arguments", self.arguments, parts.arguments),
        ):
            if "".join(p for place in sorted(pieces) for p in pieces[place]) != "".join(whole):
                what = "the pieces do not add up to what the last event says"
                parts.shape.breaking(f"response.{name}.delta", what)


def _read_stream(body: bytes) -> Completion:
    parts, pieces = _Parts(), _Pieces()
    for event in parse_events(body):
        if event.data.startswith("[DONE]"):
            break  # of servers that are used to it from chat completions
        data = parse_object(event.data)
        if data is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if has_error(data):
            return late_error(event.data, "in the stream")
        kind = typed_kind(event, data)
        if kind in DONE:
            return _read_last(parts, pieces, kind, data)
        if kind not in EVENTS:
            parts.shape.unknown("event", data, f"unknown stream event {kind!r}")
        _take_event(parts, pieces, kind, data, event.last_byte)
    # What broke before a cut stays broken.
    if parts.shape.first_break is None:
        detail = "the stream ended without response.completed"
        return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    return parts.completion()


def _read_last(parts: _Parts, pieces: _Pieces, kind: str, data: JsonObject) -> Completion:
    document = parts.shape.required(data, "response", dict, kind)
    if document is not None:
        if _has_failed(document):
            return late_error(orjson.dumps(document), "in the stream")
        _take_response(parts, document, f"{kind}.response")
    if parts.shape.first_break is None:
        pieces.judge(parts)
    return parts.completion()


def _has_failed(document: JsonObject) -> bool:
    return has_error(document) or document.get("status") == "failed"


def _take_event(
    parts: _Parts, pieces: _Pieces, kind: str, data: JsonObject, last_byte: int
) -> None:
    shape = parts.shape
    is_content = False
    if kind in _TEXT_DELTAS or kind == _CALL_DELTA:
        piece = shape.required(data, "delta", str, kind)
        place = (find_count(data, "output_index") or 0, find_count(data, "content_index") or 0)
        kept = pieces.arguments if kind == _CALL_DELTA else pieces.text
        kept.setdefault(place, []).append(piece or "")
        is_content = bool(piece)
    elif kind == "response.output_item.added":
        item = shape.required(data, "item", dict, kind)
        is_content = item is not None and item.get("type") == "function_call"
    if is_content and parts.first_content_byte is None:
        parts.first_content_byte = last_byte

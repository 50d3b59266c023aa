"""Read what Mistral chat completions answer, whole or streamed.

Sources: Mistral API reference, "Chat Completion", and the types of the official SDK 3.7: content
is a string or an array of chunks (text, reference, thinking …), a call's arguments are a string or
an object, and the id ``"null"`` stands for none. What the SDK refuses to be without is required.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.chat_logprobs import read_first_token
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.growing_call import GrowingCall
from contractcheck.providers.shape import Shape, find_count, find_text, parse_object
from contractcheck.providers.sse import parse_events

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue

_FINISH_REASONS = frozenset({"stop", "length", "model_length", "error", "tool_calls"})
_EMPTY_ENDINGS = frozenset({"length", "model_length"})
"""Endings after which an answer may well be empty, however much was thought before."""

_MESSAGE_FIELDS = frozenset(
    {"content", "index", "metadata", "prefix", "role", "tool_call_id", "tool_calls"}
)
_SILENT_CHUNKS = frozenset(
    {
        "document_url",
        "file",
        "image_url",
        "input_audio",
        "reference",
        "resource",
        "resource_link",
        "tool_reference",
    }
)
"""Parts of the content that are no words of the answer."""


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or chunk by chunk."""

    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    calls: list[GrowingCall] = field(default_factory=list)
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    usage: JsonObject | None = None
    first_content_byte: int | None = None
    first_token_logprobs: tuple[tuple[str, float], ...] = ()

    def completion(self) -> Completion:
        self._judge()
        outcome, detail = self.shape.outcome
        if outcome is Outcome.ANSWERED and self.finish_reason == "error":
            outcome, detail = Outcome.INFRA, "the provider broke off: finish_reason is 'error'"
        usage = self.usage or {}
        cached = find_count(usage, "prompt_tokens_details", "cached_tokens")
        return Completion(
            outcome=outcome,
            detail=detail,
            text="".join(self.text),
            tool_calls=tuple(call.finished() for call in self.calls),
            finish_reason=self.finish_reason,
            model=self.model,
            input_tokens=find_count(usage, "prompt_tokens"),
            output_tokens=find_count(usage, "completion_tokens"),
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            first_token_logprobs=self.first_token_logprobs,
            reasoning_text="".join(self.thought),
            cached_input_tokens=find_count(usage, "num_cached_tokens")
            if cached is None
            else cached,
            total_tokens=find_count(usage, "total_tokens"),
            response_id=self.response_id,
        )

    def _judge(self) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        if self.usage is None:
            shape.additive("usage", "none came, so tokens are not counted")
        shape.known("choices[0].finish_reason", reason, _FINISH_REASONS)
        if reason == "tool_calls" and not self.calls:
            shape.breaking("choices[0]", "finish_reason is 'tool_calls', but no tool call came")
        if not self.text and not self.calls and reason not in _EMPTY_ENDINGS:
            shape.renamed("unknown field carries text, and 'content' has none")


def read_whole(body: bytes) -> Completion:
    """Read a JSON body; never raises."""
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    if has_error(document):
        return late_error(body, "HTTP 200")
    parts = _Parts()
    shape = parts.shape
    _take_envelope(parts, document)
    shape.required(document, "usage", dict, "")
    choices = shape.required(document, "choices", list, "")
    if choices is not None and not choices:
        shape.breaking("choices", "is empty")
    for _, choice in shape.objects((choices or [])[:1], "choices"):
        message = shape.required(choice, "message", dict, "choices[0]")
        if message is not None:
            _take_message(parts, message, "choices[0].message")
            if not (parts.calls or "content" in message):
                shape.required(message, "content", str, "choices[0].message")
        parts.finish_reason = shape.required(choice, "finish_reason", str, "choices[0]")
        parts.first_token_logprobs = read_first_token(choice)
    return parts.completion()


def read_stream(body: bytes) -> Completion:
    """Read a stream of events; never raises."""
    parts = _Parts()
    is_done = False
    for event in parse_events(body):
        if event.data.startswith("[DONE]"):
            is_done = True
            break
        chunk = parse_object(event.data)
        if chunk is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if has_error(chunk):
            return late_error(event.data, "in the stream")
        _take_chunk(parts, chunk, event.last_byte)
    # What broke before a cut stays broken.
    if not is_done and parts.shape.first_break is None:
        return Completion(outcome=Outcome.TRUNCATED, detail="the stream ended without [DONE]")
    if parts.finish_reason is None:
        parts.shape.breaking("choices[0].finish_reason", "no chunk carried one")
    return parts.completion()


def _take_chunk(parts: _Parts, chunk: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    _take_envelope(parts, chunk)
    choices = shape.required(chunk, "choices", list, "")
    for _, choice in shape.objects((choices or [])[:1], "choices"):
        delta = shape.required(choice, "delta", dict, "choices[0]")
        if delta is not None:
            _take_message(parts, delta, "choices[0].delta")
            if parts.first_content_byte is None and (parts.text or parts.calls):
                parts.first_content_byte = last_byte
        parts.first_token_logprobs = parts.first_token_logprobs or read_first_token(choice)
        if reason := shape.optional(choice, "finish_reason", str, "choices[0]"):
            parts.finish_reason = reason


def _take_envelope(parts: _Parts, document: JsonObject) -> None:
    shape = parts.shape
    parts.model = shape.required(document, "model", str, "") or parts.model
    parts.response_id = shape.required(document, "id", str, "") or parts.response_id
    usage = shape.optional(document, "usage", dict, "")
    if usage is not None:
        parts.usage = usage
        for name in ("prompt_tokens", "completion_tokens"):
            shape.required(usage, name, int, "usage")


def _take_message(parts: _Parts, message: JsonObject, path: str) -> None:
    shape = parts.shape
    content = message.get("content")
    if isinstance(content, list):
        for place, chunk in enumerate(content):
            _take_content(parts, chunk, f"{path}.content[{place}]")
    elif text := shape.optional(message, "content", str, path):
        parts.text.append(text)
    for name in sorted(set(message) - _MESSAGE_FIELDS):
        shape.unknown(f"{path}.{name}", message[name])
    calls = shape.optional(message, "tool_calls", list, path) or []
    for at, call in shape.objects(calls, f"{path}.tool_calls"):
        _take_call(parts, call, at)


def _take_content(parts: _Parts, chunk: JsonValue, path: str) -> None:
    if not isinstance(chunk, dict):
        parts.shape.breaking(path, "expected object")
        return
    kind = parts.shape.required(chunk, "type", str, path)
    if kind == "text":
        if text := parts.shape.required(chunk, "text", str, path):
            parts.text.append(text)
    elif kind == "thinking":
        thoughts = parts.shape.required(chunk, "thinking", list, path)
        for thought in thoughts or []:
            words = find_text(thought, "text") if isinstance(thought, dict) else None
            parts.thought.append(words or "")
    elif kind is not None and kind not in _SILENT_CHUNKS:
        parts.shape.unknown(path, chunk, f"unknown content chunk {kind!r}")


def _take_call(parts: _Parts, call: JsonObject, path: str) -> None:
    shape = parts.shape
    written_id = find_text(call, "id")
    call_id = None if written_id in ("", "null") else written_id
    known = parts.calls[-1] if parts.calls else None
    # Calls come in one piece; a server that cuts them names only the first piece.
    if known is None or call_id is not None or find_text(call, "function", "name"):
        known = GrowingCall(id=call_id)
        parts.calls.append(known)
    function = shape.required(call, "function", dict, path)
    if function is None:
        return
    is_new = not known.name
    name = (shape.required if is_new else shape.optional)(function, "name", str, f"{path}.function")
    known.name = known.name or name or ""
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        known.given = arguments
    elif text := shape.required(function, "arguments", str, f"{path}.function"):
        known.text.append(text)

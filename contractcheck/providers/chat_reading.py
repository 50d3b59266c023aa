"""Read what chat completions answer, whole or streamed, whoever serves them.

Sources: OpenAI API reference, "The chat completion object" and "The chat completion chunk object",
as published in the openai-openapi specification of 2026-08-19; Azure OpenAI reference, "Content
streaming" (chunks without choices, and with content filter offsets in place of a delta); the names
of reasoning as DeepSeek, llama.cpp and xAI (``reasoning_content``) and as Groq, Ollama, OpenRouter,
Together and vLLM (``reasoning``) document them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.providers.chat_logprobs import read_first_token
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.shape import Shape, find_count, find_text, parse_object
from contractcheck.providers.sse import is_event_stream, parse_events

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject

_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_EMPTY_ENDINGS = frozenset({"length", "content_filter", "function_call"})
"""Endings after which an answer may well be empty, however much was thought before."""

_BROKEN_OFF = frozenset({"error", "insufficient_system_resource"})
"""How OpenRouter and DeepSeek say that they could not go on."""

_REASONING = ("reasoning_content", "reasoning")
_MESSAGE_FIELDS = frozenset(
    {
        "annotations",
        "audio",
        "content",
        "function_call",
        "obfuscation",
        "refusal",
        "role",
        "tool_calls",
        *_REASONING,
    }
)
"""Documented, plus the two names under which compatible servers send reasoning."""


def read_chat(response: Response) -> Completion:
    """Read an answer of status 200, streamed or not; never raises."""
    if is_event_stream(response):
        return _read_stream(response.body)
    return _read_whole(response.body)


@dataclass(slots=True)
class _Call:
    """One tool call as it grows."""

    path: str
    name: str = ""
    id: str | None = None
    arguments: str | None = None
    present: set[str] = field(default_factory=set)

    def judge(self, shape: Shape) -> None:
        present = ", ".join(sorted(self.present)) or "nothing"
        for name, value in (("name", self.name or None), ("arguments", self.arguments)):
            if value is None:
                place = f"{self.path}.function.{name}"
                shape.breaking(place, f"required field is missing (present: {present})")

    def finished(self) -> ToolCall:
        parsed = parse_object(self.arguments or "")
        return ToolCall(
            name=self.name,
            arguments=(self.arguments or "") if parsed is None else parsed,
            is_parsed=parsed is not None,
            id=self.id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Usage:
    """What was accounted for; a later count replaces an earlier one."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or chunk by chunk."""

    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    highest_call: int = -1
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    fingerprint: str | None = None
    usage: _Usage | None = None
    first_content_byte: int | None = None
    first_token_logprobs: tuple[tuple[str, float], ...] = ()

    def completion(self) -> Completion:
        self._judge()
        usage = self.usage or _Usage()
        outcome, detail = self._outcome()
        return Completion(
            outcome=outcome,
            detail=detail,
            text="".join(self.text),
            tool_calls=tuple(self.calls[index].finished() for index in sorted(self.calls)),
            finish_reason=self.finish_reason,
            model=self.model,
            system_fingerprint=self.fingerprint,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            first_token_logprobs=self.first_token_logprobs,
            reasoning_text="".join(self.reasoning),
            cached_input_tokens=usage.cached_input_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            total_tokens=usage.total_tokens,
            response_id=self.response_id,
        )

    def _outcome(self) -> tuple[Outcome, str]:
        outcome, detail = self.shape.outcome
        if outcome is Outcome.ANSWERED and self.finish_reason in _BROKEN_OFF:
            words = f"the provider broke off: finish_reason is {self.finish_reason!r}"
            return Outcome.INFRA, words
        return outcome, detail

    def _judge(self) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        for index in sorted(self.calls):
            self.calls[index].judge(shape)
        if self.usage is None:
            # Optional in the specification: some compatible servers never count.
            shape.additive("usage", "none came, so tokens are not counted")
        if reason not in _BROKEN_OFF:
            shape.known("choices[0].finish_reason", reason, _FINISH_REASONS)
        if reason == "tool_calls" and not self.calls:
            shape.breaking("choices[0]", "finish_reason is 'tool_calls', but no tool call came")
        if not self.text and not self.calls and reason not in _EMPTY_ENDINGS:
            shape.renamed("unknown field carries text, and 'content' has none")


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    if envelope := _error_of(document):
        return late_error(envelope, "HTTP 200")
    parts = _Parts()
    shape = parts.shape
    _take_envelope(parts, document)
    choices = shape.required(document, "choices", list, "")
    if choices is not None and not choices:
        shape.breaking("choices", "is empty")
    for _, choice in shape.objects((choices or [])[:1], "choices"):
        message = shape.required(choice, "message", dict, "choices[0]")
        if message is not None:
            _take_message(parts, message, "choices[0].message")
            is_kept_back = choice.get("finish_reason") == "content_filter"
            if not (parts.text or parts.calls or "content" in message or is_kept_back):
                # Null for a pure tool call, but there; gone from what Azure filtered.
                shape.required(message, "content", str, "choices[0].message")
        parts.finish_reason = shape.required(choice, "finish_reason", str, "choices[0]")
        parts.first_token_logprobs = read_first_token(choice)
    return parts.completion()


def _read_stream(body: bytes) -> Completion:
    parts = _Parts()
    is_done = False
    for event in parse_events(body):
        if event.data.startswith("[DONE]"):
            is_done = True
            break
        chunk = parse_object(event.data)
        if chunk is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if envelope := _error_of(chunk):
            return late_error(envelope, "in the stream")
        _take_chunk(parts, chunk, event.last_byte)
    # A few servers never send the last event; then a finish reason and the usage that follows
    # it say as much. What broke before a cut stays broken.
    is_whole = is_done or (parts.finish_reason is not None and parts.usage is not None)
    if not is_whole and parts.shape.first_break is None:
        return Completion(outcome=Outcome.TRUNCATED, detail="the stream ended without [DONE]")
    if parts.finish_reason is None:
        parts.shape.breaking("choices[0].finish_reason", "no chunk carried one")
    return parts.completion()


def _error_of(document: JsonObject) -> bytes | None:
    """Return the error in place of an answer or beside it; OpenRouter puts some into a choice."""
    choices = document.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for holder in (document, first):
        if isinstance(holder, dict) and has_error(holder):
            return orjson.dumps(holder)
    return None


def _take_chunk(parts: _Parts, chunk: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    _take_envelope(parts, chunk)
    choices = shape.required(chunk, "choices", list, "")
    for _, choice in shape.objects((choices or [])[:1], "choices"):
        if "content_filter_offsets" in choice and "delta" not in choice:
            continue  # Azure's asynchronous filter: a note about text that was sent before
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
    fingerprint = shape.optional(document, "system_fingerprint", str, "")
    parts.fingerprint = fingerprint or parts.fingerprint
    parts.response_id = parts.response_id or find_text(document, "id") or None
    usage = shape.optional(document, "usage", dict, "")
    if usage is not None:
        parts.usage = _read_usage(shape, usage)


def _read_usage(shape: Shape, usage: JsonObject) -> _Usage:
    cached = find_count(usage, "prompt_tokens_details", "cached_tokens")
    if cached is None:  # DeepSeek API reference, "Context Caching"
        cached = find_count(usage, "prompt_cache_hit_tokens")
    return _Usage(
        input_tokens=shape.required(usage, "prompt_tokens", int, "usage"),
        output_tokens=shape.required(usage, "completion_tokens", int, "usage"),
        cached_input_tokens=cached,
        reasoning_tokens=find_count(usage, "completion_tokens_details", "reasoning_tokens"),
        total_tokens=find_count(usage, "total_tokens"),
    )


def _take_message(parts: _Parts, message: JsonObject, path: str) -> None:
    shape = parts.shape
    # A refusal under structured outputs comes in its own field; it is what the model said.
    for name in ("content", "refusal"):
        if text := shape.optional(message, name, str, path):
            parts.text.append(text)
    # Servers that are changing from one name to the other send both.
    parts.reasoning.append(next(filter(None, (find_text(message, n) for n in _REASONING)), ""))
    for name in sorted(set(message) - _MESSAGE_FIELDS):
        shape.unknown(f"{path}.{name}", message[name])
    for place, call in enumerate(shape.optional(message, "tool_calls", list, path) or []):
        if isinstance(call, dict):
            _take_call(parts, call, place, path)
        else:
            shape.breaking(f"{path}.tool_calls[{place}]", "expected object")


def _take_call(parts: _Parts, call: JsonObject, place: int, path: str) -> None:
    shape, here = parts.shape, f"{path}.tool_calls[{place}]"
    index = place
    if path.endswith("delta"):
        index = _index_of(parts, call, here)
    known = parts.calls.setdefault(index, _Call(path=f"{path}.tool_calls[{index}]"))
    parts.highest_call = max(parts.highest_call, index)
    known.id = known.id or find_text(call, "id") or None
    function = shape.required(call, "function", dict, here)
    if function is None:
        return
    known.present.update(function)
    known.name += shape.optional(function, "name", str, f"{here}.function") or ""
    arguments = shape.optional(function, "arguments", str, f"{here}.function")
    if arguments is not None:
        known.arguments = (known.arguments or "") + arguments


def _index_of(parts: _Parts, call: JsonObject, path: str) -> int:
    """Which call a fragment belongs to."""
    index = parts.shape.optional(call, "index", int, path)
    if index is not None:
        return index
    # Some compatible servers leave it out: then a call with an id is a new one.
    parts.shape.additive(f"{path}.index", "required field is missing")
    newest = parts.highest_call
    return newest + 1 if call.get("id") or newest < 0 else newest

"""OpenAI chat completions, and every server that speaks the same.

Source: OpenAI API reference, "Chat Completions" (request and response objects, streaming
chunks), as published in the openai-openapi specification of 2026-08-19.
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

_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_CHOICES_OF_TOOLS = frozenset({"auto", "none", "required"})


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """The dialect; stateless."""

    base_url: str = "https://api.openai.com"
    key_variable: str = "OPENAI_API_KEY"

    def build(self, case: Case, model: str, key: str) -> WireRequest:
        """Write a streamed request for a case."""
        return WireRequest(
            method="POST",
            path="/v1/chat/completions",
            headers=(("authorization", f"Bearer {key}"), ("content-type", "application/json")),
            body=orjson.dumps(_body(case, model)),
        )

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        if "text/event-stream" in (response.header("content-type") or ""):
            return _read_stream(response.body)
        return _read_whole(response.body)


DIALECT = OpenAIChat()


def _body(case: Case, model: str) -> dict[str, JsonValue]:
    parameters = case.parameters
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in case.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional: dict[str, JsonValue] = {
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_completion_tokens": parameters.max_output_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) or None,
        "tool_choice": _tool_choice(parameters.tool_choice),
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in case.tools
        ]
        or None,
        "response_format": _response_format(case),
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def _tool_choice(choice: str | None) -> JsonValue:
    if choice is None or choice in _CHOICES_OF_TOOLS:
        return choice
    chosen: JsonObject = {"name": choice}
    return {"type": "function", "function": chosen}


def _response_format(case: Case) -> JsonValue:
    if case.response_schema is None:
        return None
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": case.response_schema},
    }


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or chunk by chunk."""

    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish_reason: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_content_byte: int | None = None

    def completion(self) -> Completion:
        broken = any(problem.severity == "breaking" for problem in self.shape.problems)
        first = next((p for p in self.shape.problems if p.severity == "breaking"), None)
        return Completion(
            outcome=Outcome.MALFORMED if broken else Outcome.ANSWERED,
            detail=f"{first.path}: {first.what}" if first else "",
            text="".join(self.text),
            tool_calls=tuple(_call(*self.calls[index]) for index in sorted(self.calls)),
            finish_reason=self.finish_reason,
            model=self.model,
            system_fingerprint=self.fingerprint,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
        )


def _call(name: str, arguments: str) -> ToolCall:
    parsed = parse_object(arguments)
    if parsed is None:
        return ToolCall(name=name, arguments=arguments, is_parsed=False)
    return ToolCall(name=name, arguments=parsed, is_parsed=True)


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        return Completion(outcome=Outcome.MALFORMED, detail="HTTP 200, but the body is not JSON")
    if "error" in document and "choices" not in document:
        return Completion(outcome=Outcome.INFRA, detail="HTTP 200: " + ": ".join(error_in(body)))
    parts = _Parts()
    _take_envelope(parts, document)
    choices = parts.shape.required(document, "choices", list, "")
    if choices is not None and not choices:
        parts.shape.breaking("choices", "is empty")
    for choice in (choices or [])[:1]:
        if not isinstance(choice, dict):
            parts.shape.breaking("choices[0]", "expected object")
            continue
        message = parts.shape.required(choice, "message", dict, "choices[0]")
        if message is not None:
            _take_message(parts, message, "choices[0].message")
        parts.finish_reason = parts.shape.required(choice, "finish_reason", str, "choices[0]")
    _take_usage(parts, parts.shape.required(document, "usage", dict, ""))
    _judge_finish(parts)
    return parts.completion()


def _read_stream(body: bytes) -> Completion:
    parts = _Parts()
    is_done = False
    for event in parse_events(body):
        if event.data == "[DONE]":
            is_done = True
            continue
        chunk = parse_object(event.data)
        if chunk is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if "error" in chunk and "choices" not in chunk:
            detail = "in the stream: " + ": ".join(error_in(event.data))
            return Completion(outcome=Outcome.INFRA, detail=detail)
        _take_chunk(parts, chunk, event.last_byte)
    if parts.finish_reason is None and not is_done and not parts.shape.problems:
        return Completion(outcome=Outcome.TRUNCATED, detail="the stream ended without [DONE]")
    if parts.finish_reason is None:
        parts.shape.breaking("choices[0].finish_reason", "no chunk carried one")
    _judge_finish(parts)
    return parts.completion()


def _take_chunk(parts: _Parts, chunk: JsonObject, last_byte: int) -> None:
    _take_envelope(parts, chunk)
    # Usage may be absent: compatible servers do not all honour stream_options.
    _take_usage(parts, parts.shape.optional(chunk, "usage", dict, ""))
    choices = parts.shape.required(chunk, "choices", list, "")
    for choice in (choices or [])[:1]:
        if not isinstance(choice, dict):
            parts.shape.breaking("choices[0]", "expected object")
            continue
        delta = parts.shape.required(choice, "delta", dict, "choices[0]")
        if delta is not None:
            before = (len(parts.text), len(parts.calls))
            _take_message(parts, delta, "choices[0].delta")
            if parts.first_content_byte is None and before != (len(parts.text), len(parts.calls)):
                parts.first_content_byte = last_byte
        if reason := parts.shape.optional(choice, "finish_reason", str, "choices[0]"):
            parts.finish_reason = reason


def _take_envelope(parts: _Parts, document: JsonObject) -> None:
    parts.model = parts.shape.required(document, "model", str, "") or parts.model
    fingerprint = parts.shape.optional(document, "system_fingerprint", str, "")
    parts.fingerprint = fingerprint or parts.fingerprint


def _take_message(parts: _Parts, message: JsonObject, path: str) -> None:
    is_delta = path.endswith("delta")
    # A whole message always has the field, null for a pure tool call; a delta has what changed.
    if not is_delta and "content" not in message:
        parts.shape.required(message, "content", str, path)
    text = parts.shape.optional(message, "content", str, path)
    if text:
        parts.text.append(text)
    unknown = sorted(set(message) - _KNOWN_MESSAGE_FIELDS)
    if is_delta and unknown:
        parts.shape.breaking(path, f"unknown field {unknown[0]!r} where content is expected")
    calls = parts.shape.optional(message, "tool_calls", list, path) or []
    for place, call in enumerate(calls):
        if isinstance(call, dict):
            _take_call(parts, call, place, f"{path}.tool_calls[{place}]")
        else:
            parts.shape.breaking(f"{path}.tool_calls[{place}]", "expected object")


_KNOWN_MESSAGE_FIELDS = frozenset(
    {
        "annotations",
        "audio",
        "content",
        "function_call",
        "obfuscation",
        "reasoning",
        "reasoning_content",
        "refusal",
        "role",
        "tool_calls",
    }
)
"""Documented, plus the two names under which compatible servers send reasoning."""


def _take_call(parts: _Parts, call: JsonObject, place: int, path: str) -> None:
    index = parts.shape.optional(call, "index", int, path)
    known = parts.calls.setdefault(place if index is None else index, ["", ""])
    function = parts.shape.required(call, "function", dict, path)
    if function is None:
        return
    known[0] += parts.shape.optional(function, "name", str, f"{path}.function") or ""
    known[1] += parts.shape.optional(function, "arguments", str, f"{path}.function") or ""


def _take_usage(parts: _Parts, usage: JsonObject | None) -> None:
    if usage is None:
        return
    parts.input_tokens = parts.shape.required(usage, "prompt_tokens", int, "usage")
    parts.output_tokens = parts.shape.required(usage, "completion_tokens", int, "usage")


def _judge_finish(parts: _Parts) -> None:
    if parts.finish_reason is not None and parts.finish_reason not in _FINISH_REASONS:
        known = ", ".join(sorted(_FINISH_REASONS))
        what = f"new value {parts.finish_reason!r} (documented: {known})"
        parts.shape.additive("choices[0].finish_reason", what)

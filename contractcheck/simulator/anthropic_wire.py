"""The Anthropic messages dialect (https://docs.anthropic.com/en/api/messages)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.simulator.dialect import (
    EVENT_STREAM,
    SNAPSHOT_DATE,
    Frame,
    check_model,
    parse_arguments,
    resolve_model,
)
from contractcheck.simulator.question import TOO_MANY_REQUESTS, Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
    as_list,
    as_mapping,
    canonical_key,
    flatten_content,
    read_integer,
    read_messages,
    read_number,
    read_schema,
    read_stops,
    read_text,
    read_tools,
)
from contractcheck.simulator.thoughts import count_thoughts, find_thoughts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.answering import Answer

FORMAT: str = "anthropic-messages"
PATHS: Mapping[str, Mapping[str, object]] = {"/v1/messages": {}}
AUTH_HEADERS: tuple[str, ...] = ("x-api-key", "authorization")
STREAM_TYPE: str = EVENT_STREAM

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
"""https://docs.anthropic.com/en/api/errors"""

_STOP_REASONS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool": "tool_use",
}
_TOOL_CHOICES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "any": "required",
}
_MOST_TOKENS = 128_000
_REQUEST_LIMIT = 4_000
_RESET_TIME = "2026-03-01T00:00:00Z"


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    messages = read_messages(body)
    if "max_tokens" not in body:
        raise RequestError("max_tokens: Field required", param="max_tokens")
    tools = read_tools(
        as_list(body.get("tools")),
        lambda tool: read_schema(tool.get("input_schema"), "tools.input_schema"),
    )
    choice, forced = _read_tool_choice(body, tools)
    texts = [flatten_content(message.get("content")) for message in messages]
    return Question(
        model=model,
        prompt="\n".join([flatten_content(body.get("system")), *texts]).strip(),
        key=canonical_key(body),
        after_tool=_carries_tool_result(messages[-1].get("content")),
        temperature=read_number(body, "temperature", 1.0, 0.0, 1.0),
        top_p=max(read_number(body, "top_p", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(body, "max_tokens", 0, 1, _MOST_TOKENS),
        stop=read_stops(body.get("stop_sequences"), "stop_sequences"),
        schema=_read_output_format(body),
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        streamed=body.get("stream") is True,
        shows_thoughts=_read_thinking(body),
    )


def _read_thinking(body: Mapping[str, object]) -> bool:
    thinking = as_mapping(body.get("thinking"))
    if thinking.get("type") != "enabled":
        return False
    most = read_integer(body, "max_tokens", 0, 1, _MOST_TOKENS) - 1
    if read_integer(thinking, "budget_tokens", 0, 0, _MOST_TOKENS) not in range(1024, most + 1):
        message = "thinking.budget_tokens: at least 1024 and less than max_tokens"
        raise RequestError(message, param="thinking")
    return True


def _carries_tool_result(content: object) -> bool:
    return any(as_mapping(block).get("type") == "tool_result" for block in as_list(content))


def _read_tool_choice(
    body: Mapping[str, object], tools: tuple[Tool, ...]
) -> tuple[Literal["auto", "none", "required", "named"], str | None]:
    choice = as_mapping(body.get("tool_choice"))
    kind = choice.get("type", "auto")
    if isinstance(kind, str) and kind in _TOOL_CHOICES:
        return _TOOL_CHOICES[kind], None
    name = choice.get("name")
    if kind != "tool" or name not in [tool.name for tool in tools]:
        raise RequestError(f"tool_choice: {name!r} is not among the tools", param="tool_choice")
    return "named", str(name)


def _read_output_format(body: Mapping[str, object]) -> Mapping[str, object] | None:
    wanted = as_mapping(as_mapping(body.get("output_config")).get("format"))
    if not wanted:
        return None
    if wanted.get("type") != "json_schema":
        raise RequestError("output_config.format.type: use json_schema", param="output_config")
    return read_schema(wanted.get("schema"), "output_config.format.schema")


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``message`` object."""
    del night  # the dialect has no time stamp
    block: dict[str, object] = {"type": "text", "text": answer.text}
    if answer.tool:
        block = {**_open_tool_block(answer), "input": parse_arguments(answer.text)}
    thoughts = find_thoughts(question, answer)
    blocks = [block] if answer.tokens else []
    if thoughts:
        blocks.insert(0, {"type": "thinking", "thinking": "".join(thoughts), **_sign(answer)})
    return {
        **_envelope(question, answer, blocks),
        "stop_reason": _stop_reason(answer),
        "stop_sequence": answer.stop_sequence,
        "usage": {**_usage(answer, 0), **_count_output(answer, thoughts)},
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the events from ``message_start`` to ``message_stop``."""
    del night
    delta_field = "output" if "renamed_field" in answer.changes else "delta"
    opened = _open_tool_block(answer) if answer.tool else {"type": "text", "text": ""}
    opening = {
        **_envelope(question, answer, []),
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(answer, 1),
    }
    thoughts = find_thoughts(question, answer)
    index = 1 if thoughts else 0
    frames: list[Frame] = [
        (0, _event("message_start", message=opening)),
        *((0, event) for event in _stream_thoughts(answer, thoughts)),
        (0, _event("content_block_start", index=index, content_block=opened)),
        (0, _event("ping")),
    ]
    for i, token in enumerate(answer.tokens):
        delta = {"type": "text_delta", "text": token.text}
        if answer.tool:
            delta = {"type": "input_json_delta", "partial_json": token.text}
        frames.append((i, _event("content_block_delta", index=index, **{delta_field: delta})))
    last = max(len(answer.tokens) - 1, 0)
    ending = {"stop_reason": _stop_reason(answer), "stop_sequence": answer.stop_sequence}
    usage = _count_output(answer, thoughts)
    return [
        *frames,
        (last, _event("content_block_stop", index=index)),
        (last, _event("message_delta", delta=ending, usage=usage)),
        (last, _event("message_stop")),
    ]


def _stream_thoughts(answer: Answer, thoughts: tuple[str, ...]) -> list[bytes]:
    if not thoughts:
        return []
    deltas: list[dict[str, object]] = [
        {"type": "thinking_delta", "thinking": thought} for thought in thoughts
    ]
    deltas.append({"type": "signature_delta", **_sign(answer)})
    return [
        _event("content_block_start", index=0, content_block=_open_thinking()),
        *(_event("content_block_delta", index=0, delta=delta) for delta in deltas),
        _event("content_block_stop", index=0),
    ]


def _open_thinking() -> dict[str, object]:
    return {"type": "thinking", "thinking": "", "signature": ""}


def _sign(answer: Answer) -> dict[str, object]:
    return {"signature": answer.key * 4}


def _count_output(answer: Answer, thoughts: tuple[str, ...]) -> dict[str, object]:
    thinking_tokens = count_thoughts(thoughts)
    details = {"output_tokens_details": {"thinking_tokens": thinking_tokens}} if thoughts else {}
    return {"output_tokens": len(answer.tokens) + thinking_tokens, **details}


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 529 (even kinds) or 429."""
    if kind % 2 == 0:
        return RequestError("Overloaded", status=529)
    return RequestError("This request would exceed your rate limit.", status=429)


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"type": "error", "error": {type, message}, "request_id"}``."""
    kind = _ERROR_TYPES.get(error.status, "api_error")
    message = error.message
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id,
    }


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return the ``error`` event."""
    del sent
    kind = _ERROR_TYPES.get(error.status, "api_error")
    return _event("error", error={"type": kind, "message": error.message})


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return request id and rate-limit headers."""
    del total_s  # the dialect does not tell
    return {
        "request-id": f"req_{request_id}",
        "anthropic-organization-id": "contractcheck-simulator",
        "anthropic-ratelimit-requests-limit": str(_REQUEST_LIMIT),
        "anthropic-ratelimit-requests-remaining": str(requests_left % _REQUEST_LIMIT),
        "anthropic-ratelimit-requests-reset": _RESET_TIME,
        "anthropic-ratelimit-tokens-limit": "4800000",
        "anthropic-ratelimit-tokens-remaining": "4799000",
        "anthropic-ratelimit-tokens-reset": _RESET_TIME,
    }


def write_error_headers(error: RequestError) -> dict[str, str]:
    """Return ``retry-after``, seconds, for a 429."""
    too_many = error.status == TOO_MANY_REQUESTS
    return {"retry-after": f"{error.retry_delay_s:g}"} if too_many else {}


def _envelope(
    question: Question, answer: Answer, content: list[dict[str, object]]
) -> dict[str, object]:
    return {
        "id": f"msg_01{answer.key}",
        "type": "message",
        "role": "assistant",
        "model": resolve_model(question.model, SNAPSHOT_DATE.replace("-", "")),
        "text" if "renamed_field" in answer.changes else "content": content,
    }


def _usage(answer: Answer, output_tokens: int) -> dict[str, object]:
    return {
        "input_tokens": answer.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _open_tool_block(answer: Answer) -> dict[str, object]:
    return {"type": "tool_use", "id": f"toolu_01{answer.key}", "name": answer.tool, "input": {}}


def _stop_reason(answer: Answer) -> str:
    return "pause_turn" if "finish_reason" in answer.changes else _STOP_REASONS[answer.finish]


def _event(kind: str, **fields: object) -> bytes:
    data = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"

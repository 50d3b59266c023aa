"""The OpenAI Responses dialect (https://platform.openai.com/docs/api-reference/responses).

Headers, refusals and error envelopes are those of the chat completions dialect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.simulator.dialect import (
    EVENT_STREAM,
    SNAPSHOT_DATE,
    Frame,
    check_model,
    date_answer,
    resolve_model,
)
from contractcheck.simulator.openai_wire import (
    AUTH_HEADERS,
    FREE_OBJECT,
    make_overload,
    write_error,
    write_error_headers,
    write_headers,
    write_logprobs,
)
from contractcheck.simulator.question import Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
    as_list,
    as_mapping,
    canonical_key,
    flatten_content,
    read_integer,
    read_number,
    read_schema,
    read_text,
    read_tools,
)
from contractcheck.simulator.thoughts import count_thoughts, find_thoughts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.distribution import Token

__all__ = [
    "AUTH_HEADERS",
    "FORMAT",
    "PATHS",
    "STREAM_TYPE",
    "make_overload",
    "read_question",
    "write_answer",
    "write_error",
    "write_error_headers",
    "write_frames",
    "write_headers",
    "write_stream_error",
]

FORMAT: str = "openai-responses"
PATHS: Mapping[str, Mapping[str, object]] = {"/v1/responses": {}}
STREAM_TYPE: str = EVENT_STREAM

_ECHOED: Mapping[str, object] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
"""Request fields that the response repeats, and what it says when they were not sent."""

_LOGPROBS = "message.output_text.logprobs"
_MOST_TOKENS = 128_000


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    items = _read_items(body)
    tools = _read_tools(body)
    choice, forced = _read_tool_choice(body, tools)
    texts = [flatten_content(item.get("content", item.get("output"))) for item in items]
    has_logprobs = _LOGPROBS in as_list(body.get("include"))
    top = read_integer(body, "top_logprobs", 0, 0, 20)
    return Question(
        model=model,
        prompt="\n".join([flatten_content(body.get("instructions")), *texts]).strip(),
        key=canonical_key(body),
        after_tool=items[-1].get("type") == "function_call_output",
        temperature=read_number(body, "temperature", 1.0, 0.0, 2.0),
        top_p=max(read_number(body, "top_p", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(body, "max_output_tokens", 4096, 1, _MOST_TOKENS),
        schema=_read_format(body),
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        streamed=body.get("stream") is True,
        top_logprobs=top if has_logprobs else None,
        shows_thoughts=as_mapping(body.get("reasoning")).get("effort") not in (None, "none"),
        echo=_read_echo(body),
    )


def _read_items(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    asked = body.get("input")
    if isinstance(asked, str) and asked:
        return [{"role": "user", "content": asked}]
    if not isinstance(asked, list) or not asked:
        raise RequestError("'input' must be a text or a non-empty array.", param="input")
    for i, item in enumerate(asked):
        if not isinstance(item, dict) or not ("role" in item or "type" in item):
            raise RequestError(f"'input[{i}]' must have a role or a type.", param=f"input[{i}]")
    return asked


def _read_tools(body: Mapping[str, object]) -> tuple[Tool, ...]:
    tools = [as_mapping(tool) for tool in as_list(body.get("tools"))]
    if any(tool.get("type", "function") != "function" for tool in tools):
        raise RequestError("Only tools of type 'function' are supported.", param="tools")
    return read_tools(tools, lambda tool: read_schema(tool.get("parameters") or {}, "tools"))


def _read_tool_choice(
    body: Mapping[str, object], tools: tuple[Tool, ...]
) -> tuple[Literal["auto", "none", "required", "named"], str | None]:
    choice = body.get("tool_choice") or "auto"
    if choice == "auto" or choice == "none" or choice == "required":  # noqa: PLR1714 - narrows the type
        return choice, None
    name = as_mapping(choice).get("name")
    if name not in [tool.name for tool in tools]:
        raise RequestError(f"Tool choice {name!r} is not among 'tools'.", param="tool_choice")
    return "named", str(name)


def _read_format(body: Mapping[str, object]) -> Mapping[str, object] | None:
    wanted = as_mapping(as_mapping(body.get("text")).get("format"))
    match wanted.get("type", "text"):
        case "text":
            return None
        case "json_object":
            return FREE_OBJECT
        case "json_schema":
            return read_schema(wanted.get("schema"), "text.format.schema")
        case other:
            raise RequestError(
                f"Invalid value {other!r}; use text, json_object or json_schema.",
                param="text.format.type",
            )


def _read_echo(body: Mapping[str, object]) -> Mapping[str, object]:
    wanted = as_mapping(body.get("text")).get("format") or {"type": "text"}
    echo = {name: body.get(name, default) for name, default in _ECHOED.items()}
    return {**echo, "text": {"format": wanted, "verbosity": "medium"}}


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``response`` object."""
    status = _status(answer)
    reason = "model_pause" if "finish_reason" in answer.changes else "max_output_tokens"
    return {
        **_envelope(question, answer, night, status),
        "incomplete_details": {"reason": reason} if status == "incomplete" else None,
        _renamed(answer, "output", "items"): _write_items(question, answer, status),
        "usage": _usage(question, answer),
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the events from ``response.created`` to ``response.completed``."""
    plain = write_answer(question, answer, night)
    status = _status(answer)
    opening = {
        **_envelope(question, answer, night, "in_progress"),
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    last = max(len(answer.tokens) - 1, 0)
    events: list[tuple[int, str, dict[str, object]]] = [
        (0, "response.created", {"response": opening}),
        (0, "response.in_progress", {"response": opening}),
        *_stream_items(question, answer, status),
        (last, f"response.{status}", {"response": plain}),
    ]
    return [
        (token, _event(kind, sequence_number=number, **fields))
        for number, (token, kind, fields) in enumerate(events)
    ]


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return the ``error`` event; its fields stand in no envelope."""
    fields = {"code": error.code or error.kind, "message": error.message, "param": error.param}
    return _event("error", sequence_number=sent, **fields)


def _stream_items(
    question: Question, answer: Answer, status: str
) -> list[tuple[int, str, dict[str, object]]]:
    *thoughts, item = _write_items(question, answer, status)
    index = len(thoughts)
    write = _stream_call if answer.tool else _stream_text
    return [
        *(
            (0, f"response.output_item.{step}", {"output_index": 0, "item": thought})
            for thought in thoughts
            for step in ("added", "done")
        ),
        *write(question, answer, item, index),
    ]


def _stream_text(
    question: Question, answer: Answer, item: dict[str, object], index: int
) -> list[tuple[int, str, dict[str, object]]]:
    last = max(len(answer.tokens) - 1, 0)
    opened = {**item, "status": "in_progress", "content": []}
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    blank: dict[str, object] = {"type": "output_text", "annotations": [], "logprobs": []}
    part = _write_part(question, answer)
    delta = _renamed(answer, "delta", "output")
    return [
        (0, "response.output_item.added", {"output_index": index, "item": opened}),
        (0, "response.content_part.added", {**place, "part": {**blank, "text": ""}}),
        *(
            (
                i,
                "response.output_text.delta",
                {**place, delta: token.text, "logprobs": _logprobs(question, (token,))},
            )
            for i, token in enumerate(answer.tokens)
        ),
        (
            last,
            "response.output_text.done",
            {**place, "text": answer.text, "logprobs": part["logprobs"]},
        ),
        (last, "response.content_part.done", {**place, "part": part}),
        (last, "response.output_item.done", {"output_index": index, "item": item}),
    ]


def _stream_call(
    question: Question, answer: Answer, item: dict[str, object], index: int
) -> list[tuple[int, str, dict[str, object]]]:
    del question  # arguments have no log-probabilities
    last = max(len(answer.tokens) - 1, 0)
    opened = {**item, "status": "in_progress", "arguments": ""}
    place = {"item_id": item["id"], "output_index": index}
    delta = _renamed(answer, "delta", "output")
    kind = "response.function_call_arguments"
    return [
        (0, "response.output_item.added", {"output_index": index, "item": opened}),
        *(
            (i, f"{kind}.delta", {**place, delta: token.text})
            for i, token in enumerate(answer.tokens)
        ),
        (last, f"{kind}.done", {**place, "name": answer.tool, "arguments": answer.text}),
        (last, "response.output_item.done", {"output_index": index, "item": item}),
    ]


def _envelope(question: Question, answer: Answer, night: str, status: str) -> dict[str, object]:
    return {
        "id": f"resp_{answer.key * 3}",
        "object": "response",
        "created_at": date_answer(answer, night),
        "status": status,
        "background": False,
        "error": None,
        "model": resolve_model(question.model, SNAPSHOT_DATE),
        "service_tier": "default",
        **question.echo,
    }


def _write_items(question: Question, answer: Answer, status: str) -> list[dict[str, object]]:
    """Return what was thought, if anything, and what was said; a summary only when asked for."""
    said = _write_call(answer, status) if answer.tool else _write_message(question, answer, status)
    thoughts = find_thoughts(question, answer)
    if not thoughts:
        return [said]
    asked = as_mapping(question.echo.get("reasoning")).get("summary") is not None
    summary = [{"type": "summary_text", "text": "".join(thoughts)}] if asked else []
    return [{"id": f"rs_{answer.key * 3}", "type": "reasoning", "summary": summary}, said]


def _write_message(question: Question, answer: Answer, status: str) -> dict[str, object]:
    return {
        "id": f"msg_{answer.key * 3}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [_write_part(question, answer)],
    }


def _write_call(answer: Answer, status: str) -> dict[str, object]:
    return {
        "id": f"fc_{answer.key * 3}",
        "type": "function_call",
        "status": status,
        "call_id": f"call_{answer.key}{answer.key[:8]}",
        "name": answer.tool,
        "arguments": answer.text,
    }


def _write_part(question: Question, answer: Answer) -> dict[str, object]:
    return {
        "type": "output_text",
        "annotations": [],
        "logprobs": _logprobs(question, answer.tokens),
        "text": answer.text,
    }


def _logprobs(question: Question, tokens: tuple[Token, ...]) -> list[dict[str, object]]:
    return [] if question.top_logprobs is None else write_logprobs(tokens, question.top_logprobs)


def _usage(question: Question, answer: Answer) -> dict[str, object]:
    reasoning_tokens = count_thoughts(find_thoughts(question, answer))
    output_tokens = len(answer.tokens) + reasoning_tokens
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
        "total_tokens": answer.prompt_tokens + output_tokens,
    }


def _status(answer: Answer) -> str:
    halted = answer.finish == "length" or "finish_reason" in answer.changes
    return "incomplete" if halted else "completed"


def _renamed(answer: Answer, name: str, new_name: str) -> str:
    return new_name if "renamed_field" in answer.changes else name


def _event(kind: str, **fields: object) -> bytes:
    data = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"

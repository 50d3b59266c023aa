"""The Cohere chat dialect, version 2 (https://docs.cohere.com/reference/chat)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.simulator.dialect import EVENT_STREAM, Frame, check_model
from contractcheck.simulator.keyed import keyed_integer
from contractcheck.simulator.openai_wire import FREE_OBJECT, write_error_headers
from contractcheck.simulator.question import Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
    as_list,
    as_mapping,
    canonical_key,
    flatten_content,
    read_function_tools,
    read_integer,
    read_messages,
    read_number,
    read_schema,
    read_stops,
    read_text,
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

FORMAT: str = "cohere"
PATHS: Mapping[str, Mapping[str, object]] = {"/v2/chat": {}}
AUTH_HEADERS: tuple[str, ...] = ("authorization",)
STREAM_TYPE: str = EVENT_STREAM

_FINISH_REASONS = {
    "stop": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tool": "TOOL_CALL",
}
_DEFAULT_TEMPERATURE = 0.3
_MOST_TOKENS = 128_000
_VOCABULARY_SIZE = 256_000
_CALL_LIMIT = 500


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    key = canonical_key(body)
    messages = read_messages(body)
    tools = read_function_tools(body)
    seed = body.get("seed")
    return Question(
        model=model,
        prompt="\n".join(_read_content(message.get("content")) for message in messages).strip(),
        key=key,
        after_tool=messages[-1]["role"] == "tool",
        temperature=read_number(body, "temperature", _DEFAULT_TEMPERATURE, 0.0, 1.0),
        top_p=max(read_number(body, "p", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(body, "max_tokens", 4096, 1, _MOST_TOKENS),
        stop=read_stops(body.get("stop_sequences"), "stop_sequences"),
        seed=seed if isinstance(seed, int) else None,
        schema=_read_response_format(body),
        tools=tools,
        tool_choice=_read_tool_choice(body, tools),
        streamed=body.get("stream") is True,
        top_logprobs=0 if body.get("logprobs") is True else None,
        shows_thoughts=as_mapping(body.get("thinking")).get("type") == "enabled",
    )


def _read_content(content: object) -> str:
    """Return the text of a message; what a tool found stands in documents."""
    documents = [
        as_mapping(as_mapping(part).get("document")).get("data") for part in as_list(content)
    ]
    values = [value for data in documents for value in (data, *as_mapping(data).values())]
    return "\n".join([flatten_content(content), *(v for v in values if isinstance(v, str))])


def _read_tool_choice(
    body: Mapping[str, object], tools: tuple[Tool, ...]
) -> Literal["auto", "none", "required"]:
    match body.get("tool_choice"):
        case None:
            return "auto"
        case "NONE":
            return "none"
        case "REQUIRED" if tools:
            return "required"
    raise RequestError("invalid request: tool_choice must be NONE, or REQUIRED with tools.")


def _read_response_format(body: Mapping[str, object]) -> Mapping[str, object] | None:
    wanted = as_mapping(body.get("response_format"))
    match wanted.get("type", "text"):
        case "text":
            return None
        case "json_object":
            schema = wanted.get("json_schema", wanted.get("schema"))
            return FREE_OBJECT if schema is None else read_schema(schema, "json_schema")
    raise RequestError("invalid request: response_format.type must be text or json_object.")


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the answer: id, finish reason, message and usage."""
    del night  # the dialect has no time stamp
    message: dict[str, object] = {"role": "assistant"}
    if answer.tool:
        call = {**_open_call(answer)}
        call["function"] = {"name": answer.tool, "arguments": answer.text}
        message |= {"tool_plan": _write_plan(answer), "tool_calls": [call]}
    else:
        message["content"] = [{"type": "text", "text": answer.text}]
    thoughts = find_thoughts(question, answer)
    if thoughts:
        thinking = {"type": "thinking", "thinking": "".join(thoughts)}
        message["content"] = [thinking, *as_list(message.get("content"))]
    plain: dict[str, object] = {
        "id": _answer_id(answer),
        _renamed(answer, "message"): message,
        "finish_reason": _finish_reason(answer),
        "usage": _usage(answer, thoughts),
    }
    if question.top_logprobs is not None and not answer.tool:
        plain["logprobs"] = [_write_logprob(token) for token in answer.tokens]
    return plain


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the events from ``message-start`` to ``message-end``, and ``[DONE]``."""
    del night
    last = max(len(answer.tokens) - 1, 0)
    opening = {
        "role": "assistant",
        "content": [],
        "tool_plan": "",
        "tool_calls": [],
        "citations": [],
    }
    thoughts = find_thoughts(question, answer)
    ending = {"finish_reason": _finish_reason(answer), "usage": _usage(answer, thoughts)}
    start = {"id": _answer_id(answer), "delta": {"message": opening}}
    return [
        (0, _event("message-start", **start)),
        *_stream_thoughts(thoughts),
        *(
            _stream_call(answer)
            if answer.tool
            else _stream_text(question, answer, index=1 if thoughts else 0)
        ),
        (last, _event("message-end", delta=ending)),
        (last, b"data: [DONE]\n\n"),
    ]


def _stream_thoughts(thoughts: tuple[str, ...]) -> list[Frame]:
    def event(kind: str, **content: str) -> Frame:
        return 0, _event(kind, index=0, delta={"message": {"content": content}})

    if not thoughts:
        return []
    return [
        event("content-start", type="thinking", thinking=""),
        *(event("content-delta", thinking=thought) for thought in thoughts),
        (0, _event("content-end", index=0)),
    ]


def _stream_text(question: Question, answer: Answer, *, index: int) -> list[Frame]:
    def delta(**content: str) -> dict[str, object]:
        return {_renamed(answer, "delta"): {"message": {"content": content}}}

    opened = _event("content-start", index=index, **delta(type="text", text=""))
    frames: list[Frame] = [(0, opened)]
    for i, token in enumerate(answer.tokens):
        fields = delta(text=token.text)
        if question.top_logprobs is not None:
            fields["logprobs"] = _write_logprob(token)
        frames.append((i, _event("content-delta", index=index, **fields)))
    return [*frames, (max(len(answer.tokens) - 1, 0), _event("content-end", index=index))]


def _stream_call(answer: Answer) -> list[Frame]:
    def delta(**fields: object) -> dict[str, object]:
        return {_renamed(answer, "delta"): {"message": fields}}

    last = max(len(answer.tokens) - 1, 0)
    return [
        (0, _event("tool-plan-delta", **delta(tool_plan=_write_plan(answer)))),
        (0, _event("tool-call-start", index=0, **delta(tool_calls=_open_call(answer)))),
        *(
            (
                i,
                _event(
                    "tool-call-delta",
                    index=0,
                    **delta(tool_calls={"function": {"arguments": token.text}}),
                ),
            )
            for i, token in enumerate(answer.tokens)
        ),
        (last, _event("tool-call-end", index=0)),
    ]


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 503 (even kinds) or 429."""
    if kind % 2 == 0:
        return RequestError("service unavailable, please try again later", status=503)
    return RequestError("You have exceeded your rate limit. Please try again later.", status=429)


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"id", "message"}``."""
    return {"id": _write_uuid(request_id.removeprefix("req_")), "message": error.message}


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return a ``message-end`` that says what went wrong."""
    del sent
    return _event("message-end", delta={"finish_reason": "ERROR", "error": error.message})


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return trace id, server time and the limit of trial keys."""
    return {
        "x-debug-trace-id": request_id * 2,
        "x-envoy-upstream-service-time": str(int(total_s * 1000)),
        "x-trial-endpoint-call-limit": str(_CALL_LIMIT),
        "x-trial-endpoint-call-remaining": str(requests_left % _CALL_LIMIT),
    }


def _open_call(answer: Answer) -> dict[str, object]:
    function = {"name": answer.tool, "arguments": ""}
    return {"id": f"{answer.tool}_{answer.key[:12]}", "type": "function", "function": function}


def _write_plan(answer: Answer) -> str:
    return f"I will use {answer.tool}."


def _write_logprob(token: Token) -> dict[str, object]:
    token_id = keyed_integer("token", token.text) % _VOCABULARY_SIZE
    return {"text": token.text, "token_ids": [token_id], "logprobs": [token.logprob]}


def _usage(answer: Answer, thoughts: tuple[str, ...]) -> dict[str, object]:
    output_tokens = len(answer.tokens) + count_thoughts(thoughts)
    counts = {"input_tokens": answer.prompt_tokens, "output_tokens": output_tokens}
    return {"billed_units": counts, "tokens": counts, "cached_tokens": 0}


def _finish_reason(answer: Answer) -> str:
    return "MODEL_PAUSE" if "finish_reason" in answer.changes else _FINISH_REASONS[answer.finish]


def _renamed(answer: Answer, name: str) -> str:
    return "output" if "renamed_field" in answer.changes else name


def _answer_id(answer: Answer) -> str:
    return _write_uuid(answer.key)


def _write_uuid(digits: str) -> str:
    """Return 16 hexadecimal digits in the form of a UUID (RFC 9562, version 4)."""
    parts = digits[:8], digits[8:12], f"4{digits[12:15]}", f"8{digits[:3]}", digits[-12:]
    return "-".join(parts)


def _event(kind: str, **fields: object) -> bytes:
    data = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"

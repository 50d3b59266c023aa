"""The OpenAI chat completions dialect (https://platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

import math
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
from contractcheck.simulator.keyed import keyed_integer
from contractcheck.simulator.question import TOO_MANY_REQUESTS, Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
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

FORMAT: str = "openai-chat"
PATHS: Mapping[str, Mapping[str, object]] = {"/v1/chat/completions": {}}
AUTH_HEADERS: tuple[str, ...] = ("authorization",)
STREAM_TYPE: str = EVENT_STREAM

FREE_OBJECT: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["answer", "confidence"],
}
"""What JSON mode writes when no schema is given."""

_FINISH_REASONS = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool": "tool_calls",
}
_MOST_TOKENS = 128_000
_REQUEST_LIMIT = 10_000


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    messages = read_messages(body)
    read_integer(body, "n", 1, 1, 1)
    most = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
    tools = read_function_tools(body)
    choice, forced = _read_tool_choice(body, tools)
    has_logprobs = body.get("logprobs") is True
    seed = body.get("seed")
    return Question(
        model=model,
        prompt="\n".join(flatten_content(message.get("content")) for message in messages),
        key=canonical_key(body),
        after_tool=messages[-1]["role"] == "tool",
        temperature=read_number(body, "temperature", 1.0, 0.0, 2.0),
        top_p=max(read_number(body, "top_p", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(body, most, 4096, 1, _MOST_TOKENS),
        stop=read_stops(body.get("stop"), "stop"),
        seed=seed if isinstance(seed, int) else None,
        schema=_read_response_format(body),
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        streamed=body.get("stream") is True,
        with_usage_chunk=as_mapping(body.get("stream_options")).get("include_usage") is True,
        top_logprobs=read_integer(body, "top_logprobs", 0, 0, 20) if has_logprobs else None,
        shows_thoughts=body.get("reasoning_effort") not in (None, "none"),
    )


def _read_tool_choice(
    body: Mapping[str, object], tools: tuple[Tool, ...]
) -> tuple[Literal["auto", "none", "required", "named"], str | None]:
    choice = body.get("tool_choice") or "auto"
    if choice == "auto" or choice == "none" or choice == "required":  # noqa: PLR1714 - narrows the type
        return choice, None
    name = as_mapping(as_mapping(choice).get("function")).get("name")
    if name not in [tool.name for tool in tools]:
        raise RequestError(f"Tool choice {name!r} is not among 'tools'.", param="tool_choice")
    return "named", str(name)


def _read_response_format(body: Mapping[str, object]) -> Mapping[str, object] | None:
    wanted = as_mapping(body.get("response_format"))
    match wanted.get("type", "text"):
        case "text":
            return None
        case "json_object":
            return FREE_OBJECT
        case "json_schema":
            inner = as_mapping(wanted.get("json_schema"))
            return read_schema(inner.get("schema"), "response_format.json_schema.schema")
        case other:
            raise RequestError(
                f"Invalid value {other!r}; use text, json_object or json_schema.",
                param="response_format.type",
            )


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``chat.completion`` object."""
    message: dict[str, object] = {
        "role": "assistant",
        "content": None if answer.tool else answer.text,
        "refusal": None,
        "annotations": [],
    }
    if answer.tool:
        function = {"name": answer.tool, "arguments": answer.text}
        message["tool_calls"] = [{"id": _call_id(answer), "type": "function", "function": function}]
    choice = {
        "index": 0,
        _message_field(answer, "message"): message,
        "logprobs": _write_logprobs(question, answer.tokens, answer),
        "finish_reason": _finish_reason(answer),
    }
    return {
        **_envelope(question, answer, night, "chat.completion"),
        "choices": [choice],
        "usage": _usage(question, answer),
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the ``chat.completion.chunk`` events, ending with ``[DONE]``."""
    envelope = _envelope(question, answer, night, "chat.completion.chunk")
    usage = {"usage": None} if question.with_usage_chunk else {}

    def frame(
        delta: Mapping[str, object], finish: str | None = None, tokens: tuple[Token, ...] = ()
    ) -> bytes:
        choice = {
            "index": 0,
            _message_field(answer, "delta"): delta,
            "logprobs": _write_logprobs(question, tokens, answer) if tokens else None,
            "finish_reason": finish,
        }
        return _event({**envelope, "choices": [choice], **usage})

    opening: dict[str, object] = {"role": "assistant", "content": "", "refusal": None}
    if answer.tool:
        function = {"name": answer.tool, "arguments": ""}
        call = {"index": 0, "id": _call_id(answer), "type": "function", "function": function}
        opening = {"role": "assistant", "content": None, "tool_calls": [call]}
    frames: list[Frame] = [(0, frame(opening))]
    for i, token in enumerate(answer.tokens):
        delta: dict[str, object] = {"content": token.text}
        if answer.tool:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": token.text}}]}
        frames.append((i, frame(delta, tokens=(token,))))
    last = max(len(answer.tokens) - 1, 0)
    frames.append((last, frame({}, finish=_finish_reason(answer))))
    if question.with_usage_chunk:
        frames.append(
            (last, _event({**envelope, "choices": [], "usage": _usage(question, answer)}))
        )
    frames.append((last, b"data: [DONE]\n\n"))
    return frames


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 503 (even kinds) or 429."""
    if kind % 2 == 0:
        message = "The server is overloaded, try again later."
        return RequestError(message, status=503, kind="server_error")
    message = "Rate limit reached for requests."
    return RequestError(message, status=429, kind="requests", code="rate_limit_exceeded")


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"error": {message, type, param, code}}``."""
    del request_id  # only in the headers of this dialect
    return {
        "error": {
            "message": error.message,
            "type": error.kind,
            "param": error.param,
            "code": error.code,
        }
    }


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return an event with the error envelope; no ``[DONE]`` follows."""
    del sent
    return _event(write_error(error, ""))


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return request id, version, server time and rate-limit headers."""
    return {
        "x-request-id": f"req_{request_id}",
        "openai-version": "2020-10-01",
        "openai-organization": "contractcheck-simulator",
        "openai-processing-ms": str(int(total_s * 1000)),
        "x-ratelimit-limit-requests": str(_REQUEST_LIMIT),
        "x-ratelimit-remaining-requests": str(requests_left % _REQUEST_LIMIT),
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-tokens": "2ms",
    }


def write_error_headers(error: RequestError) -> dict[str, str]:
    """Return when to retry a 429: in whole seconds, and in milliseconds where these are too coarse.

    The SDK prefers ``retry-after-ms`` to ``retry-after`` (openai/_base_client.py).
    """
    if error.status != TOO_MANY_REQUESTS:
        return {}
    delay_s = error.retry_delay_s
    headers = {"retry-after": str(math.ceil(delay_s))}
    if not delay_s.is_integer():
        headers["retry-after-ms"] = f"{delay_s * 1000:g}"
    return headers


def write_logprobs(tokens: tuple[Token, ...], top: int) -> list[dict[str, object]]:
    """Return token, natural-log probability, UTF-8 bytes and ``top`` alternatives per token."""
    return [
        {
            **_write_logprob(token.text, token.logprob),
            "top_logprobs": [
                _write_logprob(text, logprob) for text, logprob in token.alternatives(top)
            ],
        }
        for token in tokens
    ]


def _write_logprob(text: str, logprob: float) -> dict[str, object]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _envelope(question: Question, answer: Answer, night: str, kind: str) -> dict[str, object]:
    generation = "2" if "fingerprint" in answer.changes else "1"
    return {
        "id": f"chatcmpl-{answer.key}",
        "object": kind,
        "created": date_answer(answer, night),
        "model": resolve_model(question.model, SNAPSHOT_DATE),
        "service_tier": "default",
        "system_fingerprint": f"fp_{keyed_integer(question.model, generation):016x}"[:13],
    }


def _usage(question: Question, answer: Answer) -> dict[str, object]:
    # This wire counts the thoughts and never shows them.
    reasoning_tokens = count_thoughts(find_thoughts(question, answer))
    output_tokens = len(answer.tokens) + reasoning_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": answer.prompt_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _write_logprobs(
    question: Question, tokens: tuple[Token, ...], answer: Answer
) -> dict[str, object] | None:
    if question.top_logprobs is None or answer.tool:
        return None
    return {"content": write_logprobs(tokens, question.top_logprobs), "refusal": None}


def _message_field(answer: Answer, name: str) -> str:
    return "output" if "renamed_field" in answer.changes else name


def _finish_reason(answer: Answer) -> str:
    return "model_pause" if "finish_reason" in answer.changes else _FINISH_REASONS[answer.finish]


def _call_id(answer: Answer) -> str:
    return f"call_{answer.key}{answer.key[:8]}"


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

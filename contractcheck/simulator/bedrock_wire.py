"""The Bedrock Converse dialect.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.simulator.aws_events import encode_event, encode_exception
from contractcheck.simulator.dialect import Frame, check_model, parse_arguments
from contractcheck.simulator.question import Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
    as_list,
    as_mapping,
    canonical_key,
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

FORMAT: str = "bedrock"
PATHS: Mapping[str, Mapping[str, object]] = {
    "/model/{model:path}/converse": {"stream": False},
    "/model/{model:path}/converse-stream": {"stream": True},
}
AUTH_HEADERS: tuple[str, ...] = ("authorization",)
STREAM_TYPE: str = "application/vnd.amazon.eventstream"

_ERROR_TYPES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_STOP_REASONS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool": "tool_use",
}
_MOST_TOKENS = 128_000
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""Events carry a beginning of it, of varying length, in the undocumented field ``p``."""


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body, with ``model`` and ``stream`` from the path.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    key = canonical_key(body)
    messages = read_messages(body)
    settings = as_mapping(body.get("inferenceConfig"))
    tools, choice, forced = _read_tools(as_mapping(body.get("toolConfig")))
    blocks = [_blocks(message.get("content")) for message in messages]
    texts = [
        _read_text(block) for found in (_blocks(body.get("system")), *blocks) for block in found
    ]
    return Question(
        model=model,
        prompt="\n".join(text for text in texts if text).strip(),
        key=key,
        after_tool=any("toolResult" in block for block in blocks[-1]),
        temperature=read_number(settings, "temperature", 1.0, 0.0, 1.0),
        top_p=max(read_number(settings, "topP", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(settings, "maxTokens", 4096, 1, _MOST_TOKENS),
        stop=read_stops(settings.get("stopSequences"), "inferenceConfig.stopSequences"),
        schema=_read_text_format(body),
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        streamed=body.get("stream") is True,
        shows_thoughts=as_mapping(body.get("outputConfig")).get("effort") is not None,
    )


def _blocks(content: object) -> list[Mapping[str, object]]:
    return [as_mapping(block) for block in as_list(content)]


def _read_text(block: Mapping[str, object]) -> str:
    results = _blocks(as_mapping(block.get("toolResult")).get("content"))
    texts = [part.get("text") for part in (block, *results)]
    texts += [orjson.dumps(part["json"]).decode() for part in results if "json" in part]
    return "\n".join(text for text in texts if isinstance(text, str))


def _read_tools(
    config: Mapping[str, object],
) -> tuple[tuple[Tool, ...], Literal["auto", "required", "named"], str | None]:
    tools = read_tools(
        (tool.get("toolSpec") for tool in _blocks(config.get("tools"))),
        lambda spec: read_schema(as_mapping(spec.get("inputSchema")).get("json"), "inputSchema"),
    )
    choice = as_mapping(config.get("toolChoice"))
    if not choice or "auto" in choice:
        return tools, "auto", None
    if "any" in choice:
        return tools, "required", None
    name = as_mapping(choice.get("tool")).get("name")
    if name not in [tool.name for tool in tools]:
        raise RequestError(f"The tool {name!r} of toolChoice is not among the tools.")
    return tools, "named", str(name)


def _read_text_format(body: Mapping[str, object]) -> Mapping[str, object] | None:
    wanted = as_mapping(as_mapping(body.get("outputConfig")).get("textFormat"))
    if not wanted:
        return None
    inner = as_mapping(as_mapping(wanted.get("structure")).get("jsonSchema"))
    try:
        return read_schema(orjson.loads(read_text(inner, "schema")), "jsonSchema.schema")
    except orjson.JSONDecodeError:
        raise RequestError("The schema of outputConfig.textFormat is no JSON text.") from None


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``ConverseResponse``."""
    del night  # the dialect names no model and has no time stamp
    blocks: list[dict[str, object]] = []
    thoughts = find_thoughts(question, answer)
    if thoughts:
        blocks.append({"reasoningContent": {"reasoningText": {"text": "".join(thoughts)}}})
    if answer.tool:
        called = {**_open_tool_use(answer), "input": parse_arguments(answer.text)}
        blocks.append({"toolUse": called})
    else:
        blocks.append({"text": answer.text})
    field = "outputs" if "renamed_field" in answer.changes else "output"
    return {
        field: {"message": {"role": "assistant", "content": blocks}},
        "stopReason": _stop_reason(answer),
        **_write_metadata(answer, thoughts),
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the events from ``messageStart`` to ``metadata``."""
    del night
    delta_field = "output" if "renamed_field" in answer.changes else "delta"
    thoughts = find_thoughts(question, answer)
    frames: list[Frame] = [(0, _event(answer, "messageStart", role="assistant"))]
    block = {"contentBlockIndex": 0}
    for thought in thoughts:
        said = {delta_field: {"reasoningContent": {"text": thought}}}
        frames.append((0, _event(answer, "contentBlockDelta", **block, **said)))
    if thoughts:
        frames.append((0, _event(answer, "contentBlockStop", **block)))
        block = {"contentBlockIndex": 1}
    if answer.tool:
        opened = {"toolUse": _open_tool_use(answer)}
        frames.append((0, _event(answer, "contentBlockStart", **block, start=opened)))
    for i, token in enumerate(answer.tokens):
        delta: dict[str, object] = {"text": token.text}
        if answer.tool:
            delta = {"toolUse": {"input": token.text}}
        frames.append((i, _event(answer, "contentBlockDelta", **block, **{delta_field: delta})))
    last = max(len(answer.tokens) - 1, 0)
    return [
        *frames,
        (last, _event(answer, "contentBlockStop", **block)),
        (last, _event(answer, "messageStop", stopReason=_stop_reason(answer))),
        (last, _event(answer, "metadata", **_write_metadata(answer, thoughts))),
    ]


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 503 (even kinds) or 429."""
    if kind % 2 == 0:
        return RequestError("Bedrock is unable to process your request.", status=503)
    message = "Too many requests, please wait before trying again."
    return RequestError(message, status=429)


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"message"}``; which error it is stands in a header."""
    del request_id
    return {"message": error.message}


def write_error_headers(error: RequestError) -> dict[str, str]:
    """Return the name of the error; AWS does not tell when to retry."""
    return {"x-amzn-errortype": _ERROR_TYPES.get(error.status, "InternalServerException")}


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return the exception as a message of the stream."""
    del sent
    name = _ERROR_TYPES.get(error.status, "InternalServerException")
    return encode_exception(name[0].lower() + name[1:], orjson.dumps({"message": error.message}))


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return the request id, a UUID (RFC 9562) in form."""
    del requests_left, total_s  # the dialect does not tell
    parts = request_id[:8], request_id[8:12], f"4{request_id[12:15]}", f"8{request_id[:3]}"
    return {"x-amzn-requestid": f"{'-'.join(parts)}-{request_id[4:]}"}


def _open_tool_use(answer: Answer) -> dict[str, object]:
    return {"toolUseId": f"tooluse_{answer.key}{answer.key[:6]}", "name": answer.tool}


def _write_metadata(answer: Answer, thoughts: tuple[str, ...]) -> dict[str, object]:
    output_tokens = len(answer.tokens) + count_thoughts(thoughts)
    return {
        "usage": {
            "inputTokens": answer.prompt_tokens,
            "outputTokens": output_tokens,
            "totalTokens": answer.prompt_tokens + output_tokens,
        },
        "metrics": {"latencyMs": int(answer.timing.total_s * 1000)},
    }


def _stop_reason(answer: Answer) -> str:
    return "model_pause" if "finish_reason" in answer.changes else _STOP_REASONS[answer.finish]


def _event(answer: Answer, kind: str, **fields: object) -> bytes:
    content = orjson.dumps(fields)
    size = (int(answer.key, 16) + len(content)) % len(_PADDING)
    return encode_event(kind, orjson.dumps({**fields, "p": _PADDING[: size + 1]}))

"""The Gemini ``generateContent`` dialect (https://ai.google.dev/api/generate-content)."""

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
from contractcheck.simulator.gemini_schema import to_json_schema
from contractcheck.simulator.openai_wire import FREE_OBJECT
from contractcheck.simulator.question import TOO_MANY_REQUESTS, Question, RequestError, Tool
from contractcheck.simulator.request_fields import (
    as_list,
    as_mapping,
    canonical_key,
    read_integer,
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
    from contractcheck.simulator.distribution import Token

FORMAT: str = "gemini"
_VERTEX = "projects/{project}/locations/{region}/publishers/google/"
PATHS: Mapping[str, Mapping[str, object]] = {
    f"/{version}/{place}models/{{model}}:{method}": {"stream": method == "streamGenerateContent"}
    for version, place in (("v1", ""), ("v1beta", ""), ("v1", _VERTEX), ("v1beta1", _VERTEX))
    for method in ("generateContent", "streamGenerateContent")
}
"""Of the Gemini API and of Vertex AI. The stream is always one of server-sent events, as
``alt=sse`` asks."""

AUTH_HEADERS: tuple[str, ...] = ("x-goog-api-key", "authorization", "?key")
STREAM_TYPE: str = EVENT_STREAM

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
"""https://cloud.google.com/apis/design/errors#handling_errors"""

_FINISH_REASONS = {"stop": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS", "tool": "STOP"}
_MOST_TOKENS = 128_000


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body, with ``model`` and ``stream`` from the path.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    key = canonical_key(body)
    contents = _read_contents(body)
    settings = as_mapping(_find(body, "generationConfig"))
    read_integer(settings, "candidateCount", 1, 1, 1)
    tools, choice, forced = _read_tools(body)
    system = as_mapping(_find(body, "systemInstruction"))
    seed = settings.get("seed")
    return Question(
        model=model,
        prompt="\n".join(_read_text(content) for content in (system, *contents)).strip(),
        key=key,
        after_tool=any("functionResponse" in part for part in _parts(contents[-1])),
        temperature=read_number(settings, "temperature", 1.0, 0.0, 2.0),
        top_p=max(read_number(settings, "topP", 1.0, 0.0, 1.0), 1e-9),
        max_tokens=read_integer(settings, "maxOutputTokens", 4096, 1, _MOST_TOKENS),
        stop=read_stops(settings.get("stopSequences"), "generationConfig.stopSequences"),
        seed=seed if isinstance(seed, int) else None,
        schema=_read_response_schema(settings),
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        streamed=body.get("stream") is True,
        top_logprobs=_read_logprobs(settings),
        shows_thoughts=_find(_thinking_config(settings), "includeThoughts") is True,
    )


def _thinking_config(settings: Mapping[str, object]) -> Mapping[str, object]:
    return as_mapping(_find(settings, "thinkingConfig"))


def _find(fields: Mapping[str, object], name: str) -> object:
    """Look up a field in camelCase or snake_case: the protobuf JSON mapping allows both."""
    snake_case = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return fields.get(name, fields.get(snake_case))


def _read_contents(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    contents = [as_mapping(content) for content in as_list(body.get("contents"))]
    if not contents:
        raise RequestError("* GenerateContentRequest.contents: contents is not specified")
    if not all(_parts(content) for content in contents):
        raise RequestError("* GenerateContentRequest.contents[].parts: must not be empty")
    return contents


def _parts(content: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [part for part in map(as_mapping, as_list(content.get("parts"))) if part]


def _read_text(content: Mapping[str, object]) -> str:
    texts = [part.get("text") for part in _parts(content)]
    results = [as_mapping(part.get("functionResponse")).get("response") for part in _parts(content)]
    texts += [value for result in results for value in as_mapping(result).values()]
    return "\n".join(text for text in texts if isinstance(text, str))


def _read_tools(
    body: Mapping[str, object],
) -> tuple[tuple[Tool, ...], Literal["auto", "none", "required", "named"], str | None]:
    written = [
        function
        for tool in map(as_mapping, as_list(body.get("tools")))
        for function in as_list(_find(tool, "functionDeclarations"))
    ]
    tools = read_tools(written, _read_parameters)
    config = as_mapping(_find(as_mapping(_find(body, "toolConfig")), "functionCallingConfig"))
    mode = config.get("mode") or "AUTO"
    allowed = as_list(_find(config, "allowedFunctionNames"))
    if allowed:
        tools = tuple(tool for tool in tools if tool.name in allowed)
    match mode:
        case "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED":
            return tools, "auto", None
        case "NONE":
            return tools, "none", None
        case "ANY" if tools:
            return tools, "required", None
    raise RequestError(f"Invalid function_calling_config: mode {mode!r} with {len(tools)} tools.")


def _read_parameters(function: Mapping[str, object]) -> Mapping[str, object]:
    plain = _find(function, "parametersJsonSchema")
    if plain is not None:
        return read_schema(plain, "parametersJsonSchema")
    return to_json_schema(function.get("parameters") or {})


def _read_response_schema(settings: Mapping[str, object]) -> Mapping[str, object] | None:
    wants_json = _find(settings, "responseMimeType") == "application/json"
    plain, own = _find(settings, "responseJsonSchema"), _find(settings, "responseSchema")
    if (plain is not None or own is not None) and not wants_json:
        raise RequestError("A response schema requires responseMimeType application/json.")
    if plain is not None:
        return read_schema(plain, "generationConfig.responseJsonSchema")
    if own is not None:
        return to_json_schema(own)
    return FREE_OBJECT if wants_json else None


def _read_logprobs(settings: Mapping[str, object]) -> int | None:
    top = read_integer(settings, "logprobs", 0, 0, 20)
    return top if settings.get("responseLogprobs") is True else None


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``GenerateContentResponse``."""
    del night  # the dialect has no time stamp
    thoughts = find_thoughts(question, answer)
    return _write_chunk(question, answer, answer.tokens, thoughts=thoughts, is_last=True)


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return one response per token; a function call is never split."""
    del night
    last = max(len(answer.tokens) - 1, 0)
    frames: list[Frame] = [
        (0, _event(_write_chunk(question, answer, (), thoughts=(thought,))))
        for thought in find_thoughts(question, answer)
    ]
    if not answer.tool:
        for i, token in enumerate(answer.tokens[:-1]):
            frames.append((i, _event(_write_chunk(question, answer, (token,)))))
    end = answer.tokens if answer.tool else answer.tokens[-1:]
    return [*frames, (last, _event(_write_chunk(question, answer, end, is_last=True)))]


def _write_chunk(
    question: Question,
    answer: Answer,
    tokens: tuple[Token, ...],
    *,
    thoughts: tuple[str, ...] = (),
    is_last: bool = False,
) -> dict[str, object]:
    field = "output" if "renamed_field" in answer.changes else "content"
    parts = [{"text": thought, "thought": True} for thought in thoughts]
    if tokens or is_last:
        parts += _write_parts(answer, tokens)
    candidate: dict[str, object] = {field: {"parts": parts, "role": "model"}, "index": 0}
    if is_last:
        candidate["finishReason"] = _finish_reason(answer)
    if question.top_logprobs is not None and tokens and not answer.tool:
        candidate["logprobsResult"] = _write_logprobs(tokens, question.top_logprobs)
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(question, answer),
        "modelVersion": resolve_model(question.model, SNAPSHOT_DATE),
        "responseId": f"{answer.key}Sim",
    }


def _write_parts(answer: Answer, tokens: tuple[Token, ...]) -> list[dict[str, object]]:
    if not answer.tool:
        return [{"text": "".join(token.text for token in tokens)}]
    call = {"name": answer.tool, "args": parse_arguments(answer.text)}
    return [{"functionCall": call}]


def _write_logprobs(tokens: tuple[Token, ...], top: int) -> dict[str, object]:
    def write(text: str, logprob: float) -> dict[str, object]:
        return {"token": text, "logProbability": logprob}

    return {
        "chosenCandidates": [write(token.text, token.logprob) for token in tokens],
        "topCandidates": [
            {"candidates": [write(*pair) for pair in token.alternatives(top)]} for token in tokens
        ],
    }


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 503 (even kinds) or 429."""
    if kind % 2 == 0:
        message = "The model is overloaded. Please try again later."
        return RequestError(message, status=503)
    return RequestError("You exceeded your current quota.", status=429)


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"error": {code, message, status, details}}`` (google.rpc.Status).

    A 429 tells in ``google.rpc.RetryInfo`` when to ask again; there is no such header.
    """
    del request_id  # the dialect has none
    envelope: dict[str, object] = {
        "code": error.status,
        "message": error.message,
        "status": _STATUSES.get(error.status, "INTERNAL"),
    }
    if error.status == TOO_MANY_REQUESTS:
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        envelope["details"] = [{"@type": kind, "retryDelay": f"{error.retry_delay_s:g}s"}]
    return {"error": envelope}


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return an event with the error envelope."""
    del sent
    return _event(write_error(error, ""))


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return the server's time; this dialect has neither request ids nor limits in headers."""
    del request_id, requests_left
    return {
        "server-timing": f"gfet4t7; dur={int(total_s * 1000)}",
        "x-content-type-options": "nosniff",
    }


def write_error_headers(error: RequestError) -> dict[str, str]:
    """Return nothing: the delay of a 429 stands in the body."""
    del error
    return {}


def _usage(question: Question, answer: Answer) -> dict[str, object]:
    output_tokens = len(answer.tokens)
    thoughts = count_thoughts(find_thoughts(question, answer))
    return {
        "promptTokenCount": answer.prompt_tokens,
        "candidatesTokenCount": output_tokens,
        "totalTokenCount": answer.prompt_tokens + output_tokens + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": answer.prompt_tokens}],
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
    }


def _finish_reason(answer: Answer) -> str:
    return "MODEL_PAUSE" if "finish_reason" in answer.changes else _FINISH_REASONS[answer.finish]


def _event(data: Mapping[str, object]) -> bytes:
    # Google ends lines with both characters.
    return b"data: " + orjson.dumps(data) + b"\r\n\r\n"

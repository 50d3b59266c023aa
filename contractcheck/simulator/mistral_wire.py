"""The Mistral chat dialect (https://docs.mistral.ai/api/).

Its requests are almost those of OpenAI, under the same path: so it stands under a prefix.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from contractcheck.simulator import openai_wire
from contractcheck.simulator.dialect import (
    EVENT_STREAM,
    SNAPSHOT_DATE,
    Frame,
    date_answer,
    resolve_model,
)
from contractcheck.simulator.keyed import keyed_integer
from contractcheck.simulator.openai_wire import write_error_headers
from contractcheck.simulator.question import Question, RequestError
from contractcheck.simulator.request_fields import as_list
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

FORMAT: str = "mistral"
PATHS: Mapping[str, Mapping[str, object]] = {"/mistral/v1/chat/completions": {}}
AUTH_HEADERS: tuple[str, ...] = ("authorization",)
STREAM_TYPE: str = EVENT_STREAM

_FINISH_REASONS = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool": "tool_calls",
}
_UNPROCESSABLE = 422
_CALL_ID_LETTERS = 9
_VOCABULARY_SIZE = 131_072
_REQUEST_LIMIT = 60
_TOKEN_LIMIT = 500_000


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    choice = body.get("tool_choice")
    same = {
        **{name: value for name, value in body.items() if name != "random_seed"},
        "seed": body.get("random_seed"),
        "tool_choice": "required" if choice == "any" else choice,
        "messages": [_plain_message(message) for message in as_list(body.get("messages"))],
    }
    try:
        question = openai_wire.read_question(same)
    except RequestError as error:
        raise _translate(error) from None
    effort = body.get("reasoning_effort")
    return replace(question, shows_thoughts=effort is not None and effort != "none")


def _plain_message(message: object) -> object:
    """A message without what its absence says too: the SDK sends it with every answer."""
    if not isinstance(message, dict) or message.get("prefix") is not False:
        return message
    return {name: value for name, value in message.items() if name != "prefix"}


def _translate(error: RequestError) -> RequestError:
    if error.code == "model_not_found":
        message = error.message.replace("The model", "Invalid model:")
        return RequestError(message, kind="invalid_model", code="1500")
    status = _UNPROCESSABLE if error.param else error.status
    return RequestError(error.message, status=status, param=error.param)


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``chat.completion`` object."""
    thoughts = find_thoughts(question, answer)
    message: dict[str, object] = {"role": "assistant", "tool_calls": None, "content": answer.text}
    if answer.tool:
        message |= {"tool_calls": [_write_call(answer)], "content": ""}
    if thoughts:
        said = [] if answer.tool else [{"type": "text", "text": answer.text}]
        message["content"] = [*_write_thoughts(thoughts), *said]
    choice = {
        "index": 0,
        "finish_reason": _finish_reason(answer),
        _renamed(answer, "message"): message,
        **_write_logprobs(question, answer, answer.tokens),
    }
    return {
        **_envelope(question, answer, night, "chat.completion"),
        "choices": [choice],
        "usage": _usage(answer, thoughts),
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the ``chat.completion.chunk`` events; a tool call is never split."""
    envelope = _envelope(question, answer, night, "chat.completion.chunk")

    thoughts = find_thoughts(question, answer)

    def frame(delta: Mapping[str, object], *tokens: Token, is_last: bool = False) -> bytes:
        choice = {
            "index": 0,
            _renamed(answer, "delta"): delta,
            "finish_reason": _finish_reason(answer) if is_last else None,
            **_write_logprobs(question, answer, tokens),
        }
        usage = {"usage": _usage(answer, thoughts)} if is_last else {}
        return _event({**envelope, "choices": [choice], **usage})

    last = max(len(answer.tokens) - 1, 0)
    frames: list[Frame] = [(0, frame({"role": "assistant", "content": ""}))]
    frames += [(0, frame({"content": _write_thoughts((thought,))})) for thought in thoughts]
    ending: dict[str, object] = {"content": ""}
    if answer.tool:
        ending = {"content": "", "tool_calls": [_write_call(answer)]}
    else:
        frames += [
            (i, frame({"content": token.text}, token)) for i, token in enumerate(answer.tokens)
        ]
    return [*frames, (last, frame(ending, is_last=True)), (last, b"data: [DONE]\n\n")]


def _write_thoughts(thoughts: tuple[str, ...]) -> list[dict[str, object]]:
    return [{"type": "thinking", "thinking": [{"type": "text", "text": "".join(thoughts)}]}]


def _write_logprobs(
    question: Question, answer: Answer, tokens: tuple[Token, ...]
) -> dict[str, object]:
    """Log-probabilities as in chat completions, and each token's number."""
    if question.top_logprobs is None or answer.tool or not tokens:
        return {}
    content = openai_wire.write_logprobs(tokens, question.top_logprobs)
    for entry in content:
        for one in (entry, *as_list(entry["top_logprobs"])):
            if isinstance(one, dict):
                one["token_id"] = keyed_integer("token", str(one["token"])) % _VOCABULARY_SIZE
    return {"logprobs": {"content": content}}


def make_overload(kind: int) -> RequestError:
    """Return what an overloaded server answers: 503 (even kinds) or 429."""
    if kind % 2 == 0:
        message = "Service unavailable."
        return RequestError(message, status=503, kind="unreachable_backend", code="1100")
    message = "Rate limit exceeded"
    return RequestError(message, status=429, kind="rate_limited", code="1300")


def write_error(error: RequestError, request_id: str) -> dict[str, object]:
    """Return ``{"object": "error", message, type, param, code}``; for a wrong field ``detail``."""
    del request_id  # only in the headers of this dialect
    if error.status == _UNPROCESSABLE:
        place = ["body", error.param]
        return {"detail": [{"type": "value_error", "loc": place, "msg": error.message}]}
    return {
        "object": "error",
        "message": error.message,
        "type": error.kind,
        "param": error.param,
        "code": error.code,
    }


def write_stream_error(error: RequestError, sent: int) -> bytes:
    """Return an event with the error envelope; no ``[DONE]`` follows."""
    del sent
    return _event(write_error(error, ""))


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return correlation id, server time and rate-limit headers."""
    return {
        "mistral-correlation-id": request_id * 2,
        "x-envoy-upstream-service-time": str(int(total_s * 1000)),
        "x-ratelimit-limit-req-10-second": str(_REQUEST_LIMIT),
        "x-ratelimit-remaining-req-10-second": str(requests_left % _REQUEST_LIMIT),
        "x-ratelimit-limit-tokens-minute": str(_TOKEN_LIMIT),
        "x-ratelimit-remaining-tokens-minute": str(_TOKEN_LIMIT - 1),
    }


def _envelope(question: Question, answer: Answer, night: str, kind: str) -> dict[str, object]:
    return {
        "id": answer.key * 2,
        "object": kind,
        "created": date_answer(answer, night),
        "model": resolve_model(question.model, SNAPSHOT_DATE),
    }


def _write_call(answer: Answer) -> dict[str, object]:
    function = {"name": answer.tool, "arguments": answer.text}
    return {"id": answer.key[:_CALL_ID_LETTERS], "function": function, "index": 0}


def _usage(answer: Answer, thoughts: tuple[str, ...]) -> dict[str, object]:
    output_tokens = len(answer.tokens) + count_thoughts(thoughts)
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": answer.prompt_tokens + output_tokens,
    }


def _finish_reason(answer: Answer) -> str:
    return "model_pause" if "finish_reason" in answer.changes else _FINISH_REASONS[answer.finish]


def _renamed(answer: Answer, name: str) -> str:
    return "output" if "renamed_field" in answer.changes else name


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

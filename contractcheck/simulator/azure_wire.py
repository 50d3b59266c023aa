"""The Azure OpenAI dialect (https://learn.microsoft.com/azure/ai-services/openai/reference).

Chat completions under the path of a deployment, with what Azure's content filter adds to them:
a first chunk without choices, and the filter's results beside every piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from contractcheck.simulator import openai_wire
from contractcheck.simulator.openai_wire import (
    STREAM_TYPE,
    make_overload,
    read_question,
    write_error,
    write_error_headers,
    write_stream_error,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.dialect import Frame
    from contractcheck.simulator.question import Question

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

FORMAT: str = openai_wire.FORMAT
PATHS: Mapping[str, Mapping[str, object]] = {
    "/openai/deployments/{model}/chat/completions": {},
    "/openai/v1/chat/completions": {},
}
AUTH_HEADERS: tuple[str, ...] = ("api-key", "authorization")

_CLEAN: Mapping[str, object] = {
    kind: {"filtered": False, "severity": "safe"}
    for kind in ("hate", "self_harm", "sexual", "violence")
}
_PROMPT: tuple[Mapping[str, object], ...] = ({"prompt_index": 0, "content_filter_results": _CLEAN},)
_EVENT = b"data: {"


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``chat.completion`` object with the filter's results."""
    plain = openai_wire.write_answer(question, answer, night)
    return {**_filtered(plain), "prompt_filter_results": _PROMPT}


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return the chunks, after one about the prompt that has no choices."""
    about = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    frames = openai_wire.write_frames(question, answer, night)
    return [
        (0, _event({**about, "prompt_filter_results": _PROMPT})),
        *((token, _filter_event(data)) for token, data in frames),
    ]


def write_headers(request_id: str, requests_left: int, total_s: float) -> dict[str, str]:
    """Return request ids, region, deployment and rate-limit headers, resets in seconds."""
    same = openai_wire.write_headers(request_id, requests_left, total_s)
    limits = {name: value for name, value in same.items() if name.startswith("x-ratelimit-")}
    resets = {name: "1" for name in limits if "-reset-" in name}
    return {
        **limits,
        **resets,
        "apim-request-id": request_id,
        "x-request-id": request_id,
        "x-ms-region": "Simulated",
        "x-ms-deployment-name": "simulated",
        "azureml-model-session": "d000-20260301000000",
    }


def _filter_event(data: bytes) -> bytes:
    return _event(_filtered(orjson.loads(data[len(_EVENT) - 1 :]))) if _EVENT in data else data


def _filtered(document: Mapping[str, object]) -> dict[str, object]:
    choices = document["choices"]
    kept = choices if isinstance(choices, list) else []
    return {
        **document,
        "choices": [{**choice, "content_filter_results": _CLEAN} for choice in kept],
    }


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

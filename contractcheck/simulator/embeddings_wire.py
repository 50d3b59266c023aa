"""The OpenAI embeddings dialect (https://platform.openai.com/docs/api-reference/embeddings).

A vector is the sum of what a model takes each word for, so that texts with words in common are
near each other. The same text gives the same vector but for noise of 1e-4, as OpenAI's do
(openai/openai-python#868). Headers, refusals and error envelopes are those of chat completions.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.simulator.dialect import EVENT_STREAM, SNAPSHOT_DATE, check_model, resolve_model
from contractcheck.simulator.keyed import keyed_normals
from contractcheck.simulator.openai_wire import (
    AUTH_HEADERS,
    make_overload,
    write_error,
    write_error_headers,
    write_headers,
    write_stream_error,
)
from contractcheck.simulator.prompt import content_words
from contractcheck.simulator.question import Question, RequestError
from contractcheck.simulator.request_fields import canonical_key, read_integer, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.dialect import Frame

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

FORMAT: str = "openai-embeddings"
PATHS: Mapping[str, Mapping[str, object]] = {"/v1/embeddings": {}}
STREAM_TYPE: str = EVENT_STREAM

NOISE = 1e-4
"""Distance between two vectors of one text, give or take; vectors have norm 1."""

_DIMENSIONS = 256
_MOST_DIMENSIONS = 3072
_WORD_NOISE = 0.2
"""What a text has beside its words: keeps texts of the same words apart."""


def read_question(body: Mapping[str, object]) -> Question:
    """Read a request body; one text only.

    Raises:
        RequestError: A field is missing, of a wrong type or not supported.
    """
    model = read_text(body, "model")
    check_model(model)
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise RequestError("'encoding_format' must be float or base64.", param="encoding_format")
    size = read_integer(body, "dimensions", _DIMENSIONS, 1, _MOST_DIMENSIONS)
    kept = {name: value for name, value in body.items() if name != "encoding_format"}
    return Question(
        model=model,
        prompt=_read_text(body.get("input")),
        key=canonical_key(kept),
        max_tokens=1,
        echo={"encoding_format": form, "dimensions": size},
    )


def _read_text(value: object) -> str:
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(text, str) or not text:
        raise RequestError("'input' must be a text or an array of one.", param="input")
    return text


def write_answer(question: Question, answer: Answer, night: str) -> dict[str, object]:
    """Return the ``list`` object with one ``embedding``."""
    del night  # the dialect has no time stamp
    vector = _embed(question, answer)
    written: object = [float(f"{number:.9g}") for number in vector.tolist()]
    if question.echo["encoding_format"] == "base64":
        written = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    name = "output" if "renamed_field" in answer.changes else "embedding"
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, name: written}],
        "model": resolve_model(question.model, SNAPSHOT_DATE),
        "usage": {"prompt_tokens": answer.prompt_tokens, "total_tokens": answer.prompt_tokens},
    }


def write_frames(question: Question, answer: Answer, night: str) -> list[Frame]:
    """Return no events: an embedding is never streamed."""
    del question, answer, night
    return []


def _embed(question: Question, answer: Answer) -> NDArray[np.float32]:
    """Return a vector of norm 1, as 32-bit floats, which is what providers compute in."""
    size = int(str(question.echo["dimensions"]))
    words = sorted(content_words(question.prompt))
    vector = _WORD_NOISE * _direction(size, question.model, "text", question.prompt)
    for word in words:
        vector += _direction(size, question.model, "word", word)
    vector /= np.linalg.norm(vector)
    vector += NOISE * _direction(size, "noise", answer.key)
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _direction(size: int, *key: str) -> NDArray[np.float64]:
    deviates = np.array(keyed_normals(size, "embedding", *key))
    scaled: NDArray[np.float64] = deviates / np.sqrt(size)
    return scaled

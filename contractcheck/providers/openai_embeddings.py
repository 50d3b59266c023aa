"""OpenAI embeddings, and every server that speaks the same: a text in, a vector out.

Source: OpenAI API reference, "Create embeddings", as published in the openai-openapi specification
of 2026-08-19. The text is the last message of the user; vectors are asked for as numbers, since
in base64 some bytes would look like a key to those who keep secrets out of recordings.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError
from contractcheck.model.completion import Completion
from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.shape import Shape, find_count, parse_object
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame

_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class OpenAIEmbeddings(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://api.openai.com"
    schemes: tuple[CredentialScheme, ...] = (ApiKey(variable="OPENAI_API_KEY"),)
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case; how to sample is left out: nothing is sampled.

        Raises:
            UsageError: If the case has no user message, or asks for what no vector can be.
        """
        return WireRequest(
            method="POST",
            path="/v1/embeddings",
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(
                {
                    "model": target.model,
                    "input": _text_of(case, target),
                    "encoding_format": "float",
                }
            ),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Return the whole body as one frame."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer; numbers and base64 alike."""
        document = parse_object(response.body)
        if document is None:
            return unreadable(response.body)
        if has_error(document):
            return late_error(response.body, "HTTP 200")
        return _read_document(document)


DIALECT = OpenAIEmbeddings()


def _text_of(case: Case, target: Target) -> str:
    asked = {
        "tools": case.tools,
        "response schema": case.response_schema,
        "images": any(message.images for message in case.messages),
        "log-probabilities": case.parameters.top_logprobs,
    }
    if wrong := [name for name, value in asked.items() if value]:
        raise UsageError(
            f"case {case.id}: {target.provider} has no {wrong[0]}; an embedding is made of the "
            "last user message alone"
        )
    texts = [message.content for message in case.messages if message.role == "user"]
    if not texts:
        raise UsageError(f"case {case.id}: no user message, so there is nothing to embed; add one")
    return texts[-1]


def _read_document(document: JsonObject) -> Completion:
    shape = Shape()
    model = shape.required(document, "model", str, "")
    vector = _read_vector(shape, document)
    usage = shape.required(document, "usage", dict, "")
    spent = None if usage is None else shape.required(usage, "prompt_tokens", int, "usage")
    outcome, detail = shape.outcome
    return Completion(
        outcome=outcome,
        detail=detail,
        model=model,
        input_tokens=spent,
        total_tokens=find_count(document, "usage", "total_tokens"),
        embedding=vector,
        wire_problems=tuple(shape.problems),
    )


def _read_vector(shape: Shape, document: JsonObject) -> tuple[float, ...]:
    data = shape.required(document, "data", list, "")
    if data is None:
        return ()
    entry: JsonValue = data[0] if len(data) == 1 else None
    if not isinstance(entry, dict):
        shape.breaking("data", f"expected one object for one text, got {len(data)} entries")
        return ()
    place = "data[0].embedding"
    written = entry.get("embedding")
    if isinstance(written, str):
        vector = _decoded(written)
    elif isinstance(written, list):
        vector = _numbers(written)
    else:
        shape.required(entry, "embedding", list, "data[0]")
        return ()
    if vector is None:
        shape.breaking(place, "holds something other than finite numbers")
    elif not vector:
        shape.breaking(place, "is empty")
    return vector or ()


def _numbers(written: list[JsonValue]) -> tuple[float, ...] | None:
    numbers = [x for x in written if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(numbers) != len(written):
        return None
    # JSON has no word for infinity, but 1e999 is read as one.
    return tuple(map(float, numbers)) if all(map(math.isfinite, numbers)) else None


def _decoded(written: str) -> tuple[float, ...] | None:
    """Decode 32-bit floats, little-endian, in base64 (RFC 4648 §4)."""
    try:
        raw = base64.b64decode(written, validate=True)
        vector = struct.unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw)
    except (binascii.Error, struct.error, ValueError):
        return None
    return vector if all(map(math.isfinite, vector)) else None

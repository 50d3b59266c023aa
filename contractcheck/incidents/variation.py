"""What comes and goes on a wire although nothing changed: documented optional members.

A watch that has learnt a wire must not take their absence or presence for news. The members are
those first seen in recorded traffic between 2024 and 2026 and documented by the providers or
their SDKs since; the rates are ours, spread from rare to nearly always.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from contractcheck.incidents.coins import keyed_share
from contractcheck.incidents.draft import close_draft, open_draft
from contractcheck.incidents.wire import read_response, with_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.incidents.draft import JsonDict
    from contractcheck.model.exchange import Exchange


@dataclass(frozen=True, slots=True)
class OptionalMember:
    """A member that some answers have.

    Attributes:
        beside: Another member of the same object, by which the object is known.
        name: Its name.
        value: What it holds where the provider did not say.
        rate: Share of the answers that have it, 0..1.
    """

    beside: str
    name: str
    value: object
    rate: float


_RATED = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}

OPTIONAL_MEMBERS: Mapping[str, tuple[OptionalMember, ...]] = MappingProxyType(
    {
        "anthropic-messages": (
            OptionalMember("input_tokens", "service_tier", "standard", 0.8),
            OptionalMember("input_tokens", "inference_geo", "not_available", 0.3),
            OptionalMember("stop_reason", "stop_details", None, 0.4),
        ),
        "bedrock": (
            OptionalMember("inputTokens", "cacheReadInputTokens", 0, 0.5),
            OptionalMember("inputTokens", "cacheWriteInputTokens", 0, 0.5),
            OptionalMember("inputTokens", "serverToolUsage", {}, 0.1),
        ),
        "cohere": (OptionalMember("billed_units", "cached_tokens", 0, 0.5),),
        "gemini": (
            OptionalMember("candidates", "responseId", "c29tZSBpZA", 0.95),
            OptionalMember("content", "index", 0, 0.6),
            OptionalMember("content", "safetyRatings", [_RATED], 0.3),
            OptionalMember("finishReason", "avgLogprobs", -0.21, 0.1),
            OptionalMember("promptTokenCount", "promptTokensDetails", [], 0.7),
            OptionalMember("promptTokenCount", "trafficType", "ON_DEMAND", 0.2),
            OptionalMember("promptTokenCount", "cachedContentTokenCount", 0, 0.05),
        ),
        "mistral": (OptionalMember("prompt_tokens", "prompt_audio_seconds", None, 0.3),),
        "openai-chat": (
            OptionalMember("choices", "service_tier", "default", 0.9),
            OptionalMember("choices", "system_fingerprint", None, 0.8),
            OptionalMember("refusal", "annotations", [], 0.5),
            OptionalMember("cached_tokens", "audio_tokens", 0, 0.7),
            OptionalMember("cached_tokens", "cache_write_tokens", 0, 0.1),
            OptionalMember("reasoning_tokens", "audio_tokens", 0, 0.7),
            OptionalMember("reasoning_tokens", "accepted_prediction_tokens", 0, 0.6),
        ),
        "openai-embeddings": (),
        "openai-responses": (
            OptionalMember("output", "billing", {"payer": "developer"}, 0.7),
            OptionalMember("output", "completed_at", None, 0.6),
            OptionalMember("output", "prompt_cache_retention", None, 0.5),
            OptionalMember("output", "safety_identifier", None, 0.3),
            OptionalMember("cached_tokens", "cache_write_tokens", 0, 0.6),
        ),
    }
)
"""By wire format; what is in an answer already stays there as it is, or goes."""

_OK = 200


def vary(exchange: Exchange, *, wire_format: str, key: str) -> Exchange:
    """Return an exchange as the same provider might as well have sent it.

    Args:
        exchange: As it came; returned itself where nobody answered with 200.
        wire_format: Whose answer it is, such as ``openai-chat``.
        key: Names the answer: which members it has depends on it alone.
    """
    response = exchange.response
    if response is None or response.status != _OK:
        return exchange
    draft = open_draft(read_response(response), key)
    there = [
        keyed_share("optional", str(number), key) < member.rate
        for number, member in enumerate(OPTIONAL_MEMBERS[wire_format])
    ]
    for document in draft.documents:
        for holder in list(_objects(document)):
            for member, is_there in zip(OPTIONAL_MEMBERS[wire_format], there, strict=True):
                if member.beside in holder:
                    _settle(holder, member, is_there=is_there)
    return with_answer(exchange, close_draft(draft))


def _settle(holder: JsonDict, member: OptionalMember, *, is_there: bool) -> None:
    if is_there:
        holder.setdefault(member.name, deepcopy(member.value))
    else:
        holder.pop(member.name, None)


def _objects(value: object) -> Iterator[JsonDict]:
    """Every object in a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)

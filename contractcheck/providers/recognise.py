"""Tell by a request's address, and its body, whom it asked: for recordings of others.

Sources: the providers' API references (paths as of 2026-11); the same that their dialects name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from contractcheck.model.target import Target
from contractcheck.providers.shape import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEL = r"(?P<model>[^/:]+)"
_REGION = r"(?P<region>[a-z0-9-]+)"
_CHAT = r"/chat/completions"

_ADDRESSES: Mapping[str, str] = {
    "anthropic": r"api\.anthropic\.com/v1/messages",
    "azure": rf"[a-z0-9-]+\.openai\.azure\.com/openai/deployments/{_MODEL}{_CHAT}",
    "bedrock": rf"bedrock-runtime\.{_REGION}\.amazonaws\.com/model/(?P<model>[^/]+)"
    r"/converse(-stream)?",
    "cohere": r"api\.cohere\.(com|ai)/v2/chat",
    "deepseek": rf"api\.deepseek\.com(/v1)?{_CHAT}",
    "gemini": rf"generativelanguage\.googleapis\.com/(?P<api_version>v1|v1beta)/models/{_MODEL}"
    r":(generateContent|streamGenerateContent)",
    "groq": rf"api\.groq\.com/openai/v1{_CHAT}",
    "mistral": rf"api\.mistral\.ai/v1{_CHAT}",
    "openai": rf"api\.openai\.com/v1{_CHAT}",
    "openai-embeddings": r"api\.openai\.com/v1/embeddings",
    "openai-responses": r"api\.openai\.com/v1/responses",
    "openrouter": rf"openrouter\.ai/api/v1{_CHAT}",
    "together": rf"api\.together\.(ai|xyz)/v1{_CHAT}",
    "vertex": r"([a-z0-9-]+-)?aiplatform\.googleapis\.com/(?P<api_version>v1|v1beta1)/projects/"
    rf"(?P<project>[^/]+)/locations/{_REGION}/publishers/google/models/{_MODEL}"
    r":(generateContent|streamGenerateContent)",
    "xai": rf"api\.x\.ai/v1{_CHAT}",
}
"""Provider → host and path; where the path does not name the model, the body does."""

_USUAL_VERSION = {"gemini": "v1", "vertex": "v1"}


def recognise_target(url: str, body: bytes) -> Target | None:
    """Say whom a request asked; None when no known wire has this address, or no model is named.

    Args:
        url: Absolute.
        body: Of the request.
    """
    parts = urlsplit(url)
    for provider, pattern in _ADDRESSES.items():
        found = re.fullmatch(pattern, f"{parts.hostname or ''}{parts.path}")
        if found is not None:
            place = {name: value for name, value in found.groupdict().items() if value}
            model = unquote(place.pop("model", "")) or _named_in(body)
            if place.get("api_version") == _USUAL_VERSION.get(provider):
                place.pop("api_version", None)
            return _target(provider, model, place) if model else None
    return None


def _target(provider: str, model: str, place: Mapping[str, str]) -> Target:
    return Target(
        provider=provider,
        model=model,
        region=place.get("region"),
        api_version=place.get("api_version"),
        project=place.get("project"),
    )


def _named_in(body: bytes) -> str:
    model = (parse_object(body) or {}).get("model")
    return model if isinstance(model, str) and not re.search(r"\s", model) else ""

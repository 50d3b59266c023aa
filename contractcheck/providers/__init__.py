"""One file per wire dialect: how a request is written and an answer read. Pure; no network.

``DIALECTS`` is lazy: a dialect's module is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from contractcheck.errors import UsageError
from contractcheck.providers.plugins import load_plugin, plugin_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.wire_mapping import WireMapping
    from contractcheck.providers.wire import Dialect

DIALECTS: Mapping[str, str] = {
    "anthropic": "contractcheck.providers.anthropic_messages",
    "azure": "contractcheck.providers.azure_chat",
    "bedrock": "contractcheck.providers.bedrock",
    "cohere": "contractcheck.providers.cohere_chat",
    "deepseek": "contractcheck.providers.openai_chat:DEEPSEEK",
    "gemini": "contractcheck.providers.gemini",
    "groq": "contractcheck.providers.openai_chat:GROQ",
    "llamacpp": "contractcheck.providers.openai_chat:LLAMACPP",
    "mistral": "contractcheck.providers.mistral_chat",
    "ollama": "contractcheck.providers.openai_chat:OLLAMA",
    "openai": "contractcheck.providers.openai_chat",
    "openai-embeddings": "contractcheck.providers.openai_embeddings",
    "openai-responses": "contractcheck.providers.openai_responses",
    "openrouter": "contractcheck.providers.openai_chat:OPENROUTER",
    "together": "contractcheck.providers.openai_chat:TOGETHER",
    "vertex": "contractcheck.providers.vertex",
    "vllm": "contractcheck.providers.openai_chat:VLLM",
    "xai": "contractcheck.providers.openai_chat:XAI",
}
"""Provider name → ``module`` with a ``DIALECT``, or ``module:NAME`` where it has another name."""


DECLARED = "http"
"""The provider whose wire a mapping of the target declares."""


def provider_names() -> tuple[str, ...]:
    """Every provider that can be named, sorted: built in, declared, and those of other packages."""
    return tuple(sorted({*DIALECTS, DECLARED, *plugin_names()}))


def dialect(provider: str, mapping: WireMapping | None = None) -> Dialect:
    """Return the dialect of a provider; built-in ones before those of other packages.

    Args:
        provider: Its name.
        mapping: How the provider ``http`` is asked and read; of no meaning for others.

    Raises:
        UsageError: If no dialect has this name, or it cannot be loaded.
    """
    if provider == DECLARED:
        return _declared(mapping)
    if provider in DIALECTS:
        module, _, name = DIALECTS[provider].partition(":")
        return cast("Dialect", getattr(import_module(module), name or "DIALECT"))
    found = load_plugin(provider)
    if found is None:
        known = ", ".join(provider_names())
        raise UsageError(f"unknown provider {provider!r}; known providers: {known}")
    return found


def _declared(mapping: WireMapping | None) -> Dialect:
    from contractcheck.providers.declared_http import DeclaredHttp

    if mapping is None:
        raise UsageError(
            "provider 'http' is known by its mapping alone: name a target of a suite that has one"
        )
    return DeclaredHttp(mapping=mapping)

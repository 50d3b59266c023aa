"""One file per wire dialect: how a request is written and an answer read. Pure; no network.

``DIALECTS`` is lazy: a dialect's module is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    "openai-responses": "contractcheck.providers.openai_responses",
    "openrouter": "contractcheck.providers.openai_chat:OPENROUTER",
    "together": "contractcheck.providers.openai_chat:TOGETHER",
    "vertex": "contractcheck.providers.vertex",
    "vllm": "contractcheck.providers.openai_chat:VLLM",
    "xai": "contractcheck.providers.openai_chat:XAI",
}
"""Provider name → ``module`` with a ``DIALECT``, or ``module:NAME`` where it has another name."""


def dialect(provider: str) -> Dialect:
    """Return the dialect of a provider.

    Raises:
        UsageError: If no dialect has this name.
    """
    if provider not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        raise UsageError(f"unknown provider {provider!r}; known providers: {known}")
    module, _, name = DIALECTS[provider].partition(":")
    return cast("Dialect", getattr(import_module(module), name or "DIALECT"))

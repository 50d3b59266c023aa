"""OpenAI chat completions, and every server that speaks the same.

The servers differ in an address, a key and a few documented gaps; what they answer is read alike.
Sources: OpenAI API reference, "Chat Completions"; and each server's own page on compatibility with
it, read in November 2026, which is named beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError
from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.chat_reading import read_chat
from contractcheck.providers.chat_request import chat_body
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAIChat(NamedContent):
    """The dialect; stateless.

    Attributes:
        base_url: Public endpoint; of servers that people run themselves the usual local one.
        schemes: Ways to show who asks.
        idempotency_header: None: a key is neither documented nor sent by the SDK.
        limit_field: How the longest answer in tokens is called.
        unsupported: Members of a request that the server documents it refuses.
    """

    base_url: str
    schemes: tuple[CredentialScheme, ...]
    idempotency_header: str | None = None
    limit_field: str = "max_completion_tokens"
    unsupported: tuple[str, ...] = ()

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case.

        Raises:
            UsageError: If the case asks for what this server does not do.
        """
        body = chat_body(case, target.model, limit_field=self.limit_field)
        for name in self.unsupported:
            if name in body:
                raise UsageError(
                    f"case {case.id}: {target.provider} does not support {name!r}; take what asks "
                    "for it out of the case, or ask another provider"
                )
        return WireRequest(
            method="POST",
            path="/v1/chat/completions",
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(body),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_chat(response)


def _key(variable: str) -> tuple[CredentialScheme, ...]:
    return (ApiKey(variable=variable),)


DIALECT = OpenAIChat(base_url="https://api.openai.com", schemes=_key("OPENAI_API_KEY"))

DEEPSEEK = OpenAIChat(
    base_url="https://api.deepseek.com",
    schemes=_key("DEEPSEEK_API_KEY"),
    limit_field="max_tokens",
    unsupported=("response_format",),
)
"""https://api-docs.deepseek.com: JSON mode, but no JSON Schema for answers."""

GROQ = OpenAIChat(
    base_url="https://api.groq.com/openai",
    schemes=_key("GROQ_API_KEY"),
    unsupported=("logprobs",),
)
"""https://console.groq.com/docs/openai: log-probabilities are answered by 400."""

LLAMACPP = OpenAIChat(
    base_url="http://127.0.0.1:8080",
    schemes=_key("LLAMA_API_KEY"),
    limit_field="max_tokens",
)
"""llama-server, tools/server/README.md: port 8080; LLAMA_API_KEY is its own variable."""

OLLAMA = OpenAIChat(
    base_url="http://127.0.0.1:11434",
    schemes=_key("OLLAMA_API_KEY"),
    limit_field="max_tokens",
)
"""https://docs.ollama.com/api/openai-compatibility: port 11434, no key needed."""

OPENROUTER = OpenAIChat(
    base_url="https://openrouter.ai/api",
    schemes=_key("OPENROUTER_API_KEY"),
    limit_field="max_tokens",
)
"""https://openrouter.ai/docs/api/reference/overview."""

TOGETHER = OpenAIChat(
    base_url="https://api.together.ai",
    schemes=_key("TOGETHER_API_KEY"),
    limit_field="max_tokens",
)
"""https://docs.together.ai/docs/openai-api-compatibility."""

VLLM = OpenAIChat(base_url="http://127.0.0.1:8000", schemes=_key("VLLM_API_KEY"))
"""https://docs.vllm.ai, "OpenAI-Compatible Server": port 8000; VLLM_API_KEY is its own variable."""

XAI = OpenAIChat(base_url="https://api.x.ai", schemes=_key("XAI_API_KEY"))
"""https://docs.x.ai/docs/api-reference."""

"""Azure OpenAI: chat completions of a deployment.

Source: Azure OpenAI in Azure AI Foundry Models, REST API reference, "Chat completions - Create"
(data plane 2024-10-21, the last dated version that is generally available; ``v1`` needs none);
``api-key`` or a bearer token of Microsoft Entra ID, as in openai/lib/azure.py of the SDK 3.52.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from contractcheck.model.credential import ApiKey, EntraToken
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

_VERSION = "2024-10-21"
_UNDATED = "v1"


@dataclass(frozen=True, slots=True)
class AzureChat(NamedContent):
    """The dialect; stateless. Every resource has a host of its own, so there is no public one."""

    base_url: str = ""
    schemes: tuple[CredentialScheme, ...] = (
        ApiKey(variable="AZURE_OPENAI_API_KEY", header="api-key", prefix=""),
        EntraToken(scope="https://cognitiveservices.azure.com/.default"),
    )
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case; the target's model is the name of a deployment."""
        return WireRequest(
            method="POST",
            path=_path(target),
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(chat_body(case, target.model, limit_field="max_completion_tokens")),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_chat(response)


DIALECT = AzureChat()


def _path(target: Target) -> str:
    version = target.api_version or _VERSION
    if version == _UNDATED:
        return "/openai/v1/chat/completions"
    deployment = quote(target.model, safe="")
    return f"/openai/deployments/{deployment}/chat/completions?api-version={version}"

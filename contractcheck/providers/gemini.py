"""Gemini ``generateContent`` and ``streamGenerateContent``, by the Gemini API.

Source: https://ai.google.dev/api/generate-content; default version ``v1`` and the key's header as
sent by the official SDK google-genai 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.gemini_answer import read_gemini
from contractcheck.providers.gemini_request import write_body
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame

_COLLECTIONS = ("models", "tunedModels")
"""What a model's name may begin with on this wire; ``models`` where it says nothing."""


@dataclass(frozen=True, slots=True)
class Gemini(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://generativelanguage.googleapis.com"
    schemes: tuple[CredentialScheme, ...] = (
        ApiKey(variable="GEMINI_API_KEY", header="x-goog-api-key", prefix=""),
        ApiKey(variable="GOOGLE_API_KEY", header="x-goog-api-key", prefix=""),
    )
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case."""
        collection, slash, name = target.model.partition("/")
        if not slash or collection not in _COLLECTIONS:
            collection, name = "models", target.model
        resource = f"{collection}/{quote(name, safe='')}"
        return generation_request(case, f"/{target.api_version or 'v1'}/{resource}", target.model)

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_gemini(response)


def generation_request(case: Case, resource: str, model: str) -> WireRequest:
    """Write the request for a case to a model's resource.

    Args:
        case: What is asked.
        resource: Path of the model, version included.
        model: Its name as the target gives it.
    """
    is_streamed = case.parameters.stream
    method = "streamGenerateContent?alt=sse" if is_streamed else "generateContent"
    return WireRequest(
        method="POST",
        path=f"{resource}:{method}",
        headers=(("content-type", "application/json"),),
        body=write_body(case, model.rpartition("/")[2]),
    )


DIALECT = Gemini()

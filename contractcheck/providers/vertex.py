"""Gemini ``generateContent`` and ``streamGenerateContent``, by Vertex AI of Google Cloud.

The bodies are those of the Gemini API; the path names who pays and where the model runs.

Source: Vertex AI API reference, ``projects.locations.publishers.models.generateContent`` (v1);
hosts as the official SDK google-genai 3.4 builds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from contractcheck.errors import UsageError
from contractcheck.model.credential import GoogleToken
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.gemini import generation_request
from contractcheck.providers.gemini_answer import read_gemini
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame, WireRequest


@dataclass(frozen=True, slots=True)
class Vertex(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://{region}-aiplatform.googleapis.com"
    schemes: tuple[CredentialScheme, ...] = (
        GoogleToken(scope="https://www.googleapis.com/auth/cloud-platform"),
    )
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case.

        Raises:
            UsageError: If the target names no project or no region.
        """
        for name, value in (("project", target.project), ("region", target.region)):
            if value is None:
                raise UsageError(f"{target.id}: give the target a {name}; its path names one")
        place = f"projects/{target.project}/locations/{target.region}"
        resource = f"{place}/publishers/google/models/{quote(target.model, safe='')}"
        return generation_request(case, f"/{target.api_version or 'v1'}/{resource}", target.model)

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_gemini(response)


DIALECT = Vertex()

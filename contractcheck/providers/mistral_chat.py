"""Mistral chat completions: the request is nearly OpenAI's, the answer is not.

Source: Mistral API reference, "Chat Completion" (https://docs.mistral.ai/api/), and the types of
the official SDK 3.7: the seed is called ``random_seed``, the longest answer ``max_tokens``, and a
stream always counts tokens, so that nothing asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.chat_request import chat_body
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.mistral_reading import read_stream, read_whole
from contractcheck.providers.sse import is_event_stream, read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame


@dataclass(frozen=True, slots=True)
class MistralChat(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://api.mistral.ai"
    schemes: tuple[CredentialScheme, ...] = (ApiKey(variable="MISTRAL_API_KEY"),)
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case."""
        body = chat_body(case, target.model, limit_field="max_tokens")
        body.pop("stream_options", None)
        if "seed" in body:
            body["random_seed"] = body.pop("seed")
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
        if is_event_stream(response):
            return read_stream(response.body)
        return read_whole(response.body)


DIALECT = MistralChat()

"""Cohere chat, version 2.

Source: Cohere API reference, "Chat" v2 (https://docs.cohere.com/reference/chat), "Reasoning"
(``thinking.token_budget``), and the types of the official SDK 7.3. One cannot ask for a certain
tool, only for any or none; log-probabilities are those of the tokens that were written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError
from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.chat_request import data_url, function_tools
from contractcheck.providers.cohere_reading import read_stream, read_whole
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.sse import is_event_stream, read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonValue
    from contractcheck.model.suite import Case, Message
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame

_THINKING_TOKENS = {"minimal": 512, "low": 1024, "medium": 2048, "high": 4096}
"""Tokens that an effort may spend on thinking: the wire knows budgets, not words."""


@dataclass(frozen=True, slots=True)
class CohereChat(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://api.cohere.com"
    schemes: tuple[CredentialScheme, ...] = (
        ApiKey(variable="CO_API_KEY"),
        ApiKey(variable="COHERE_API_KEY"),
    )
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case.

        Raises:
            UsageError: If the case forces a certain tool, or wants to see tokens that were not
                written.
        """
        return WireRequest(
            method="POST",
            path="/v2/chat",
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(_body(case, target.model)),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        if is_event_stream(response):
            return read_stream(response.body)
        return read_whole(response.body)


DIALECT = CohereChat()


def _body(case: Case, model: str) -> dict[str, JsonValue]:
    parameters = case.parameters
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [{"role": m.role, "content": _content(m)} for m in case.messages],
        "stream": parameters.stream,
    }
    optional: dict[str, JsonValue] = {
        "temperature": parameters.temperature,
        "p": parameters.top_p,
        "max_tokens": parameters.max_output_tokens,
        "seed": parameters.seed,
        "stop_sequences": list(parameters.stop) or None,
        "thinking": _thinking(parameters.reasoning_effort),
        "logprobs": _logprobs(case),
        "tool_choice": _tool_choice(case),
        "tools": [{"type": "function", "function": tool} for tool in function_tools(case)] or None,
        "response_format": None
        if case.response_schema is None
        else {"type": "json_object", "json_schema": case.response_schema},
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def _content(message: Message) -> JsonValue:
    if not message.images:
        return message.content
    pictures: list[JsonValue] = [
        {"type": "image_url", "image_url": {"url": data_url(image)}} for image in message.images
    ]
    return [*pictures, {"type": "text", "text": message.content}]


def _thinking(effort: str | None) -> JsonValue:
    if effort is None:
        return None
    if effort == "none":
        return {"type": "disabled"}
    return {"type": "enabled", "token_budget": _THINKING_TOKENS[effort]}


def _logprobs(case: Case) -> JsonValue:
    wanted = case.parameters.top_logprobs
    if wanted is None:
        return None
    if wanted > 1:
        raise UsageError(
            f"case {case.id}: cohere tells log-probabilities of the tokens it wrote, not of "
            "others; write top_logprobs: 1"
        )
    return True


def _tool_choice(case: Case) -> JsonValue:
    choice = case.parameters.tool_choice
    if choice in (None, "auto"):
        return None
    if choice not in ("none", "required"):
        raise UsageError(
            f"case {case.id}: cohere cannot be made to call {choice!r}; write tool_choice: "
            "required, and offer this tool alone"
        )
    return choice.upper()

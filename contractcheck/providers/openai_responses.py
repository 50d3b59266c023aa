"""OpenAI responses: the request.

Source: OpenAI API reference, "Create a model response", as published in the openai-openapi
specification of 2026-08-19. Azure (``/openai/v1``), xAI, Groq, OpenRouter, Together and Ollama
serve the same under another base URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError
from contractcheck.model.credential import ApiKey
from contractcheck.model.wire import WireRequest
from contractcheck.providers.chat_request import data_url, function_tools
from contractcheck.providers.first_content import NamedContent
from contractcheck.providers.openai_responses_reading import read_responses
from contractcheck.providers.sse import read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case, Message
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame

_CHOICES_OF_TOOLS = frozenset({"auto", "none", "required"})


@dataclass(frozen=True, slots=True)
class OpenAIResponses(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://api.openai.com"
    schemes: tuple[CredentialScheme, ...] = (ApiKey(variable="OPENAI_API_KEY"),)
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case; this wire has no seed.

        Raises:
            UsageError: If the case has stop texts, which this wire does not know.
        """
        if case.parameters.stop:
            raise UsageError(
                f"case {case.id}: {target.provider} has no stop texts; take 'stop' out, or ask "
                "by chat completions (openai)"
            )
        return WireRequest(
            method="POST",
            path="/v1/responses",
            headers=(("content-type", "application/json"),),
            body=orjson.dumps(_body(case, target.model)),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_responses(response)


DIALECT = OpenAIResponses()


def _body(case: Case, model: str) -> dict[str, JsonValue]:
    parameters = case.parameters
    asks_logprobs = bool(parameters.top_logprobs)
    body: dict[str, JsonValue] = {
        "model": model,
        "input": [_message(message) for message in case.messages],
        "stream": parameters.stream,
    }
    optional: dict[str, JsonValue] = {
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_output_tokens": parameters.max_output_tokens,
        "top_logprobs": parameters.top_logprobs,
        "include": ["message.output_text.logprobs"] if asks_logprobs else None,
        "reasoning": {"effort": parameters.reasoning_effort}
        if parameters.reasoning_effort is not None
        else None,
        "tool_choice": _tool_choice(parameters.tool_choice),
        # Left out, `strict` is true here and false in chat completions: one case, one question.
        "tools": [{"type": "function", **tool, "strict": False} for tool in function_tools(case)]
        or None,
        "text": _text_format(case),
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def _message(message: Message) -> JsonObject:
    if not message.images:
        return {"role": message.role, "content": message.content}
    pictures: list[JsonValue] = [
        {"type": "input_image", "detail": "auto", "image_url": data_url(image)}
        for image in message.images
    ]
    return {
        "role": message.role,
        "content": [*pictures, {"type": "input_text", "text": message.content}],
    }


def _tool_choice(choice: str | None) -> JsonValue:
    if choice is None or choice in _CHOICES_OF_TOOLS:
        return choice
    return {"type": "function", "name": choice}


def _text_format(case: Case) -> JsonValue:
    if case.response_schema is None:
        return None
    wanted: JsonObject = {
        "type": "json_schema",
        "name": "answer",
        "strict": True,
        "schema": case.response_schema,
    }
    return {"format": wanted}

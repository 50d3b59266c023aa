"""Write a request for chat completions, as OpenAI documents it and others copied it.

Source: OpenAI API reference, "Create chat completion", as published in the openai-openapi
specification of 2026-08-19.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case, Image, Message

_CHOICES_OF_TOOLS = frozenset({"auto", "none", "required"})


def chat_body(case: Case, model: str, *, limit_field: str) -> dict[str, JsonValue]:
    """Return the request body; what a case does not say is not in it.

    Args:
        case: What to ask.
        model: As the provider calls it.
        limit_field: How this server calls the longest answer, in tokens.
    """
    parameters = case.parameters
    streaming: JsonObject = {"include_usage": True}
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [_message(message) for message in case.messages],
        "stream": parameters.stream,
    }
    optional: dict[str, JsonValue] = {
        "stream_options": streaming if parameters.stream else None,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        limit_field: parameters.max_output_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) or None,
        "reasoning_effort": parameters.reasoning_effort,
        "logprobs": True if parameters.top_logprobs else None,
        "top_logprobs": parameters.top_logprobs,
        "tool_choice": _tool_choice(parameters.tool_choice),
        "tools": [{"type": "function", "function": tool} for tool in function_tools(case)] or None,
        "response_format": _response_format(case),
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def function_tools(case: Case) -> list[JsonObject]:
    """Return the tools of a case as OpenAI describes functions."""
    return [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in case.tools
    ]


def data_url(image: Image) -> str:
    """Return an image as a URL that holds it (RFC 2397)."""
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"


def _message(message: Message) -> JsonObject:
    if not message.images:
        return {"role": message.role, "content": message.content}
    pictures: list[JsonValue] = [
        {"type": "image_url", "image_url": {"url": data_url(image)}} for image in message.images
    ]
    return {
        "role": message.role,
        "content": [*pictures, {"type": "text", "text": message.content}],
    }


def _tool_choice(choice: str | None) -> JsonValue:
    if choice is None or choice in _CHOICES_OF_TOOLS:
        return choice
    chosen: JsonObject = {"name": choice}
    return {"type": "function", "function": chosen}


def _response_format(case: Case) -> JsonValue:
    if case.response_schema is None:
        return None
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": case.response_schema},
    }

"""How a case is asked in Anthropic messages.

Source: Anthropic API reference, "Messages" (request body), "Vision" (images in base64), "Extended
thinking" (``thinking.budget_tokens``: at least 1024 and less than ``max_tokens``, which counts
what is thought), and the types of the official SDK 2.11.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case, Message, Parameters

_DEFAULT_MAX_TOKENS = 1024
"""The wire requires a limit; this one is sent when a case declares none."""

_THINKING_TOKENS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096}
"""Tokens that an effort may spend on thinking. The wire knows budgets, not words: the least one
that it allows, and doublings of it."""

_CHOICES_OF_TOOLS = {"auto": "auto", "none": "none", "required": "any"}


def write_body(case: Case, model: str) -> JsonObject:
    """Write the JSON body of a request.

    Raises:
        UsageError: If the case wants log-probabilities, or less answer than thought.
    """
    parameters = case.parameters
    if parameters.top_logprobs is not None:
        raise UsageError(f"case {case.id}: anthropic tells no log-probabilities; drop top_logprobs")
    system = "\n\n".join(m.content for m in case.messages if m.role == "system")
    thinking = _thinking(case)
    body: dict[str, JsonValue] = {
        "model": model,
        "max_tokens": _max_tokens(parameters),
        "messages": [
            {"role": m.role, "content": _content(m)} for m in case.messages if m.role != "system"
        ],
    }
    optional: dict[str, JsonValue] = {
        "stream": True if parameters.stream else None,
        "system": system or None,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "stop_sequences": list(parameters.stop) or None,
        "thinking": thinking,
        "tool_choice": _tool_choice(parameters.tool_choice),
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in case.tools
        ]
        or None,
        "output_config": None
        if case.response_schema is None
        else {"format": {"type": "json_schema", "schema": case.response_schema}},
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return body


def _content(message: Message) -> JsonValue:
    if not message.images:
        return message.content
    pictures: list[JsonValue] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode("ascii"),
            },
        }
        for image in message.images
    ]
    return [*pictures, {"type": "text", "text": message.content}]


def _max_tokens(parameters: Parameters) -> int:
    thought = _THINKING_TOKENS.get(parameters.reasoning_effort or "", 0)
    return parameters.max_output_tokens or thought + _DEFAULT_MAX_TOKENS


def _thinking(case: Case) -> JsonValue:
    effort = case.parameters.reasoning_effort
    if effort is None:
        return None
    if effort == "none":
        return {"type": "disabled"}
    budget_tokens = _THINKING_TOKENS[effort]
    if _max_tokens(case.parameters) <= budget_tokens:
        raise UsageError(
            f"case {case.id}: reasoning_effort {effort} lets anthropic think for {budget_tokens} "
            f"tokens, and max_output_tokens counts them; raise it above {budget_tokens}"
        )
    return {"type": "enabled", "budget_tokens": budget_tokens}


def _tool_choice(choice: str | None) -> JsonValue:
    if choice is None:
        return None
    if choice in _CHOICES_OF_TOOLS:
        return {"type": _CHOICES_OF_TOOLS[choice]}
    return {"type": "tool", "name": choice}

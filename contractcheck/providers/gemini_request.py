"""Write what ``generateContent`` of Gemini takes, for the Gemini API and for Vertex AI.

Sources: https://ai.google.dev/api/generate-content (request body, ``GenerationConfig``,
``ThinkingConfig``), https://ai.google.dev/api/caching (``Content``, ``Tool``, ``ToolConfig``);
field names in the spelling that the official SDK google-genai 3.4 sends.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case, Message, Parameters

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}

_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Tokens of thought per effort for models that take a budget and no level, as Google translates
``reasoning_effort`` for them (https://ai.google.dev/gemini-api/docs/openai, "Thinking")."""

_WITH_BUDGET = "gemini-2."
"""Beginning of the names of models that refuse ``thinkingLevel``."""


def write_body(case: Case, model: str) -> bytes:
    """Return the JSON body that asks a case's question; the model's name stands in the path."""
    system = "\n\n".join(m.content for m in case.messages if m.role == "system")
    members: dict[str, JsonValue] = {
        "contents": [_content(m) for m in case.messages if m.role != "system"],
        "systemInstruction": {"parts": [{"text": system}]} if system else None,
        "tools": _tools(case),
        "toolConfig": _tool_config(case.parameters.tool_choice),
        "generationConfig": _settings(case, model) or None,
    }
    return orjson.dumps({name: value for name, value in members.items() if value is not None})


def _content(message: Message) -> JsonObject:
    parts: list[JsonValue] = [
        {
            "inlineData": {
                "mimeType": image.media_type,
                "data": b64encode(image.data).decode("ascii"),
            }
        }
        for image in message.images
    ]
    parts.append({"text": message.content})
    return {"role": "model" if message.role == "assistant" else "user", "parts": parts}


def _tools(case: Case) -> JsonValue:
    if not case.tools:
        return None
    declared: list[JsonValue] = [
        {
            "name": tool.name,
            "description": tool.description,
            "parametersJsonSchema": tool.parameters,
        }
        for tool in case.tools
    ]
    return [{"functionDeclarations": declared}]


def _tool_config(choice: str | None) -> JsonValue:
    if choice is None:
        return None
    config: dict[str, JsonValue] = {"mode": _MODES.get(choice, "ANY")}
    if choice not in _MODES:
        config["allowedFunctionNames"] = [choice]
    return {"functionCallingConfig": config}


def _settings(case: Case, model: str) -> JsonObject:
    parameters, schema = case.parameters, case.response_schema
    settings: dict[str, JsonValue] = {
        "temperature": parameters.temperature,
        "topP": parameters.top_p,
        "maxOutputTokens": parameters.max_output_tokens,
        "stopSequences": list(parameters.stop) or None,
        "seed": parameters.seed,
        "responseMimeType": None if schema is None else "application/json",
        "responseJsonSchema": schema,
        "responseLogprobs": None if parameters.top_logprobs is None else True,
        "logprobs": parameters.top_logprobs,
        "thinkingConfig": _thinking(parameters, model),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _thinking(parameters: Parameters, model: str) -> JsonValue:
    effort = parameters.reasoning_effort
    if effort is None:
        return None
    if effort == "none":
        return {"thinkingBudget": 0}
    if effort in _BUDGETS and model.startswith(_WITH_BUDGET):
        return {"includeThoughts": True, "thinkingBudget": _BUDGETS[effort]}
    return {"includeThoughts": True, "thinkingLevel": effort.upper()}

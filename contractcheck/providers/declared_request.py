"""Write a request as a mapping declares it: typed values in the place of placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from contractcheck.errors import UsageError
from contractcheck.model.wire import WireRequest
from contractcheck.providers.chat_request import chat_body, function_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case
    from contractcheck.model.wire_mapping import WireMapping


def write_request(mapping: WireMapping, case: Case, model: str) -> WireRequest:
    """Write the request for a case.

    Raises:
        UsageError: If the case says something for which the body has no place: what is not sent
            must not seem to be tested.
    """
    values = _values(mapping, case, model)
    _require_places(mapping, case, values)
    segments = mapping.path.split("/")
    path = "/".join(quote(model, safe="") if name == "{model}" else name for name in segments)
    return WireRequest(
        method=mapping.method,
        path=path,
        headers=(*mapping.headers, ("content-type", "application/json")),
        body=orjson.dumps(_fill(mapping.body, values)),
    )


def _values(mapping: WireMapping, case: Case, model: str) -> dict[str, JsonValue]:
    """Placeholder → value; None for what the case does not say."""
    parameters = case.parameters
    # As in chat completions, which most gateways copied.
    written = chat_body(case, model, limit_field="max_output_tokens")
    messages = written["messages"]
    assert isinstance(messages, list)  # noqa: S101 - for the types: it is written as one above
    pairs = list(zip(case.messages, messages, strict=True))
    conversation = [value for message, value in pairs if message.role != "system"]
    system = [message.content for message in case.messages if message.role == "system"]
    tools = function_tools(case)
    return {
        "model": model,
        "messages": messages,
        "conversation": conversation,
        "system": "\n\n".join(system) or None,
        "prompt": case.messages[-1].content,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_output_tokens": parameters.max_output_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) or None,
        "stream": parameters.stream and mapping.stream is not None,
        "top_logprobs": parameters.top_logprobs,
        "reasoning_effort": parameters.reasoning_effort,
        "tools": tools or None,
        "functions": written.get("tools"),
        "tool_choice": parameters.tool_choice,
        "response_schema": case.response_schema,
    }


_MEANT = {"functions": "tools", "messages": "conversation"}
"""Placeholders that say the same as another, in another form."""


def _require_places(mapping: WireMapping, case: Case, values: Mapping[str, JsonValue]) -> None:
    used = mapping.used_placeholders()
    said = {_MEANT.get(name, name) for name, value in values.items() if value is not None}
    placed = {_MEANT.get(name, name) for name in used}
    free = {"model", "stream", "conversation", "prompt"}
    if "messages" in used:
        free.add("system")
    lacking = sorted(said - placed - free)
    if lacking:
        names = ", ".join(f'"{{{name}}}"' for name in lacking)
        raise UsageError(
            f"case {case.id} says what the mapping's body has no place for: {names}; add it to "
            "the body, or take it out of the case"
        )
    if "conversation" not in placed:
        spoken = [message for message in case.messages if message.role != "system"]
        if len(spoken) > 1 or spoken[0].images:
            raise UsageError(
                f"case {case.id} has several messages or pictures, and the mapping's body only "
                '"{prompt}"; write "{messages}" or "{conversation}"'
            )


def _fill(template: JsonValue, values: Mapping[str, JsonValue]) -> JsonValue:
    """Put values in; what has none is left out of its object or list."""
    if isinstance(template, str):
        name = template[1:-1]
        return values[name] if template == f"{{{name}}}" and name in values else template
    if isinstance(template, dict):
        return _fill_object(template, values)
    if isinstance(template, list):
        return [_fill(item, values) for item in template if _has_value(item, values)]
    return template


def _fill_object(template: JsonObject, values: Mapping[str, JsonValue]) -> JsonObject:
    return {
        name: _fill(item, values) for name, item in template.items() if _has_value(item, values)
    }


def _has_value(item: JsonValue, values: Mapping[str, JsonValue]) -> bool:
    if not isinstance(item, str):
        return True
    name = item[1:-1]
    return item != f"{{{name}}}" or values.get(name, item) is not None

"""Write what ``Converse`` and ``ConverseStream`` of Amazon Bedrock take.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, and the
service model 2023-09-30 of ``bedrock-runtime`` as shipped with botocore 1.44.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Case, Image, Message, Parameters
    from contractcheck.model.target import Target

_CHOICES: dict[str, JsonObject] = {"auto": {"auto": {}}, "required": {"any": {}}}
_IMAGE_FORMATS = {
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
}
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
"""Of ``outputConfig.effort``."""


def write_body(case: Case, target: Target) -> bytes:
    """Return the JSON body that asks a case's question; the model's id stands in the path.

    Raises:
        UsageError: If the case asks for what this wire cannot say.
    """
    _refuse_unsayable(case, target)
    system: list[JsonValue] = [{"text": m.content} for m in case.messages if m.role == "system"]
    members: dict[str, JsonValue] = {
        "messages": [
            {"role": m.role, "content": _content(m)} for m in case.messages if m.role != "system"
        ],
        "system": system or None,
        "inferenceConfig": _settings(case.parameters) or None,
        "toolConfig": _tool_config(case),
        "outputConfig": _output_config(case) or None,
    }
    return orjson.dumps({name: value for name, value in members.items() if value is not None})


def _refuse_unsayable(case: Case, target: Target) -> None:
    parameters = case.parameters
    effort = parameters.reasoning_effort
    if parameters.tool_choice == "none":
        what = "'tool_choice: none', which Converse does not have; leave the tools out"
    elif parameters.top_logprobs is not None:
        what = "log-probabilities, which Converse does not give; leave 'top_logprobs' out"
    elif effort is not None and effort not in _EFFORTS:
        listed = ", ".join(sorted(_EFFORTS))
        what = f"'reasoning_effort: {effort}'; Converse knows {listed}"
    else:
        unknown = [
            image
            for message in case.messages
            for image in message.images
            if image.media_type not in _IMAGE_FORMATS
        ]
        if not unknown:
            return
        listed = ", ".join(sorted(_IMAGE_FORMATS.values()))
        what = f"{unknown[0].media_type} ({unknown[0].name}); Converse takes {listed}"
    raise UsageError(f"case {case.id!r} asks {target.id} for {what}")


def _content(message: Message) -> JsonValue:
    return [*(_image(image) for image in message.images), {"text": message.content}]


def _image(image: Image) -> JsonObject:
    written: JsonObject = {"bytes": b64encode(image.data).decode("ascii")}
    return {"image": {"format": _IMAGE_FORMATS[image.media_type], "source": written}}


def _settings(parameters: Parameters) -> JsonObject:
    settings: dict[str, JsonValue] = {
        "maxTokens": parameters.max_output_tokens,
        "temperature": parameters.temperature,
        "topP": parameters.top_p,
        "stopSequences": list(parameters.stop) or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _tool_config(case: Case) -> JsonValue:
    if not case.tools:
        return None
    tools: list[JsonValue] = []
    for tool in case.tools:
        spec: dict[str, JsonValue] = {"name": tool.name}
        if tool.description:  # an empty one is refused
            spec["description"] = tool.description
        spec["inputSchema"] = {"json": tool.parameters}
        tools.append({"toolSpec": spec})
    config: dict[str, JsonValue] = {"tools": tools}
    choice = case.parameters.tool_choice
    if choice is not None:
        config["toolChoice"] = _CHOICES.get(choice, {"tool": {"name": choice}})
    return config


def _output_config(case: Case) -> JsonObject:
    config: dict[str, JsonValue] = {}
    if case.response_schema is not None:
        schema = orjson.dumps(case.response_schema).decode()
        definition: JsonObject = {"schema": schema, "name": "answer"}
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": definition}}
    if case.parameters.reasoning_effort is not None:
        config["effort"] = case.parameters.reasoning_effort
    return config

import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.simulator import (
    Conditions,
    anthropic_wire,
    bedrock_wire,
    cohere_wire,
    gemini_wire,
    mistral_wire,
    openai_wire,
    responses_wire,
)
from contractcheck.simulator.service import Service

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
KEY = {"authorization": "Bearer k"}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 9, "format": "date"},
        "n": {"type": "number", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 0.5},
        "list": {
            "type": "array",
            "items": {"enum": ["a", "b"]},
            "minItems": 1,
            "uniqueItems": True,
        },
        "any": {"anyOf": [{"type": "null"}, {"const": 4}]},
    },
    "required": ["id", "n"],
    "additionalProperties": False,
}
MESSAGE = {"role": "user", "content": [{"type": "text", "text": "Order 7, 12.50 EUR"}]}
OPENAI = {
    "model": "sim",
    "messages": [MESSAGE],
    "temperature": 0.7,
    "top_p": 0.9,
    "seed": 1,
    "stop": ["x"],
    "max_tokens": 40,
    "logprobs": True,
    "top_logprobs": 2,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "stream_options": {"include_usage": True},
}
OPENAI_JSON = {
    "model": "sim",
    "messages": [MESSAGE],
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}},
}
ANTHROPIC = {
    "model": "sim",
    "system": [{"type": "text", "text": "Be kind"}],
    "messages": [MESSAGE],
    "max_tokens": 40,
    "stop_sequences": ["x"],
    "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "any"},
}
ANTHROPIC_JSON = {
    "model": "sim",
    "messages": [MESSAGE],
    "max_tokens": 40,
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
}
RESPONSES = {
    "model": "sim",
    "instructions": "Be kind",
    "input": [MESSAGE, {"type": "function_call_output", "call_id": "c", "output": "7"}],
    "include": ["message.output_text.logprobs"],
    "top_logprobs": 2,
    "max_output_tokens": 40,
    "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
    "tool_choice": {"type": "function", "name": "f"},
}
RESPONSES_JSON = {
    "model": "sim",
    "input": "Order 7, 12.50 EUR",
    "text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}},
}
CONTENT = {"role": "user", "parts": [{"text": "Order 7"}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": "b"}}}]}
GEMINI_SCHEMA = {
    "type": "OBJECT",
    "properties": {
        "id": {"type": "STRING", "nullable": True, "format": "enum", "maxLength": "9"},
        "list": {"type": "ARRAY", "items": {"anyOf": [{"type": "INTEGER"}]}, "minItems": "1"},
    },
    "propertyOrdering": ["id"],
}
GEMINI = {
    "model": "sim",
    "systemInstruction": {"parts": [{"text": "Be kind"}]},
    "contents": [CONTENT, RESULT],
    "generationConfig": {"temperature": 0.7, "seed": 1, "responseLogprobs": True, "logprobs": 2},
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": GEMINI_SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
}
GEMINI_JSON = {
    "model": "sim",
    "contents": [CONTENT],
    "generationConfig": {
        "responseMimeType": "application/json",
        "responseSchema": GEMINI_SCHEMA,
        "stopSequences": ["x"],
    },
}
BLOCK = {"role": "user", "content": [{"text": "Order 7"}]}
TOOL_RESULT = {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1}}, {"text": "b"}]}}
BEDROCK = {
    "model": "sim",
    "system": [{"text": "Be kind"}],
    "messages": [BLOCK, {"role": "user", "content": [TOOL_RESULT]}],
    "inferenceConfig": {"maxTokens": 40, "temperature": 0.7, "topP": 0.9, "stopSequences": ["x"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}],
        "toolChoice": {"tool": {"name": "f"}},
    },
}
TEXT_FORMAT = {"structure": {"jsonSchema": {"name": "s", "schema": json.dumps(SCHEMA)}}}
BEDROCK_JSON = {
    "model": "sim",
    "messages": [BLOCK],
    "outputConfig": {"textFormat": {"type": "json_schema", **TEXT_FORMAT}},
}
DOCUMENT = {"type": "document", "document": {"data": {"a": "b"}}}
COHERE = {
    "model": "sim",
    "messages": [MESSAGE, {"role": "tool", "tool_call_id": "t", "content": [DOCUMENT]}],
    "p": 0.9,
    "seed": 1,
    "logprobs": True,
    "stop_sequences": ["x"],
    "max_tokens": 40,
    "tools": OPENAI["tools"],
    "tool_choice": "REQUIRED",
}
COHERE_JSON = {
    "model": "sim",
    "messages": [MESSAGE],
    "response_format": {"type": "json_object", "json_schema": SCHEMA},
}
MISTRAL = {**OPENAI, "random_seed": 1, "tool_choice": "any"}
DEEP = json.dumps({**ANTHROPIC, "metadata": None}).replace("null", "[" * 600 + "]" * 600).encode()
BODIES = [
    (openai_wire, OPENAI),
    (openai_wire, OPENAI_JSON),
    (anthropic_wire, ANTHROPIC),
    (anthropic_wire, ANTHROPIC_JSON),
    (responses_wire, RESPONSES),
    (responses_wire, RESPONSES_JSON),
    (gemini_wire, GEMINI),
    (gemini_wire, GEMINI_JSON),
    (bedrock_wire, BEDROCK),
    (bedrock_wire, BEDROCK_JSON),
    (cohere_wire, COHERE),
    (cohere_wire, COHERE_JSON),
    (mistral_wire, MISTRAL),
    (mistral_wire, OPENAI_JSON),
]
junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.sampled_from([0, -1, 10**9, 1e308, -1e308, 1e-320]),
        st.text(max_size=8),
        st.sampled_from(["#", "(", "^a", "object", "array", "number", "null"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from places(inner, (*path, i))


def put(body, path, value):
    changed = deepcopy(body)
    if not path:
        return value
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


@settings(max_examples=1500, deadline=None)
@given(st.data(), st.sampled_from(BODIES), junk, st.booleans())
def test_any_field_may_be_junk_and_the_reply_is_still_an_envelope(data, body, value, stream):
    dialect, valid = body
    path = data.draw(st.sampled_from(list(places(valid))))
    broken = put({**valid, "stream": stream}, path, value)
    reply = Service(QUIET).reply(dialect, KEY, json.dumps(broken).encode())
    assert reply.status in {200, 400, 404, 422}
    content = b"".join(part for _, part in reply.parts)
    if reply.status != 200:
        envelope = json.loads(content)
        assert envelope.get("detail") or envelope.get("error", envelope)["message"]
    elif reply.streamed:
        assert content.startswith((b"data: ", b"event: ", b"\0\0"))
    else:
        assert content.startswith(b"{")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 5000, b'{"model":"sim"}' * 2, DEEP])
def test_bytes_that_are_no_json_are_refused(content):
    for dialect in {dialect for dialect, _ in BODIES}:
        assert Service(QUIET).reply(dialect, KEY, content).status in {400, 422}


@pytest.mark.parametrize(("dialect", "body"), BODIES)
def test_the_untouched_requests_are_answered(dialect, body):
    assert Service(QUIET).reply(dialect, KEY, json.dumps(body).encode()).status == 200

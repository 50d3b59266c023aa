"""The wires beside OpenAI chat and Anthropic, on the bytes; what SDKs make of them is asked elsewhere."""

import json
from dataclasses import replace

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.simulator import (
    Change,
    Conditions,
    bedrock_wire,
    cohere_wire,
    gemini_wire,
    mistral_wire,
    responses_wire,
)
from contractcheck.simulator.aws_events import encode_event
from contractcheck.simulator.gemini_schema import to_json_schema
from contractcheck.simulator.server import DIALECTS, SDK_PREFIXES
from contractcheck.simulator.service import Service

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
KEY = {"authorization": "Bearer k"}
PROMPT = "Please find order ORD-77 by its number."
MESSAGES = [{"role": "user", "content": PROMPT}]
SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
FUNCTION = {"name": "find_order", "description": "Find an order", "parameters": SCHEMA}
CHAT = {"model": "sim", "messages": MESSAGES}
CHAT_TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}
ASKED = {
    "responses": {"model": "sim", "input": PROMPT},
    "gemini": {"model": "sim", "contents": [{"parts": [{"text": PROMPT}]}]},
    "bedrock": {
        "model": "sim",
        "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
    },
    "cohere": {**CHAT, "temperature": 1.0},
    "mistral": CHAT,
}
WIRES = {
    "responses": responses_wire,
    "gemini": gemini_wire,
    "bedrock": bedrock_wire,
    "cohere": cohere_wire,
    "mistral": mistral_wire,
}
TOOLS = {
    "responses": {"tools": [{"type": "function", **FUNCTION}], "tool_choice": "required"},
    "gemini": {
        "tools": [{"functionDeclarations": [FUNCTION]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    },
    "bedrock": {
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "find_order", "inputSchema": {"json": SCHEMA}}},
            ],
            "toolChoice": {"tool": {"name": "find_order"}},
        }
    },
    "cohere": {**CHAT_TOOLS, "tool_choice": "REQUIRED"},
    "mistral": {**CHAT_TOOLS, "tool_choice": "any"},
}


def post(name, body=None, *, conditions=QUIET, **extra):
    content = json.dumps({**ASKED[name], **extra} if body is None else body).encode()
    return Service(conditions).reply(WIRES[name], KEY, content)


def content_of(reply):
    return b"".join(data for _, data in reply.parts)


def read(reply):
    return json.loads(content_of(reply))


def read_events(name, reply):
    content = content_of(reply)
    if name == "bedrock":
        buffer = EventStreamBuffer()
        buffer.add_data(content)
        return [{event.headers[":event-type"]: json.loads(event.payload)} for event in buffer]
    blocks = content.decode().replace("\r\n", "\n").split("\n\n")
    data = [block.split("data: ", 1)[1] for block in blocks if block]
    return [json.loads(text) for text in data if text != "[DONE]"]


def changed(name):
    return replace(QUIET, changes=(Change(name=name),))


def leaves(value):
    """Every text in a JSON value."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in leaves(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in leaves(inner)]
    return [value] if isinstance(value, str) else []


def text_of(name, plain):
    match name:
        case "responses":
            return plain["output"][0]["content"][0]["text"]
        case "gemini":
            return plain["candidates"][0]["content"]["parts"][0]["text"]
        case "bedrock":
            return plain["output"]["message"]["content"][0]["text"]
        case "cohere":
            return plain["message"]["content"][0]["text"]
    return plain["choices"][0]["message"]["content"]


def pieces_of(name, events):
    match name:
        case "responses":
            return [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
        case "gemini":
            return [e["candidates"][0]["content"]["parts"][0]["text"] for e in events]
        case "bedrock":
            deltas = [e["contentBlockDelta"] for e in events if "contentBlockDelta" in e]
            return [delta["delta"]["text"] for delta in deltas]
        case "cohere":
            deltas = [e["delta"] for e in events if e["type"] == "content-delta"]
            return [delta["message"]["content"]["text"] for delta in deltas]
    return [e["choices"][0]["delta"]["content"] for e in events]


@pytest.mark.parametrize("name", WIRES)
def test_a_stream_adds_up_to_the_plain_answer(name):
    plain = text_of(name, read(post(name)))
    streamed = post(name, stream=True)
    pieces = pieces_of(name, read_events(name, streamed))
    assert streamed.streamed
    assert "".join(pieces) == plain
    assert len(pieces) > 3


@pytest.mark.parametrize("name", WIRES)
def test_repetitions_differ_and_a_second_history_repeats_the_first(name):
    service = Service(QUIET)
    body = json.dumps(ASKED[name]).encode()
    twice = [content_of(service.reply(WIRES[name], KEY, body)) for _ in range(2)]
    again = Service(QUIET).reply(WIRES[name], KEY, body)
    assert twice[0] != twice[1]
    assert content_of(again) == twice[0]


@pytest.mark.parametrize("name", WIRES)
def test_a_call_carries_the_number_from_the_prompt(name):
    plain, streamed = post(name, **TOOLS[name]), post(name, stream=True, **TOOLS[name])
    assert "find_order" in leaves(read(plain))
    assert "find_order" in leaves(read_events(name, streamed))
    assert b"ORD-77" in content_of(plain)


@pytest.mark.parametrize("name", WIRES)
def test_a_renamed_field_hides_the_answer(name):
    conditions = changed("renamed_field")
    with pytest.raises(KeyError):
        text_of(name, read(post(name, conditions=conditions)))
    events = read_events(name, post(name, stream=True, conditions=conditions))
    with pytest.raises(KeyError):
        pieces_of(name, events)


@pytest.mark.parametrize("name", WIRES)
def test_a_new_finish_reason_stands_in_the_answer_and_in_the_stream(name):
    def reasons(conditions):
        told = [*leaves(read(post(name, conditions=conditions)))]
        told += leaves(read_events(name, post(name, stream=True, conditions=conditions)))
        return sum(text.lower() == "model_pause" for text in told)

    assert reasons(QUIET) == 0
    assert reasons(changed("finish_reason")) == 2


@pytest.mark.parametrize(
    ("name", "missing", "wrong"),
    [
        ("responses", (404, "invalid_request_error"), (400, "invalid_request_error")),
        ("gemini", (404, "NOT_FOUND"), (400, "INVALID_ARGUMENT")),
        ("bedrock", (404, None), (400, None)),
        ("cohere", (404, None), (400, None)),
        ("mistral", (400, "invalid_model"), (400, None)),
    ],
)
def test_error_envelopes(name, missing, wrong):
    unknown = post(name, model="does-not-exist")
    broken = post(name, body={"model": "sim", "stream": True, "tools": 3})
    for reply, (status, kind) in ((unknown, missing), (broken, wrong)):
        assert reply.status == (422 if (name, reply) == ("mistral", broken) else status)
        assert not reply.streamed
        assert kind is None or kind in leaves(read(reply))
    assert Service(QUIET).reply(WIRES[name], {}, b"{}").status == 401


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("responses", "x-request-id"),
        ("gemini", "server-timing"),
        ("bedrock", "x-amzn-requestid"),
        ("cohere", "x-debug-trace-id"),
        ("mistral", "mistral-correlation-id"),
    ],
)
def test_headers_name_the_request(name, header):
    service = Service(replace(QUIET, time_scale=1.0))
    body = json.dumps(ASKED[name]).encode()
    told = [service.reply(WIRES[name], KEY, body).headers[header] for _ in range(2)]
    assert told[0] != told[1]


def test_the_address_says_model_and_stream_where_the_body_does_not():
    body = json.dumps({"contents": [{"parts": [{"text": PROMPT}]}]}).encode()
    address = {"model": "gem-sim", "stream": True}
    reply = Service(QUIET).reply(gemini_wire, KEY, body, address)
    assert read_events("gemini", reply)[0]["modelVersion"] == "gem-sim-2026-03-01"
    assert Service(QUIET).reply(gemini_wire, KEY, body).status == 400


def test_log_probabilities_of_responses_gemini_and_cohere():
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    part = read(post("responses", **asked))["output"][0]["content"][0]
    assert "".join(entry["token"] for entry in part["logprobs"]) == part["text"]
    assert all(len(entry["top_logprobs"]) <= 2 for entry in part["logprobs"])
    settings = {"responseLogprobs": True, "logprobs": 2}
    candidate = read(post("gemini", generationConfig=settings))["candidates"][0]
    chosen = candidate["logprobsResult"]["chosenCandidates"]
    assert "".join(entry["token"] for entry in chosen) == text_of(
        "gemini", {"candidates": [candidate]}
    )
    plain = read(post("cohere", logprobs=True))
    assert "".join(entry["text"] for entry in plain["logprobs"]) == text_of("cohere", plain)


def test_thoughts_of_openai_are_counted_and_summed_up_when_asked_for():
    for reasoning, shown in (
        ({"effort": "low"}, False),
        ({"effort": "low", "summary": "auto"}, True),
    ):
        thought, said = read(post("responses", reasoning=reasoning))["output"]
        assert (thought["type"], bool(thought["summary"])) == ("reasoning", shown)
        last = read_events("responses", post("responses", reasoning=reasoning, stream=True))[-1]
        assert last["response"]["output"] == [thought, said]
        usage = last["response"]["usage"]
        thoughts = usage["output_tokens_details"]["reasoning_tokens"]
        assert 0 < thoughts < usage["output_tokens"]
        if shown:
            assert thoughts == len(thought["summary"][0]["text"].split())
    assert len(read(post("responses", reasoning={"effort": "none"}))["output"]) == 1


def test_thoughts_of_gemini_and_bedrock_stand_before_the_answer_when_asked_for():
    asked = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    plain = read(post("gemini", **asked))
    parts = plain["candidates"][0]["content"]["parts"]
    thoughts, said = [p["text"] for p in parts if p.get("thought")], parts[-1]["text"]
    events = read_events("gemini", post("gemini", stream=True, **asked))
    streamed = [e["candidates"][0]["content"]["parts"][0] for e in events]
    assert [p["text"] for p in streamed if p.get("thought")] == thoughts != []
    assert "".join(p["text"] for p in streamed if "thought" not in p) == said
    for usage in (plain["usageMetadata"], events[-1]["usageMetadata"]):
        counts = [usage[f"{name}TokenCount"] for name in ("prompt", "candidates", "thoughts")]
        assert usage["totalTokenCount"] == sum(counts)
        assert usage["thoughtsTokenCount"] == len("".join(thoughts).split())

    effort = {"outputConfig": {"effort": "low"}}
    thought, spoken = read(post("bedrock", **effort))["output"]["message"]["content"]
    deltas = [
        event["contentBlockDelta"]
        for event in read_events("bedrock", post("bedrock", stream=True, **effort))
        if "contentBlockDelta" in event
    ]
    pieces = {0: "", 1: ""}
    for one in deltas:
        delta = one["delta"]
        pieces[one["contentBlockIndex"]] += delta.get("reasoningContent", delta)["text"]
    text = thought["reasoningContent"]["reasoningText"]["text"]
    assert pieces == {0: text, 1: spoken["text"]}
    assert text.split()


def test_responses_repeat_what_was_asked():
    plain = read(post("responses", instructions="Be kind", temperature=0.3, metadata={"a": "b"}))
    assert (plain["instructions"], plain["temperature"]) == ("Be kind", 0.3)
    assert plain["metadata"] == {"a": "b"}
    assert plain["text"]["format"] == {"type": "text"}


@pytest.mark.parametrize("name", WIRES)
def test_the_answer_to_a_tool_result_is_in_words(name):
    result = {
        "responses": {
            "input": [
                *MESSAGES,
                {"type": "function_call_output", "call_id": "c", "output": "49.90 EUR"},
            ]
        },
        "gemini": {
            "contents": [
                {"parts": [{"functionResponse": {"name": "f", "response": {"cost": "49.90"}}}]}
            ]
        },
        "bedrock": {
            "messages": [
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "49"}]}}],
                }
            ]
        },
        "cohere": {"messages": [*MESSAGES, {"role": "tool", "content": "49.90 EUR"}]},
        "mistral": {"messages": [*MESSAGES, {"role": "tool", "content": "49.90 EUR"}]},
    }[name]
    tools = {k: v for k, v in TOOLS[name].items() if k not in {"tool_choice", "toolConfig"}}
    assert text_of(name, read(post(name, **tools, **result)))


@given(kind=st.from_regex(r"[a-zA-Z]{1,40}", fullmatch=True), payload=st.binary(max_size=300))
def test_event_stream_messages_survive_botocore(kind, payload):
    buffer = EventStreamBuffer()
    encoded = encode_event(kind, payload) * 2
    buffer.add_data(encoded[:7])
    buffer.add_data(encoded[7:])
    events = list(buffer)
    assert [event.headers[":event-type"] for event in events] == [kind] * 2
    assert [event.headers[":message-type"] for event in events] == ["event"] * 2
    assert [event.payload for event in events] == [payload] * 2


def test_gemini_schemas_become_json_schemas():
    own = {
        "type": "OBJECT",
        "properties": {
            "n": {"type": "INTEGER", "format": "int32", "nullable": True},
            "list": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"},
            "day": {"anyOf": [{"type": "STRING", "format": "date"}]},
        },
        "propertyOrdering": ["n", "list"],
    }
    assert to_json_schema(own) == {
        "type": "object",
        "properties": {
            "n": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "day": {"anyOf": [{"type": "string", "format": "date"}]},
        },
    }


def test_no_two_dialects_share_a_path_and_every_provider_has_a_prefix():
    paths = [path for dialect in DIALECTS for path in dialect.PATHS]
    assert len(paths) == len(set(paths))
    official = {"openai", "anthropic", "azure", "gemini", "bedrock", "cohere", "mistral"}
    assert set(SDK_PREFIXES) == official

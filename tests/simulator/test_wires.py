import json
from dataclasses import replace

import pytest

from contractcheck.simulator import Change, Conditions, answer_openai, anthropic_wire, openai_wire
from contractcheck.simulator.service import Service

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
KEY = {"authorization": "Bearer k"}
MESSAGES = [{"role": "user", "content": "Please find order ORD-77 by its number."}]
SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
OPENAI = {"model": "sim", "messages": MESSAGES}
ANTHROPIC = {"model": "sim", "messages": MESSAGES, "max_tokens": 300}
OPENAI_TOOL = {
    "tools": [{"type": "function", "function": {"name": "find_order", "parameters": SCHEMA}}],
    "tool_choice": "required",
}
ANTHROPIC_TOOL = {
    "tools": [{"name": "find_order", "input_schema": SCHEMA}],
    "tool_choice": {"type": "any"},
}


def post(dialect, body, *, conditions=QUIET, headers=KEY):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Service(conditions).reply(dialect, headers, content)


def read(reply):
    return json.loads(b"".join(content for _, content in reply.parts))


def read_events(reply):
    blocks = b"".join(content for _, content in reply.parts).decode().split("\n\n")
    return [block.split("data: ", 1)[1] for block in blocks if block]


def changed(name):
    return replace(QUIET, changes=(Change(name=name),))


@pytest.mark.parametrize("extra", [{}, {"stop": "."}, {"max_tokens": 4}, OPENAI_TOOL])
def test_openai_stream_adds_up_to_the_plain_answer(extra):
    plain = read(post(openai_wire, {**OPENAI, **extra}))
    streamed = post(
        openai_wire,
        {**OPENAI, **extra, "stream": True, "stream_options": {"include_usage": True}},
    )
    *chunks, done = read_events(streamed)
    *chunks, usage = map(json.loads, chunks)
    message, choice = plain["choices"][0]["message"], plain["choices"][0]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert done == "[DONE]"
    assert streamed.streamed
    assert deltas[0]["role"] == "assistant"
    assert usage["choices"] == []
    assert usage["usage"] == plain["usage"]
    assert chunks[-1]["choices"][0]["finish_reason"] == choice["finish_reason"]
    assert {chunk["id"] for chunk in chunks} == {plain["id"]}
    if "tool_calls" in message:
        calls = [d["tool_calls"][0] for d in deltas if "tool_calls" in d]
        joined = "".join(call["function"]["arguments"] for call in calls)
        assert joined == message["tool_calls"][0]["function"]["arguments"]
        assert calls[0]["id"] == message["tool_calls"][0]["id"]
    else:
        assert "".join(d.get("content", "") for d in deltas) == message["content"]


@pytest.mark.parametrize(
    "extra", [{}, {"stop_sequences": [" the"]}, {"max_tokens": 4}, ANTHROPIC_TOOL]
)
def test_anthropic_stream_adds_up_to_the_plain_answer(extra):
    plain = read(post(anthropic_wire, {**ANTHROPIC, **extra}))
    events = [
        json.loads(e)
        for e in read_events(post(anthropic_wire, {**ANTHROPIC, **extra, "stream": True}))
    ]
    kinds = [event["type"] for event in events]
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[-2]["delta"] == {key: plain[key] for key in ("stop_reason", "stop_sequence")}
    assert events[-2]["usage"]["output_tokens"] == plain["usage"]["output_tokens"] == len(deltas)
    block = plain["content"][0]
    if block["type"] == "tool_use":
        assert json.loads("".join(d["partial_json"] for d in deltas)) == block["input"]
    else:
        assert "".join(d["text"] for d in deltas) == block["text"]


def test_the_in_process_answer_is_the_servers():
    service = Service(QUIET)
    for i in range(5):
        served = service.reply(openai_wire, KEY, json.dumps(OPENAI).encode())
        assert read(served) == answer_openai(OPENAI, conditions=QUIET, occurrence=i)


def test_usage_counts_and_identity_fields():
    answer = read(post(openai_wire, {**OPENAI, "logprobs": True, "top_logprobs": 3}))
    usage, logprobs = answer["usage"], answer["choices"][0]["logprobs"]["content"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert len(logprobs) == usage["completion_tokens"]
    assert "".join(t["token"] for t in logprobs) == answer["choices"][0]["message"]["content"]
    assert all(len(t["top_logprobs"]) <= 3 and t["logprob"] <= 0 for t in logprobs)
    assert answer["model"] == "sim-2026-03-01"
    assert answer["system_fingerprint"].startswith("fp_")


@pytest.mark.parametrize("name", ["gpt-4o-2024-08-06", "claude-sim-20250101"])
def test_pinned_names_echo_themselves(name):
    assert read(post(openai_wire, {**OPENAI, "model": name}))["model"] == name
    assert read(post(anthropic_wire, {**ANTHROPIC, "model": name}))["model"] == name


def test_headers_carry_ids_and_limits():
    openai = post(openai_wire, OPENAI).headers
    anthropic = post(anthropic_wire, ANTHROPIC).headers
    assert openai["x-request-id"].startswith("req_")
    assert openai["openai-version"] == "2020-10-01"
    assert {"x-ratelimit-remaining-requests", "openai-processing-ms"} <= openai.keys()
    assert anthropic["request-id"].startswith("req_")
    assert "anthropic-ratelimit-requests-remaining" in anthropic


def test_json_object_mode_answers_with_an_object():
    answer = read(post(openai_wire, {**OPENAI, "response_format": {"type": "json_object"}}))
    assert set(json.loads(answer["choices"][0]["message"]["content"])) == {"answer", "confidence"}


def test_renamed_field():
    openai = read(post(openai_wire, OPENAI, conditions=changed("renamed_field")))
    anthropic = read(post(anthropic_wire, ANTHROPIC, conditions=changed("renamed_field")))
    assert "message" not in openai["choices"][0]
    assert openai["choices"][0]["output"]["content"]
    assert "content" not in anthropic
    assert anthropic["text"][0]["text"]
    stream = read_events(
        post(openai_wire, {**OPENAI, "stream": True}, conditions=changed("renamed_field"))
    )
    assert "output" in json.loads(stream[0])["choices"][0]
    stream = read_events(
        post(anthropic_wire, {**ANTHROPIC, "stream": True}, conditions=changed("renamed_field"))
    )
    assert '"output":{"type":"text_delta"' in stream[3]


def test_new_finish_reason_and_fingerprint():
    conditions = changed("finish_reason")
    plain, paused = (
        read(post(openai_wire, OPENAI)),
        read(post(openai_wire, OPENAI, conditions=conditions)),
    )
    assert paused["choices"][0]["finish_reason"] == "model_pause"
    paused["choices"][0]["finish_reason"] = plain["choices"][0]["finish_reason"]
    assert paused == plain
    assert (
        read(post(anthropic_wire, ANTHROPIC, conditions=conditions))["stop_reason"] == "pause_turn"
    )
    bumped = read(post(openai_wire, OPENAI, conditions=changed("fingerprint")))
    assert bumped.pop("system_fingerprint") != plain.pop("system_fingerprint")
    assert bumped == plain


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind", "code"),
    [
        (OPENAI, {}, 401, "invalid_request_error", "invalid_api_key"),
        (OPENAI, {"authorization": "Bearer "}, 401, "invalid_request_error", "invalid_api_key"),
        (
            {**OPENAI, "model": "does-not-exist-9"},
            KEY,
            404,
            "invalid_request_error",
            "model_not_found",
        ),
        (b"{not json", KEY, 400, "invalid_request_error", None),
        (b"[]", KEY, 400, "invalid_request_error", None),
        ({"model": "sim"}, KEY, 400, "invalid_request_error", None),
        ({**OPENAI, "messages": ["hi"]}, KEY, 400, "invalid_request_error", None),
        ({**OPENAI, "temperature": 3}, KEY, 400, "invalid_request_error", None),
        ({**OPENAI, "temperature": "hot"}, KEY, 400, "invalid_request_error", None),
        ({**OPENAI, "n": 2}, KEY, 400, "invalid_request_error", None),
        ({**OPENAI, "max_tokens": 1.5}, KEY, 400, "invalid_request_error", None),
        (
            {**OPENAI, "tool_choice": {"function": {"name": "x"}}},
            KEY,
            400,
            "invalid_request_error",
            None,
        ),
        ({**OPENAI, "response_format": {"type": "xml"}}, KEY, 400, "invalid_request_error", None),
        (
            {**OPENAI, "response_format": {"type": "json_schema"}},
            KEY,
            400,
            "invalid_request_error",
            None,
        ),
    ],
)
def test_openai_error_envelopes(body, headers, status, kind, code):
    reply = post(openai_wire, body, headers=headers)
    error = read(reply)["error"]
    assert reply.status == status
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (kind, code)
    assert error["message"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (ANTHROPIC, {}, 401, "authentication_error"),
        ({**ANTHROPIC, "model": "does-not-exist"}, KEY, 404, "not_found_error"),
        (OPENAI, KEY, 400, "invalid_request_error"),
        (
            {**ANTHROPIC, "tool_choice": {"type": "tool", "name": "x"}},
            KEY,
            400,
            "invalid_request_error",
        ),
        (
            {**ANTHROPIC, "output_config": {"format": {"type": "xml"}}},
            KEY,
            400,
            "invalid_request_error",
        ),
    ],
)
def test_anthropic_error_envelopes(body, headers, status, kind):
    reply = post(anthropic_wire, body, headers=headers)
    envelope = read(reply)
    assert reply.status == status
    assert envelope["type"] == "error"
    assert envelope["error"]["type"] == kind
    assert envelope["request_id"] == reply.headers["request-id"]


def test_outages_refuse_their_share():
    service = Service(replace(QUIET, error_rate=0.5))
    openai = [service.reply(openai_wire, KEY, json.dumps(OPENAI).encode()) for _ in range(200)]
    anthropic = [
        service.reply(anthropic_wire, KEY, json.dumps(ANTHROPIC).encode()) for _ in range(200)
    ]
    assert {r.status for r in openai} == {200, 503, 429}
    assert {r.status for r in anthropic} == {200, 529, 429}
    assert 70 < sum(r.status == 200 for r in openai) < 130
    assert all(("retry-after" in r.headers) == (r.status == 429) for r in openai)

import json

import pytest

from contractcheck.model.exchange import Response
from contractcheck.model.wire import Frame
from contractcheck.model.wire_mapping import read_mapping
from contractcheck.providers import DIALECTS, dialect
from contractcheck.providers.first_content import has_content
from contractcheck.providers.wire import TellsContent
from contractcheck.simulator import Conditions, azure_wire
from contractcheck.simulator.answering import answer_question
from contractcheck.simulator.question import Question, Tool
from contractcheck.simulator.server import DIALECTS as WIRES

NAMED = dialect("openai")


def frames(*documents, name=""):
    return [
        Frame(name=name, document=document, text=json.dumps(document), last_byte=0)
        for document in documents
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        {"choices": [], "usage": {"prompt_tokens": 1}},
        {"type": "ping"},
        {"type": "message_start", "message": {"content": [], "model": "m"}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "response.created", "response": {"output": [], "text": {"format": {"type": "text"}}}},
        {"candidates": [{"content": {"role": "model", "parts": []}}], "modelVersion": "m"},
        {"role": "assistant", "p": "abcdef"},
        {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}},
        None,
    ],
)  # fmt: skip
def test_what_only_opens_an_answer_is_no_content(document):
    assert not has_content(NAMED, frames(document))


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [{"delta": {"content": "Hi"}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{"}}]}}]},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]},
        {"contentBlockIndex": 0, "delta": {"text": "Hi"}},
        {"type": "content-delta", "delta": {"message": {"content": {"text": "Hi"}}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I"}}},
        # All that comes of a call without arguments until its block is over.
        {"content_block": {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}},
        {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "now"}}},
    ],
)
def test_what_a_model_says_is_content_in_every_dialect(document):
    assert has_content(NAMED, frames({"type": "ping"}, document))


SIMULATED = {wire.FORMAT: wire for wire in reversed(WIRES)} | {"azure-chat": azure_wire}
OF_THEIR_OWN = {
    "anthropic": "anthropic-messages",
    "azure": "azure-chat",
    "bedrock": "bedrock",
    "cohere": "cohere",
    "gemini": "gemini",
    "mistral": "mistral",
    "openai-responses": "openai-responses",
    "vertex": "gemini",
}
"""The simulated wires of providers that do not speak as OpenAI's chat does."""


def call(provider, properties):
    """Frames of a streamed answer that is one tool call and nothing else."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    tool = Tool(name="look", description="Looks it up", parameters=parameters)
    question = Question(
        model="sim-2026-03-01",
        key="call",
        streamed=True,
        with_usage_chunk=True,
        prompt="Where is order A-1042?",
        tools=(tool,),
        tool_choice="named",
        forced_tool="look",
    )
    wire, night = SIMULATED[OF_THEIR_OWN.get(provider, "openai-chat")], "2026-03-01"
    answer = answer_question(question, Conditions(night=night), 0)
    body = b"".join(data for _, data in wire.write_frames(question, answer, night))
    response = Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("content-type", wire.STREAM_TYPE),),
        body=body,
        chunk_bytes=(len(body),),
        chunk_times_us=(0,),
    )
    return dialect(provider).frames(response)


@pytest.mark.parametrize("properties", [{"order_id": {"type": "string"}}, {}])
@pytest.mark.parametrize("provider", sorted({*DIALECTS} - {"openai-embeddings"}))
def test_an_answer_that_is_a_tool_call_has_content(provider, properties):
    came = call(provider, properties)
    assert "look" in "".join(frame.text for frame in came)
    assert has_content(dialect(provider), came)


def test_nesting_has_no_limit():
    document = {"a": 1}
    for _ in range(5000):
        document = {"a": [document]}
    assert not has_content(NAMED, [Frame(name="", document=document, text="", last_byte=0)])


@pytest.mark.parametrize("provider", DIALECTS)
def test_every_built_in_wire_tells_its_content(provider):
    speaker = dialect(provider)
    assert isinstance(speaker, TellsContent)
    assert speaker.has_content(*frames({"delta": {"text": "Hi", "content": "Hi"}}))
    assert not speaker.has_content(*frames({"type": "ping"}))


MAPPING = {
    "path": "/ask",
    "body": {"prompt": "{prompt}"},
    "answer": {"text": "$.said.*", "calls": {"each": "$.todo[*]", "name": "$.n", "arguments": "$.a"}},
    "stream": {"text": "$.piece", "reasoning": "$..thought", "end": "[DONE]"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "document", "is_content"),
    [
        ("message", {"piece": "Hi"}, True),
        ("message", {"a": [{"thought": "hm"}]}, True),
        ("message", {"piece": ""}, False),
        ("message", {"piece": None, "content": "of another wire"}, False),
        ("message", {"said": {"a": "of a whole answer"}}, False),
        ("", {"said": {"a": "Hi"}}, True),
        ("", {"todo": [{"n": "look", "a": {}}]}, True),
        ("", {"said": {}, "todo": []}, False),
        ("", {"piece": "of an event"}, False),
        ("", None, False),
    ],
)
def test_a_declared_wire_says_what_its_mapping_finds(name, document, is_content):
    speaker = dialect("http", read_mapping(MAPPING))
    assert has_content(speaker, frames(document, name=name)) is is_content


def test_what_is_too_deep_to_be_searched_is_not_nothing():
    deep = {}
    for _ in range(150):
        deep = {"a": deep}
    assert has_content(dialect("http", read_mapping(MAPPING)), frames(deep, name="message"))


def test_a_wire_that_does_not_tell_has_content_with_its_first_event():
    speaker = object()
    assert has_content(speaker, frames({"role": "assistant"}))
    assert not has_content(speaker, [])
    assert not has_content(speaker, [Frame(name="", document=None, text=" ", last_byte=0)])

import json

import pytest

from contractcheck.model.wire import Frame
from contractcheck.model.wire_mapping import read_mapping
from contractcheck.providers import DIALECTS, dialect
from contractcheck.providers.first_content import has_content
from contractcheck.providers.wire import TellsContent

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
    ],
)
def test_what_a_model_says_is_content_in_every_dialect(document):
    assert has_content(NAMED, frames({"type": "ping"}, document))


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

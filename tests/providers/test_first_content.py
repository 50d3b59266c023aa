import json

import pytest

from contractcheck.model.wire import Frame
from contractcheck.providers.first_content import has_content


def frames(*documents):
    return [
        Frame(name="", document=document, text=json.dumps(document), last_byte=0)
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
    assert not has_content(frames(document))


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
    assert has_content(frames({"type": "ping"}, document))


def test_nesting_has_no_limit():
    document = {"a": 1}
    for _ in range(5000):
        document = {"a": [document]}
    assert not has_content([Frame(name="", document=document, text="", last_byte=0)])

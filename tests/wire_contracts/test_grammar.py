"""Streams in order have no problem, however they are cut; out of order they do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.providers import DIALECTS
from contractcheck.wire_contracts.formats import FORMATS, wire_format


def test_a_stream_says_what_a_whole_answer_says(spoken, speak, questions):
    for kind in questions:
        for trial in range(3):
            streamed = speak(spoken, kind, trial).completion
            whole = speak(spoken, kind, trial, streamed=False).completion
            assert streamed.text == whole.text
            assert [(one.name, one.arguments) for one in streamed.tool_calls] == [
                (one.name, one.arguments) for one in whole.tool_calls
            ]
            assert streamed.finish_reason == whole.finish_reason


def test_a_stream_that_is_cut_anywhere_is_not_out_of_order(spoken, speak, questions):
    for kind in questions:
        said = speak(spoken, kind, 0)
        frames = said.frames
        checks = wire_format(said.provider).checks
        assert checks or spoken == "openai-embeddings"
        for end in range(len(frames) + 1):
            assert [one for check in checks for one in check(frames[:end])] == []


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_an_event_of_structure_that_comes_twice_is_seen(speak, wire_names, data):
    """No event of a stream that names its events may be repeated, but those of content."""
    untyped = ("azure-chat", "gemini", "mistral", "openai-chat", "openai-embeddings")
    name = data.draw(st.sampled_from([one for one in wire_names if one not in untyped]))
    said = speak(name, data.draw(st.sampled_from(["prose", "call"])), 0)
    kinds = [(frame.name, frame.document) for frame in said.frames]
    structural = [place for place, one in enumerate(kinds) if is_structural(*one)]
    place = data.draw(st.sampled_from(structural))
    again = said.rewritten(lambda all_: [*all_[: place + 1], *all_[place:]])
    assert again.problems()
    assert again.completion.text == said.completion.text


def is_structural(kind, document):
    text = str((document or {}).get("type", kind))
    return text.endswith(("start", "Start", "stop", "Stop", "created", "completed", "metadata"))


CASES = [
    # format, question, change, path, severity
    ("anthropic-messages", "prose", lambda s: [s[0], *s], "stream order", "breaking"),
    ("anthropic-messages", "prose", lambda s: [*s, s[-2]], "stream order", "breaking"),
    ("anthropic-messages", "prose", lambda s: s[1:], "stream order", "breaking"),
    (
        "anthropic-messages",
        "prose",
        lambda s: [("x", {**d, "index": 3}) if "index" in d else (k, d) for k, d in s],
        "content_block_start.index",
        "breaking",
    ),
    (
        "anthropic-messages",
        "prose",
        lambda s: [
            (k, {**d, "index": 1} if d["type"] == "content_block_stop" else d) for k, d in s
        ],
        "content_block_stop.index",
        "breaking",
    ),
    (
        "anthropic-messages",
        "prose",
        lambda s: [(s[0][0], prefilled(s[0][1])), *s[1:]],
        "message_start.message.content",
        "breaking",
    ),
    (
        "anthropic-messages",
        "prose",
        lambda s: [*s[:3], ("vertex_event", {"type": "vertex_event"}), *s[3:]],
        "event",
        "additive",
    ),
    ("bedrock", "prose", lambda s: s[1:], "stream order", "breaking"),
    ("bedrock", "prose", lambda s: [*s[:-2], s[-1], s[-2]], "stream order", "breaking"),
    ("cohere", "prose", lambda s: [s[0], *s], "stream order", "breaking"),
    ("gemini", "prose", lambda s: [*s[1:], s[0]], "stream order", "breaking"),
    (
        "openai-chat",
        "prose",
        lambda s: [(k, None if d is None else filtered(d)) for k, d in s[:1]] + s,
        "stream order",
        "breaking",
    ),
    ("openai-chat", "prose", lambda s: [s[0], s[-2], *s[1:]], "stream order", "breaking"),
    (
        "openai-chat",
        "prose",
        lambda s: [*s[:-3], s[-3], s[-3], *s[-2:]],
        "stream order",
        "breaking",
    ),
    ("openai-chat", "prose", lambda s: [*s, s[1]], "stream order", "breaking"),
    ("openai-chat", "prose", lambda s: [padded(s[0]), padded(s[0]), *s[1:]], "stream", "breaking"),
    (
        "openai-chat",
        "call",
        lambda s: [(k, renumbered(d)) for k, d in s],
        "choices[*].delta.tool_calls[*].index",
        "breaking",
    ),
    ("openai-responses", "prose", lambda s: [*s[:4], s[3], *s[4:]], "sequence_number", "breaking"),
    ("openai-responses", "prose", lambda s: [*s[:4], *s[5:]], "sequence_number", "additive"),
    (
        "openai-responses",
        "prose",
        lambda s: [*s[:4], *s[5:]],
        "response.output_text.done.text",
        "breaking",
    ),
    ("openai-responses", "prose", lambda s: s[1:], "stream order", "breaking"),
    ("openai-responses", "prose", lambda s: [*s, s[-1]], "stream order", "breaking"),
    (
        "openai-responses",
        "prose",
        lambda s: [one for one in s if one[1]["type"] != "response.output_item.added"],
        "response.output_text.delta.output_index",
        "breaking",
    ),
]


def prefilled(document):
    content = [{"type": "text", "text": "hello"}]
    return {**document, "message": {**document["message"], "content": content}}


def filtered(document):
    return {**document, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}


def padded(frame):
    return frame[0], {**frame[1], "obfuscation": "qW3xY7z"}


def renumbered(document):
    if document is None or not document["choices"]:
        return document
    choice = document["choices"][0]
    calls = [{**call, "index": 2} for call in choice["delta"].get("tool_calls", [])]
    delta = {**choice["delta"], "tool_calls": calls} if calls else choice["delta"]
    return {**document, "choices": [{**choice, "delta": delta}]}


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_stream_out_of_order_is_seen(speak, case):
    name, question, change, path, severity = case
    found = speak(name, question, 0).rewritten(change).problems(severity)
    assert path in found


def test_azure_sends_filter_results_without_choices(speak):
    said = speak("openai-chat", "prose", 0)
    frames = said.rewritten(lambda s: [(s[0][0], filtered(s[0][1])), *s]).frames
    azure, openai = wire_format("azure"), wire_format("openai")
    assert [one for check in azure.checks for one in check(frames)] == []
    assert [one for check in openai.checks for one in check(frames)] != []


def test_the_same_token_twice_is_no_repetition(speak):
    said = speak("openai-chat", "prose", 0)
    assert said.rewritten(lambda s: [*s[:2], s[1], *s[2:]]).problems() == {}


def test_an_error_in_the_stream_ends_what_is_looked_at(speak):
    said = speak("openai-chat", "prose", 0)
    error = ("message", {"error": {"message": "overloaded", "code": "server_error"}})
    assert said.rewritten(lambda s: [*s[:3], error, ("message", {"odd": 1})]).problems() == {}


def test_every_provider_has_a_wire_format_with_a_shape():
    assert set(FORMATS) == set(DIALECTS)
    for provider in FORMATS:
        assert wire_format(provider).shape.frames
    assert wire_format("somebody's own gateway").shape.frames == {}


def test_an_ending_may_be_told_again_with_the_usage(speak):
    """As OpenRouter does (langchain-ai/langchain#38226)."""

    def again(sent):
        end = next(d for _, d in sent if d and d["choices"] and d["choices"][0]["finish_reason"])
        return [
            (kind, {**d, "choices": end["choices"]} if d and not d["choices"] else d)
            for kind, d in sent
        ]

    said = speak("openai-chat", "prose", 0)
    assert said.rewritten(again).problems() == said.problems()
    assert said.rewritten(again).completion.text == said.completion.text


def test_notes_of_a_filter_that_runs_beside_a_stream_are_in_order(speak):
    """Azure OpenAI reference, "Content streaming", asynchronous filter: no delta in them."""
    note = {
        "index": 0,
        "finish_reason": None,
        "content_filter_results": {},
        "content_filter_offsets": {"check_offset": 0, "start_offset": 0, "end_offset": 9},
    }

    def noted(sent):
        noted = (sent[2][0], {**sent[2][1], "choices": [note]})
        return [*sent[:2], noted, *sent[2:-2], noted, *sent[-2:]]

    said = speak("azure-chat", "prose", 0)
    assert said.rewritten(noted).problems() == said.problems()
    assert said.rewritten(noted).completion.text == said.completion.text

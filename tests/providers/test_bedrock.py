"""Wire bytes below are written by hand after the published reference of Converse."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of

from contractcheck.model.completion import Outcome
from contractcheck.providers.bedrock import DIALECT
from contractcheck.simulator.aws_events import encode_event, encode_exception

STREAM = "application/vnd.amazon.eventstream"
USAGE = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 16, "cacheReadInputTokens": 3}


def response(body, content_type="application/json"):
    return answer_of(body, content_type)


def answer(*blocks, stop="end_turn", **members):
    return {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop,
        "usage": USAGE,
        "metrics": {"latencyMs": 7},
        **members,
    }


def read(document):
    return DIALECT.read(response(json.dumps(document).encode()))


def event(kind, **members):
    return encode_event(kind, json.dumps({**members, "p": "abcdef"}).encode())


def opened(index, **start):
    return event("contentBlockStart", contentBlockIndex=index, start=start)


def delta(index, **members):
    return event("contentBlockDelta", contentBlockIndex=index, delta=members)


def closed(index):
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 7})


def stream(*events, stop="end_turn"):
    return b"".join((START, *events, event("messageStop", stopReason=stop), METADATA))


def read_stream(body):
    return DIALECT.read(response(body, STREAM))


TOOL_USE = {"toolUseId": "t1", "name": "look_up", "input": {"id": 1}}
FORMS = {
    "whole": lambda: read(
        answer(
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
            {"reasoningContent": {"redactedContent": "AAAA"}},
            {"text": "Grüße"},
            {"citationsContent": {"content": [{"text": ", 😀"}], "citations": []}},
            {"toolUse": TOOL_USE},
            {"toolUse": {"toolUseId": "t2", "name": "refund", "input": {}}},
            stop="tool_use",
        )
    ),
    "stream": lambda: read_stream(
        stream(
            delta(0, reasoningContent={"text": "h"}),
            delta(0, reasoningContent={"text": "m"}),
            delta(0, reasoningContent={"signature": "s"}),
            delta(1, reasoningContent={"redactedContent": "AAAA"}),
            closed(0),
            delta(2, text="Grü"),
            delta(2, text="ße"),
            closed(2),
            delta(3, text=", 😀"),
            delta(3, citation={"title": "a"}),
            opened(4, toolUse={"toolUseId": "t1", "name": "look_up"}),
            delta(4, toolUse={"input": ""}),
            delta(4, toolUse={"input": '{"id"'}),
            delta(4, toolUse={"input": ": 1}"}),
            closed(4),
            opened(5, toolUse={"toolUseId": "t2", "name": "refund"}),
            closed(5),
            stop="tool_use",
        )
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_documented_member_is_read(form):
    completion = FORMS[form]()
    assert completion.outcome is Outcome.ANSWERED
    assert (completion.text, completion.reasoning_text) == ("Grüße, 😀", "hm")
    told = [(c.name, c.arguments, c.is_parsed, c.id) for c in completion.tool_calls]
    assert told == [("look_up", {"id": 1}, True, "t1"), ("refund", {}, True, "t2")]
    assert completion.finish_reason == "tool_use"
    assert (completion.input_tokens, completion.output_tokens) == (9, 4)
    assert (completion.total_tokens, completion.cached_input_tokens) == (16, 3)
    assert (completion.model, completion.response_id) == (None, None)
    assert completion.wire_problems == ()


@pytest.mark.parametrize(
    ("before", "first"),
    [
        (delta(0, reasoningContent={"text": "hm"}), delta(1, text="Yes")),
        (delta(0, text=""), opened(1, toolUse={"toolUseId": "t", "name": "a"})),
    ],
)
def test_the_first_content_is_neither_a_thought_nor_nothing(before, first):
    completion = read_stream(stream(before, first, delta(2, text=".")))
    assert completion.first_content_byte == len(START + before + first) - 1


def test_arguments_that_do_not_parse_are_kept_as_they_came():
    (call,) = read_stream(
        stream(
            opened(0, toolUse={"toolUseId": "t", "name": "a"}),
            delta(0, toolUse={"input": '{"id": '}),
            stop="max_tokens",
        )
    ).tool_calls
    assert (call.arguments, call.is_parsed) == ('{"id": ', False)


@pytest.mark.parametrize("stop", ["max_tokens", "guardrail_intervened", "content_filtered"])
def test_an_empty_answer_may_be_all_there_is(stop):
    for completion in (read(answer(stop=stop)), read_stream(stream(stop=stop))):
        assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "")
        assert (completion.finish_reason, completion.wire_problems) == (stop, ())


def breaks(completion):
    return [p.path for p in completion.wire_problems if p.severity == "breaking"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "output"),
        (answer() | {"output": {}}, "output.message"),
        (answer() | {"output": {"message": {}}}, "output.message.content"),
        (answer("text"), "output.message.content[0]"),
        (answer({"text": 3}), "output.message.content[0].text"),
        (answer({"toolUse": {"name": "a"}}), "output.message.content[0].toolUse.toolUseId"),
        (
            answer({"toolUse": {"name": "a", "toolUseId": "t", "input": "{}"}}),
            "output.message.content[0].toolUse.input",
        ),
        (answer({"words": "Yes"}), "output.message.content[0].words"),
        (answer({"text": "a"}, stop="tool_use"), "stopReason"),
        (answer({"text": "a"}, stop=None), "stopReason"),
        (answer({"text": "a"}, usage=None), "usage"),
        (answer({"text": "a"}, usage={"inputTokens": 3, "outputTokens": 3}), "usage.totalTokens"),
        ({"message": "something went wrong"}, "output"),
    ],
)
def test_what_clients_fail_on_is_a_break(document, path):
    completion = read(document)
    assert completion.outcome is Outcome.MALFORMED
    assert path in breaks(completion)


@pytest.mark.parametrize(
    ("events", "path"),
    [
        ([event("contentBlockDelta", contentBlockIndex=0)], "contentBlockDelta.delta"),
        ([event("contentBlockDelta", delta={"text": "a"})], "contentBlockDelta.contentBlockIndex"),
        ([event("contentBlockStart", start={})], "contentBlockStart.contentBlockIndex"),
        ([delta(0, toolUse={"input": "{}"})], "contentBlockDelta.delta.toolUse"),
        ([delta(0, words="Yes")], "contentBlockDelta.delta.words"),
        ([event("messageStop")], "messageStop.stopReason"),
        ([event("metadata", usage={})], "metadata.usage.inputTokens"),
        ([event("answer", text="Yes")], "event"),
    ],
)
def test_what_clients_fail_on_in_a_stream_is_a_break(events, path):
    completion = read_stream(stream(*events))
    assert completion.outcome is Outcome.MALFORMED
    assert path in breaks(completion)
    # It stays one when the stream is cut behind it.
    if path != "event" and "words" not in path:
        cut = read_stream(START + b"".join(events))
        assert (cut.outcome, path in breaks(cut)) == (Outcome.MALFORMED, True)


def test_a_stream_begins_with_its_message():
    completion = read_stream(stream(delta(0, text="a"))[len(START) :])
    assert (completion.outcome, breaks(completion)) == (Outcome.MALFORMED, ["messageStart"])


def test_what_is_new_beside_an_answer_is_only_told():
    whole = read(answer({"text": "Yes"}, {"weather": "fine"}, stop="model_pause"))
    streamed = read_stream(
        stream(
            delta(0, text="Yes"),
            event("weather", sky="blue"),
            opened(1, sketch={}),
            delta(1, weather="fine"),
            stop="model_pause",
        )
    )
    assert {whole.outcome, streamed.outcome} == {Outcome.ANSWERED}
    assert [p.path for p in whole.wire_problems] == [
        "output.message.content[1].weather",
        "stopReason",
    ]
    assert [p.path for p in streamed.wire_problems] == [
        "event",
        "contentBlockStart.start.sketch",
        "contentBlockDelta.delta.weather",
        "stopReason",
    ]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("internalServerException", Outcome.INFRA),
        ("modelStreamErrorException", Outcome.INFRA),
        ("throttlingException", Outcome.INFRA),
        ("serviceUnavailableException", Outcome.INFRA),
        ("validationException", Outcome.CONFIG),
        ("somethingNewException", Outcome.INFRA),
    ],
)
def test_an_exception_in_the_stream_is_of_its_documented_class(kind, outcome):
    body = START + delta(0, text="Ye") + encode_exception(kind, b'{"message": "not now"}')
    completion = read_stream(body)
    assert completion.outcome is outcome
    assert completion.detail == f"in the stream: {kind}: not now"
    assert completion.text == ""


BODY = stream(
    delta(0, text="Grüße"),
    closed(0),
    opened(1, toolUse={"toolUseId": "t", "name": "a"}),
    delta(1, toolUse={"input": "{}"}),
    stop="tool_use",
)


def test_a_stream_that_was_cut_is_never_an_answer():
    assert read_stream(BODY).outcome is Outcome.ANSWERED
    for size_bytes in range(len(BODY)):
        completion = read_stream(BODY[:size_bytes])
        assert (completion.outcome, completion.text) == (Outcome.TRUNCATED, "")


def test_a_stream_with_a_wrong_byte_is_never_an_answer():
    for place in range(0, len(BODY), 3):
        spoilt = bytearray(BODY)
        spoilt[place] ^= 0x20
        completion = read_stream(bytes(spoilt))
        assert (completion.outcome, completion.text) == (Outcome.MALFORMED, "")
        assert "has a wrong checksum" in completion.detail


def test_an_event_without_json_is_malformed():
    completion = read_stream(START + encode_event("contentBlockDelta", b"text"))
    assert completion.outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.MALFORMED),
        (b"<html>", Outcome.MALFORMED),
        (json.dumps(answer({"text": "a"})).encode()[:-1], Outcome.TRUNCATED),
    ],
)
def test_what_is_no_answer_is_malformed_or_cut(body, outcome):
    assert DIALECT.read(response(body)).outcome is outcome


members = st.sampled_from(
    [
        "output",
        "message",
        "content",
        "text",
        "toolUse",
        "reasoningContent",
        "usage",
        "delta",
        "citationsContent",
        "start",
        "contentBlockIndex",
        "stopReason",
        "name",
        "input",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=3),
    max_leaves=12,
)
kinds = st.sampled_from(
    ["messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata", "x"]
)


@given(values, st.lists(st.tuples(kinds, values), max_size=5))
def test_no_json_makes_it_raise(document, events):
    body = b"".join(encode_event(kind, json.dumps(value).encode()) for kind, value in events)
    for completion in (read(document), read_stream(body)):
        assert isinstance(completion.outcome, Outcome)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(body):
    for media_type in ("application/json", STREAM):
        assert DIALECT.read(response(body, media_type)).outcome is not Outcome.ANSWERED

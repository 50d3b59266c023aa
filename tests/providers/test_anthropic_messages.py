"""Wire bytes below are written by hand after the published reference of messages."""

# ruff: noqa: UP031 - in wire bytes every brace is JSON, which str.format would need doubled

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import additions, answer_of, breaks

from contractcheck.model.completion import Outcome
from contractcheck.providers.anthropic_messages import DIALECT

HEAD = '"id":"msg_1","type":"message","role":"assistant","model":"claude-x-20260101"'


def whole(content, stop="end_turn"):
    return (
        '{%s,"content":%s,"stop_reason":"%s","stop_sequence":null,'
        '"usage":{"input_tokens":9,"output_tokens":4}}' % (HEAD, content, stop)
    ).encode()


def event(name, rest=""):
    return ('event: %s\ndata: {"type":"%s"%s}\n\n' % (name, name, rest)).encode()


START = event(
    "message_start",
    ',"message":{%s,"content":[],"stop_reason":null,"stop_sequence":null,'
    '"usage":{"input_tokens":9,"output_tokens":1}}' % HEAD,
)


def opened(index, block):
    return event("content_block_start", ',"index":%d,"content_block":%s' % (index, block))


def delta(index, inner):
    return event("content_block_delta", ',"index":%d,"delta":%s' % (index, inner))


def closed(index):
    return event("content_block_stop", ',"index":%d' % index)


def ended(stop):
    change = '"stop_reason":"%s","stop_sequence":null' % stop
    return event("message_delta", ',"delta":{%s},"usage":{"output_tokens":4}' % change) + event(
        "message_stop"
    )


def stream(*events, stop="end_turn"):
    return b"".join((START, *events, ended(stop)))


SAID = '{"type":"text_delta","text":%s}'
TEXT = (
    whole('[{"type":"text","text":"Grüße, 😀"}]'),
    stream(
        opened(0, '{"type":"text","text":""}'),
        event("ping"),
        delta(0, SAID % '"Grüße"'),
        delta(0, SAID % '", 😀"'),
        closed(0),
    ),
)
TOOLS = (
    whole(
        '[{"type":"text","text":"I look."},'
        '{"type":"tool_use","id":"t1","name":"look_up","input":{"id":1}},'
        '{"type":"tool_use","id":"t2","name":"refund","input":{}}]',
        "tool_use",
    ),
    stream(
        opened(0, '{"type":"text","text":""}'),
        delta(0, SAID % '"I look."'),
        closed(0),
        opened(1, '{"type":"tool_use","id":"t1","name":"look_up","input":{}}'),
        delta(1, '{"type":"input_json_delta","partial_json":""}'),
        delta(1, '{"type":"input_json_delta","partial_json":"{\\"id\\""}'),
        delta(1, '{"type":"input_json_delta","partial_json":": 1}"}'),
        closed(1),
        opened(2, '{"type":"tool_use","id":"t2","name":"refund","input":{}}'),
        closed(2),
        stop="tool_use",
    ),
)
THOUGHT = (
    whole('[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Yes."}]'),
    stream(
        opened(0, '{"type":"thinking","thinking":"","signature":""}'),
        delta(0, '{"type":"thinking_delta","thinking":"hm"}'),
        delta(0, '{"type":"signature_delta","signature":"s"}'),
        closed(0),
        opened(1, '{"type":"text","text":""}'),
        delta(1, SAID % '"Yes."'),
        closed(1),
    ),
)
REFUSAL = (whole("[]", "refusal"), stream(stop="refusal"))
FORMS = {"text": TEXT, "tools": TOOLS, "thinking": THOUGHT, "refusal": REFUSAL}


def read(body, content_type=None):
    is_stream = body.startswith(b"event:")
    kind = content_type or ("text/event-stream; charset=utf-8" if is_stream else "application/json")
    return DIALECT.read(answer_of(body, kind))


def what_was_said(completion):
    return (
        completion.outcome,
        completion.text,
        completion.tool_calls,
        completion.finish_reason,
        completion.model,
        completion.input_tokens,
        completion.output_tokens,
        completion.wire_problems,
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_streamed_and_the_whole_form_are_the_same_completion(form):
    once, streamed = map(read, FORMS[form])
    assert what_was_said(once) == what_was_said(streamed)
    assert once.outcome is Outcome.ANSWERED
    assert once.wire_problems == ()
    assert (once.model, once.input_tokens, once.output_tokens) == ("claude-x-20260101", 9, 4)


def test_text_and_parallel_tools_are_read_in_full():
    assert read(TEXT[1]).text == "Grüße, 😀"
    completion = read(TOOLS[1])
    assert completion.text == "I look."
    assert [(c.name, c.arguments, c.is_parsed) for c in completion.tool_calls] == [
        ("look_up", {"id": 1}, True),
        ("refund", {}, True),
    ]


def test_first_content_is_the_first_event_that_says_something():
    body = THOUGHT[1]
    start = body.index(b"Yes.")
    assert read(body).first_content_byte == body.index(b"\n\n", start) + 1
    opening = body[: body.index(b"Yes.")]
    assert b"hm" in opening
    only_tool = stream(
        opened(0, '{"type":"tool_use","id":"t","name":"n","input":{}}'), closed(0), stop="tool_use"
    )
    assert read(only_tool).first_content_byte == only_tool.index(b"event: content_block_stop") - 1


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_cut_at_any_byte_is_truncated_or_complete(form):
    body = FORMS[form][1]
    full = read(body)
    outcomes = []
    for length in range(len(body)):
        cut = read(body[:length], "text/event-stream")
        assert cut.outcome is Outcome.TRUNCATED or what_was_said(cut) == what_was_said(full), length
        outcomes.append(cut.outcome)
    assert outcomes.count(Outcome.TRUNCATED) == len(body)


def test_a_whole_body_cut_at_any_byte_is_truncated():
    body = TEXT[0]
    assert {read(body[:n], "application/json").outcome for n in range(1, len(body))} == {
        Outcome.TRUNCATED
    }


def test_unknown_events_and_blocks_with_their_deltas_are_additive():
    extra = (
        event("message_hint", ',"hint":1'),
        b"event: keepalive\ndata: not json\n\n",
        opened(1, '{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'),
        delta(1, '{"type":"input_json_delta","partial_json":"{}"}'),
        closed(1),
    )
    body = stream(
        opened(0, '{"type":"text","text":""}'), delta(0, SAID % '"Hi"'), closed(0), *extra
    )
    completion = read(body)
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "Hi")
    assert set(additions(completion)) == {
        "event",
        "content_block_start.content_block",
        "content_block_delta.delta",
    }


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"type":"text_delta"', b'"type":"string_delta"', "content_block_delta.delta"),
        (b'"type":"text",', b'"type":"prose",', "content_block_delta.delta"),
    ],
)
def test_text_under_another_name_is_broken(old, new, path):
    completion = read(TEXT[1].replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert breaks(completion)[path].startswith("unknown field carries text, and no text block")
    assert read(TEXT[0].replace(b'"type":"text"', b'"type":"prose"')).outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("form", "old", "new", "path", "what"),
    [
        (0, '"content":', '"text":', "content", "is missing (present: id, model, role"),
        (0, '"stop_reason":', '"stop":', "stop_reason", "is missing"),
        (0, '"input_tokens"', '"prompt"', "usage.input_tokens", "present: output_tokens, prompt"),
        (0, '"usage":{', '"used":{', "usage", "is missing"),
        (0, '"text":"Gr', '"words":"Gr', "content[0].text", "present: type, words"),
        (0, '"model":"claude-x-20260101"', '"model":null', "model", "expected string, got null"),
        (0, '[{"type"', '[5,{"type"', "content[0]", "expected object"),
        (1, '"delta":{"type"', '"output":{"type"', "content_block_delta.delta", "present: index"),
        (1, '"text":"Gr', '"words":"Gr', "content_block_delta.delta.text", "type, words"),
        (1, '"index":0', '"index":"0"', "content_block_delta.index", "expected integer, got str"),
        (1, '"index":0', '"i":0', "content_block_start.index", "is missing"),
        (1, '"content_block":', '"block":', "content_block_start.content_block", "is missing"),
        (1, '"message":{', '"msg":{', "message_start.message", "is missing"),
        (1, '"stop_reason":"end', '"stop":"end', "message_delta.delta.stop_reason", "present: st"),
        (1, '"usage":{"output_tokens":4}', '"usage":3', "message_delta.usage", "expected object"),
        (1, '"message_start"', '"message_begin"', "message_start", "no such event came"),
        (1, '"message_delta"', '"message_end"', "message_delta", "no such event came"),
        (1, '"content_block_start"', '"block_start"', "content_block_delta.index", "never started"),
    ],
)
def test_renamed_missing_and_retyped_fields_name_the_place(form, old, new, path, what):
    completion = read(TEXT[form].replace(old.encode(), new.encode()))
    assert completion.outcome is Outcome.MALFORMED
    assert what in breaks(completion)[path]
    assert completion.detail


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"name":"look_up"', b'"tool":"look_up"', ".name"),
        (b'"input":{}', b'"input":"{}"', ".input"),
        (b'"type":"tool_use"', b'"type":"action"', "content"),
    ],
)
def test_renamed_parts_of_tool_calls_are_broken(old, new, path, form):
    completion = read(TOOLS[form].replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert any(place.endswith(path) for place in breaks(completion))


def test_a_new_stop_reason_is_additive():
    for body in TEXT:
        completion = read(body.replace(b'"end_turn"', b'"sleepy"'))
        assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "sleepy")
        assert "'sleepy' (documented:" in additions(completion)["stop_reason"]


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (b"", Outcome.MALFORMED, "the body is empty"),
        (b"<html>502</html>", Outcome.MALFORMED, "the body is not a JSON object"),
        (b"{}", Outcome.MALFORMED, "model: required field is missing (present: nothing)"),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            Outcome.INFRA,
            "HTTP 200: overloaded_error: Overloaded",
        ),
        (b'{"type":"error"}', Outcome.INFRA, "HTTP 200: an error without code and message"),
    ],
)
def test_a_200_that_is_no_answer(body, outcome, words):
    completion = read(body, "application/json")
    assert completion.outcome is outcome
    assert words in completion.detail


def test_an_error_in_the_stream_is_the_providers_trouble():
    late = event("error", ',"error":{"type":"overloaded_error","message":"Overloaded"}')
    completion = read(START + opened(0, '{"type":"text","text":""}') + late)
    assert completion.outcome is Outcome.INFRA
    assert completion.detail == "in the stream: overloaded_error: Overloaded"


def test_a_known_event_that_is_not_json_is_malformed():
    completion = read(START + b"event: content_block_delta\ndata: {oops\n\n")
    assert completion.outcome is Outcome.MALFORMED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "delta",
                    "message",
                    "content",
                    "content_block",
                    "usage",
                    "index",
                    "text",
                    "model",
                    "stop_reason",
                    "name",
                    "input",
                    "error",
                    "input_tokens",
                    "x",
                ]
            ),
            inner | st.sampled_from(["text", "tool_use", "text_delta", "message_start", "error"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | JSON.map(lambda x: json.dumps(x).encode()), st.booleans())
def test_no_body_makes_the_reader_raise(body, is_stream):
    if is_stream:
        body = START + b"data: " + body + b"\n\n" + ended("end_turn")
    completion = read(body, "text/event-stream" if is_stream else "application/json")
    assert completion.outcome in Outcome
    assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")


@given(JSON, st.sampled_from([b'"Gr\xc3\xbc\xc3\x9fe"', b'"end_turn"', b"null", b"9", b"0"]))
def test_any_value_in_any_place_is_read_or_told(value, place):
    assert read(TEXT[1].replace(place, json.dumps(value).encode())).outcome in Outcome


@pytest.mark.parametrize("form", [0, 1])
def test_what_was_thought_and_the_names_of_calls_are_kept_apart_from_the_answer(form):
    thought = read(THOUGHT[form])
    assert (thought.text, thought.reasoning_text) == ("Yes.", "hm")
    assert [call.id for call in read(TOOLS[form]).tool_calls] == ["t1", "t2"]
    assert thought.response_id == "msg_1"


def test_counts_at_the_end_overwrite_those_at_the_start():
    body = TEXT[1].replace(b'"input_tokens":9', b'"input_tokens":9,"cache_read_input_tokens":3')
    assert read(body).cached_input_tokens == 3
    late = b'"output_tokens_details":{"thinking_tokens":2},"cache_read_input_tokens":5,"input_tokens":7'
    completion = read(
        body.replace(b'"usage":{"output_tokens":4', b'"usage":{%s,"output_tokens":4' % late)
    )
    assert (completion.input_tokens, completion.output_tokens) == (7, 4)
    assert (completion.cached_input_tokens, completion.reasoning_tokens) == (5, 2)


def test_blocks_that_come_with_the_start_are_part_of_the_answer():
    block = b'"content":[{"type":"text","text":"Oh. "}]'
    assert read(TEXT[1].replace(b'"content":[]', block)).text == "Oh. Grüße, 😀"


def test_a_stream_may_tell_of_the_end_in_several_events():
    """API reference, "Event types": one or more ``message_delta``."""
    early = event("message_delta", ',"delta":{"stop_reason":null},"usage":{"output_tokens":3}')
    at = TEXT[1].index(b"event: message_delta")
    completion = read(TEXT[1][:at] + early + TEXT[1][at:])
    assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "end_turn")
    never = read(TEXT[1].replace(b'"stop_reason":"end_turn"', b'"stop_reason":null'))
    assert never.outcome is Outcome.MALFORMED
    assert [problem.path for problem in never.wire_problems] == ["message_delta.delta.stop_reason"]

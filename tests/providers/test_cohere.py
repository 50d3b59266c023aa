"""Wire bytes below are written by hand after the published reference of chat, version 2."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of, breaks

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect

USAGE = {
    "billed_units": {"input_tokens": 2, "output_tokens": 1},
    "tokens": {"input_tokens": 9, "output_tokens": 4},
    "cached_tokens": 3,
}
CALL = {
    "id": "look_up_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"id": 1}'},
}


def spell(value):
    return json.dumps(value, separators=(",", ":")).encode()


def whole(message, reason="COMPLETE", **more):
    message = {"role": "assistant", **message}
    return spell({"id": "r-1", "finish_reason": reason, "message": message, "usage": USAGE, **more})


def event(kind, **fields):
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), spell({"type": kind, **fields}))


def delta(kind, index, **message):
    return event(kind, index=index, delta={"message": message})


def stream(*events, reason="COMPLETE", **ending):
    start = event("message-start", id="r-1", delta={"message": {"role": "assistant"}})
    end = event("message-end", delta={"finish_reason": reason, "usage": USAGE, **ending})
    return b"".join((start, *events, end))


TEXT = (
    whole({"content": [{"type": "text", "text": "Grüße 😀"}]}),
    stream(
        delta("content-start", 0, content={"type": "text", "text": ""}),
        delta("content-delta", 0, content={"text": "Grüße"}),
        delta("content-delta", 0, content={"text": " 😀"}),
        event("content-end", index=0),
    ),
)
THOUGHT = (
    whole({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes."}]}),
    stream(
        delta("content-start", 0, content={"type": "thinking", "thinking": ""}),
        delta("content-delta", 0, content={"thinking": "hm"}),
        event("content-end", index=0),
        delta("content-start", 1, content={"type": "text", "text": ""}),
        delta("content-delta", 1, content={"text": "Yes."}),
        event("content-end", index=1),
    ),
)
OPENED = {**CALL, "function": {"name": "look_up", "arguments": ""}}
TOOLS = (
    whole({"tool_plan": "I look.", "tool_calls": [CALL]}, "TOOL_CALL"),
    stream(
        event("tool-plan-delta", delta={"message": {"tool_plan": "I look."}}),
        delta("tool-call-start", 0, tool_calls=OPENED),
        delta("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"id"'}}),
        delta("tool-call-delta", 0, tool_calls={"function": {"arguments": ": 1}"}}),
        event("tool-call-end", index=0),
        reason="TOOL_CALL",
    ),
)
FORMS = {"text": TEXT, "thought": THOUGHT, "tools": TOOLS}


def read(body, is_stream=None):
    is_stream = body.startswith(b"event:") if is_stream is None else is_stream
    return dialect("cohere").read(
        answer_of(body, "text/event-stream" if is_stream else "application/json")
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_streamed_and_the_whole_form_are_the_same_completion(form):
    once, streamed = map(read, FORMS[form])
    for name in ("outcome", "text", "tool_calls", "finish_reason", "reasoning_text", "response_id"):
        assert getattr(once, name) == getattr(streamed, name)
    for completion in (once, streamed):
        assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
        assert (completion.input_tokens, completion.output_tokens) == (9, 4)
        assert (completion.cached_input_tokens, completion.model) == (3, None)


@pytest.mark.parametrize("form", [0, 1])
def test_words_thoughts_plans_and_calls_are_told_apart(form):
    assert read(TEXT[form]).text == "Grüße 😀"
    thought = read(THOUGHT[form])
    assert (thought.text, thought.reasoning_text) == ("Yes.", "hm")
    asked = read(TOOLS[form])
    (call,) = asked.tool_calls
    assert (asked.text, asked.reasoning_text) == ("", "I look.")
    assert (call.name, call.arguments, call.id) == ("look_up", {"id": 1}, "look_up_1")


def test_the_first_content_is_the_first_event_that_says_something():
    body = THOUGHT[1]
    assert read(body).first_content_byte == body.index(b"\n\n", body.index(b"Yes.")) + 1
    body = TOOLS[1]
    assert read(body).first_content_byte == body.index(b"\n\n", body.index(b"tool-call-st")) + 1


def test_tokens_are_the_models_else_what_is_billed_and_may_be_written_as_fractions():
    body = TEXT[0].replace(b'"tokens":{', b'"counts":{')
    assert read(body).input_tokens == 2
    body = TEXT[0].replace(b'"input_tokens":9', b'"input_tokens":9.0')
    assert read(body).input_tokens == 9


def test_the_first_token_that_was_written_has_its_logprob():
    entry = {"text": "Gr", "token_ids": [5], "logprobs": [-0.25]}
    assert read(TEXT[0][:-1] + b',"logprobs":[%s]}' % spell(entry)).first_token_logprobs == (
        ("Gr", -0.25),
    )
    first = b'{"type":"content-delta",'
    body = TEXT[1].replace(first, first + b'"logprobs":%s,' % spell(entry))
    assert read(body).first_token_logprobs == (("Gr", -0.25),)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_cut_at_any_byte_is_truncated(form):
    body = FORMS[form][1]
    cut = [read(body[:length], is_stream=True) for length in range(len(body))]
    assert {completion.outcome for completion in cut} == {Outcome.TRUNCATED}


@pytest.mark.parametrize(
    ("form", "old", "new", "path"),
    [
        (0, b'"message":', b'"output":', "message"),
        (0, b'"content":', b'"words":', "message.content"),
        (0, b'"text":"Gr', b'"words":"Gr', "message.content[0].text"),
        (0, b'"type":"text"', b'"type":"prose"', "message.content[0]"),
        (0, b'"id":', b'"key":', "id"),
        (0, b'"finish_reason":', b'"reason":', "finish_reason"),
        (
            1,
            b'"delta":{"message":{"content"',
            b'"output":{"message":{"content"',
            "content-start.delta",
        ),
        (1, b'"content":{"text"', b'"words":{"text"', "content-delta.delta.message.content"),
        (
            1,
            b'"content":{"text"',
            b'"content":{"words"',
            "content-delta.delta.message.content.text",
        ),
        (1, b'"content-start"', b'"content-begin"', "content-delta.index"),
        (1, b'"finish_reason":', b'"reason":', "message-end.delta.finish_reason"),
    ],
)
def test_renamed_missing_and_retyped_fields_name_the_place(form, old, new, path):
    completion = read(TEXT[form].replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert path in breaks(completion)


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"name":"look_up"', b'"tool":"look_up"'),
        (b'"function":{', b'"tool":{'),
        (b'"tool_calls":', b'"calls":'),
        (b'"tool_plan":"', b'"tool_plan":0,"x":"'),
    ],
)
def test_renamed_parts_of_tool_calls_are_broken(old, new, form):
    assert read(TOOLS[form].replace(old, new)).outcome is Outcome.MALFORMED


def test_what_is_new_is_additive():
    for body in TEXT:
        completion = read(body.replace(b'"COMPLETE"', b'"SLEEPY"'))
        assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "SLEEPY")
        assert {p.severity for p in completion.wire_problems} == {"additive"}
    later = TEXT[1].replace(
        b"event: content-end", b'event: hint\ndata: {"type":"hint"}\n\nevent: x'
    )
    assert read(later).outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (b"", Outcome.MALFORMED, "the body is empty"),
        (b"{}", Outcome.MALFORMED, "id: required field is missing"),
        (TEXT[0][:-9], Outcome.TRUNCATED, "ends in the middle"),
        (whole({"content": []}, "ERROR"), Outcome.INFRA, "finish_reason is 'ERROR'"),
        (stream(reason="ERROR", error="out of memory"), Outcome.INFRA, "out of memory"),
        (stream(reason="TIMEOUT"), Outcome.ANSWERED, ""),
    ],
)
def test_a_200_that_is_no_answer(body, outcome, words):
    completion = read(body)
    assert completion.outcome is outcome
    assert words in completion.detail


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "function", "message", "tokens", "index"]),
            inner | st.sampled_from(["text", "thinking", "message-end"]),
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    VALUES,
    st.sampled_from([*THOUGHT, *TOOLS]),
    st.sampled_from([b'"Yes."', spell(CALL), b"9", b"0", b'"look_up"', spell(USAGE), b'"r-1"']),
)
def test_any_value_in_any_place_is_read_or_told(value, body, place):
    completion = read(body.replace(place, spell(value)))
    assert completion.outcome in (Outcome.ANSWERED, Outcome.MALFORMED)
    assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")


def body_of(images=(), response_schema=None, **parameters):
    case = Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content="Hi", images=images),),
        tools=(Tool(name="look_up", description="Looks", parameters={"type": "object"}),),
        response_schema=response_schema,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )
    wire = dialect("cohere").build(case, Target(provider="cohere", model="m"))
    assert wire.path == "/v2/chat"
    return json.loads(wire.body)


def test_a_request_names_everything_as_cohere_does():
    picture = Image(name="a.png", media_type="image/png", data=b"\x89PNG")
    schema = {"type": "object"}
    body = body_of(
        images=(picture,),
        response_schema=schema,
        top_p=0.5,
        seed=3,
        stop=("END",),
        tool_choice="required",
        top_logprobs=1,
        reasoning_effort="none",
    )
    assert (body["p"], body["seed"], body["stop_sequences"]) == (0.5, 3, ["END"])
    assert (body["tool_choice"], body["logprobs"], body["stream"]) == ("REQUIRED", True, True)
    assert body["thinking"] == {"type": "disabled"}
    assert body["response_format"] == {"type": "json_object", "json_schema": schema}
    url = {"url": "data:image/png;base64,iVBORw=="}
    assert body["messages"][0]["content"][0] == {"type": "image_url", "image_url": url}


def test_what_a_case_does_not_say_is_not_sent():
    assert set(body_of(stream=False)) == {"model", "messages", "stream", "tools"}
    assert "tool_choice" not in body_of(tool_choice="auto")
    assert body_of(reasoning_effort="low")["thinking"] == {"type": "enabled", "token_budget": 1024}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"tool_choice": "look_up"}, "cohere cannot be made to call 'look_up'"),
        ({"top_logprobs": 2}, "write top_logprobs: 1"),
    ],
)
def test_what_the_wire_cannot_say_is_refused(parameters, words):
    with pytest.raises(UsageError, match=words):
        body_of(**parameters)

"""Wire bytes below are written by hand after the published reference of OpenAI responses."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import additions, answer_of, breaks

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers.openai_responses import DIALECT

USAGE = {
    "input_tokens": 70,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 100,
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "Counts. "},
        {"type": "summary_text", "text": "?"},
    ],
}
SAID = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": "Grüße, ", "annotations": [], "logprobs": []},
        {"type": "output_text", "text": "😀", "annotations": []},
    ],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "look_up",
    "arguments": '{"id":1}',
}


def response(*output, **more):
    return {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-x-2026-01-01",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": list(output),
        "usage": USAGE,
        **more,
    }


def event(kind, **members):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def text_delta(text, index=0, part=0):
    return event("response.output_text.delta", output_index=index, content_index=part, delta=text)


def arguments_delta(text, index=0):
    return event("response.function_call_arguments.delta", output_index=index, delta=text)


def ending(document):
    return event(f"response.{document['status']}", response=document)


OPENED = event("response.created", response=response(status="in_progress", usage=None))
TEXT = b"".join(
    (
        OPENED,
        event("response.output_item.added", output_index=0, item={**THOUGHT, "summary": []}),
        event("response.reasoning_summary_text.delta", output_index=0, delta="Counts. ?"),
        event("response.output_item.added", output_index=1, item={**SAID, "content": []}),
        text_delta("Grüße", 1),
        text_delta(", ", 1),
        text_delta("😀", 1, 1),
        ending(response(THOUGHT, SAID)),
    )
)
TOOLS = b"".join(
    (
        OPENED,
        event("response.output_item.added", output_index=0, item={**CALL, "arguments": ""}),
        arguments_delta('{"id"'),
        arguments_delta(":1}"),
        ending(response(CALL)),
    )
)


def read(body, kind=None):
    is_stream = body.startswith(b"event:")
    media_type = kind or ("text/event-stream; charset=utf-8" if is_stream else "application/json")
    return DIALECT.read(answer_of(body, media_type))


def whole(*output, **more):
    return read(json.dumps(response(*output, **more)).encode())


def what_was_said(completion):
    return (
        completion.outcome,
        completion.text,
        completion.tool_calls,
        completion.finish_reason,
        completion.reasoning_text,
        completion.wire_problems,
    )


def test_text_reasoning_and_account_are_read_alike_in_both_forms():
    for completion in (whole(THOUGHT, SAID), read(TEXT)):
        assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
        assert (completion.text, completion.reasoning_text) == ("Grüße, 😀", "Counts. ?")
        assert (completion.finish_reason, completion.model) == ("completed", "gpt-x-2026-01-01")
        assert (completion.input_tokens, completion.cached_input_tokens) == (70, 64)
        assert (completion.output_tokens, completion.reasoning_tokens) == (30, 12)
        assert (completion.total_tokens, completion.response_id) == (100, "resp_1")


def test_a_tool_call_is_known_by_its_call_id():
    for completion in (whole(CALL), read(TOOLS)):
        (call,) = completion.tool_calls
        assert (call.name, call.arguments, call.is_parsed) == ("look_up", {"id": 1}, True)
        assert call.id == "call_1"


def test_first_content_is_the_first_piece_of_text_or_the_opening_of_a_call():
    spoken = TEXT.index(text_delta("Grüße", 1))
    assert read(TEXT).first_content_byte == spoken + len(text_delta("Grüße", 1)) - 1
    opened = TOOLS.index(arguments_delta('{"id"')) - 1
    assert read(TOOLS).first_content_byte == opened
    assert whole(SAID).first_content_byte is None


def test_a_refusal_is_what_the_model_said():
    declined = {**SAID, "content": [{"type": "refusal", "refusal": "I can't help."}]}
    streamed = OPENED + event("response.refusal.delta", delta="I can't help.")
    for completion in (whole(declined), read(streamed + ending(response(declined)))):
        assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "I can't help.")


def test_reasoning_is_told_in_words_or_in_a_summary():
    told = {**THOUGHT, "content": [{"type": "reasoning_text", "text": "1, 2"}]}
    assert whole(told, SAID).reasoning_text == "1, 2"
    assert whole({"id": "rs_1", "type": "reasoning", "summary": None}, SAID).reasoning_text == ""


def test_the_first_places_log_probabilities_are_read():
    listed = [{"token": "Hi", "logprob": -2.25}, {"token": "Grü", "logprob": -0.125}]
    places = [{"token": "Grü", "logprob": -0.125, "top_logprobs": listed}]
    part = {"type": "output_text", "text": "Grü", "logprobs": places}
    completion = whole({**SAID, "content": [part]})
    assert completion.first_token_logprobs == (("Grü", -0.125), ("Hi", -2.25))


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "max_output_tokens"),
        ({"reason": "content_filter"}, "content_filter"),
        ({"reason": None}, "incomplete"),
    ],
)
def test_an_incomplete_answer_says_why(details, reason):
    document = response(SAID, status="incomplete", incomplete_details=details)
    pieces = text_delta("Grüße, ") + text_delta("😀", 0, 1)
    for completion in (
        read(json.dumps(document).encode()),
        read(OPENED + pieces + ending(document)),
    ):
        assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, reason)
        assert completion.wire_problems == ()


def test_a_new_reason_is_new_and_not_broken():
    completion = whole(SAID, status="incomplete", incomplete_details={"reason": "model_pause"})
    assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "model_pause")
    assert "'model_pause' (documented:" in additions(completion)["incomplete_details.reason"]


@pytest.mark.parametrize("status", ["in_progress", "queued", "cancelled"])
def test_an_answer_that_is_not_there_is_broken(status):
    completion = whole(SAID, status=status)
    assert breaks(completion) == {"status": f"{status!r}, where the answer should be there"}


@pytest.mark.parametrize("body", [TEXT, TOOLS], ids=["text", "tools"])
def test_a_stream_cut_at_any_byte_is_truncated(body):
    full = read(body)
    for length in range(len(body) - 1):
        cut = read(body[:length], "text/event-stream")
        assert cut.outcome is Outcome.TRUNCATED, length
    assert what_was_said(read(body[:-1], "text/event-stream")) != what_was_said(full)


def test_what_follows_the_last_event_is_ignored():
    assert what_was_said(read(TEXT + b"data: [DONE]\n\nx")) == what_was_said(read(TEXT))
    assert read(OPENED + b"data: [DONE]\n\n").outcome is Outcome.TRUNCATED


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (text_delta(", ", 1), b"", "response.output_text.delta"),
        (text_delta(", ", 1), text_delta(", ", 1) * 2, "response.output_text.delta"),
        (text_delta(", ", 1), text_delta("; ", 1), "response.output_text.delta"),
        (arguments_delta(":1}"), b"", "response.function_call_arguments.delta"),
    ],
    ids=["lost", "twice", "altered", "lost arguments"],
)
def test_pieces_that_do_not_add_up_are_broken(old, new, place):
    body = TEXT if old in TEXT else TOOLS
    completion = read(body.replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert breaks(completion) == {place: "the pieces do not add up to what the last event says"}


def test_items_may_come_side_by_side():
    other = {**CALL, "id": "fc_2", "call_id": "call_2", "arguments": "{}"}
    pieces = arguments_delta('{"id"'), arguments_delta("{}", 1), arguments_delta(":1}")
    completion = read(OPENED + b"".join(pieces) + ending(response(CALL, other)))
    assert [call.id for call in completion.tool_calls] == ["call_1", "call_2"]
    assert completion.wire_problems == ()


def test_unknown_events_items_and_parts_are_new_and_not_broken():
    novel = event("response.hologram.delta", delta={"x": 1})
    item = {"id": "hg_1", "type": "hologram"}
    part = {"type": "output_scent", "scent": 3}
    document = response(item, {**SAID, "content": [*SAID["content"], part]})
    body = TEXT.replace(ending(response(THOUGHT, SAID)), novel + ending(document))
    completion = read(body)
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "Grüße, 😀")
    assert sorted(additions(completion).values()) == [
        "unknown content part 'output_scent'",
        "unknown output item 'hologram'",
        "unknown stream event 'response.hologram.delta'",
    ]


def test_text_in_an_unknown_part_and_nowhere_else_was_renamed():
    completion = whole({**SAID, "content": [{"type": "prose", "prose": "Hello"}]})
    assert breaks(completion) == {
        "output[0].content[0]": (
            "unknown field carries text, and no output text has any: was it renamed?"
        )
    }


@pytest.mark.parametrize("kind", ["web_search_call", "mcp_call", "compaction", "shell_call"])
def test_documented_items_of_hosted_tools_are_passed_over(kind):
    completion = whole({"id": "x_1", "type": kind, "action": {"query": "hm"}}, SAID)
    assert (completion.text, completion.wire_problems) == ("Grüße, 😀", ())


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"output"', '"items"', "output"),
        ('"model"', '"engine"', "model"),
        ('"status": "completed", "error"', '"error"', "status"),
        ('"output": [', '"output": [7, ', "output[0]"),
        ('"content"', '"parts"', "output[0].content"),
        ('"text": "😀"', '"text": 5', "output[0].content[1].text"),
        ('"input_tokens"', '"prompt_tokens"', "usage.input_tokens"),
    ],
)
def test_renamed_missing_and_retyped_members_name_their_place(old, new, place):
    document = json.dumps(response(SAID), ensure_ascii=False)
    assert old in document
    completion = read(document.replace(old, new).encode())
    assert completion.outcome is Outcome.MALFORMED
    assert place in breaks(completion)
    streamed = read(OPENED + ending(json.loads(document)).replace(old.encode(), new.encode()))
    assert streamed.outcome is Outcome.MALFORMED


def test_a_delta_under_another_name_is_broken():
    body = TEXT.replace(b'"delta": "Gr', b'"output": "Gr')
    assert "response.output_text.delta.delta" in breaks(read(body))


FAILED = response(
    status="failed", usage=None, error={"code": "server_error", "message": "try again"}
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(FAILED).encode(), "HTTP 200: server_error: try again"),
        (OPENED + text_delta("Hel") + ending(FAILED), "in the stream: server_error: try again"),
        (
            OPENED + event("error", code="overloaded", message="later", param=None),
            "in the stream: overloaded: later",
        ),
        (
            OPENED + event("error", error={"code": "overloaded", "message": "later"}),
            "in the stream: overloaded: later",
        ),
        (
            json.dumps({**FAILED, "error": None}).encode(),
            "HTTP 200: failed",
        ),
    ],
)
def test_a_failure_after_the_status_is_no_answer(body, words):
    completion = read(body)
    assert (completion.outcome, completion.detail) == (Outcome.INFRA, words)


def test_tokens_that_are_not_counted_are_told():
    completion = whole(SAID, usage=None)
    assert (completion.outcome, completion.input_tokens) == (Outcome.ANSWERED, None)
    assert additions(completion) == {"usage": "none came, so tokens are not counted"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "output",
                    "content",
                    "text",
                    "delta",
                    "response",
                    "item",
                    "usage",
                    "status",
                    "error",
                    "summary",
                    "arguments",
                    "incomplete_details",
                    "output_index",
                ]
            ),
            inner
            | st.sampled_from(["message", "function_call", "reasoning", "response.completed"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([b'"Counts. "', b'"completed"', b"[]", b"1", b"70", b'"output_text"']))
def test_any_value_in_any_place_is_read_or_told(value, place):
    for body in (TEXT, json.dumps(response(THOUGHT, SAID)).encode()):
        completion = read(body.replace(place, json.dumps(value).encode()))
        assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")


def make_case(tools=(), response_schema=None, images=(), **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="Hi", images=images),
        ),
        tools=tools,
        response_schema=response_schema,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


def sent(case):
    wire = DIALECT.build(case, Target(provider="openai-responses", model="m"))
    assert (wire.method, wire.path) == ("POST", "/v1/responses")
    return orjson.loads(wire.body)


SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}


def test_every_parameter_has_its_own_name():
    tool = Tool(name="look_up", description="Looks up", parameters=SCHEMA)
    case = make_case(
        (tool,),
        SCHEMA,
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=30,
        seed=3,
        tool_choice="look_up",
        top_logprobs=2,
        reasoning_effort="low",
        stream=False,
    )
    assert sent(case) == {
        "model": "m",
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "stream": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 30,
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs"],
        "reasoning": {"effort": "low"},
        "tool_choice": {"type": "function", "name": "look_up"},
        "tools": [
            {
                "type": "function",
                "name": "look_up",
                "description": "Looks up",
                "parameters": SCHEMA,
                "strict": False,
            }
        ],
        "text": {
            "format": {"type": "json_schema", "name": "answer", "strict": True, "schema": SCHEMA}
        },
    }


def test_what_a_case_does_not_say_is_not_sent():
    assert set(sent(make_case())) == {"model", "input", "stream"}
    assert sent(make_case(tool_choice="required"))["tool_choice"] == "required"


def test_an_image_goes_before_the_words():
    picture = Image(name="a.png", media_type="image/png", data=b"\x89PNG")
    content = sent(make_case(images=(picture,)))["input"][1]["content"]
    assert content == [
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBORw=="},
        {"type": "input_text", "text": "Hi"},
    ]


def test_stop_texts_are_refused():
    with pytest.raises(UsageError) as refused:
        sent(make_case(stop=("END",)))
    assert str(refused.value) == (
        "case a: openai-responses has no stop texts; take 'stop' out, or ask by chat completions "
        "(openai)"
    )

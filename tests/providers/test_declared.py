"""Gateways of one's own: what a mapping declares is what is sent and what is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.model.wire_mapping import read_mapping
from contractcheck.providers import dialect

FULL = {
    "method": "PUT",
    "path": "/v2/models/{model}/ask",
    "headers": {"X-Team": "evals"},
    "key": {"variable": "CONTRACTCHECK_GW_KEY", "header": "x-gateway-key"},
    "body": {
        "kind": "chat",
        "literal": "{not a placeholder}",
        "deployment": "{model}",
        "turns": "{conversation}",
        "system": "{system}",
        "options": {
            "temperature": "{temperature}",
            "limit": "{max_output_tokens}",
            "stops": ["{stop}", "END"],
            "fixed": 3,
        },
        "tools": "{functions}",
        "choice": "{tool_choice}",
        "schema": "{response_schema}",
        "stream": "{stream}",
    },
    "answer": {
        "text": "$.result.parts[*].text",
        "reasoning": "$.result.thought",
        "finish_reason": "$.result.end",
        "model": "$.deployment",
        "id": "$.request",
        "input_tokens": "$.cost.read",
        "output_tokens": "$.cost.written",
        "error": "$.fault",
        "calls": {
            "each": "$.result.calls[*]",
            "name": "$.tool",
            "arguments": "$.input",
            "id": "$.key",
        },
    },
    "stream": {
        "text": "$.piece",
        "finish_reason": "$.end",
        "output_tokens": "$.cost.written",
        "error": "$.fault.message",
        "calls": {
            "each": "$.calls[*]",
            "name": "$.tool",
            "arguments": "$.input",
            "index": "$.at",
        },
        "end": {"path": "$.last"},
    },
}


def make_case(messages=None, **more):
    parameters = Parameters(**more.pop("parameters", {}))
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=messages or (Message(role="user", content="Hi"),),
        tools=more.pop("tools", ()),
        response_schema=more.pop("response_schema", None),
        parameters=parameters,
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


def speaker(document=FULL, **changed):
    return dialect("http", read_mapping({**document, **changed}))


def build(case, **changed):
    return speaker(**changed).build(case, Target(provider="http", model="team/model 1"))


def read(body, *, document=FULL, **changed):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    is_stream = body.startswith(b"data:")
    return speaker(document, **changed).read(
        answer_of(body, "text/event-stream" if is_stream else "application/json")
    )


def stream(*events):
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


def test_typed_values_take_the_place_of_placeholders():
    schema = {"type": "object"}
    case = make_case(
        (Message(role="system", content="Be brief."), Message(role="user", content='"Hi"')),
        parameters={"temperature": 0.5, "stop": ("x",), "tool_choice": "look"},
        tools=(Tool(name="look", description="Looks", parameters=schema),),
        response_schema=schema,
    )
    wire = build(case)
    assert (wire.method, wire.path) == ("PUT", "/v2/models/team%2Fmodel%201/ask")
    assert wire.headers == (("x-team", "evals"), ("content-type", "application/json"))
    assert json.loads(wire.body) == {
        "kind": "chat",
        "literal": "{not a placeholder}",
        "deployment": "team/model 1",
        "turns": [{"role": "user", "content": '"Hi"'}],
        "system": "Be brief.",
        "options": {"temperature": 0.5, "stops": [["x"], "END"], "fixed": 3},
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks", "parameters": schema},
            }
        ],
        "choice": "look",
        "schema": schema,
        "stream": True,
    }


def test_what_a_case_does_not_say_is_left_out():
    body = json.loads(build(make_case(parameters={"stream": False})).body)
    assert body["options"] == {"stops": ["END"], "fixed": 3}
    assert not {"system", "tools", "choice", "schema"} & set(body)
    assert body["stream"] is False


def test_a_gateway_without_streams_is_never_asked_for_one():
    body = build(make_case(), stream=None).body
    assert json.loads(body)["stream"] is False


def test_a_text_in_a_case_is_never_taken_for_a_placeholder():
    case = make_case((Message(role="user", content="{system}"),))
    assert json.loads(build(case, body={"q": "{prompt}"}).body) == {"q": "{system}"}


PICTURE = Image(name="a.png", media_type="image/png", data=b"\x89PNG")


@pytest.mark.parametrize(
    ("case", "body", "words"),
    [
        (make_case(parameters={"seed": 3}), FULL["body"], '"{seed}"'),
        (make_case(parameters={"top_logprobs": 2}), FULL["body"], '"{top_logprobs}"'),
        (
            make_case((Message(role="system", content="s"), Message(role="user", content="u"))),
            {"q": "{conversation}"},
            '"{system}"',
        ),
        (
            make_case(tools=(Tool(name="t", description="d", parameters={}),)),
            {"q": "{messages}"},
            '"{tools}"',
        ),
        (
            make_case((Message(role="user", content="a"),) * 2),
            {"q": "{prompt}"},
            "several messages",
        ),
        (
            make_case((Message(role="user", content="a", images=(PICTURE,)),)),
            {"q": "{prompt}"},
            "pictures",
        ),
    ],
)
def test_what_has_no_place_is_refused(case, body, words):
    with pytest.raises(UsageError, match="case a ") as refused:
        build(case, body=body)
    assert words in str(refused.value)


def test_the_key_is_shown_as_declared_and_no_endpoint_is_public():
    (scheme,) = speaker().schemes
    assert (scheme.variable, scheme.header, scheme.prefix) == (
        "CONTRACTCHECK_GW_KEY",
        "x-gateway-key",
        "",
    )
    assert speaker().base_url == ""


ANSWER = {
    "deployment": "m-2",
    "request": "r-1",
    "result": {
        "parts": [{"text": "Grüße"}, {"picture": 1}, {"text": " 😀"}],
        "thought": "hm",
        "end": "done",
        "calls": [{"tool": "look", "input": {"id": 1}, "key": "c1"}, {"tool": "b", "input": "{}"}],
    },
    "cost": {"read": 9, "written": 4},
}


def test_an_answer_is_read_where_the_mapping_says():
    completion = read(ANSWER)
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert (completion.text, completion.reasoning_text) == ("Grüße 😀", "hm")
    assert (completion.finish_reason, completion.model, completion.response_id) == (
        "done",
        "m-2",
        "r-1",
    )
    assert (completion.input_tokens, completion.output_tokens) == (9, 4)
    assert [(c.name, c.arguments, c.id) for c in completion.tool_calls] == [
        ("look", {"id": 1}, "c1"),
        ("b", {}, None),
    ]


EVENTS = (
    {"piece": ""},
    {"piece": "Grü"},
    {"piece": "ße"},
    {"calls": [{"tool": "look", "input": '{"id"', "at": 0}, {"tool": "b", "input": "", "at": 1}]},
    {"calls": [{"input": "{}", "at": 1}]},
    {"calls": [{"input": ": 1}", "at": 0}]},
    {"end": "done", "cost": {"written": 4}},
    {"last": True},
)


def test_a_stream_is_put_together_from_its_events():
    body = stream(*EVENTS)
    completion = read(body)
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert (completion.text, completion.finish_reason, completion.output_tokens) == (
        "Grüße",
        "done",
        4,
    )
    assert [(c.name, c.arguments) for c in completion.tool_calls] == [
        ("look", {"id": 1}),
        ("b", {}),
    ]
    assert completion.first_content_byte == body.index(b"\n\n", body.index(b"Gr")) + 1


def test_fragments_without_an_index_belong_to_the_call_that_was_named_last():
    calls = {"each": "$.calls[*]", "name": "$.tool", "arguments": "$.input"}
    how = {"calls": calls, "end": "[DONE]"}
    events = [
        {"calls": [{"tool": "a", "input": "{"}]},
        {"calls": [{"input": "}"}]},
        {"calls": [{"tool": "b", "input": "[1]"}]},
    ]
    completion = read(stream(*events) + b"data: [DONE]\n\n", stream=how)
    assert [(c.name, c.arguments, c.is_parsed) for c in completion.tool_calls] == [
        ("a", {}, True),
        ("b", "[1]", False),
    ]


def test_a_stream_cut_at_any_byte_is_truncated():
    body = stream(*EVENTS)
    cut = [read(body[:length]) for length in range(6, len(body))]
    assert {completion.outcome for completion in cut} == {Outcome.TRUNCATED}


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (b'"parts"', b'"bits"', "answer.text ($.result.parts[*].text)", "nothing was found"),
        (b'"end": "done"', b'"end": null', "answer.finish_reason ($.result.end)", "nothing was"),
        (b'"end": "done"', b'"end": 5', "answer.finish_reason ($.result.end)", "expected a string"),
        (b'"written": 4', b'"written": "4"', "answer.output_tokens ($.cost.written)", "a count"),
        (b'"tool": "look"', b'"name": "look"', "answer.calls.name", "expected a string"),
        (b'"input": "{}"', b'"input": 5', "answer.calls.arguments", "a string or an object"),
    ],
)
def test_what_is_declared_and_does_not_come_is_broken(old, new, place, words):
    body = json.dumps(ANSWER).encode()
    if old.startswith(b'"parts'):
        body = body.replace(b'"calls"', b'"acts"')
    completion = read(body.replace(old, new))
    breaks = {p.path: p.what for p in completion.wire_problems if p.severity == "breaking"}
    assert completion.outcome is Outcome.MALFORMED
    assert words in breaks[place]


def test_a_filter_chooses_among_parts_of_several_kinds():
    answer = {"text": "$.parts[?@.kind == 'words'].value"}
    parts = [
        {"kind": "words", "value": "a"},
        {"kind": "mood", "value": 1},
        {"kind": "words", "value": "b"},
    ]
    assert read({"parts": parts}, answer=answer).text == "ab"


def test_counts_and_names_that_do_not_come_are_noted():
    completion = read({**ANSWER, "cost": {}, "deployment": None})
    assert completion.outcome is Outcome.ANSWERED
    assert {p.path.split(" ")[0] for p in completion.wire_problems} == {
        "answer.model",
        "answer.input_tokens",
        "answer.output_tokens",
    }


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (b"", Outcome.MALFORMED, "the body is empty"),
        (b"[]", Outcome.MALFORMED, "is not a JSON object"),
        (b'{"result": {"pa', Outcome.TRUNCATED, "ends in the middle"),
        ({"fault": "no room"}, Outcome.INFRA, "HTTP 200: no room"),
        ({"fault": {"code": "busy", "message": "later"}}, Outcome.INFRA, "busy: later"),
        (stream({"fault": {"message": "later"}}), Outcome.INFRA, "in the stream: later"),
        (b"data: oops\n\n", Outcome.MALFORMED, "a stream event is not JSON"),
        (b'{"result":' * 500 + b"1" + b"}" * 500, Outcome.MALFORMED, ""),
    ],
)
def test_a_200_that_is_no_answer(body, outcome, words):
    completion = read(body)
    assert completion.outcome is outcome
    assert words in completion.detail


def test_an_answer_that_is_too_deep_to_be_searched_is_malformed():
    deep = {"last": 1}
    for _ in range(150):
        deep = {"a": deep}
    event = {"text": "$..t", "end": {"path": "$..last"}}
    for body in (deep, stream(deep)):
        completion = read(body, answer={"text": "$..t"}, stream=event)
        assert completion.outcome is Outcome.MALFORMED
        assert completion.detail == "the answer is nested too deeply"


def test_errors_are_known_by_their_usual_member_where_no_path_is_declared():
    answer = {"text": "$.t"}
    assert read({"t": "x", "error": "busy"}, answer=answer).outcome is Outcome.INFRA
    assert read({"t": "x"}, answer=answer).text == "x"


def test_a_path_that_cannot_be_followed_is_refused_before_anything_is_asked():
    with pytest.raises(UsageError, match=r"'\$\[' in a mapping is not a JSONPath"):
        speaker(answer={"text": "$["})


def test_the_provider_is_known_by_its_mapping_alone():
    with pytest.raises(UsageError, match="provider 'http' is known by its mapping alone"):
        dialect("http")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["result", "parts", "text", "calls", "tool", "input", "cost", "piece", "last", "at"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_no_body_makes_the_reader_raise(value, is_stream):
    completion = read(
        stream(value, {"last": 1})
        if is_stream
        else value
        if isinstance(value, bytes)
        else json.dumps(value).encode()
    )
    assert completion.outcome in (Outcome.ANSWERED, Outcome.MALFORMED, Outcome.TRUNCATED)
    assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")

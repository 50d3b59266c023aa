"""Wire bytes below are written by hand after the published reference of chat completions."""

# ruff: noqa: UP031 - in wire bytes every brace is JSON, which str.format would need doubled

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of, breaks

from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect

HEAD = '"id":"cmpl-1","created":1,"model":"mistral-x-2603"'
USAGE = '"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}'
THINKS = (
    '[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"Hi"}]'
)


def whole(content, calls="null", reason="stop"):
    message = '{"role":"assistant","content":%s,"tool_calls":%s}' % (content, calls)
    choice = '{"index":0,"message":%s,"finish_reason":"%s"}' % (message, reason)
    return ('{%s,"object":"chat.completion","choices":[%s],%s}' % (HEAD, choice, USAGE)).encode()


def chunk(delta, reason="null", more=""):
    choice = '{"index":0,"delta":%s,"finish_reason":%s}' % (delta, reason)
    return ('data: {%s,"choices":[%s]%s}\n\n' % (HEAD, choice, more)).encode()


DONE = b"data: [DONE]\n\n"


def stream(*deltas, reason="stop"):
    chunks = [chunk(delta) for delta in deltas]
    return b"".join((*chunks, chunk("{}", '"%s"' % reason, "," + USAGE), DONE))


CALL = '{"id":"D681PevKs","function":{"name":"look_up","arguments":"{\\"id\\": 1}"},"index":0}'
TEXT = (
    whole('"Grüße 😀"'),
    stream('{"role":"assistant","content":""}', '{"content":"Grüße"}', '{"content":" 😀"}'),
)
THOUGHT = (
    whole(THINKS),
    stream(
        '{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}',
        '{"content":"Hi"}',
    ),
)
TOOLS = (
    whole('""', "[%s]" % CALL, "tool_calls"),
    stream('{"tool_calls":[%s]}' % CALL, reason="tool_calls"),
)
FORMS = {"text": TEXT, "thought": THOUGHT, "tools": TOOLS}


def read(body, is_stream=None):
    is_stream = body.startswith(b"data:") if is_stream is None else is_stream
    return dialect("mistral").read(
        answer_of(body, "text/event-stream" if is_stream else "application/json")
    )


def what_was_said(completion):
    return (
        completion.outcome,
        completion.text,
        completion.reasoning_text,
        completion.tool_calls,
        completion.finish_reason,
        completion.model,
        completion.response_id,
        completion.input_tokens,
        completion.output_tokens,
        completion.total_tokens,
        completion.wire_problems,
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_streamed_and_the_whole_form_are_the_same_completion(form):
    once, streamed = map(read, FORMS[form])
    assert what_was_said(once) == what_was_said(streamed)
    assert (once.outcome, once.wire_problems) == (Outcome.ANSWERED, ())
    assert (once.model, once.response_id, once.total_tokens) == ("mistral-x-2603", "cmpl-1", 13)


@pytest.mark.parametrize("form", [0, 1])
def test_content_is_text_whether_a_string_or_an_array_of_chunks(form):
    assert read(TEXT[form]).text == "Grüße 😀"
    thought = read(THOUGHT[form])
    assert (thought.text, thought.reasoning_text) == ("Hi", "hm")
    reference = b'{"type":"reference","reference_ids":[1]},{"type":"text"'
    cited = read(THOUGHT[form].replace(b'{"type":"text","text":"Hi"', reference + b',"text":"Hi"'))
    assert (cited.outcome, cited.wire_problems) == (Outcome.ANSWERED, ())


@pytest.mark.parametrize("form", [0, 1])
def test_calls_have_their_id_and_arguments_as_text_or_object(form):
    (call,) = read(TOOLS[form]).tool_calls
    assert (call.name, call.arguments, call.id) == ("look_up", {"id": 1}, "D681PevKs")
    as_object = TOOLS[form].replace(b'"{\\"id\\": 1}"', b'{"id": 1}')
    assert read(as_object).tool_calls == (call,)
    (nameless,) = read(TOOLS[form].replace(b'"D681PevKs"', b'"null"')).tool_calls
    assert nameless.id is None
    (broken,) = read(TOOLS[form].replace(b'\\"id\\": 1}', b"oops")).tool_calls
    assert (broken.is_parsed, broken.arguments) == (False, "{oops")


def test_a_call_that_comes_in_pieces_is_one_call():
    first = '{"id":"abcdefghi","function":{"name":"n","arguments":"{\\"a\\""},"index":0}'
    rest = '{"id":"null","function":{"name":"","arguments":": 2}"},"index":0}'
    other = '{"id":"jklmnopqr","function":{"name":"m","arguments":"{}"},"index":0}'
    deltas = ['{"tool_calls":[%s]}' % call for call in (first, rest, other)]
    calls = read(stream(*deltas, reason="tool_calls")).tool_calls
    assert [(c.name, c.arguments, c.id) for c in calls] == [
        ("n", {"a": 2}, "abcdefghi"),
        ("m", {}, "jklmnopqr"),
    ]


def test_the_first_content_is_the_first_event_that_says_something():
    body = THOUGHT[1]
    assert read(body).first_content_byte == body.index(b"\n\n", body.index(b'"Hi"')) + 1


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_cut_at_any_byte_is_truncated_or_complete(form):
    body = FORMS[form][1]
    cut = [read(body[:length], is_stream=True) for length in range(len(body))]
    assert {completion.outcome for completion in cut} == {Outcome.TRUNCATED}


@pytest.mark.parametrize(
    ("form", "old", "new", "path"),
    [
        (0, b'"message":', b'"output":', "choices[0].message"),
        (0, b'"content":', b'"words":', "choices[0].message.words"),
        (0, b'"content":"Gr', b'"content":5,"x":"Gr', "choices[0].message.content"),
        (0, b'"usage":', b'"used":', "usage"),
        (0, b'"id":', b'"key":', "id"),
        (0, b'"finish_reason":"stop"', b'"finish_reason":null', "choices[0].finish_reason"),
        (0, b'"prompt_tokens"', b'"tokens_in"', "usage.prompt_tokens"),
        (1, b'"delta":', b'"output":', "choices[0].delta"),
        (1, b'"content":', b'"words":', "choices[0].delta.words"),
        (1, b'"finish_reason":"stop"', b'"finish_reason":null', "choices[0].finish_reason"),
        (1, b'"choices":', b'"options":', "choices"),
    ],
)
def test_renamed_missing_and_retyped_fields_name_the_place(form, old, new, path):
    completion = read(TEXT[form].replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert path in breaks(completion)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"name":"look_up"', b'"tool":"look_up"', ".function.name"),
        (b'"arguments":', b'"input":', ".function.arguments"),
        (b'"tool_calls":[', b'"calls":[', "choices[0]"),
        (b'"function":{', b'"tool":{', ".function"),
    ],
)
@pytest.mark.parametrize("form", [0, 1])
def test_renamed_parts_of_tool_calls_are_broken(old, new, path, form):
    completion = read(TOOLS[form].replace(old, new))
    assert completion.outcome is Outcome.MALFORMED
    assert any(place.endswith(path) for place in breaks(completion))


def test_what_is_new_is_additive():
    for body in (*TEXT, *THOUGHT):
        later = body.replace(b'"stop"', b'"sleepy"').replace(
            b'{"type":"thinking"', b'{"type":"mood","x":1},{"type":"thinking"'
        )
        completion = read(later)
        assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "sleepy")
        assert {p.severity for p in completion.wire_problems} == {"additive"}


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (b"", Outcome.MALFORMED, "the body is empty"),
        (b"{}", Outcome.MALFORMED, "model: required field is missing"),
        (TEXT[0][:-9], Outcome.TRUNCATED, "ends in the middle"),
        (TEXT[0].replace(b'"stop"', b'"error"'), Outcome.INFRA, "finish_reason is 'error'"),
        (
            b'{"object":"error","message":"Overloaded","type":"unreachable_backend","code":"1100"}',
            Outcome.INFRA,
            "unreachable_backend: Overloaded",
        ),
    ],
)
def test_a_200_that_is_no_answer(body, outcome, words):
    completion = read(body, is_stream=False)
    assert completion.outcome is outcome
    assert words in completion.detail


def test_an_error_in_the_stream_is_the_providers_trouble():
    late = (
        b'data: {"object":"error","message":"gone","type":"unreachable_backend","code":"1100"}\n\n'
    )
    completion = read(chunk('{"content":"H"}') + late)
    assert (completion.outcome, completion.detail) == (
        Outcome.INFRA,
        "in the stream: unreachable_backend: gone",
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "thinking", "content", "function", "name", "id"]),
            inner | st.sampled_from(["text", "thinking"]),
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    VALUES,
    st.sampled_from([*THOUGHT, *TOOLS]),
    st.sampled_from(
        [b'"Hi"', b"[%s]" % CALL.encode(), THINKS.encode(), b"13", b'"look_up"', b"{}"]
    ),
)
def test_any_value_in_any_place_is_read_or_told(value, body, place):
    completion = read(body.replace(place, json.dumps(value).encode()))
    assert completion.outcome in (Outcome.ANSWERED, Outcome.MALFORMED)
    assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")


def test_a_request_names_everything_as_mistral_does():
    picture = Image(name="a.png", media_type="image/png", data=b"\x89PNG")
    case = Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content="Hi", images=(picture,)),),
        tools=(Tool(name="look_up", description="Looks", parameters={"type": "object"}),),
        response_schema=None,
        parameters=Parameters(
            seed=3, max_output_tokens=30, tool_choice="look_up", top_logprobs=2, stop=("END",)
        ),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )
    wire = dialect("mistral").build(case, Target(provider="mistral", model="m"))
    body = json.loads(wire.body)
    assert wire.path == "/v1/chat/completions"
    assert (body["random_seed"], body["max_tokens"], body["stream"]) == (3, 30, True)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look_up"}}
    assert body["messages"][0]["content"][0] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw=="},
    }
    assert not {"seed", "stream_options", "max_completion_tokens"} & set(body)

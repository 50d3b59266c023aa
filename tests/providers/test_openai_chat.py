"""Wire bytes below are written by hand after the published reference of chat completions."""

# ruff: noqa: UP031 - in wire bytes every brace is JSON, which str.format would need doubled

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import additions, answer_of, breaks

from contractcheck.model.completion import Outcome
from contractcheck.providers.openai_chat import DIALECT

HEAD = (
    '"id":"chatcmpl-1","created":1767225600,"model":"gpt-x-2026-01-01","system_fingerprint":"fp_1"'
)


def whole(message, finish='"stop"', rest=',"usage":{"prompt_tokens":7,"completion_tokens":3}'):
    return (
        '{%s,"object":"chat.completion","choices":[{"index":0,"message":%s,"logprobs":null,'
        '"finish_reason":%s}]%s}' % (HEAD, message, finish, rest)
    ).encode()


def chunk(delta, finish="null"):
    return (
        'data: {%s,"object":"chat.completion.chunk","choices":[{"index":0,"delta":%s,'
        '"logprobs":null,"finish_reason":%s}],"usage":null}\n\n' % (HEAD, delta, finish)
    ).encode()


USAGE = (
    'data: {%s,"object":"chat.completion.chunk","choices":[],'
    '"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n' % HEAD
).encode()
DONE = b"data: [DONE]\n\n"


def stream(*chunks):
    return b"".join((*chunks, USAGE, DONE))


TEXT = (
    whole('{"role":"assistant","content":"Grüße, 😀","refusal":null,"annotations":[]}'),
    stream(
        chunk('{"role":"assistant","content":"","refusal":null}'),
        chunk('{"content":"Grüße"}'),
        chunk('{"content":", 😀"}'),
        chunk("{}", '"stop"'),
    ),
)
TOOLS = (
    whole(
        '{"role":"assistant","content":null,"tool_calls":['
        '{"id":"call_1","type":"function","function":{"name":"look_up","arguments":"{\\"id\\":1}"}},'
        '{"id":"call_2","type":"function","function":{"name":"refund","arguments":"{}"}}]}',
        '"tool_calls"',
    ),
    stream(
        chunk(
            '{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1",'
            '"type":"function","function":{"name":"look_up","arguments":""}}]}'
        ),
        chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"id\\""}}]}'),
        chunk('{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}'),
        chunk(
            '{"tool_calls":[{"index":1,"id":"call_2","type":"function",'
            '"function":{"name":"refund","arguments":"{}"}}]}'
        ),
        chunk("{}", '"tool_calls"'),
    ),
)
REFUSAL = (
    whole('{"role":"assistant","content":null,"refusal":"I cannot help."}'),
    stream(
        chunk('{"role":"assistant","content":null,"refusal":""}'),
        chunk('{"refusal":"I cannot"}'),
        chunk('{"refusal":" help."}'),
        chunk("{}", '"stop"'),
    ),
)
CUT_BY_LIMIT = (
    whole('{"role":"assistant","content":"One, two"}', '"length"'),
    stream(chunk('{"role":"assistant","content":"One, two"}'), chunk("{}", '"length"')),
)
FORMS = {"text": TEXT, "tools": TOOLS, "refusal": REFUSAL, "limit": CUT_BY_LIMIT}


def read(body, content_type=None):
    is_stream = body.startswith(b"data:")
    kind = content_type or ("text/event-stream; charset=utf-8" if is_stream else "application/json")
    return DIALECT.read(answer_of(body, kind))


def what_was_said(completion):
    return (
        completion.outcome,
        completion.text,
        completion.tool_calls,
        completion.finish_reason,
        completion.model,
        completion.system_fingerprint,
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
    assert (once.input_tokens, once.output_tokens) == (7, 3)
    assert once.model == "gpt-x-2026-01-01"


def test_text_tools_and_refusals_are_read_in_full():
    assert read(TEXT[1]).text == "Grüße, 😀"
    assert read(REFUSAL[1]).text == "I cannot help."
    calls = read(TOOLS[1]).tool_calls
    assert [(c.name, c.arguments, c.is_parsed) for c in calls] == [
        ("look_up", {"id": 1}, True),
        ("refund", {}, True),
    ]


def test_arguments_that_are_not_json_are_kept_as_they_came():
    body = TOOLS[0].replace(b'{\\"id\\":1}', b"{id:1")
    call = read(body).tool_calls[0]
    assert (call.arguments, call.is_parsed) == ("{id:1", False)


def test_first_content_is_the_first_event_that_says_something():
    start = TEXT[1].index(b'{"content":"Gr')
    end = TEXT[1].index(b"\n\n", start) + 1
    assert read(TEXT[1]).first_content_byte == end
    opening_end = TOOLS[1].index(b"\n\n") + 1
    assert read(TOOLS[1]).first_content_byte == opening_end
    assert read(TEXT[0]).first_content_byte is None


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_cut_at_any_byte_is_truncated_or_complete(form):
    body = FORMS[form][1]
    full = read(body)
    for length in range(len(body)):
        cut = read(body[:length], "text/event-stream")
        assert cut.outcome is Outcome.TRUNCATED or what_was_said(cut) == what_was_said(full), length
    assert read(body[: body.index(USAGE)], "text/event-stream").outcome is Outcome.TRUNCATED


def test_a_whole_body_cut_at_any_byte_is_truncated():
    body = TEXT[0]
    assert {read(body[:n], "application/json").outcome for n in range(1, len(body))} == {
        Outcome.TRUNCATED
    }


def test_a_cut_beside_an_unknown_field_is_still_only_a_cut():
    body = chunk('{"role":"assistant","content":"Hel","x":1}')
    assert read(body).outcome is Outcome.TRUNCATED


def test_what_comes_after_done_is_ignored_as_in_the_sdk():
    assert what_was_said(read(TEXT[1] + b"data: nonsense\n\n")) == what_was_said(read(TEXT[1]))


def test_a_server_without_done_or_without_usage_is_complete():
    without_done = TEXT[1].removesuffix(DONE)
    assert what_was_said(read(without_done)) == what_was_said(read(TEXT[1]))
    without_usage = read(TEXT[1].replace(USAGE, b""))
    assert (without_usage.outcome, without_usage.output_tokens) == (Outcome.ANSWERED, None)
    assert additions(without_usage) == {"usage": "none came, so tokens are not counted"}


def test_pings_comments_and_empty_choices_change_nothing():
    noisy = TEXT[1].replace(b"\n\n", b"\n\n: keep-alive\n\n")
    assert what_was_said(read(noisy)) == what_was_said(read(TEXT[1]))
    azure = (
        b'data: {"id":"","object":"","created":0,"model":"","prompt_filter_results":[],'
        b'"choices":[]}\n\n'
    )
    assert what_was_said(read(azure + TEXT[1])) == what_was_said(read(TEXT[1]))


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize(
    "field", ['"reasoning_details":[{"text":"hm"}]', '"provider_specific_fields":{"a":"b"}']
)
def test_fields_that_vendors_add_are_new_and_not_broken(field, form):
    body = TEXT[form].replace(b'"content":', field.encode() + b',"content":')
    completion = read(body)
    assert completion.outcome is Outcome.ANSWERED
    assert completion.text == "Grüße, 😀"
    place = "message" if form == 0 else "delta"
    name = field.split('"')[1]
    assert additions(completion) == {f"choices[0].{place}.{name}": "unknown field"}


def test_content_under_another_name_is_broken_and_the_name_is_told():
    completion = read(TEXT[1].replace(b'"content":', b'"output":'))
    assert completion.outcome is Outcome.MALFORMED
    assert breaks(completion) == {
        "choices[0].delta.output": "unknown field carries text, and 'content' has none: "
        "was it renamed?"
    }


def test_thinking_until_the_limit_under_an_unknown_name_is_an_empty_answer():
    body = stream(chunk('{"role":"assistant","thinking":"hm, hm"}'), chunk("{}", '"length"'))
    completion = read(body)
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "")


@pytest.mark.parametrize(
    ("old", "new", "path", "what"),
    [
        ('"model"', '"engine"', "model", "required field is missing (present: choices, created"),
        ('"choices"', '"answers"', "choices", "required field is missing (present: answers,"),
        ('"model":"gpt-x-2026-01-01"', '"model":5', "model", "expected string, got integer"),
        ('"prompt_tokens":7', '"prompt_tokens":7.5', "usage.prompt_tokens", "got number"),
        ('"completion_tokens"', '"output_tokens"', "usage.completion_tokens", "present: output_t"),
        ('"choices":[', '"choices":{},"x":[', "choices", "expected array, got object"),
    ],
)
@pytest.mark.parametrize("form", [0, 1])
def test_renamed_missing_and_retyped_fields_name_the_place(old, new, path, what, form):
    completion = read(TEXT[form].replace(old.encode(), new.encode()))
    assert completion.outcome is Outcome.MALFORMED
    assert what in breaks(completion)[path]
    assert completion.detail


@pytest.mark.parametrize(
    ("old", "new", "path", "what"),
    [
        ('"message"', '"output"', "choices[0].message", "present: finish_reason, index, logprobs"),
        ('"content":"', '"text":"', "choices[0].message.content", "is missing (present: annot"),
        ('"finish_reason"', '"stop"', "choices[0].finish_reason", "is missing"),
        ('"finish_reason":"stop"', '"finish_reason":null', "choices[0].finish_reason", "got null"),
        ('"content":"Grüße, 😀"', '"content":[]', "choices[0].message.content", "got array"),
        ('{"index":0', '7,{"index":0', "choices[0]", "expected object"),
    ],
)
def test_the_whole_form_names_its_own_places(old, new, path, what):
    completion = read(TEXT[0].replace(old.encode(), new.encode()))
    assert completion.outcome is Outcome.MALFORMED
    assert what in breaks(completion)[path]


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"name"', '"tool"', "tool_calls[0].function.name"),
        ('"arguments"', '"input"', "tool_calls[0].function.arguments"),
        ('"function":{', '"tool":{', "tool_calls[0].function"),
        ('"arguments":"{}"', '"arguments":{}', "tool_calls[1].function.arguments"),
    ],
)
def test_renamed_parts_of_tool_calls_are_broken(old, new, path, form):
    completion = read(TOOLS[form].replace(old.encode(), new.encode()))
    assert completion.outcome is Outcome.MALFORMED
    assert any(path in place for place in breaks(completion))


@pytest.mark.parametrize("form", [0, 1])
def test_tool_calls_that_never_come_are_broken(form):
    completion = read(TOOLS[form].replace(b'"tool_calls":[', b'"actions":['))
    assert breaks(completion)["choices[0]"] == (
        "finish_reason is 'tool_calls', but no tool call came"
    )


def test_parallel_calls_without_an_index_stay_apart():
    body = TOOLS[1].replace(b'"index":0,"id"', b'"id"').replace(b'"index":1,"id"', b'"id"')
    body = body.replace(b'[{"index":0,"function"', b'[{"function"')
    completion = read(body)
    assert completion.tool_calls == read(TOOLS[1]).tool_calls
    assert [p.severity for p in completion.wire_problems] == ["additive"]


@pytest.mark.parametrize("form", [0, 1])
def test_a_new_finish_reason_is_additive(form):
    completion = read(TEXT[form].replace(b'"stop"', b'"model_pause"'))
    assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, "model_pause")
    assert "'model_pause' (documented:" in additions(completion)["choices[0].finish_reason"]


def test_done_without_a_finish_reason_is_broken():
    completion = read(TEXT[1].replace(b'"finish_reason":"stop"', b'"finish_reason":null'))
    assert breaks(completion) == {"choices[0].finish_reason": "no chunk carried one"}


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (b"", Outcome.MALFORMED, "HTTP 200, but the body is empty"),
        (b"<html>502</html>", Outcome.MALFORMED, "HTTP 200, but the body is not a JSON object"),
        (b"[]", Outcome.MALFORMED, "HTTP 200, but the body is not a JSON object"),
        (b"[" * 100_000, Outcome.MALFORMED, "HTTP 200, but the body is not a JSON object"),
        (b"{}", Outcome.MALFORMED, "model: required field is missing (present: nothing)"),
        (b'{"error":{"code":"overloaded","message":"later"}}', Outcome.INFRA, "overloaded: later"),
        (b'{"error":"model is loading"}', Outcome.INFRA, "HTTP 200: model is loading"),
        (b'{"error":{}, "choices":[]}', Outcome.MALFORMED, "model: required field is missing"),
        (b'{"error":{"type":"insufficient_quota"}}', Outcome.CONFIG, "insufficient_quota"),
        (b'{"error":{"x":1}}', Outcome.INFRA, "HTTP 200: an error without code and message"),
    ],
)
def test_a_200_that_is_no_answer(body, outcome, words):
    completion = read(body, "application/json")
    assert completion.outcome is outcome
    assert words in completion.detail


def test_an_error_in_the_stream_wins_even_beside_choices():
    late = (
        b'data: {"error":{"code":502,"message":"upstream gone"},"choices":[{"index":0,'
        b'"delta":{"content":""},"finish_reason":"error"}],"model":"m"}\n\n'
    )
    completion = read(chunk('{"content":"Hel"}') + late + DONE)
    assert (completion.outcome, completion.detail) == (
        Outcome.INFRA,
        "in the stream: 502: upstream gone",
    )


def test_an_error_inside_a_choice_is_an_error():
    error = b'"error":{"code":502,"message":"upstream gone"},'
    whole_body = TEXT[0].replace(b'"message":{', error + b'"message":{')
    streamed = TEXT[1].replace(b'"delta":{"content":"Gr', error + b'"delta":{"content":"Gr')
    for body, place in ((whole_body, "HTTP 200"), (streamed, "in the stream")):
        completion = read(body)
        assert completion.outcome is Outcome.INFRA
        assert completion.detail == f"{place}: 502: upstream gone"


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource"])
def test_a_provider_that_broke_off_gave_no_answer(reason, form):
    completion = read(TEXT[form].replace(b'"stop"', f'"{reason}"'.encode()))
    assert completion.outcome is Outcome.INFRA
    assert completion.detail == f"the provider broke off: finish_reason is {reason!r}"
    assert completion.wire_problems == ()


def test_what_a_filter_kept_back_may_be_missing():
    completion = read(whole('{"role":"assistant"}', '"content_filter"'))
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "")
    assert completion.finish_reason == "content_filter"
    assert read(whole('{"role":"assistant"}', '"stop"')).outcome is Outcome.MALFORMED


def test_an_event_that_is_not_json_is_malformed():
    assert read(b"data: {oops\n\n" + DONE).detail == "a stream event is not JSON"


def test_the_media_type_ignores_case():
    assert what_was_said(read(TEXT[1], "Text/Event-Stream")) == what_was_said(read(TEXT[1]))


FULL_USAGE = (
    '"usage":{"prompt_tokens":70,"completion_tokens":30,"total_tokens":100,'
    '"prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},'
    '"completion_tokens_details":{"reasoning_tokens":12}}'
)


@pytest.mark.parametrize("form", [0, 1])
def test_ids_and_the_whole_account_are_read(form):
    old = '"usage":{"prompt_tokens":7,"completion_tokens":3}'
    completion = read(TOOLS[form].replace(old.encode(), FULL_USAGE.encode()))
    assert [call.id for call in completion.tool_calls] == ["call_1", "call_2"]
    assert completion.response_id == "chatcmpl-1"
    assert (completion.input_tokens, completion.cached_input_tokens) == (70, 64)
    assert (completion.output_tokens, completion.reasoning_tokens) == (30, 12)
    assert completion.total_tokens == 100
    assert completion.wire_problems == ()


def test_cached_tokens_are_found_under_the_name_that_deepseek_has_for_them():
    usage = '"prompt_cache_hit_tokens":5,"prompt_tokens":7'
    body = TEXT[0].replace(b'"prompt_tokens":7', usage.encode())
    assert read(body).cached_input_tokens == 5


@pytest.mark.parametrize(
    "odd",
    [
        '"id":5,"total_tokens":"many"',
        '"prompt_tokens_details":null,"total_tokens":-1',
        '"prompt_tokens_details":[],"total_tokens":true',
        '"prompt_tokens_details":{"cached_tokens":1.5},"completion_tokens_details":7',
    ],
)
def test_extras_of_another_type_are_left_out_and_break_nothing(odd):
    completion = read(TEXT[0].replace(b'"prompt_tokens"', odd.encode() + b',"prompt_tokens"'))
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert completion.total_tokens is completion.cached_input_tokens is None
    assert completion.reasoning_tokens is None


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_and_is_no_part_of_the_text(name, form):
    said = '"%s":"hm ","content"' % name
    completion = read(TEXT[form].replace(b'"content"', said.encode()))
    pieces = TEXT[form].count(b'"content"')
    assert completion.reasoning_text == "hm " * pieces
    assert (completion.text, completion.wire_problems) == ("Grüße, 😀", ())


def test_reasoning_under_both_names_is_read_once_and_is_not_the_first_content():
    thinking = chunk('{"role":"assistant","reasoning":"hm","reasoning_content":"hm"}')
    completion = read(thinking + TEXT[1])
    assert completion.reasoning_text == "hm"
    assert completion.first_content_byte == read(TEXT[1]).first_content_byte + len(thinking)


def test_what_azure_adds_to_a_stream_changes_nothing():
    first = (
        b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":'
        b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}]}\n\n'
    )
    late = (
        b'data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,'
        b'"finish_reason":null,"content_filter_results":{"hate":{"filtered":false}},'
        b'"content_filter_offsets":{"check_offset":5,"start_offset":5,"end_offset":9}}]}\n\n'
    )
    completion = read(first + TEXT[1].replace(USAGE, late + USAGE))
    assert what_was_said(completion) == what_was_said(read(TEXT[1]))
    assert completion.response_id == "chatcmpl-1"


def test_what_openrouter_sends_to_keep_a_connection_changes_nothing():
    body = b": OPENROUTER PROCESSING\n\n" * 2 + TEXT[1]
    assert what_was_said(read(body, "text/event-stream")) == what_was_said(read(TEXT[1]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "usage",
                    "index",
                    "model",
                    "finish_reason",
                    "name",
                    "arguments",
                    "error",
                    "prompt_tokens",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | JSON.map(lambda x: json.dumps(x).encode()), st.booleans())
def test_no_body_makes_the_reader_raise(body, is_stream):
    if is_stream:
        body = b"data: " + body + b"\n\n" + DONE
    completion = read(body, "text/event-stream" if is_stream else "application/json")
    assert completion.outcome in Outcome
    assert (completion.outcome is Outcome.ANSWERED) == (completion.detail == "")


@given(JSON, st.sampled_from([b'"Gr\xc3\xbc\xc3\x9fe"', b'"stop"', b"null", b"7", b'{"content":']))
def test_any_value_in_any_place_is_read_or_told(value, place):
    body = TEXT[1].replace(place, json.dumps(value).encode())
    assert read(body).outcome in Outcome

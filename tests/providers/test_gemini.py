"""Wire bytes below are written by hand after the published reference of generateContent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of, breaks

from contractcheck.model.completion import Outcome
from contractcheck.providers.gemini import DIALECT

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
HEAD = {"modelVersion": "gemini-x", "responseId": "r-1"}


def response(body, content_type="application/json; charset=UTF-8"):
    return answer_of(body, content_type)


def read(document):
    return DIALECT.read(response(json.dumps(document).encode()))


def stream_bytes(chunks):
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def read_stream(*chunks):
    return DIALECT.read(response(stream_bytes(chunks), "text/event-stream"))


def candidate(*parts, reason="STOP", **members):
    found = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **members}
    return {**found, "finishReason": reason} if reason else found


def answer(*parts, reason="STOP", usage=USAGE, **members):
    return {"candidates": [candidate(*parts, reason=reason, **members)], "usageMetadata": usage} | (
        HEAD
    )


def notes(completion):
    return {p.path: p.what for p in completion.wire_problems if p.severity == "additive"}


CALL = {"functionCall": {"name": "look_up", "args": {"id": 1}, "id": "c1"}, "thoughtSignature": "s"}
PARTS = [{"text": "hm", "thought": True}, {"text": "Grüße"}, {"text": ", 😀"}, CALL]
COUNTS = {
    **USAGE,
    "totalTokenCount": 18,
    "thoughtsTokenCount": 5,
    "cachedContentTokenCount": 3,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
}
WAYS = {
    "whole": lambda: read(answer(*PARTS, usage=COUNTS)),
    "stream": lambda: read_stream(
        *(answer(part, reason=None, usage={"promptTokenCount": 9}) for part in PARTS),
        answer({"text": "", "thoughtSignature": "s"}, usage=COUNTS),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_documented_member_is_read(way):
    completion = WAYS[way]()
    assert completion.outcome is Outcome.ANSWERED
    assert (completion.text, completion.reasoning_text) == ("Grüße, 😀", "hm")
    (call,) = completion.tool_calls
    assert (call.name, call.arguments, call.is_parsed, call.id) == (
        "look_up",
        {"id": 1},
        True,
        "c1",
    )
    assert completion.finish_reason == "STOP"
    assert (completion.model, completion.response_id) == ("gemini-x", "r-1")
    assert (completion.input_tokens, completion.cached_input_tokens) == (9, 3)
    # As billed: 4 tokens of answer and 5 of thought.
    assert (completion.output_tokens, completion.reasoning_tokens) == (9, 5)
    assert completion.total_tokens == 18
    assert completion.wire_problems == ()


def test_the_first_content_is_neither_a_thought_nor_an_empty_part():
    chunks = [
        answer({"text": "hm", "thought": True}, reason=None),
        answer({"text": ""}, reason=None),
        answer({"text": "Yes"}, reason=None),
        answer({"text": "."}),
    ]
    body = stream_bytes(chunks)
    completion = DIALECT.read(response(body, "text/event-stream"))
    first = completion.first_content_byte
    assert stream_bytes(chunks[:2]) < body[: first + 1]
    assert body[: first + 1].startswith(stream_bytes(chunks[:3])[:-3])
    assert not body[: first + 1].startswith(stream_bytes(chunks[:3]) + b"d")


def test_a_call_without_arguments_has_none():
    (call,) = read(answer({"functionCall": {"name": "list_all"}})).tool_calls
    assert (call.arguments, call.id) == ({}, None)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "UNEXPECTED_TOOL_CALL"])
def test_a_filtered_answer_without_content_is_an_answer(reason):
    document = {
        "candidates": [{"finishReason": reason, "index": 0, "finishMessage": "kept back"}],
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        **HEAD,
    }
    for completion in (read(document), read_stream(document)):
        assert completion.outcome is Outcome.ANSWERED
        assert (completion.text, completion.finish_reason) == ("", reason)
        assert completion.output_tokens == 0
        assert list(notes(completion)) == ["candidates[0].content"]


@pytest.mark.parametrize("reason", ["STOP", "MAX_TOKENS"])
def test_an_answer_that_was_finished_has_a_content(reason):
    document = {"candidates": [{"finishReason": reason}], "usageMetadata": USAGE, **HEAD}
    for completion in (read(document), read_stream(document)):
        assert completion.outcome is Outcome.MALFORMED
        assert breaks(completion) == {
            "candidates[0].content": "required field is missing (present: finishReason)"
        }


@pytest.mark.parametrize(
    "content", [{}, {"role": "model"}, {"parts": []}, {"parts": [{}]}, {"parts": [{"text": ""}]}]
)
def test_an_empty_content_is_an_empty_answer(content):
    document = {
        "candidates": [{"content": content, "finishReason": "STOP"}],
        "usageMetadata": USAGE,
        **HEAD,
    }
    for completion in (read(document), read_stream(document)):
        assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "")
        assert completion.wire_problems == ()


def test_a_part_of_a_signature_alone_says_nothing():
    completion = read(answer({"thoughtSignature": "s"}, {"text": "Yes"}))
    assert (completion.text, completion.wire_problems) == ("Yes", ())


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "OTHER"])
def test_a_blocked_prompt_is_an_answer_by_that_name(reason):
    document = {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        **HEAD,
    }
    for completion in (read(document), read_stream(document)):
        assert (completion.outcome, completion.finish_reason) == (Outcome.ANSWERED, reason)
        assert completion.wire_problems == ()


def test_new_reasons_are_told():
    completion = read(answer({"text": "Yes"}, reason="MODEL_PAUSE"))
    assert completion.outcome is Outcome.ANSWERED
    assert "'MODEL_PAUSE'" in notes(completion)["candidates[0].finishReason"]
    completion = read({"promptFeedback": {"blockReason": "MOOD"}, "usageMetadata": USAGE, **HEAD})
    assert "'MOOD'" in notes(completion)["promptFeedback.blockReason"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({**HEAD, "usageMetadata": USAGE}, "candidates"),
        ({**HEAD, "usageMetadata": USAGE, "candidates": []}, "candidates"),
        ({**answer(), "candidates": ["text"]}, "candidates[0]"),
        ({**answer(), "candidates": "text"}, "candidates"),
        (answer({"text": 3}), "candidates[0].content.parts[0].text"),
        (answer("text"), "candidates[0].content.parts[0]"),
        (
            answer({"functionCall": {"args": {}}}),
            "candidates[0].content.parts[0].functionCall.name",
        ),
        (
            answer({"functionCall": {"name": "a", "args": "{}"}}),
            "candidates[0].content.parts[0].functionCall.args",
        ),
        (answer({"text": "a"}, reason=None), "candidates[0].finishReason"),
        (answer({"text": "a"}, reason=1), "candidates[0].finishReason"),
        (answer({"text": "a"}, usage={"totalTokenCount": 4}), "usageMetadata.promptTokenCount"),
        (answer({"text": "a"}, usage={"promptTokenCount": "4"}), "usageMetadata.promptTokenCount"),
        (answer({"words": "a"}), "candidates[0].content.parts[0].words"),
    ],
)
def test_what_clients_fail_on_is_a_break(document, path):
    completion = read(document)
    assert completion.outcome is Outcome.MALFORMED
    assert path in breaks(completion)
    assert completion.detail.startswith(tuple(breaks(completion)))


def test_what_is_new_beside_an_answer_is_only_told():
    completion = read(
        answer(
            {"text": "Yes", "mood": "good"},
            {"functionCall": {"name": "a", "partialArgs": []}},
            weather="fine",
        )
    )
    assert completion.outcome is Outcome.ANSWERED
    assert set(notes(completion)) == {
        "candidates[0].content.parts[0].mood",
        "candidates[0].content.parts[1].functionCall.partialArgs",
        "candidates[0].weather",
    }


def test_neither_counts_nor_a_name_are_required():
    completion = read({"candidates": [candidate({"text": "Yes"})]})
    assert completion.outcome is Outcome.ANSWERED
    assert (completion.input_tokens, completion.output_tokens, completion.model) == (None,) * 3
    assert set(notes(completion)) == {"usageMetadata", "modelVersion"}


QUOTA = {"error": {"code": 429, "message": "later", "status": "RESOURCE_EXHAUSTED"}}


@pytest.mark.parametrize("document", [QUOTA, [QUOTA]])
def test_an_error_under_200_is_the_providers_trouble(document):
    for completion in (read(document), read_stream(answer({"text": "a"}, reason=None), document)):
        assert completion.outcome is Outcome.INFRA
        assert "RESOURCE_EXHAUSTED: later" in completion.detail


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[1]", b"3"])
def test_what_is_no_answer_is_malformed(body):
    assert DIALECT.read(response(body)).outcome is Outcome.MALFORMED
    if body:
        streamed = DIALECT.read(response(b"data: " + body + b"\n\n", "text/event-stream"))
        assert streamed.outcome is Outcome.MALFORMED


CUT = stream_bytes(
    [
        answer({"text": "Grü"}, reason=None),
        answer({"text": "ße"}, reason=None),
        answer({"text": "."}),
    ]
)


def test_a_stream_that_was_cut_is_never_an_answer():
    for size_bytes in range(len(CUT) - 3):
        completion = DIALECT.read(response(CUT[:size_bytes], "text/event-stream"))
        assert (completion.outcome, completion.text) == (Outcome.TRUNCATED, "")


def test_a_cut_is_seen_where_every_event_names_a_reason():
    # Models before 2.0 say STOP in all events.
    body = stream_bytes([answer({"text": "a"}), answer({"text": "b"})])
    said = [
        DIALECT.read(response(body[:size_bytes], "text/event-stream"))
        for size_bytes in range(body.index(b"\r\n\r\n") + 5, len(body) - 3)
    ]
    assert {completion.outcome for completion in said} == {Outcome.TRUNCATED}
    comment = DIALECT.read(response(body + b": still here\r\n\r\n", "text/event-stream"))
    assert (comment.outcome, comment.text) == (Outcome.ANSWERED, "ab")


def test_a_whole_body_that_was_cut_is_truncated():
    body = json.dumps(answer({"text": "a"})).encode()
    assert DIALECT.read(response(body[:-1])).outcome is Outcome.TRUNCATED


def test_log_probabilities_of_the_first_token():
    def result(*pairs):
        listed = [{"token": token, "logProbability": value} for token, value in pairs]
        return {"topCandidates": [{"candidates": listed}, {"candidates": []}]}

    told = result(("No", -2.0), ("Yes", -0.5), ("No", -1.5))
    expected = (("Yes", -0.5), ("No", -1.5))
    completion = read(answer({"text": "Yes"}, logprobsResult=told))
    assert completion.first_token_logprobs == expected
    streamed = read_stream(
        answer({"text": "Yes"}, reason=None, logprobsResult=told),
        answer({"text": "."}, logprobsResult=result((".", -0.1))),
    )
    assert streamed.first_token_logprobs == expected
    certain = {"topCandidates": [{"candidates": [{"token": "Yes"}]}]}
    completion = read(answer({"text": "Yes"}, logprobsResult=certain))
    assert completion.first_token_logprobs == (("Yes", 0.0),)


@pytest.mark.parametrize(
    "odd",
    [
        [],
        {"topCandidates": {}},
        {"topCandidates": []},
        {"topCandidates": [3]},
        {"topCandidates": [{"candidates": [3, {"token": 3}]}]},
        {"topCandidates": [{"candidates": [{"token": "a", "logProbability": True}]}]},
    ],
)
def test_odd_log_probabilities_break_nothing(odd):
    completion = read(answer({"text": "Yes"}, logprobsResult=odd))
    assert (completion.outcome, completion.first_token_logprobs) == (Outcome.ANSWERED, ())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["candidates", "content", "parts", "text", "functionCall", "usageMetadata", "name"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(values)
def test_no_json_makes_it_raise(document):
    for completion in (read(document), read_stream(document)):
        assert isinstance(completion.outcome, Outcome)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(body):
    for media_type in ("application/json", "text/event-stream"):
        assert DIALECT.read(response(body, media_type)).outcome is not Outcome.ANSWERED


def test_frames_are_the_events_or_the_body():
    body = stream_bytes([answer({"text": "a"}, reason=None), answer({"text": "b"})])
    frames = DIALECT.frames(response(body, "text/event-stream"))
    assert [frame.document["modelVersion"] for frame in frames] == ["gemini-x"] * 2
    (frame,) = DIALECT.frames(response(b'{"a": 1}'))
    assert (frame.name, frame.document) == ("", {"a": 1})

"""Headers that tell something, and accounts that do not add up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.wire_contracts.identifier_form import identifier_form
from contractcheck.wire_contracts.usage import check_output_tokens


@pytest.mark.parametrize(
    ("header", "value", "words"),
    [
        ("x-api-warning", "model 'command' is deprecated", "is deprecated"),
        ("Deprecation", "@1688169599", "@1688169599"),
        ("sunset", "Sat, 31 Dec 2027 23:59:59 GMT", "31 Dec 2027"),
        ("x-ratelimit-remaining-requests", "-1", "-1"),
        ("x-ratelimit-limit-tokens", "0", "a limit of 0"),
        ("anthropic-ratelimit-tokens-limit", "-1", "a limit of -1"),
    ],
)
def test_a_header_that_announces_or_cannot_be_meant_is_told(speak, header, value, words):
    found = speak("openai-chat", "prose", 0).with_headers((header, value)).problems("additive")
    assert words in found[f"header {header.lower()}"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-reset-requests", "6m0s"),
        ("retry-after", "25"),
        ("openai-version", "2020-10-01"),
    ],
)
def test_an_ordinary_header_is_no_problem(speak, header, value):
    assert speak("openai-chat", "prose", 0).with_headers((header, value)).problems() == {}


def test_versions_and_forms_of_ids_are_learnt_and_secrets_are_not(speak):
    said = speak("openai-chat", "prose", 0).with_headers(
        ("x-ms-region", "Sweden Central"), ("set-cookie", "__cf=abc"), ("authorization", "Bearer x")
    )
    facts = {fact for fact in said.seen().facts if fact[0].startswith("header")}
    assert ("header openai-version", "value", "2020-10-01") in facts
    assert ("header x-ms-region", "value", "Sweden Central") in facts
    assert ("header x-request-id", "form", "req_* hex 17-20") in facts
    assert not any("cookie" in place or "authorization" in place for place, _, _ in facts)


USAGES = {
    "openai-chat": ("usage", "total_tokens"),
    "openai-responses": ("usage", "total_tokens"),
    "mistral": ("usage", "total_tokens"),
    "gemini": ("usageMetadata", "totalTokenCount"),
    "bedrock": ("usage", "totalTokens"),
}


@pytest.mark.parametrize("name", sorted(USAGES))
def test_a_total_that_is_not_the_sum_is_told(speak, wire_names, name):
    assert name in wire_names
    usage, total = USAGES[name]

    def change(sent):
        document = sent[0][1]
        return [("", {**document, usage: {**document[usage], total: 9999}})]

    said = speak(name, "prose", 0, streamed=False)
    assert f"usage.{total}" in said.rewritten(change).problems("additive")


def test_more_cached_than_sent_is_told_and_any_other_number_is_not(speak):
    def cached(count):
        def change(sent):
            document = sent[0][1]
            details = {"cached_tokens": count, "audio_tokens": 0}
            return [
                ("", {**document, "usage": {**document["usage"], "prompt_tokens_details": details}})
            ]

        return speak("openai-chat", "prose", 0, streamed=False).rewritten(change)

    sent = speak("openai-chat", "prose", 0).completion.input_tokens
    assert cached(sent).problems() == cached(0).problems() == {}
    assert list(cached(sent + 1).problems()) == ["usage.prompt_tokens_details.cached_tokens"]


ANSWER = Completion(outcome=Outcome.ANSWERED, text="a" * 600, output_tokens=150, reasoning_tokens=0)


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, 0),
        ({"output_tokens": 4}, 1),
        ({"output_tokens": 5}, 0),
        ({"output_tokens": 0, "text": ""}, 0),
        ({"output_tokens": None}, 0),
        ({"output_tokens": 9000}, 1),
        ({"output_tokens": 9000, "reasoning_tokens": 8900}, 0),
        ({"output_tokens": 9000, "reasoning_tokens": None}, 0),
        ({"text": "", "tool_calls": (ToolCall(name="f", arguments={"a": 1}, is_parsed=True),)}, 0),
    ],
)
def test_tokens_are_counted_against_the_text(change, problems):
    assert len(list(check_output_tokens(replace(ANSWER, **change)))) == problems


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012", "chatcmpl-* letters and digits 33-40"),
        ("call_" + "aB3" * 8, "call_* letters and digits 25-32"),
        ("a1B2c3D4e", "* letters and digits 9"),
        ("7d444840-9dc0-11d1-b245-5ffdce74fad2", "uuid"),
        ("", "* digits 0"),
        ("msg_01" + "0" * 20, "msg_* digits 25-32"),
    ],
)
def test_the_form_of_an_identifier(text, form):
    assert identifier_form(text) == form


@given(st.text(max_size=200))
def test_a_form_keeps_nothing_of_the_text_but_a_short_prefix(text):
    form = identifier_form(text)
    prefix = form.partition("*")[0] if form != "uuid" else ""
    assert len(prefix) <= 34
    assert text.startswith(prefix)


def test_arguments_nested_deeper_than_can_be_written_are_not_counted():
    deep = {}
    for _ in range(500):
        deep = {"a": deep}
    call = ToolCall(name="look_up", arguments=deep, is_parsed=True)
    assert list(check_output_tokens(replace(ANSWER, tool_calls=(call,)))) == []

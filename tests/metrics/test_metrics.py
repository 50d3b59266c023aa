from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.metrics import LATENCY, METRICS, default_metrics, measure
from contractcheck.model.completion import Answer, Completion, Outcome, Timing, ToolCall
from contractcheck.model.suite import MetricSpec


def answer(
    text="", calls=(), *, tokens=None, finish_reason="stop", ttft_s=None, total_s=1.0, late=False
):
    completion = Completion(
        outcome=Outcome.ANSWERED,
        text=text,
        tool_calls=tuple(calls),
        output_tokens=tokens,
        finish_reason=finish_reason,
    )
    timing = Timing(ttft_s=ttft_s, total_s=total_s, is_contended=late)
    return Answer(completion=completion, timing=timing)


def value(name, argument, given_answer):
    return measure(MetricSpec(name=name, argument=argument, label=name), given_answer, None)


DOCUMENT = json.dumps(
    {
        "priority": "high",
        "refund": 12.50,
        "whole": 3.0,
        "big": 2**60,
        "flag": True,
        "none": None,
        "digits": "12",
        "truth": "true",
        "reason": "<absent>",
        "empty": "",
        "items": [{"sku": "A", "n": 2}],
        "half": "\ud800",
    }
)


@pytest.mark.parametrize(
    ("place", "label", "number"),
    [
        ("$.priority", "high", None),
        ("$.refund", "12.5", 12.5),
        ("$.whole", "3", 3.0),
        ("$.big", str(2**60), float(2**60)),
        ("$.flag", "true", None),
        ("$.none", "null", None),
        ("$.digits", '"12"', None),
        ("$.truth", '"true"', None),
        ("$.reason", '"<absent>"', None),
        ("$.empty", '""', None),
        ("$.items[0].sku", "A", None),
        ("$.items[-1]['n']", "2", 2.0),
        ("$.items", '[{"n":2,"sku":"A"}]', None),
        ("$.missing", "<absent>", None),
        ("$.items[5]", "<absent>", None),
        ("$.priority.deeper", "<absent>", None),
        ('"refund": ([0-9.]+)', '"12.5"', 12.5),
        ('"priority": "([a-z]+)"', "high", None),
        ("nothing like it", "<no match>", None),
    ],
)
def test_label_and_number(place, label, number):
    assert value("label", place, answer(DOCUMENT)) == label
    assert value("number", place, answer(DOCUMENT)) == number


@pytest.mark.parametrize(
    ("text", "label", "number"),
    [
        ("", "<not json>", None),
        ("Sure!", "<not json>", None),
        ('```json\n{"a": 1}\n```', "<not json>", None),
        ("[" * 1000, "<not json>", None),
        ("NaN", "<not json>", None),
        ("5", "<absent>", None),
        ('"{\\"a\\": 1}"', "<absent>", None),
        ("null", "<absent>", None),
        ('{"a": ' + "9" * 4000 + "}", None, None),
        ('{"a": 1}', "1", 1.0),
    ],
)
def test_answers_that_are_not_what_was_hoped(text, label, number):
    assert value("number", "$.a", answer(text)) == number
    found = value("label", "$.a", answer(text))
    assert found == label if label is not None else len(found) < 220


def test_the_whole_document_is_a_place():
    assert value("label", "$", answer('"yes"')) == "yes"
    assert value("number", "$", answer("7")) == 7.0


def test_long_labels_are_bounded_and_stay_different():
    labels = {value("label", "$", answer(json.dumps("x" * 500 + end))) for end in "ab"}
    assert len(labels) == 2
    assert all(len(label) <= 200 for label in labels)


def call(name, arguments, *, is_parsed=True):
    return ToolCall(name=name, arguments=arguments, is_parsed=is_parsed)


@pytest.mark.parametrize(
    ("calls", "label"),
    [
        ([], "<none>"),
        ([call("look_up", {"order_id": "A-1"})], "look_up(order_id:string)"),
        ([call("look_up", {})], "look_up()"),
        (
            [
                call(
                    "refund",
                    {"reason": "x", "amount": 2.5, "n": 1, "ok": True, "o": {}, "l": [], "z": None},
                )
            ],
            "refund(amount:number, l:array, n:integer, o:object, ok:boolean, reason:string, z:null)",
        ),
        ([call("a", {"x": 1}), call("b", {})], "a(x:integer); b()"),
        ([call("b", {}), call("a", {"x": "1"})], "b(); a(x:string)"),
        ([call("a", "{x", is_parsed=False)], "a(<not json>)"),
        ([call("a", [1])], "a(<not object>)"),
    ],
)
def test_tool_calls(calls, label):
    assert value("tool_calls", None, answer(calls=calls)) == label


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, I cannot help with this request.",  # noqa: RUF001 - the typographic apostrophe is the case
        "  I am unable to provide that information.",
        "I won't be able to help you here.",
        "As an AI language model, I have no opinions.",
        "Unfortunately I must decline.",
        "I'm not able to discuss that.",
        "I cannot comply with that request.",
        "My purpose is to help, and I cannot and will not support this.",
    ],
)
def test_refusals(text):
    assert value("refusal", None, answer(text)) == "yes"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that your parcel is late. It left on Monday.",
        "I cannot find an order with this number; could you check it?",
        "We can't refund shipping, but the pot will be refunded today.",
        '{"summary": "Customer says I cannot log in"}',
        "The recipe: you can't help but love it.",
        "",
        "Here is the answer. " * 20 + "I can't assist with that.",
    ],
)
def test_answers_that_do_not_refuse(text):
    assert value("refusal", None, answer(text)) == "no"


@pytest.mark.parametrize("reason", ["refusal", "content_filter", "SAFETY", "content_filtered"])
def test_the_provider_says_that_it_refuses(reason):
    assert value("refusal", None, answer("", finish_reason=reason)) == "yes"


@pytest.mark.parametrize(
    ("name", "given_answer", "expected"),
    [
        ("text", answer("hello"), "hello"),
        ("ending", answer(finish_reason="MAX_TOKENS"), "length"),
        ("ending", answer(finish_reason="end_turn"), "finished"),
        ("ending", answer(finish_reason=None), "none"),
        ("scripts", answer("the ข and 漢字"), "Han+Latin+Thai"),
        ("scripts", answer("42"), "<none>"),
        ("blank_run", answer("{ \n\n  \n}  "), 6.0),
        ("blank_run", answer("none"), 0.0),
        ("blank_run", answer(""), 0.0),
        ("output_tokens", answer(tokens=12), 12.0),
        ("output_tokens", answer(), None),
        ("ttft_s", answer(ttft_s=0.25), 0.25),
        ("ttft_s", answer(), None),
        ("ttft_s", answer(ttft_s=0.25, late=True), None),
        ("total_s", answer(total_s=1.5), 1.5),
        ("total_s", answer(total_s=1.5, late=True), None),
        ("time_per_token_s", answer(ttft_s=0.5, total_s=1.5, tokens=11), 0.1),
        ("time_per_token_s", answer(ttft_s=0.5, total_s=1.5, tokens=1), None),
        ("time_per_token_s", answer(ttft_s=0.5, total_s=1.5), None),
        ("time_per_token_s", answer(total_s=1.5, tokens=11), None),
        ("time_per_token_s", answer(ttft_s=0.5, total_s=1.5, tokens=11, late=True), None),
    ],
)
def test_plain_metrics(name, given_answer, expected):
    assert value(name, None, given_answer) == expected


def test_a_vector_is_written_with_all_digits_of_a_32_bit_float():
    numbers = (0.123456789, -1e-9, 3.0)
    completion = Completion(outcome=Outcome.ANSWERED, embedding=numbers)
    given_answer = Answer(completion=completion, timing=Timing(ttft_s=None, total_s=1.0))
    written = json.loads(value("vector", None, given_answer))
    assert written == pytest.approx(numbers, rel=1e-6)
    assert value("vector", None, answer("no vector")) is None


def test_every_metric_explains_itself():
    assert set(LATENCY) == {name for name, metric in METRICS.items() if metric.plane == "latency"}
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.summary
        assert metric.kind == "number" or not metric.unit
        assert metric.takes_argument == (metric.problem_with(None) is not None)


def test_default_metrics_exist():
    assert default_metrics(has_tools=False) == ("text", "output_tokens", "refusal")
    assert default_metrics(has_tools=True) == ("text", "output_tokens", "refusal", "tool_calls")
    assert set(default_metrics(has_tools=True)) <= set(METRICS)


@pytest.mark.parametrize(
    ("text", "place", "written"),
    [
        ('{"b": 1, "a": [null, 2.5]}', "$", '{"a":[null,2.5],"b":1}'),
        ('{"b": {"x": "y"}}', "$.b", '{"x":"y"}'),
        ('{"b": 1}', "$.a", "<absent>"),
        ("so: {}", "$", "so: {}"),
        ("so: {}", "$.a", "so: {}"),
    ],
)
def test_a_json_answer_is_canonical_and_what_is_not_json_stays(text, place, written):
    assert value("json", place, answer(text)) == written


def test_json_wants_a_path_and_not_a_pattern():
    assert METRICS["json"].problem_with("(a)") == (
        "'(a)' is not a JSONPath; it begins with '$', and '$' is the whole answer"
    )
    assert METRICS["json"].problem_with("$") is None
    assert "several values" in METRICS["json"].problem_with("$.a[*]")


def test_tool_arguments_have_values_and_no_identifiers():
    calls = [
        ToolCall(name="look_up", arguments={"order": "A1", "n": 2}, is_parsed=True),
        ToolCall(name="refund", arguments='{"cut', is_parsed=False),
    ]
    assert json.loads(value("tool_arguments", None, answer(calls=calls))) == [
        {"name": "look_up", "arguments": {"order": "A1", "n": 2}},
        {"name": "refund", "arguments": '{"cut'},
    ]
    assert value("tool_arguments", None, answer("just text")) == "[]"


def test_log_probabilities_are_those_of_the_first_token():
    given_answer = answer("Hello")
    listed = (("Hello", -0.125), ("Hi", -2.25))
    completion = replace(given_answer.completion, first_token_logprobs=listed)
    found = value("logprobs", None, replace(given_answer, completion=completion))
    assert json.loads(found) == {"Hello": -0.125, "Hi": -2.25}


@given(st.text(), st.sampled_from(["$", "$.a", "$[0]", "(a+)+$", "x(y)?"]))
def test_no_answer_makes_a_metric_raise(text, place):
    for name, metric in METRICS.items():
        found = value(name, place if metric.takes_argument else None, answer(text, tokens=3))
        if metric.kind == "number":
            assert found is None or math.isfinite(found)
        elif name in ("logprobs", "vector"):
            assert found is None
        else:
            assert isinstance(found, str)


@given(st.text())
def test_any_place_is_refused_or_usable(place):
    label = METRICS["label"]
    if label.problem_with(place) is None:
        assert isinstance(value("label", place, answer('{"a": [1]}')), str)

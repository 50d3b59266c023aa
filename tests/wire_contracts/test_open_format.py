"""Of a gateway that only a mapping declares, the shape is learnt and nothing is documented."""

from dataclasses import replace

import orjson
import pytest

from contractcheck.model.wire_mapping import read_mapping
from contractcheck.providers.answer import read_answer
from contractcheck.wire_contracts import compare_shapes, examine, learn_shape

MAPPING = read_mapping(
    {
        "path": "/ask",
        "body": {"prompt": "{prompt}"},
        "answer": {"text": "$.result.text"},
    }
)
ANSWER = {
    "request": "r-1",
    "result": {"text": "a private word", "score": 0.5, "arguments": {"secret_key_name": 1}},
    "parts": [{"kind": "a"}, {"other": 1}],
    "words": {f"word_{place}": place for place in range(40)},
}


@pytest.fixture
def facts_of(speak):
    """``facts_of(document)``: what the answer of a gateway shows."""
    exchange = speak("openai-chat", "prose", 0, streamed=False).exchange

    def look(document):
        body = orjson.dumps(document)
        response = replace(exchange.response, body=body, chunk_bytes=(len(body),))
        asked = replace(exchange, response=response)
        completion = read_answer(asked, "http", MAPPING).completion
        seen = examine(asked, "http", completion, MAPPING)
        assert [one for one in seen.problems if one.severity == "breaking"] == []
        return seen.facts

    return look


def test_names_and_types_are_learnt_and_neither_values_nor_what_the_model_named(facts_of):
    places = learn_shape("http", [facts_of(ANSWER)]).places
    assert list(places["body result.score"].types) == ["number"]
    assert list(places["body parts[*].kind"].types) == ["string"]
    told = " ".join(places)
    assert "secret_key_name" not in told
    assert "word_1" not in told
    assert not any(one.values for place, one in places.items() if place.startswith("body"))


def compared(facts_of, document, *, share=32):
    quiet, other = facts_of(ANSWER), facts_of(document)
    before = learn_shape("http", [quiet] * 32)
    now = learn_shape("http", [other] * share + [quiet] * (32 - share))
    found = compare_shapes(now, [before] * 10, {})
    return {one.path: (one.what, one.severity) for one in found}


def test_what_is_gone_renamed_or_of_another_type_breaks(facts_of):
    result = ANSWER["result"]
    gone = {**ANSWER, "result": {"text": "x", "arguments": {}}}
    assert compared(facts_of, gone) == {"result.score": ("gone", "breaking")}
    retyped = {**ANSWER, "result": {**result, "text": ["x"]}}
    what, severity = compared(facts_of, retyped)["result.text"]
    assert (what, severity) == ("array, where it was string", "breaking")
    renamed = {**ANSWER, "result": {"output": "x", "score": 0.5, "arguments": {}}}
    assert compared(facts_of, renamed) == {"result.text": ("renamed to 'output'", "breaking")}


def test_a_name_that_is_new_is_told_when_it_is_no_chance(facts_of):
    more = {**ANSWER, "novelty": 1}
    assert compared(facts_of, more)["novelty"] == ("new", "additive")
    assert compared(facts_of, more, share=1)["novelty"] == ("new", "informational")


def test_a_flood_is_bounded(facts_of):
    deep = inner = {}
    for place in range(40):
        inner["a"] = inner = {}
        inner.update({f"n{place}_{one}": [{"b": one}] for one in range(12)})
    wide = {
        f"m{one}": {f"k{two}": {f"l{three}": 1 for three in range(9)} for two in range(9)}
        for one in range(9)
    }
    assert len(facts_of(deep)) < 700
    assert len(facts_of(wide)) < 700


def test_a_member_with_a_dot_in_its_name_is_looked_at(facts_of):
    with_dots = {**ANSWER, "usage": {"in.tokens": 3}, "a.b": 1}
    without = {**ANSWER, "usage": {}}
    accepted = learn_shape("open", [facts_of(with_dots)] * 30)
    tonight = learn_shape("open", [facts_of(without)] * 30)
    lost = {one.path for one in compare_shapes(tonight, [accepted], {}) if one.what == "gone"}
    assert {"usage.in:tokens", "a:b"} <= lost

import json
from collections import Counter

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.simulator.json_writer import write_json
from contractcheck.simulator.keyed import keyed_random
from contractcheck.simulator.nights import NightEffect
from contractcheck.simulator.question import RequestError
from contractcheck.simulator.voice import find_voice

QUIET = NightEffect(key="0/quiet", logit_sd=0.0, latency_factor=1.0)
PROMPT = (
    "Please sort this out: Maria Jensen was charged twice for order ORD-10422, "
    "49.90 EUR on 2026-02-11, has waited 6 days and writes from maria@example.com."
)
names = st.text("abcdefgh_id", min_size=1, max_size=8)
numbers = st.integers(-1000, 1000)


@st.composite
def bounded_numbers(draw):
    schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    if draw(st.booleans()):
        low = draw(numbers)
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
        if draw(st.booleans()):
            high = low + draw(st.integers(20, 500))
            schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.integers(1, 9))
    return schema


@st.composite
def strings(draw):
    schema = {"type": "string"}
    if draw(st.booleans()):
        schema["minLength"] = draw(st.integers(0, 90))
    if draw(st.booleans()):
        schema["maxLength"] = schema.get("minLength", 0) + draw(st.integers(0, 60))
    return schema


leaves = st.one_of(
    bounded_numbers(),
    strings(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": ["string", "null"]}),
    st.builds(lambda v: {"const": v}, st.one_of(st.text(max_size=5), numbers, st.none())),
    st.builds(lambda v: {"enum": v}, st.lists(st.one_of(st.text(max_size=6), numbers), min_size=1)),
)


def arrays(children):
    return st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            "maxItems": least + more,
        },
        children,
        st.integers(0, 3),
        st.integers(0, 3),
    )


def objects(children):
    return st.builds(
        lambda properties, every: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties)[: None if every else 1],
            "additionalProperties": False,
        },
        st.dictionaries(names, children, max_size=4),
        st.booleans(),
    )


schemas = st.recursive(
    leaves,
    lambda children: st.one_of(
        arrays(children),
        objects(children),
        st.builds(lambda a, b: {"anyOf": [a, b]}, children, children),
    ),
    max_leaves=8,
)


def write(schema, *, prompt=PROMPT, occasion="0", temperature=1.0):
    voice = find_voice(prompt, model_name="sim", night=QUIET, temperature=temperature, top_p=1.0)
    tokens = write_json(schema, voice, keyed_random(occasion))
    return json.loads("".join(token.text for token in tokens))


def sample(schema, count, **options):
    return [write(schema, occasion=str(i), **options) for i in range(count)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas, st.integers(0, 9), st.sampled_from([0.0, 0.7, 1.3]))
def test_whatever_is_written_follows_the_schema(schema, occasion, temperature):
    value = write(schema, occasion=str(occasion), temperature=temperature)
    jsonschema.validate(value, schema, jsonschema.Draft202012Validator)


@settings(max_examples=60, deadline=None)
@given(st.lists(names, min_size=3, max_size=6, unique=True), st.sampled_from([0.0, 1.0]))
def test_unique_items_are_unique_even_when_greedy(values, temperature):
    schema = {"type": "array", "items": {"enum": values}, "uniqueItems": True, "minItems": 3}
    written = write(schema, temperature=temperature)
    assert len(set(written)) == len(written) >= 3


def test_a_reference_to_itself_comes_to_an_end():
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 10},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["name", "next"],
                "additionalProperties": False,
            }
        },
    }
    for value in sample(schema, 30):
        jsonschema.validate(value, schema)


def test_enums_are_skewed_but_not_one_sided():
    schema = {"enum": ["low", "medium", "high", "urgent"]}
    shares = []
    for n in range(20):
        counts = Counter(sample(schema, 60, prompt=f"Ticket {n} came in today"))
        shares.append(max(counts.values()) / 60)
    assert 0.4 < sum(shares) / len(shares) < 0.85
    assert max(shares) - min(shares) > 0.15


def test_values_come_from_the_prompt():
    schema = {
        "type": "object",
        "properties": {
            "order_id": {"type": "string", "pattern": "^ORD-\\d+$"},
            "customer_name": {"type": "string"},
            "refund_eur": {"type": "number", "minimum": 0},
            "charged_on": {"type": "string", "format": "date"},
            "email": {"type": "string"},
            "days": {"type": "integer"},
        },
        "required": ["order_id", "customer_name", "refund_eur", "charged_on", "email", "days"],
    }
    first = Counter(json.dumps(value) for value in sample(schema, 80)).most_common(1)[0][0]
    assert json.loads(first) == {
        "order_id": "ORD-10422",
        "customer_name": "Maria Jensen",
        "refund_eur": 49.9,
        "charged_on": "2026-02-11",
        "email": "maria@example.com",
        "days": 6,
    }


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"patternProperties": {}}, "Invalid schema at $: 'patternProperties' is not permitted."),
        ({"oneOf": [{}]}, "Invalid schema at $: 'oneOf' is not permitted."),
        ({"enum": []}, "Invalid schema at $: this value of 'enum' is not supported."),
        ({"type": "text"}, "Invalid schema at $: this value of 'type' is not supported."),
        (
            {"type": "string", "pattern": "^Z{9}$"},
            "Invalid schema at $: nothing in the prompt matches 'pattern'.",
        ),
        (
            {"type": "string", "minLength": 9, "maxLength": 3},
            "Invalid schema at $: minLength > maxLength.",
        ),
        (
            {"type": "integer", "minimum": 4, "maximum": 3},
            "Invalid schema at $: no number satisfies it.",
        ),
        (
            {"type": "array", "items": {"enum": ["a"]}, "minItems": 2, "uniqueItems": True},
            "Invalid schema at $: too few different items.",
        ),
        ({"$ref": "#/$defs/none"}, "Invalid schema at $: #/$defs/none leads nowhere."),
        ({"$ref": "https://example.com/s"}, "Invalid schema at $: only local $ref."),
        ({"$ref": "#"}, "Invalid schema: too deep at $."),
        (
            {"type": "string", "anyOf": [{}]},
            "Invalid schema at $: $ref and anyOf take no siblings.",
        ),
        (
            {"properties": {"a": False}, "required": ["a"]},
            "Invalid schema at $.a: expected an object.",
        ),
    ],
)
def test_schemas_outside_the_subset_are_refused(schema, message):
    with pytest.raises(RequestError) as caught:
        write(schema)
    assert caught.value.message == message
    assert caught.value.status == 400

"""The published shapes say what JSON Schema says, and know what the official SDKs know."""

import copy
import importlib
import typing

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contractcheck.wire_contracts.formats import FORMATS, wire_format
from contractcheck.wire_contracts.published import find_problems, path_of
from contractcheck.wire_contracts.schema import published_shape, read_schema_file
from contractcheck.wire_contracts.walk import Walk

SCHEMAS = sorted({wire_format(provider).schema for provider in FORMATS})
VALUES = st.sampled_from([None, True, 7, 0.5, "text", [], ["x"], {}, {"a": 1}])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_says_where_it_comes_from(name):
    document = read_schema_file(name)
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "Written 20" in document["$comment"]
    used = {ref.removeprefix("#/$defs/") for ref in references(document)}
    assert used == set(document["$defs"])


def references(value):
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "$ref":
                yield child
            elif name == "mapping":
                yield from child.values()
            else:
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def plain_schema(name, kind, *, strict):
    """The same in plain JSON Schema: strict forbids whatever is new, lenient only what breaks."""
    document = read_schema_file(name)
    definitions = {key: plain(one, strict=strict) for key, one in document["$defs"].items()}
    return {"$ref": document["frames"][kind]["$ref"], "$defs": definitions}


def plain(schema, *, strict):
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if not key.startswith("x-")}
    if not strict:
        out.pop("enum", None)
    properties = schema.get("properties")
    if properties is not None:
        out["properties"] = {key: plain(one, strict=strict) for key, one in properties.items()}
        if strict and "discriminator" not in schema:
            out["additionalProperties"] = False
    if "items" in schema:
        out["items"] = plain(schema["items"], strict=strict)
    if "anyOf" in schema and properties is not None and not strict:
        unknown = {"not": {"propertyNames": {"enum": sorted(properties)}}}
        out["anyOf"] = [*schema["anyOf"], unknown]
    switch = out.pop("discriminator", None)
    if switch is not None:
        out["allOf"] = [
            {
                "if": {
                    "type": "object",
                    "properties": {switch["propertyName"]: {"const": kind}},
                    "required": [switch["propertyName"]],
                },
                "then": {"$ref": target},
            }
            for kind, target in switch["mapping"].items()
        ]
        if strict:
            known = {"enum": list(switch["mapping"])}
            out["properties"][switch["propertyName"]] |= known
    return out


def problems_of(name, kind, document):
    walk, shape = Walk(), published_shape(name)
    walk.frame(shape.frames[kind], document)
    return find_problems(shape, walk.finish())


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from places(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from places(child, (*path, index))


def draw_frame(draw, speak, wire_names, questions):
    """A frame of some format with up to two members deleted, replaced or added."""
    name = draw(st.sampled_from(wire_names))
    said = speak(name, draw(st.sampled_from(questions)), 0, streamed=draw(st.booleans()))
    spoken = wire_format(said.provider)
    frames = [frame for frame in said.frames if frame.document is not None]
    frame = draw(st.sampled_from(frames))
    document = copy.deepcopy(frame.document)
    for _ in range(draw(st.integers(0, 2))):
        mutate(draw, document)
    return spoken.schema, spoken.kind_of(frame), document


def mutate(draw, document):
    path = draw(st.sampled_from([p for p in places(document) if p] or [("new",)]))
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    deed = draw(st.sampled_from(["delete", "replace", "add"]))
    if deed == "delete" and isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif deed == "add" and isinstance(parent, dict):
        parent["quite_new"] = copy.deepcopy(draw(VALUES))
    else:
        parent[path[-1]] = copy.deepcopy(draw(VALUES))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_walk_finds_what_a_validator_finds(speak, wire_names, questions, data):
    name, kind, document = draw_frame(data.draw, speak, wire_names, questions)
    found = {one.severity for one in problems_of(name, kind, document)}
    lenient = Draft202012Validator(plain_schema(name, kind, strict=False))
    strict = Draft202012Validator(plain_schema(name, kind, strict=True))
    assert ("breaking" in found) == (not lenient.is_valid(document))
    assert bool(found) == (not strict.is_valid(document))


def test_the_transformed_schema_still_forbids_something():
    schema = plain_schema("openai-chat", "body", strict=False)
    with pytest.raises(jsonschema.ValidationError):
        Draft202012Validator(schema).validate({"model": "m"})


def test_an_unchanged_provider_has_no_problems(spoken, speak, questions):
    for kind in questions:
        for streamed in (True, False):
            said = speak(spoken, kind, 0, streamed=streamed)
            assert said.problems() == {}
            assert said.completion.wire_problems == ()
            assert said.seen().facts


SDK_TYPES = [
    ("openai.types.chat:ChatCompletion", "openai-chat", "body"),
    ("openai.types.chat:ChatCompletionChunk", "openai-chat", "chunk"),
    ("openai.types:CreateEmbeddingResponse", "openai-embeddings", "body"),
    ("openai.types.responses:Response", "openai-responses", "body"),
    ("anthropic.types:Message", "anthropic-messages", "body"),
    ("anthropic.types:RawMessageStartEvent", "anthropic-messages", "message_start"),
    ("anthropic.types:RawMessageDeltaEvent", "anthropic-messages", "message_delta"),
    ("anthropic.types:RawContentBlockStartEvent", "anthropic-messages", "content_block_start"),
    ("anthropic.types:RawContentBlockDeltaEvent", "anthropic-messages", "content_block_delta"),
    ("mistralai.client.models:ChatCompletionResponse", "mistral", "body"),
    ("mistralai.client.models:CompletionChunk", "mistral", "chunk"),
]


@pytest.mark.parametrize(("where", "name", "kind"), SDK_TYPES)
def test_what_the_sdk_knows_is_known(where, name, kind):
    module, _, attribute = where.partition(":")
    model = getattr(importlib.import_module(module), attribute)
    node = published_shape(name).frames[kind]
    assert sorted(unknown_members(model, node, "")) == []


def unknown_members(model, node, path):
    """Members of an SDK's model that the shape does not have, as far as both look inside."""
    if node.members is None:
        return
    for name, info in model.model_fields.items():
        wire_name = info.alias or name
        if wire_name not in node.members:
            yield f"{path}.{wire_name}"
            continue
        child = node.members[wire_name]
        child = child.items or child
        for inner in models_in(info.annotation):
            kind = kind_of(inner)
            if child.kinds and kind is not None:
                if kind not in child.kinds:
                    yield f"{path}.{wire_name}<{kind}>"
                    continue
                yield from unknown_members(inner, child.kinds[kind], f"{path}.{wire_name}")
            elif not child.kinds:
                yield from unknown_members(inner, child, f"{path}.{wire_name}")


def models_in(annotation):
    if hasattr(annotation, "model_fields"):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from models_in(inner)


def kind_of(model):
    info = model.model_fields.get("type") or model.model_fields.get("TYPE")
    values = [v for v in typing.get_args(info.annotation) if isinstance(v, str)] if info else []
    return values[0] if values else None


def test_gemini_and_bedrock_know_what_their_sdks_know():
    from google.genai import types

    candidate = published_shape("gemini").places["body candidates[*]"]
    fields = {info.alias or name for name, info in types.Candidate.model_fields.items()}
    assert fields - set(candidate.members) == set()
    reasons = {one.value for one in types.FinishReason}
    assert candidate.members["finishReason"].values >= reasons
    parts = {info.alias or name for name, info in types.Part.model_fields.items()}
    assert (
        parts - set(published_shape("gemini").places["body candidates[*].content.parts[*]"].members)
        == set()
    )

    import botocore.session

    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model("Converse").output_shape
    members = published_shape("bedrock").frames["body"].members
    assert set(shape.members) - set(members) == set()
    assert members["stopReason"].values == set(shape.members["stopReason"].enum)
    stream = model.operation_model("ConverseStream").output_shape.members["stream"]
    assert set(stream.members) - set(published_shape("bedrock").frames) == set()


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("chunk choices[*].delta.content", "choices[*].delta.content"),
        ("body content[*]<tool_use>.id", "content[*].id"),
        ("message_start message.usage", "message_start.message.usage"),
        ("response.completed", "response.completed"),
        ("header x-request-id", "header x-request-id"),
    ],
)
def test_places_are_shown_as_paths(place, path):
    assert path_of(place) == path

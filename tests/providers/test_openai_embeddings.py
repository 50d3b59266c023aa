"""Wire bytes below are written by hand after the published reference of OpenAI embeddings."""

import base64
import json
import math
import struct

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import answer_of, breaks

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers.openai_embeddings import DIALECT
from contractcheck.simulator import Conditions, embeddings_wire
from contractcheck.simulator.service import Service


def read(body):
    return DIALECT.read(answer_of(body, "application/json"))


def written(embedding, **more):
    document = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
        **more,
    }
    return json.dumps(document).encode()


def packed(*numbers):
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.mark.parametrize("form", [[0.5, -0.25, 1], packed(0.5, -0.25, 1.0)])
def test_a_vector_is_read_in_numbers_and_in_base64(form):
    completion = read(written(form))
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert completion.embedding == (0.5, -0.25, 1.0)
    assert (completion.model, completion.text) == ("text-embedding-3-small", "")
    assert (completion.input_tokens, completion.total_tokens) == (5, 5)
    assert (completion.output_tokens, completion.finish_reason) == (None, None)


@pytest.mark.parametrize(
    ("embedding", "what"),
    [
        ([], "is empty"),
        ("", "is empty"),
        ([0.5, None], "holds something other than finite numbers"),
        ([0.5, True], "holds something other than finite numbers"),
        ([0.5, "0.5"], "holds something other than finite numbers"),
        ([[0.5]], "holds something other than finite numbers"),
        (packed(math.nan), "holds something other than finite numbers"),
        (packed(0.5)[:-2], "holds something other than finite numbers"),
        (base64.b64encode(b"12345").decode(), "holds something other than finite numbers"),
        ("not base64!", "holds something other than finite numbers"),
        (7, "expected array, got integer"),
        (None, "expected array, got null"),
    ],
)
def test_what_is_no_vector_is_broken_and_says_where(embedding, what):
    completion = read(written(embedding))
    assert completion.outcome is Outcome.MALFORMED
    assert breaks(completion) == {"data[0].embedding": what}
    assert completion.embedding == ()


def test_a_number_beyond_all_bounds_is_no_number():
    assert read(written([0.5]).replace(b"0.5", b"1e999")).outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"data"', '"items"', "data"),
        ('"embedding": [', '"vector": [', "data[0].embedding"),
        ('"model"', '"engine"', "model"),
        ('"usage"', '"account"', "usage"),
        ('"prompt_tokens"', '"input_tokens"', "usage.prompt_tokens"),
        ('"data": [', '"data": [7, ', "data"),
        ('"data": [{', '"data": [[{', None),
    ],
)
def test_renamed_missing_and_retyped_members_name_their_place(old, new, place):
    completion = read(written([0.5]).decode().replace(old, new).encode())
    assert completion.outcome in (Outcome.MALFORMED, Outcome.TRUNCATED)
    assert place is None or place in breaks(completion)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.MALFORMED),
        (b'{"error":{"code":"overloaded","message":"later"}}', Outcome.INFRA),
        (written([0.5])[:-9], Outcome.TRUNCATED),
        (written([0.5], data=[]), Outcome.MALFORMED),
    ],
)
def test_a_200_that_is_no_answer(body, outcome):
    assert read(body).outcome is outcome


@given(st.binary(max_size=60) | st.text(max_size=20).map(written))
def test_nothing_that_a_server_sends_raises(body):
    completion = read(body)
    assert (completion.outcome is Outcome.ANSWERED) == bool(completion.embedding)


def make_case(*messages, tools=(), response_schema=None, **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=messages or (Message(role="user", content="Hi"),),
        tools=tools,
        response_schema=response_schema,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


def sent(case):
    wire = DIALECT.build(case, Target(provider="openai-embeddings", model="m"))
    assert (wire.method, wire.path) == ("POST", "/v1/embeddings")
    return orjson.loads(wire.body)


def test_the_last_user_message_is_embedded_and_nothing_else_is_said():
    case = make_case(
        Message(role="system", content="Be brief."),
        Message(role="user", content="first"),
        Message(role="assistant", content="said"),
        Message(role="user", content="last"),
        temperature=0.0,
        max_output_tokens=9,
    )
    assert sent(case) == {"model": "m", "input": "last", "encoding_format": "float"}


PICTURE = Image(name="a.png", media_type="image/png", data=b"\x89PNG")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (make_case(Message(role="system", content="x")), "no user message"),
        (make_case(tools=(Tool(name="t", description="d", parameters={}),)), "has no tools"),
        (make_case(response_schema={"type": "object"}), "has no response schema"),
        (make_case(top_logprobs=2), "has no log-probabilities"),
        (make_case(Message(role="user", content="x", images=(PICTURE,))), "has no images"),
    ],
)
def test_what_no_vector_can_be_is_refused(case, words):
    with pytest.raises(UsageError, match=words):
        sent(case)


def embed(text, service=None, **more):
    service = service or Service(Conditions(night="2026-03-01", time_scale=0.0))
    body = orjson.dumps({"model": "text-embedding-sim", "input": text, **more})
    reply = service.reply(embeddings_wire, {"authorization": "Bearer k"}, body)
    assert reply.status == 200
    assert not reply.streamed
    return read(b"".join(part for _, part in reply.parts)).embedding


def cosine(one, other):
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))


def test_the_simulator_embeds_like_texts_alike_and_repeats_itself_but_for_noise():
    service = Service(Conditions(night="2026-03-01", time_scale=0.0))
    refund = "Please refund the order from yesterday"
    first, again = embed(refund, service), embed(refund, service)
    assert first != again
    assert math.dist(first, again) < 10 * embeddings_wire.NOISE
    assert math.isclose(math.hypot(*first), 1.0, abs_tol=1e-6)
    near = cosine(first, embed("The order from yesterday needs a refund, please"))
    far = cosine(first, embed("Glaciers retreat under warmer summers"))
    assert far < 0.5 < near


def test_the_simulator_writes_numbers_and_base64_and_as_many_as_asked():
    numbers = embed("Hi there", dimensions=8)
    assert len(numbers) == 8
    assert embed("Hi there", dimensions=8, encoding_format="base64") == pytest.approx(
        numbers, abs=1e-7
    )
    assert embed(["Hi there"], dimensions=8)


@pytest.mark.parametrize(
    "wrong", [{"input": ["a", "b"]}, {"input": ""}, {"encoding_format": "int8"}, {"dimensions": 0}]
)
def test_the_simulator_refuses_what_it_does_not_do(wrong):
    service = Service(Conditions(night="2026-03-01", time_scale=0.0))
    body = orjson.dumps({"model": "m", "input": "Hi", **wrong})
    assert service.reply(embeddings_wire, {"authorization": "Bearer k"}, body).status == 400

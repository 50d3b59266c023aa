"""Each incident does to an answer what was reported, and to no other answer anything."""

import base64
import json
import math
from array import array
from dataclasses import replace
from operator import mul

import pytest

from contractcheck.errors import UsageError
from contractcheck.incidents import read_catalogue, strike
from contractcheck.incidents.draft import open_draft
from contractcheck.incidents.striking import WIRE_CHANGES
from contractcheck.incidents.wire import read_response
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.providers import dialect

CATALOGUE = read_catalogue()
PLAYED = [
    (name, wire) for name in WIRE_CHANGES for wire in CATALOGUE[name].formats if "embed" not in wire
]
STREAMS_ONLY = {
    "chunk-obfuscation",
    "empty-choices-first",
    "usage-only-chunk",
    "ping-and-error-events",
    "filter-error-in-stream",
    "vertex-event",
    "prefilled-message-start",
}


def struck(exchange, name, wire, share=1.0, key="key"):
    return strike(exchange, name, wire_format=wire, key=key, share=share)


def documents(exchange):
    return open_draft(read_response(exchange.response), "").documents


def leaves(value, path=""):
    """Every place of a JSON value, as a path without indices, with what stands there."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield f"{path}.{name}", one
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, f"{path}[]")


def found(exchange, path):
    """All values at the paths that end so."""
    return [
        value
        for document in documents(exchange)
        for place, value in leaves(document)
        if place.endswith(path)
    ]


def kinds(exchange):
    return [document.get("type") for document in documents(exchange)]


def shows_call_ids(exchange, wire):
    ids = [one for one in found(exchange, ".tool_calls[].id") if one]
    return bool(ids) and all(len(one) > (9 if wire == "mistral" else 40) for one in ids)


def loses_tools_reason(exchange, _wire):
    return "tool_calls" not in found(exchange, ".finish_reason") and bool(
        found(exchange, ".tool_calls")
    )


SHOWN = {
    "refusal-null-added": lambda e, _: found(e, ".refusal") == [None],
    "audio-tokens-on-some": lambda e, _: found(e, ".audio_tokens") == [0, 0],
    "chunk-obfuscation": lambda e, _: len(found(e, ".obfuscation")) == len(documents(e)),
    "empty-choices-first": lambda e, _: documents(e)[0]["choices"] == [],
    "usage-only-chunk": lambda e, _: documents(e)[-1]["choices"] == [],
    "finish-reason-stop-for-forced-tool": loses_tools_reason,
    "finish-details-object": lambda e, _: (
        not found(e, ".finish_reason") and found(e, ".finish_details.type") != []
    ),
    "stop-reason-pause-turn": lambda e, _: "pause_turn" in found(e, ".stop_reason"),
    "refusal-with-no-content": lambda e, _: (
        "refusal" in found(e, ".stop_reason") and not found(e, ".text")
    ),
    "ping-and-error-events": lambda e, _: kinds(e)[1:2] == ["ping"] and kinds(e)[-1] == "error",
    "filter-error-in-stream": lambda e, _: kinds(e)[-1] == "error",
    "vertex-event": lambda e, _: kinds(e)[1:2] == ["vertex_event"],
    "prefilled-message-start": lambda e, _: (
        found(e, ".message.content") not in ([], [[]]) and "content_block_start" not in kinds(e)
    ),
    "candidate-without-content": lambda e, _: (
        found(e, ".candidates[].finishReason") == ["SAFETY"] and not found(e, ".content")
    ),
    "stop-with-empty-content": lambda e, _: (
        found(e, ".finishReason") == ["STOP"] and not found(e, ".parts")
    ),
    "part-without-data": lambda e, _: list(found(e, ".parts")[0][0]) == ["thoughtSignature"],
    "thought-signature-required": lambda e, _: e.response.status == 400,
    "unexpected-tool-call": lambda e, _: found(e, ".finishReason") == ["UNEXPECTED_TOOL_CALL"],
    "preview-served-as-stable": lambda e, _: (
        set(found(e, ".modelVersion")) == {"models/gemini-2.5-pro"}
    ),
    "content-in-parts": lambda e, _: found(e, ".content[].type")[:2] == ["thinking", "text"],
    "max-tokens-rejected": lambda e, _: found(e, ".error.code") == ["unsupported_parameter"],
    "model-retired": lambda e, _: (
        e.response.status == 404 and found(e, ".error.code") == ["model_not_found"]
    ),
    "tool-id-format": shows_call_ids,
    "newlines-after-json": lambda e, _: "length" in found(e, ".finish_reason"),
    "rate-limit-headers-absurd": lambda e, _: (
        e.response.header("x-ratelimit-remaining-requests") == "-1"
        and e.response.header("retry-after") is None
    ),
    "reasoning-content-added": lambda e, _: [] in found(e, ".output[].content"),
    "routed-to-lesser-model": lambda e, _: not found(e, ".reasoning_content"),
}
"""How an answer looks that was struck, and never looks before."""


@pytest.mark.parametrize("is_streamed", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("name", "wire"), [(n, w) for n, w in PLAYED if n in SHOWN])
def test_what_was_reported_is_seen_where_it_strikes_and_nowhere_else(
    name, wire, is_streamed, answers_on
):
    answers = answers_on(wire, is_streamed=is_streamed)
    shown = [SHOWN[name](struck(one, name, wire), wire) for one in answers]
    before = [SHOWN[name](struck(one, name, wire, share=0.0), wire) for one in answers]
    assert not any(before)
    assert any(shown) is (is_streamed or name not in STREAMS_ONLY)


@pytest.mark.parametrize(("name", "wire"), PLAYED)
def test_striking_is_pure_and_strikes_nothing_at_share_zero(name, wire, answers_on):
    for one in answers_on(wire):
        again = struck(one, name, wire)
        assert again == struck(one, name, wire)
        assert sum(again.response.chunk_bytes) == len(again.response.body)
        assert list(again.response.chunk_times_us) == sorted(again.response.chunk_times_us)
        assert again.request == one.request
        if WIRE_CHANGES[name].before is None:
            assert struck(one, name, wire, share=0.0) is one


TEXTS = [(n, w) for n, w in PLAYED if CATALOGUE[n].shown_in == "text"]


@pytest.mark.parametrize("is_streamed", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("name", "wire"), TEXTS)
def test_changed_words_keep_json_json_and_the_counts_honest(name, wire, is_streamed, answers_on):
    provider = {"openai-chat": "openai", "anthropic-messages": "anthropic"}.get(wire, wire)
    read = dialect(provider).read
    changed = 0
    for one in answers_on(wire, is_streamed=is_streamed):
        before = read(struck(one, name, wire, share=0.0).response)
        after = read(struck(one, name, wire).response)
        assert after.outcome is before.outcome
        if before.tool_calls:
            assert after.text == before.text
            continue
        changed += after.text != before.text
        if after.text != before.text:
            assert (after.output_tokens > before.output_tokens) is (
                len(after.text) > len(before.text)
            ) or after.output_tokens == before.output_tokens
        if before.text.startswith("{") and before.finish_reason not in {"length", "max_tokens"}:
            assert set(json.loads(after.text)) == set(json.loads(before.text))
    assert changed


def test_a_share_strikes_about_so_many_and_a_larger_one_the_same_and_more(answers_on):
    one = answers_on("openai-chat")[0]
    keys = [str(n) for n in range(400)]
    hit = {
        share: {k for k in keys if struck(one, "chunk-obfuscation", "openai-chat", share, k) != one}
        for share in (0.1, 0.3)
    }
    assert hit[0.1] < hit[0.3]
    assert 90 <= len(hit[0.3]) <= 150  # 120 ± 3.3 standard deviations


def test_the_share_of_the_catalogue_is_meant_where_none_is_given(answers_on):
    one = answers_on("openai-chat")[0]
    for n in range(40):
        given = struck(one, "audio-tokens-on-some", "openai-chat", 0.3, str(n))
        assert given == struck(one, "audio-tokens-on-some", "openai-chat", None, str(n))


def test_other_wires_and_what_nobody_can_read_are_left_alone(answers_on):
    one = answers_on("openai-chat")[0]
    assert struck(one, "vertex-event", "openai-chat") is one
    assert struck(one, "same-seed-other-text", "openai-chat") is one
    assert struck(one, "client-bypasses-recorder", "openai-chat") is one
    silent = replace(one, response=None)
    assert struck(silent, "model-retired", "openai-chat") is silent
    refused = replace(one, response=replace(one.response, status=429))
    assert struck(refused, "model-retired", "openai-chat") is refused
    coded = replace(one.response, headers=(*one.response.headers, ("content-encoding", "gzip")))
    coded = replace(one, response=coded)
    assert struck(coded, "model-retired", "openai-chat") is coded


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_wrong_share_is_refused(share, answers_on):
    one = answers_on("openai-chat")[0]
    with pytest.raises(UsageError, match="is not a share of answers"):
        struck(one, "model-retired", "openai-chat", share)


def embedded(document):
    answer = json.dumps(document).encode()
    response = Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("content-type", "application/json"),),
        body=answer,
        chunk_bytes=(len(answer),),
        chunk_times_us=(1000,),
    )
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="/v1/embeddings", headers=(), body=b"", digest="d"),
        response=response,
        started_at="2026-03-01T02:00:00+00:00",
        waited_us=0,
        headers_us=1000,
        end_us=1000,
        ended="eof",
        error=None,
    )


VECTOR = [0.5, -0.5, 0.5, 0.5, 0.25, -0.125, 0.0, 1.0] * 32


def packed(vector):
    return base64.b64encode(array("f", vector).tobytes()).decode()


def unpacked(text):
    return array("f", base64.b64decode(text)).tolist()


@pytest.mark.parametrize("spell", [list, packed], ids=["numbers", "base64"])
def test_moved_embeddings_keep_their_length_and_a_cosine_of_nine_tenths(spell):
    one = embedded({"data": [{"embedding": spell(VECTOR), "index": 0}], "model": "e"})
    (document,) = documents(struck(one, "embeddings-moved", "openai-embeddings"))
    moved = document["data"][0]["embedding"]
    moved = unpacked(moved) if isinstance(moved, str) else moved
    assert math.hypot(*moved) == pytest.approx(math.hypot(*VECTOR), rel=1e-5)
    cosine = sum(map(mul, moved, VECTOR))
    assert 0.82 <= cosine / math.hypot(*VECTOR) ** 2 <= 0.94


def test_embeddings_come_a_second_time_by_type():
    one = embedded({"data": [{"embedding": VECTOR}], "embedding": VECTOR})
    (document,) = documents(struck(one, "embeddings-by-type", "openai-embeddings"))
    assert document["embeddingsByType"] == document["data"][0]["embeddingsByType"]
    assert document["embeddingsByType"] == {"float": VECTOR}

"""Whatever a provider sends is looked at without harm, and nothing of it is kept."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes.reading import read_run
from contractcheck.providers.answer import read_answer
from contractcheck.store.wire_format import decode_wire, encode_wire
from contractcheck.wire_contracts import examine, learn_shape

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(path.parent for path in ROOT.glob("cassettes/**/manifest.json"))
MEMBERS = st.sampled_from(
    [
        *(
            "choices",
            "delta",
            "message",
            "content",
            "type",
            "usage",
            "index",
            "candidates",
            "parts",
        ),
        *("output", "item", "response", "message_start", "error", "tool_calls", "id", "object"),
        *("my private text, with blanks", "a.b", "x" * 60, "", "é"),
    ]
)
TEXTS = st.sampled_from(["message_start", "output_text", "text", "", "a private word"]) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=15,
)
DOCUMENTS = st.dictionaries(MEMBERS, VALUES, max_size=6)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), streamed=st.booleans(), documents=st.lists(DOCUMENTS, max_size=4))
def test_any_documents_are_looked_at(speak, wire_names, data, streamed, documents):
    said = speak(data.draw(st.sampled_from(wire_names)), "prose", 0, streamed=streamed)
    kinds = [frame.name for frame in said.frames] * 4
    sent = list(zip(kinds, documents or [{}], strict=False))
    seen = said.rewritten(lambda _: sent).seen()
    assert all(one.severity in ("breaking", "additive") for one in seen.problems)
    told = {part for fact in seen.facts for part in fact}
    assert not any("private" in part or "é" in part or "xxxxxx" in part for part in told)
    shape = learn_shape("f", [seen.facts])
    if shape is not None:
        assert decode_wire(orjson.loads(encode_wire(shape))) == shape


def test_a_flood_of_names_is_no_flood_of_facts(speak, spoken):
    """Every frame has members, values, kinds and ids that no other has."""
    said = speak(spoken, "prose", 0)
    kind, first = said.frames[0].name, said.frames[0].document

    def flood(_):
        for place in range(3000):
            odd = {f"odd_{place}": 1, "type": f"kind_{place}", "object": f"o_{place}"}
            yield kind, {**first, **odd, "id": f"{'ab'[place % 2]}{'x' * (place % 90)}_{place}"}

    seen = said.rewritten(lambda sent: list(flood(sent))).seen()
    assert len(seen.facts) < 400
    assert len(seen.problems) < 200


@settings(max_examples=60, deadline=None)
@given(data=st.data(), noise=st.binary(max_size=40))
def test_any_bytes_are_looked_at(speak, wire_names, data, noise):
    said = speak(data.draw(st.sampled_from(wire_names)), "prose", 0)
    body = said.exchange.response.body
    place = data.draw(st.integers(0, len(body)))
    spoilt = body[:place] + noise + body[place:]
    response = replace(said.exchange.response, body=spoilt, chunk_bytes=(len(spoilt),))
    exchange = replace(said.exchange, response=response)
    seen = examine(exchange, said.provider, read_answer(exchange, said.provider).completion)
    assert len(seen.problems) == len(set(seen.problems))


def test_a_cut_stream_never_breaks(spoken, speak, questions):
    """What is missing at the end is the transport's business."""
    for kind in questions[:1] if spoken == "openai-responses" else questions[:3:2]:
        said = speak(spoken, kind, 0)
        body = said.exchange.response.body
        for end in range(0, len(body), 13):
            response = replace(said.exchange.response, body=body[:end], chunk_bytes=(end,))
            exchange = replace(said.exchange, response=response)
            cut = replace(said, exchange=exchange)
            assert cut.problems("breaking") == {}


@pytest.mark.parametrize("folder", REFERENCES, ids=lambda folder: folder.parent.name)
def test_shipped_recordings_have_no_problem(folder):
    run = read_run(folder)
    provider = run.header.target.provider
    assert run.exchanges
    for exchange in run.exchanges:
        seen = examine(exchange, provider, read_answer(exchange, provider).completion)
        assert seen.problems == ()
        assert seen.facts


@pytest.mark.parametrize(
    ("name", "most_bytes"), [("openai-chat", 4096), ("openai-responses", 16384)]
)
def test_the_shape_of_a_night_stays_small(speak, questions, name, most_bytes):
    seen = [speak(name, kind, trial).seen().facts for kind in questions for trial in range(8)]
    assert len(encode_wire(learn_shape(name, seen))) < most_bytes

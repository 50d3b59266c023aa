"""Events that nobody announced, that came twice, or out of order: seen on the bytes."""

import json
from dataclasses import replace

import pytest

from contractcheck.model.completion import Outcome
from contractcheck.providers.answer import read_answer
from contractcheck.wire_contracts import examine


def blocks_of(whole):
    return whole.body.decode().split("\n\n")[:-1]


def looked_at(wire, blocks, received):
    body = "".join(block + "\n\n" for block in blocks).encode()
    exchange = received(body, "text/event-stream")
    completion = read_answer(exchange, wire).completion
    return completion, examine(exchange, wire, completion).problems


NAMED = ("anthropic", "openai-responses")


@pytest.mark.parametrize("name", NAMED)
def test_an_unknown_event_is_told_and_harms_nothing(name, simulated, received):
    blocks = blocks_of(simulated(name, "prose"))
    plain, before = looked_at(name, blocks, received)
    news = 'event: vertex_event\ndata: {"type":"vertex_event","note":1}'
    for place in range(1, len(blocks)):
        completion, problems = looked_at(name, [*blocks[:place], news, *blocks[place:]], received)
        assert (completion.outcome, completion.text) == (Outcome.ANSWERED, plain.text)
        told = [p for p in problems if p not in before]
        assert told, place
        assert {p.severity for p in told} == {"additive"}
        assert any("vertex_event" in p.what + p.path for p in told)


def test_every_event_that_came_twice_is_told_where_events_are_numbered(simulated, received):
    """The SDK puts the piece into the text twice, and says nothing."""
    blocks = blocks_of(simulated("openai-responses", "prose"))
    _, before = looked_at("openai-responses", blocks, received)
    for place in range(len(blocks)):
        twice = [*blocks[: place + 1], *blocks[place:]]
        _, problems = looked_at("openai-responses", twice, received)
        assert [p for p in problems if p not in before], blocks[place]


def test_every_exchange_of_neighbours_is_told_where_events_are_numbered(simulated, received):
    blocks = blocks_of(simulated("openai-responses", "prose"))
    _, before = looked_at("openai-responses", blocks, received)
    for place in range(len(blocks) - 1):
        completion, problems = looked_at("openai-responses", swapped(blocks, place), received)
        assert [p for p in problems if p not in before], blocks[place]
        assert completion.outcome in {Outcome.ANSWERED, Outcome.MALFORMED}


def swapped(blocks, place):
    return [*blocks[:place], blocks[place + 1], blocks[place], *blocks[place + 2 :]]


ONCE_AND_IN_PLACE = ("message_start", "content_block_start", "content_block_stop")


@pytest.mark.parametrize("kind", ["prose", "call"])
def test_without_numbers_the_frame_of_an_answer_is_still_told(kind, simulated, received):
    """Two equal pieces of text in a row are a legitimate answer; a second beginning is not."""
    blocks = blocks_of(simulated("anthropic", kind))
    _, before = looked_at("anthropic", blocks, received)
    for place, block in enumerate(blocks):
        if block.startswith(tuple(f"event: {name}\n" for name in ONCE_AND_IN_PLACE)):
            twice = [*blocks[: place + 1], *blocks[place:]]
            _, problems = looked_at("anthropic", twice, received)
            assert "breaking" in {p.severity for p in problems if p not in before}, block
    for place in (0, len(blocks) - 2):
        _, problems = looked_at("anthropic", swapped(blocks, place), received)
        assert "breaking" in {p.severity for p in problems if p not in before}


def test_calls_whose_pieces_are_interleaved_are_put_together_by_index(simulated, received):
    blocks = blocks_of(simulated("openai", "call"))
    (call,) = looked_at("openai", blocks, received)[0].tool_calls
    pieces = [block for block in blocks if '"tool_calls":[{' in block]
    assert len(pieces) > 2
    others = [with_index(piece, 1, call.id) for piece in pieces]
    first = blocks.index(pieces[0])
    mixed = [block for pair in zip(others, pieces, strict=True) for block in pair]
    rest = [block for block in blocks[first:] if block not in pieces]
    completion, _ = looked_at("openai", [*blocks[:first], *mixed, *rest], received)
    assert completion.outcome is Outcome.ANSWERED
    assert completion.tool_calls == (call, replace(call, id="call_2"))


def with_index(block, index, known_id):
    """The same piece of another call."""
    chunk = json.loads(block.removeprefix("data: "))
    for call in chunk["choices"][0]["delta"]["tool_calls"]:
        call["index"] = index
        if call.get("id") == known_id:
            call["id"] = "call_2"
    return f"data: {json.dumps(chunk)}"

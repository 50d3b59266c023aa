"""An answer that was cut is known for one, wherever the cut is; it never counts as a change."""

import pytest

from contractcheck.model.completion import Outcome
from contractcheck.providers.answer import read_answer

KINDS = ("prose", "call", "json")


def bodies_cut(whole):
    for size in range(len(whole.body)):
        yield whole.body[:size]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_ends_early_is_cut_or_complete(wire, kind, simulated, received):
    whole = simulated(wire, kind)
    media_type = whole.header("content-type")
    complete = read_answer(received(whole.body, media_type), wire).completion
    assert complete.outcome is Outcome.ANSWERED
    for body in bodies_cut(whole):
        completion = read_answer(received(body, media_type), wire).completion
        # What may lack: what stands behind the last thing that says that all is told.
        assert completion.outcome is Outcome.TRUNCATED or completion == complete, body[-80:]


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_body_that_ends_early_is_cut(wire, kind, simulated, received):
    whole = simulated(wire, kind, streamed=False)
    media_type = whole.header("content-type")
    assert (
        read_answer(received(whole.body, media_type), wire).completion.outcome is Outcome.ANSWERED
    )
    first, *others = bodies_cut(whole)
    for body in others:
        completion = read_answer(received(body, media_type), wire).completion
        assert completion.outcome is Outcome.TRUNCATED, body[-80:]
    nothing = read_answer(received(first, media_type), wire).completion
    assert nothing.outcome is Outcome.MALFORMED  # complete HTTP that says that nothing came


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("streamed", [True, False])
def test_a_broken_connection_is_never_an_answer(wire, kind, streamed, simulated, received):
    whole = simulated(wire, kind, streamed=streamed)
    media_type = whole.header("content-type")
    for size in range(0, len(whole.body) + 1, 97):
        exchange = received(whole.body[:size], media_type, ended="error")
        assert read_answer(exchange, wire).completion.outcome is Outcome.TRUNCATED

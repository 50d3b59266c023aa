"""An answer is cut into its events and put together again without a byte or a moment lost."""

from dataclasses import replace
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.incidents.draft import close_draft, open_draft
from contractcheck.incidents.wire import read_response, with_answer
from contractcheck.model.exchange import Exchange, Request, Response

KINDS = (
    "text/event-stream; charset=utf-8",
    "application/vnd.amazon.eventstream",
    "application/json",
)


def exchange_of(body, kind, cuts=()):
    bounds = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    sizes = tuple(b - a for a, b in pairwise(bounds))
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="/", headers=(), body=b"{}", digest="d"),
        response=Response(
            status=200,
            http_version="HTTP/1.1",
            headers=(("Content-Type", kind), ("Content-Length", str(len(body)))),
            body=body,
            chunk_bytes=sizes,
            chunk_times_us=tuple(1000 * (n + 1) for n in range(len(sizes))),
        ),
        started_at="2026-03-01T02:00:00+00:00",
        waited_us=0,
        headers_us=500,
        end_us=1000 * len(sizes) + 7,
        ended="eof",
        error=None,
    )


pieces = st.sampled_from(
    [
        b"data: {}\n\n",
        b"\n",
        b"\r\n\r\n",
        b"event: x\n",
        b"data: [DONE]\n\n",
        b"\x00\x00\x00\x10",
        b"\xff",
        b"{",
    ]
)


@given(
    body=st.lists(pieces | st.binary(max_size=30), max_size=12).map(b"".join),
    kind=st.sampled_from(KINDS),
    cuts=st.lists(st.integers(0, 400), max_size=5),
)
def test_any_body_comes_back_byte_for_byte(body, kind, cuts):
    exchange = exchange_of(body, kind, cuts)
    answer = read_response(exchange.response)
    assert answer.body == body
    assert close_draft(open_draft(answer, "key")) == answer
    times = [part.due_s for part in answer.parts]
    assert times == sorted(times)
    again = with_answer(exchange, answer)
    assert again.response.body == body
    assert sum(again.response.chunk_bytes) == len(body)
    assert again.end_us == exchange.end_us


def test_an_event_comes_when_its_last_byte_comes():
    exchange = exchange_of(b"data: {}\n\ndata: {}\n\n", KINDS[0], cuts=(4, 13))
    assert [part.due_s for part in read_response(exchange.response).parts] == [0.002, 0.003]


def test_another_length_is_told_in_the_headers():
    exchange = exchange_of(b'{"a": 1}', KINDS[2])
    draft = open_draft(read_response(exchange.response), "key")
    draft.documents[0]["a"] = 12345
    changed = with_answer(exchange, close_draft(draft)).response
    assert changed.body == b'{"a":12345}'
    assert changed.header("content-length") == "11"


def test_a_changed_binary_message_has_right_lengths_and_checksums(answers_on):
    exchange = answers_on("bedrock")[0]
    draft = open_draft(read_response(exchange.response), "key")
    for document in draft.documents:
        document["added"] = "x" * 100
    buffer = EventStreamBuffer()
    buffer.add_data(close_draft(draft).body)
    messages = list(buffer)
    assert [message.headers[":event-type"] for message in messages] == [
        e.name for e in draft.events
    ]
    assert all(b'"added":"xxx' in message.payload for message in messages)


def test_without_a_response_there_is_nothing_to_replace():
    exchange = replace(exchange_of(b"{}", KINDS[2]), response=None)
    answer = read_response(exchange_of(b"{}", KINDS[2]).response)
    with pytest.raises(ValueError, match="without a response"):
        with_answer(exchange, answer)

"""How an answer was cut into pieces on its way changes its times, and nothing else."""

import json
import re
from dataclasses import replace
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.completion import Outcome
from contractcheck.providers.answer import read_answer
from contractcheck.providers.sse import parse_events

KINDS = ("prose", "call", "json")


def with_long_letters(body):
    """Words within texts get letters of two, three and four bytes; names of fields do not."""
    return re.sub(rb"(?<!:) (?=[a-z])", " ä漢😀".encode(), body)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_in_two_gives_the_same_answer(wire, kind, simulated, received):
    whole = simulated(wire, kind)
    media_type = whole.header("content-type")
    body = whole.body
    complete = read_answer(received(body, media_type), wire)
    first_byte = complete.completion.first_content_byte
    for size in range(1, len(body)):
        answer = read_answer(received(body, media_type, (size, len(body) - size)), wire)
        assert answer.completion == complete.completion
        # Piece 1 came after 1 ms, piece 2 after 2 ms.
        assert answer.timing.ttft_s == (0.001 if first_byte < size else 0.002)


@pytest.mark.parametrize("kind", KINDS)
@given(cuts=st.sets(st.integers(1, 4000), max_size=60))
def test_any_slicing_gives_the_same_answer(wire, kind, cuts, simulated, received):
    whole = simulated(wire, kind)
    media_type, body = whole.header("content-type"), whole.body
    complete = read_answer(received(body, media_type), wire).completion
    bounds = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    sizes = [end - start for start, end in pairwise(bounds)]
    answer = read_answer(received(body, media_type, sizes), wire)
    assert answer.completion == complete
    pieces_until = sum(bound <= complete.first_content_byte for bound in bounds)
    assert answer.timing.ttft_s == pieces_until / 1000


def blocks_of(whole):
    """The events of a stream, as (name, data): read as the simulator writes them, not by us."""
    for block in whole.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        yield fields.get("event"), fields["data"]


def plain(name, data):
    return ([f"event: {name}"] if name else []) + [f"data: {data}"]


def in_many_lines(name, data):
    """Blanks may stand between the parts of JSON, and a line feed is one of them."""
    if data.startswith("["):
        return plain(name, data)
    lines = [f"data:{line}" for line in json.dumps(json.loads(data), indent=1).split("\n")]
    return ([f"event:{name}"] if name else []) + lines


FRAMINGS = {
    "comments": lambda n, d: [": keep-alive", *plain(n, d), ":", ": x"],
    "comments of their own": lambda n, d: [": OPENROUTER PROCESSING", "", *plain(n, d)],
    "retry and id": lambda n, d: ["retry: 3000", "id: 7", *plain(n, d)],
    "unknown fields": lambda n, d: ["colour: red", "nothing", *plain(n, d)],
    "data first": lambda n, d: plain(n, d)[::-1],
    "no blank behind the colon": lambda n, d: [line.replace(": ", ":", 1) for line in plain(n, d)],
    "data in many lines": in_many_lines,
    "empty events": lambda n, d: ["", "event: nothing", "", *plain(n, d)],
}
LINE_ENDS = {"LF": ["\n"], "CRLF": ["\r\n"], "CR": ["\r"], "all three": ["\n", "\r", "\r\n"]}


def framed(whole, framing, ends, *, mark=b""):
    lines = [line for name, data in blocks_of(whole) for line in (*framing(name, data), "")]
    return mark + "".join(line + end for line, end in zip(lines, cycle(ends))).encode()


@pytest.fixture
def event_stream(wire, simulated):
    """A stream of server-sent events, for wires that are framed so."""

    def get(kind):
        whole = simulated(wire, kind)
        if "text/event-stream" in whole.header("content-type"):
            return whole
        assert "amazon.eventstream" in whole.header("content-type")
        return None

    return get


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("ends", LINE_ENDS)
def test_the_framing_of_events_does_not_matter(wire, framing, ends, event_stream, received):
    for kind in KINDS:
        whole = event_stream(kind)
        if whole is None:
            return  # binary frames have one framing
        media_type = whole.header("content-type")
        complete = read_answer(received(whole.body, media_type), wire).completion
        for mark in (b"", b"\xef\xbb\xbf"):
            body = framed(whole, FRAMINGS[framing], LINE_ENDS[ends], mark=mark)
            answer = read_answer(received(body, "Text/Event-Stream; charset=UTF-8"), wire)
            expected = replace(complete, first_content_byte=answer.completion.first_content_byte)
            assert answer.completion == expected


@pytest.mark.parametrize("kind", KINDS)
def test_letters_of_many_bytes_are_cut_anywhere(wire, kind, event_stream, received):
    whole = event_stream(kind)
    if whole is None:
        return  # lengths and checksums stand in binary frames
    media_type, body = whole.header("content-type"), with_long_letters(whole.body)
    complete = read_answer(received(body, media_type), wire).completion
    assert complete.outcome is Outcome.ANSWERED
    inside = [size for size, byte in enumerate(body) if byte & 0b1100_0000 == 0b1000_0000]
    assert inside or kind != "prose"
    for size in inside:
        answer = read_answer(received(body, media_type, (size, len(body) - size)), wire)
        assert answer.completion == complete
        cut = read_answer(received(body[:size], media_type), wire).completion
        assert cut.outcome is Outcome.TRUNCATED or cut == complete


TEXTS = st.text(alphabet=st.sampled_from('ab:\n\r 漢😀"\\{}'), max_size=12)


@given(st.lists(TEXTS, max_size=5), st.sampled_from(sorted(LINE_ENDS)))
def test_events_are_read_as_they_were_written(texts, ends):
    """Against a writer that knows nothing of the reader."""
    written = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    body = "".join(
        line + end
        for line, end in zip(
            [line for data in written for line in (*plain("message", data), "")],
            cycle(LINE_ENDS[ends]),
        )
    ).encode()
    events = parse_events(body)
    assert [json.loads(event.data)["text"] for event in events] == texts
    assert all(earlier.last_byte < later.last_byte for earlier, later in pairwise(events))

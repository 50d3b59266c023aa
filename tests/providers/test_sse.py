import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.providers.sse import Event, parse_events, typed_kind

LINE_END = st.sampled_from(["\n", "\r\n", "\r"])
VALUE = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=8)
NOISE = st.sampled_from([": comment", ":", "id: 7", "retry: 10", "colour: red", "unknown"])


def said(body):
    return [(event.name, event.data) for event in parse_events(body)]


@given(st.data())
def test_events_survive_any_line_ends_comments_and_unknown_fields(data):
    events = data.draw(
        st.lists(st.tuples(VALUE, st.lists(VALUE, min_size=1, max_size=3)), max_size=4)
    )
    text = "\ufeff" if data.draw(st.booleans()) else ""
    for name, lines in events:
        fields = [f"event: {name}"] + [f"data: {line}" for line in lines]
        for noise in data.draw(st.lists(NOISE, max_size=2)):
            fields.insert(data.draw(st.integers(0, len(fields))), noise)
        # One kind of line end per event: a lone CR before a bare LF would be one CRLF.
        end = data.draw(LINE_END)
        text += end.join(fields) + end + end
        if end == "\r":
            text += ": so that the next LF is not taken for its CR's\r\r"
    assert said(text.encode()) == [(name or "message", "\n".join(lines)) for name, lines in events]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\n", [("message", "a")]),
        (b"data:a\n\n", [("message", "a")]),
        (b"data:  a\n\n", [("message", " a")]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", ""), ("message", "\n")]),
        (b"event: x\n\ndata: a\n\n", [("message", "a")]),
        (b"data: a\n", []),
        (b"\n\n\n", []),
        (b"data: \xff\n\n", [("message", "\ufffd")]),
        (b"data: a\r\rdata: b\r\n\r\n", [("message", "a"), ("message", "b")]),
        (b" data: a\n\n", []),
        (b"data: a: b\n\n", [("message", "a: b")]),
    ],
)
def test_the_standards_own_corner_cases(body, expected):
    assert said(body) == expected


@given(st.binary(max_size=60), st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b":"])))
def test_a_prefix_gives_a_prefix_of_the_events(noise, parts):
    body = b"".join(parts) + noise
    events = parse_events(body)
    for length in range(len(body)):
        assert parse_events(body[:length]) == tuple(e for e in events if e.last_byte < length)


def test_the_last_byte_is_the_one_that_completes_the_event():
    body = b": hi\n\ndata: one\n\nevent: x\ndata: two\r\n\r\n"
    first, second = parse_events(body)
    assert first.last_byte == body.index(b"one\n\n") + 4
    assert second.last_byte == len(body) - 2  # the blank line counts from its CR


@pytest.mark.parametrize(
    ("document", "kind"),
    [({"type": "ping"}, "ping"), ({}, "message"), ({"type": None}, "message"), ({"type": {"a": "b"}}, "message")],
)  # fmt: skip
def test_the_kind_of_an_event_is_its_own_word_or_that_of_the_framing(document, kind):
    assert typed_kind(Event(name="message", data="", last_byte=0), document) == kind

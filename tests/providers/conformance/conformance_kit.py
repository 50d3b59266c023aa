"""What a wire has to bring to be held against its provider's own SDK.

A file ``wire_<name>.py`` in this folder has one ``WIRE``; ``test_conformance.py`` finds it.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from contractcheck.model.exchange import Response

EVENT_STREAM = "text/event-stream; charset=utf-8"


class Call(NamedTuple):
    """A tool call; arguments are the parsed object, or the raw text when it is none."""

    name: str
    arguments: Any
    id: str | None


class Parsed(NamedTuple):
    """What somebody made of an answer. A field that the wire does not have keeps its default."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_text: str = ""
    embedding: tuple[float, ...] = ()


class Sent(NamedTuple):
    """One answer in both forms; None where the wire has no such form."""

    whole: bytes | None
    stream: bytes | None


class Wire(NamedTuple):
    """One row of the suite.

    provider: key of ``DIALECTS``.
    sent: valid answers, optional members at random, the stream cut into events anywhere.
    parse: reads a body with the real SDK through an in-memory transport; told whether streamed.
    ask: puts the question of one of our requests (a ``WireRequest``) to a base URL with the real
        SDK, which must write the same JSON body, and reads the answer.
    model: name that the simulator takes.
    prefix: of the simulator's path for this wire.
    lacks: names of ``CASES`` that this wire cannot say: ``build`` raises UsageError for them.
    apart: fields of ``Parsed`` that the streamed form says otherwise than the whole one.
    place: further fields of ``Target``.
    stream_type: media type of a stream.
    thinks: whether the simulator shows thoughts on this wire when an effort is asked for.
    """

    provider: str
    sent: st.SearchStrategy[Sent]
    parse: Callable[[bytes, bool], Parsed]
    ask: Callable[[str, Any], Parsed]
    model: str = "sim-1"
    prefix: str = ""
    lacks: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    place: dict[str, str] = {}  # noqa: RUF012 - never changed
    stream_type: str = EVENT_STREAM
    thinks: bool = False


def response_of(body, media_type):
    return Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("content-type", media_type),),
        body=body,
        chunk_bytes=(len(body),),
        chunk_times_us=(1,),
    )


def parsed_by_us(completion):
    return Parsed(
        text=completion.text,
        calls=tuple(Call(call.name, call.arguments, call.id) for call in completion.tool_calls),
        finish_reason=completion.finish_reason,
        model=completion.model,
        response_id=completion.response_id,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        cached_input_tokens=completion.cached_input_tokens,
        reasoning_text=completion.reasoning_text,
        embedding=completion.embedding,
    )


def parse_arguments(text):
    """The object that a text of arguments holds, or the text when it holds none."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


# --- strategies ------------------------------------------------------------------------------

NASTY = ("😀", "\u2028", "\u0000", '\\"', "\r\n", "\n\n", "data: [DONE]", "né", "\ufeff", "\x7f")
letters = st.text(max_size=12)
texts = st.lists(letters | st.sampled_from(NASTY), min_size=1, max_size=4).map("".join)
"""Any text that can be said in UTF-8, and what parsers trip over."""

names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9]{9,16}", fullmatch=True)
counts = st.integers(0, 100_000)
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | letters | st.floats(-1e9, 1e9)
objects = st.dictionaries(letters, values | st.lists(values, max_size=2), max_size=3)
spellings = st.sampled_from(
    [
        json.dumps,  # escapes, pairs of surrogates
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    ]
)
newlines = st.sampled_from(["\n", "\r\n"])


@st.composite
def pieces(draw, text):
    """A text, cut anywhere; some pieces may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def maybe(name, strategy):
    """A member that is there or not: ``{}`` or ``{name: value}``."""
    return st.just({}) | strategy.map(lambda value: {name: value})


def event_stream(events, newline="\n"):
    """Server-sent events from pairs of name (or None) and data; a name of ``:`` is a comment."""
    lines = []
    for name, data in events:
        if name == ":":
            lines.append(f": {data}{newline}{newline}")
            continue
        head = "" if name is None else f"event: {name}{newline}"
        lines.append(f"{head}data: {data}{newline}{newline}")
    return "".join(lines).encode()

"""Server-sent events, read from bytes, with the byte at which each event was complete.

Source: WHATWG HTML, "Server-sent events", section "Interpreting an event stream".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.wire import Frame
from contractcheck.providers.shape import parse_object

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One dispatched event.

    Attributes:
        name: The ``event`` field, or ``message``.
        data: The ``data`` lines, joined by line feeds.
        last_byte: Offset of the last byte needed to dispatch it.
    """

    name: str
    data: str
    last_byte: int


def is_event_stream(response: Response) -> bool:
    """Whether a response says that it is an event stream (media types ignore case)."""
    return "text/event-stream" in (response.header("content-type") or "").lower()


def read_frames(response: Response) -> tuple[Frame, ...]:
    """Cut an answer that is an event stream or one JSON body into its frames."""
    body = response.body
    if not is_event_stream(response):
        text = body.decode("utf-8", errors="replace")
        last = max(0, len(body) - 1)
        return (Frame(name="", document=parse_object(body), text=text, last_byte=last),)
    return tuple(
        Frame(
            name=event.name,
            document=parse_object(event.data),
            text=event.data,
            last_byte=event.last_byte,
        )
        for event in parse_events(body)
    )


def parse_events(body: bytes) -> tuple[Event, ...]:
    """Return the complete events of a body; an event without its blank line is not one."""
    events: list[Event] = []
    name, data = "", list[str]()
    start = len(_BOM) if body.startswith(_BOM) else 0
    # Of bytes, lines end exactly where the standard says: at CR, LF or both.
    for line in body[start:].splitlines(keepends=True):
        content = line.rstrip(b"\r\n")
        if len(content) == len(line):
            break  # the last line has no end
        if content:
            name = _take_field(content, name, data)
        elif data:
            events.append(Event(name=name or "message", data="\n".join(data), last_byte=start))
            name, data = "", []
        else:
            name = ""
        start += len(line)
    return tuple(events)


def typed_kind(event: Event, document: JsonObject) -> str:
    """Kind of an event of which each names its own, ``type``; by the framing where it does not."""
    kind = document.get("type")
    return kind if isinstance(kind, str) else event.name


def _take_field(line: bytes, name: str, data: list[str]) -> str:
    """Take one line: appends to ``data``, returns the event's name so far."""
    field, _, value = line.partition(b":")
    if field == b"data":
        data.append(value.removeprefix(b" ").decode("utf-8", errors="replace"))
    elif field == b"event":
        return value.removeprefix(b" ").decode("utf-8", errors="replace")
    return name

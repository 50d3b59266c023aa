"""An answer laid open for changes: its events as JSON objects that may be edited in place.

A draft belongs to whoever opened it. What is not edited keeps its bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.incidents.wire import Part, WireAnswer

if TYPE_CHECKING:
    from contractcheck.model.exchange import Headers

JsonDict = dict[str, object]
"""A JSON object that may be edited."""

_DATA = re.compile(rb"^data: ?([^\r\n]*)", re.MULTILINE)
_NAME = re.compile(rb"^event: ?([^\r\n]*)", re.MULTILINE)
_AWS_NAME = re.compile(rb"\x0b:event-type\x07(..)", re.DOTALL)
_PRELUDE_BYTES = 12
_CRC_BYTES = 4
_DEEPEST = 254
"""What orjson writes at most, in levels; it reads 1024."""


@dataclass(slots=True, eq=False)
class Event:
    """One event, or the whole body; itself alone, however alike another one is.

    Attributes:
        name: Of the event; empty for a body and for streams whose events have no names.
        document: Its JSON object, free to be edited; None when it holds none.
        due_s: When it came, seconds since the request was sent.
        data: Its bytes as they came.
    """

    name: str
    document: JsonDict | None
    due_s: float
    data: bytes

    def encode(self) -> bytes:
        """Return the bytes of the event as it is now."""
        if self.document is None or self.document == _document_of(self.data):
            return self.data
        payload = orjson.dumps(self.document)
        if _is_message(self.data):
            return _encode_message(self.data, payload)
        found = _DATA.search(self.data)
        if found is None:
            return payload
        return self.data[: found.start(1)] + payload + self.data[found.end(1) :]


@dataclass(slots=True)
class Draft:
    """One answer, open for changes.

    Attributes:
        status: HTTP status code.
        headers: In wire order.
        events: In wire order.
        is_streamed: Whether there are events; else there is one body.
        key: Names the answer: whatever a change draws depends on it alone.
    """

    status: int
    headers: Headers
    events: list[Event]
    is_streamed: bool
    key: str

    @property
    def documents(self) -> list[JsonDict]:
        """The JSON objects of all events, in order."""
        return [event.document for event in self.events if event.document is not None]

    def refuse(self, status: int, document: JsonDict) -> None:
        """Put an error envelope in the place of the answer, when its first byte was due."""
        due_s = self.events[0].due_s if self.events else 0.0
        body = orjson.dumps(document)
        self.status, self.is_streamed = status, False
        self.headers = tuple(
            (name, "application/json" if name.lower() == "content-type" else value)
            for name, value in self.headers
        )
        self.events = [Event(name="", document=document, due_s=due_s, data=body)]


def open_draft(answer: WireAnswer, key: str) -> Draft:
    """Lay an answer open."""
    return Draft(
        status=answer.status,
        headers=answer.headers,
        events=[_read_event(part) for part in answer.parts],
        is_streamed=answer.is_streamed,
        key=key,
    )


def close_draft(draft: Draft) -> WireAnswer:
    """Return the answer as it has become."""
    return WireAnswer(
        status=draft.status,
        headers=draft.headers,
        parts=tuple(Part(due_s=event.due_s, data=event.encode()) for event in draft.events),
        is_streamed=draft.is_streamed,
    )


def make_event(name: str, document: JsonDict, due_s: float) -> Event:
    """Return a server-sent event; one without a name has no ``event:`` line."""
    head = f"event: {name}\n".encode() if name else b""
    data = head + b"data: " + orjson.dumps(document) + b"\n\n"
    return Event(name=name, document=document, due_s=due_s, data=data)


def inner(document: JsonDict, *path: str) -> JsonDict:
    """Return the object at a path of member names; an empty one that belongs to nobody if none."""
    found: object = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def items(document: JsonDict, name: str) -> list[JsonDict]:
    """Return the objects in a member that is an array."""
    found = document.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _read_event(part: Part) -> Event:
    return Event(
        name=_name_of(part.data),
        document=_document_of(part.data),
        due_s=part.due_s,
        data=part.data,
    )


def _is_message(data: bytes) -> bool:
    # The length of a message begins with a zero byte; no text does.
    return data[:1] == b"\0"


def _name_of(data: bytes) -> str:
    if _is_message(data):
        found = _AWS_NAME.search(data)
        if found is None:
            return ""
        length = int.from_bytes(found.group(1), "big")
        return data[found.end() : found.end() + length].decode(errors="replace")
    named = _NAME.search(data)
    return named.group(1).decode(errors="replace") if named else ""


def _document_of(data: bytes) -> JsonDict | None:
    if _is_message(data):
        payload = data[_payload_start(data) : -_CRC_BYTES]
    elif data.lstrip()[:1] == b"{":
        payload = data
    else:
        # Data of several lines is nobody's habit: such an event is left as it is.
        found = _DATA.findall(data)
        payload = found[0] if len(found) == 1 else b""
    try:
        value = orjson.loads(payload)
        if payload.count(b"{") + payload.count(b"[") > _DEEPEST:
            orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None  # no JSON, or nested so deeply that it cannot be written again
    return value if isinstance(value, dict) else None


def _payload_start(message: bytes) -> int:
    return _PRELUDE_BYTES + int.from_bytes(message[4:8], "big")


def _encode_message(old: bytes, payload: bytes) -> bytes:
    """Return a message of the AWS event stream with the headers of another one."""
    headers = old[_PRELUDE_BYTES : _payload_start(old)]
    lengths = struct.pack(">II", _PRELUDE_BYTES + len(headers) + len(payload) + 4, len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))

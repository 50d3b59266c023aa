"""What goes over the wire and is not stored: a request to be sent, a frame to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class WireRequest:
    """A request as a dialect writes it: whole, but for the credential.

    Attributes:
        method: Upper case.
        path: From the endpoint on, query included.
        headers: Names in lower case.
        body: As it will be sent: signatures cover it.
    """

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One event of a streamed answer; or the whole body of one that was not streamed.

    Attributes:
        name: Kind of event by the stream's own framing (the ``event`` of server-sent events, the
            ``:event-type`` of AWS event streams); empty for a whole body.
        document: What it carries; None when that is no JSON object.
        text: What it carries, as sent; bytes that are no UTF-8 become U+FFFD.
        last_byte: Offset in the body of the last byte that was needed to read it.
    """

    name: str
    document: JsonObject | None
    text: str
    last_byte: int

"""One HTTP response of the simulator, and what faults of transport make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.simulator.compression import compress_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.compression import Coding


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One HTTP response and when its parts are due.

    Attributes:
        status: HTTP status.
        headers: Beside the content type.
        parts: ``(due_s, bytes)``, seconds after the request arrived, rising.
        streamed: Whether the parts are events; else there is one JSON part.
        media_type: Content type.
        missing_bytes: How much of the body never comes; the connection is dropped instead.
    """

    status: int
    headers: Mapping[str, str]
    parts: tuple[tuple[float, bytes], ...]
    streamed: bool = False
    media_type: str = "application/json"
    missing_bytes: int = 0


def compress_reply(reply: Reply, coding: Coding) -> Reply:
    """Return the reply with its body coded, every event by itself."""
    coded = compress_parts([content for _, content in reply.parts], coding)
    return replace(
        reply,
        headers={**reply.headers, "content-encoding": coding, "vary": "accept-encoding"},
        parts=tuple(
            (due_s, content) for (due_s, _), content in zip(reply.parts, coded, strict=True)
        ),
    )


def break_reply(reply: Reply, error: bytes) -> Reply:
    """Return the first half of the events of a stream, and an error event after them."""
    kept = reply.parts[: len(reply.parts) // 2]
    due_s = kept[-1][0] if kept else reply.parts[0][0]
    return replace(reply, parts=(*kept, (due_s, error)))


def cut_reply(reply: Reply) -> Reply:
    """Return the first half of the bytes of a reply; usually it ends inside an event."""
    whole = sum(len(content) for _, content in reply.parts)
    left = whole // 2
    kept: list[tuple[float, bytes]] = []
    for due_s, content in reply.parts:
        kept.append((due_s, content[:left]))
        left -= len(content)
        if left <= 0:
            break
    return replace(reply, parts=tuple(kept), missing_bytes=whole - whole // 2)

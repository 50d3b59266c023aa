"""Changes of Anthropic's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from contractcheck.incidents.draft import inner, make_event

if TYPE_CHECKING:
    from contractcheck.incidents.draft import Draft, Event, JsonDict

_BLOCK_EVENTS = ("content_block_start", "content_block_delta", "content_block_stop")


def pause_turn(draft: Draft) -> None:
    """End with the stop reason ``pause_turn``."""
    _stop_for(draft, "pause_turn")


def refuse_silently(draft: Draft) -> None:
    """Answer 200 with no content at all, and the stop reason ``refusal``."""
    draft.events = [event for event in draft.events if event.name not in _BLOCK_EVENTS]
    if not draft.is_streamed:
        for document in draft.documents:
            document["content"] = []
    _stop_for(draft, "refusal")


def drop_pings(draft: Draft) -> None:
    """Send no pings, as before August 2023."""
    draft.events = [event for event in draft.events if event.name != "ping"]


def end_overloaded(draft: Draft) -> None:
    """Send a ping, and half-way through the stream an error instead of the rest."""
    _break_off(draft, {"type": "overloaded_error", "message": "Overloaded"})
    if draft.is_streamed:
        at = min(1, len(draft.events))
        draft.events.insert(at, make_event("ping", {"type": "ping"}, draft.events[0].due_s))


def end_filtered(draft: Draft) -> None:
    """Send, half-way through the stream, the error of the content filter instead of the rest."""
    message = "Output blocked by content filtering policy"
    _break_off(draft, {"details": None, "type": "invalid_request_error", "message": message})


def _break_off(draft: Draft, error: JsonDict) -> None:
    if not draft.is_streamed:
        return
    kept = draft.events[: (len(draft.events) + 1) // 2]
    due_s = kept[-1].due_s if kept else 0.0
    draft.events = [*kept, make_event("error", {"type": "error", "error": error}, due_s)]


def add_vertex_event(draft: Draft) -> None:
    """Send an event of Vertex's own after the first one."""
    if draft.is_streamed and draft.events:
        event = make_event("vertex_event", {"type": "vertex_event"}, draft.events[0].due_s)
        draft.events.insert(1, event)


def prefill_message_start(draft: Draft) -> None:
    """Send the first content block whole in ``message_start``, and no events for it."""
    if not draft.is_streamed:
        return
    of_first = [event for event in draft.events if _is_of_first_block(event)]
    block: JsonDict = {}
    written = ""
    for event in of_first:
        document = event.document or {}
        block = block or dict(inner(document, "content_block"))
        delta = inner(document, "delta")
        written += str(delta.get("text", delta.get("partial_json", "")))
    if not block:
        return
    if block.get("type") == "text":
        block["text"] = written
    else:
        block["input"] = _parse(written)
    for document in draft.documents:
        if document.get("type") == "message_start":
            inner(document, "message")["content"] = [block]
    draft.events = [event for event in draft.events if event not in of_first]


def _parse(arguments: str) -> object:
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {}  # the token limit cut them


def _is_of_first_block(event: Event) -> bool:
    return event.name in _BLOCK_EVENTS and (event.document or {}).get("index") == 0


def _stop_for(draft: Draft, reason: str) -> None:
    for document in draft.documents:
        for holder in (document, inner(document, "delta")):
            if holder.get("stop_reason") is not None:
                holder["stop_reason"] = reason
                holder["stop_sequence"] = None

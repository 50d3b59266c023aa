"""Where each wire format keeps what the model says, and how to make it say something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.incidents.draft import inner, items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contractcheck.incidents.draft import Draft, Event, JsonDict

Place = tuple["JsonDict", str]
"""An object and the member of it that holds text."""

_OUTPUT_COUNTS = (
    ("usage", "completion_tokens", "total_tokens"),
    ("usage", "output_tokens", "total_tokens"),
    ("usage", "outputTokens", "totalTokens"),
    ("usageMetadata", "candidatesTokenCount", "totalTokenCount"),
)
"""Object, and its members that count what the model wrote and everything."""


def rewrite(draft: Draft, change: Callable[[str, str], str]) -> None:
    """Change what the model says.

    A stream keeps the lengths and times of its pieces: of a shorter text the last events do not
    come, and it ends so much earlier; what a longer one has more comes with the last piece.

    Args:
        draft: Of any chat format.
        change: From the whole text and the draft's key to the new text.
    """
    pieces = [
        (event, holder, name)
        for event in draft.events
        if event.document is not None
        for holder, name in _pieces(event.document)
        if holder[name]
    ]
    said = "".join(str(holder[name]) for _, holder, name in pieces)
    new = change(said, draft.key)
    if new == said:
        return
    left = new
    for number, (event, holder, name) in enumerate(pieces, start=1):
        size = len(left) if number == len(pieces) else len(str(holder[name]))
        holder[name], left = left[:size], left[size:]
        if not holder[name] and not _ends(event):
            draft.events.remove(event)
    for document in draft.documents:
        for holder, name in _wholes(document):
            holder[name] = new
        _recount(document, len(new) / len(said))
    _close_gap(draft, [event for event, _, _ in pieces])


def _ends(event: Event) -> bool:
    """Whether an event also says how the answer ended."""
    document = event.document or {}
    candidates = [*items(document, "choices"), *items(document, "candidates")]
    return any(one.get("finish_reason") or one.get("finishReason") for one in candidates)


def _close_gap(draft: Draft, pieces: list[Event]) -> None:
    """Let what follows the last piece come with it, and number what is numbered without gaps."""
    places = [at for at, event in enumerate(draft.events) if event in pieces]
    if not draft.is_streamed or not places:
        return
    if len(places) < len(pieces):
        for event in draft.events[places[-1] :]:
            event.due_s = draft.events[places[-1]].due_s
    for number, document in enumerate(draft.documents):
        if "sequence_number" in document:
            document["sequence_number"] = number


def _pieces(document: JsonDict) -> Iterator[Place]:
    """Places that hold the text, or of which each event of a stream holds the next piece."""
    kind = document.get("type")
    if kind == "response.output_text.delta":
        yield document, "delta"
    yield from _output_texts(document)
    for choice in items(document, "choices"):
        yield from _texts((inner(choice, "message"), inner(choice, "delta")), "content")
    yield from _texts(items(document, "content"), "text")
    if kind != "content-start":
        yield from _texts((inner(document, "delta"),), "text")
        yield from _texts((inner(document, "delta", "message", "content"),), "text")
    yield from _texts(items(inner(document, "message"), "content"), "text")
    for candidate in items(document, "candidates"):
        yield from _texts(items(inner(candidate, "content"), "parts"), "text")
    yield from _texts(items(inner(document, "output", "message"), "content"), "text")


def _texts(holders: tuple[JsonDict, ...] | list[JsonDict], name: str) -> Iterator[Place]:
    for holder in holders:
        if isinstance(holder.get(name), str) and not holder.get("thought"):
            yield holder, name


def _output_texts(document: JsonDict) -> Iterator[Place]:
    for item in items(document, "output"):
        yield from _texts(items(item, "content"), "text")


def _wholes(document: JsonDict) -> Iterator[Place]:
    """Places where an event of OpenAI's Responses says the whole text again."""
    if document.get("type") == "response.output_text.done":
        yield document, "text"
    if document.get("type") == "response.content_part.done":
        yield from _texts((inner(document, "part"),), "text")
    yield from _texts(items(inner(document, "item"), "content"), "text")
    yield from _output_texts(inner(document, "response"))


def _recount(document: JsonDict, ratio: float) -> None:
    """Scale what was counted of the output with the length of the text."""
    for envelope in (document, inner(document, "response"), inner(document, "delta")):
        for member, output, total in _OUTPUT_COUNTS:
            usage = inner(envelope, member)
            before = usage.get(output)
            if not isinstance(before, int):
                continue
            after = max(1, round(before * ratio))
            usage[output] = after
            whole = usage.get(total)
            if isinstance(whole, int):
                usage[total] = whole + after - before
        for name in ("tokens", "billed_units"):
            counts = inner(envelope, "usage", name)
            if isinstance(written := counts.get("output_tokens"), int):
                counts["output_tokens"] = max(1, round(written * ratio))

"""Play what real providers did: incidents of the catalogue, put into a reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.incidents import Part, WireAnswer, change_answer, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.changes import Change
    from contractcheck.simulator.reply import Reply


def play_incidents(
    reply: Reply, wire_format: str, changes: Sequence[Change], answer: Answer
) -> Reply:
    """Return the reply as it comes while incidents last; itself when there are none.

    Args:
        reply: The whole answer.
        wire_format: Whose it is.
        changes: In force; those that are not of the catalogue do nothing here.
        answer: What the reply says, and which changes hit it.
    """
    names = [change.name for change in changes if change.name in read_catalogue()]
    if not names:
        return reply
    was = played = WireAnswer(
        status=reply.status,
        headers=tuple(reply.headers.items()),
        parts=tuple(Part(due_s=due_s, data=data) for due_s, data in reply.parts),
        is_streamed=reply.streamed,
    )
    for name in names:
        played = change_answer(
            played,
            name,
            wire_format=wire_format,
            key=answer.key,
            is_struck=name in answer.changes,
        )
    if played == was:
        return reply
    return replace(
        reply,
        status=played.status,
        headers=dict(played.headers),
        parts=tuple((part.due_s, part.data) for part in played.parts),
        streamed=played.is_streamed,
        media_type=reply.media_type if played.is_streamed else "application/json",
    )

"""Changes of Gemini's generateContent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.incidents.coins import keyed_letters
from contractcheck.incidents.draft import inner, items
from contractcheck.incidents.prose import reword
from contractcheck.incidents.speech import rewrite

if TYPE_CHECKING:
    from contractcheck.incidents.draft import Draft, JsonDict

_PREVIEW_SERVED_AS = "models/gemini-2.5-pro"


def block_without_content(draft: Draft) -> None:
    """Answer with a candidate that was stopped for safety and has no ``content``."""
    _leave_candidate(draft, {"finishReason": "SAFETY", "index": 0})


def stop_with_nothing(draft: Draft) -> None:
    """Answer with a candidate that ended as usual and has no parts."""
    _leave_candidate(draft, {"content": {"role": "model"}, "finishReason": "STOP", "index": 0})


def refuse_tool_call(draft: Draft) -> None:
    """Answer with a candidate that ended with UNEXPECTED_TOOL_CALL and has no ``content``."""
    _leave_candidate(draft, {"finishReason": "UNEXPECTED_TOOL_CALL", "index": 0})


def _leave_candidate(draft: Draft, candidate: JsonDict) -> None:
    """Keep the last event alone, with this candidate in it."""
    draft.events = [event for event in draft.events if event.document is not None][-1:]
    for document in draft.documents:
        document["candidates"] = [candidate]
        usage = inner(document, "usageMetadata")
        usage.pop("candidatesTokenCount", None)
        if "promptTokenCount" in usage:
            usage["totalTokenCount"] = usage["promptTokenCount"]


def add_bare_thought(draft: Draft) -> None:
    """Put a part before the others that holds a thought's signature and nothing else."""
    for document in draft.documents[:1]:
        for candidate in items(document, "candidates")[:1]:
            content = inner(candidate, "content")
            signature = keyed_letters(64, "thought", draft.key)
            content["parts"] = [{"thoughtSignature": signature}, *items(content, "parts")]


def serve_another_model(draft: Draft) -> None:
    """Say that a newer model answered, and answer in its manner."""
    for document in draft.documents:
        if "modelVersion" in document:
            document["modelVersion"] = _PREVIEW_SERVED_AS
    rewrite(draft, reword)

"""Changes of OpenAI's chat completions, and of the servers that speak the same wire."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from contractcheck.incidents.coins import keyed_letters
from contractcheck.incidents.draft import Event, inner, items, make_event
from contractcheck.incidents.prose import pad_lines
from contractcheck.incidents.speech import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.incidents.draft import Draft, JsonDict

_SAFE = {"filtered": False, "severity": "safe"}
_MESSAGES = ("message", "delta")


def drop_refusal(draft: Draft) -> None:
    """Take ``refusal`` out of every message, as it was before August 2024."""
    for message in _messages(draft):
        message.pop("refusal", None)


def add_refusal(draft: Draft) -> None:
    """Put ``refusal: null`` into the message, or into the first piece of a stream."""
    for message in _messages(draft):
        if "role" in message:
            message["refusal"] = None


def drop_audio_tokens(draft: Draft) -> None:
    """Count no tokens of audio, as before October 2024."""
    for details in _token_details(draft):
        details.pop("audio_tokens", None)


def add_audio_tokens(draft: Draft) -> None:
    """Count tokens of audio, none of them."""
    for details in _token_details(draft):
        details["audio_tokens"] = 0


def obfuscate_chunks(draft: Draft) -> None:
    """Pad every event with random letters, so that its length says nothing of its content."""
    for number, document in enumerate(_chunks(draft)):
        digits = keyed_letters(24, "obfuscation", draft.key, str(number))
        document["obfuscation"] = digits[: 1 + int(digits[0], 16)]


def open_with_prompt_filter(draft: Draft) -> None:
    """Send the verdict on the prompt first: a chunk without choices, ids and model."""
    if not draft.is_streamed or not draft.events:
        return
    results = {name: dict(_SAFE) for name in ("hate", "self_harm", "sexual", "violence")}
    document: JsonDict = {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results}],
    }
    draft.events.insert(0, make_event("", document, draft.events[0].due_s))


def drop_prompt_filter(draft: Draft) -> None:
    """Send no chunk about the prompt, as before September 2023."""
    if draft.is_streamed:
        draft.events = [
            event for event in draft.events if "prompt_filter_results" not in (event.document or {})
        ]


def fold_usage_chunk(draft: Draft) -> None:
    """Send usage with the finish reason, and no chunk without choices."""
    counted = _usage_chunk(draft)
    last = _finish_chunk(draft)
    if counted is None or last is None or last.document is None or counted.document is None:
        return
    last.document["usage"] = counted.document["usage"]
    draft.events.remove(counted)


def unfold_usage_chunk(draft: Draft) -> None:
    """Send usage in a chunk of its own, whose ``choices`` are empty."""
    last = _finish_chunk(draft)
    if last is None or last.document is None or not last.document.get("usage"):
        return
    document = {**deepcopy(last.document), "choices": []}
    last.document["usage"] = None
    at = draft.events.index(last) + 1
    draft.events.insert(at, make_event("", document, last.due_s))


def stop_for_tools(draft: Draft) -> None:
    """Say ``stop`` where a tool was called."""
    if not any(message.get("tool_calls") for message in _messages(draft)):
        return
    for choice in _choices(draft):
        if choice.get("finish_reason") is not None:
            choice["finish_reason"] = "stop"


def finish_in_details(draft: Draft) -> None:
    """Say how it ended in an object ``finish_details``, and not in ``finish_reason``."""
    for choice in _choices(draft):
        reason = choice.pop("finish_reason", None)
        choice["finish_details"] = reason and {"type": reason, "stop": "<|fim_suffix|>"}


def lengthen_call_ids(draft: Draft) -> None:
    """Give tool calls ids of 46 letters, where 40 are allowed in an answer to them."""
    _rename_calls(draft, "chatcmpl-tool-", 32)


def spell_call_ids_otherwise(draft: Draft) -> None:
    """Give tool calls ids of another provider, where exactly 9 letters are allowed."""
    _rename_calls(draft, "call_", 24)


def _rename_calls(draft: Draft, prefix: str, letters: int) -> None:
    for message in _messages(draft):
        for number, call in enumerate(items(message, "tool_calls")):
            if call.get("id"):
                named = (draft.key, str(call.get("index", number)))
                call["id"] = prefix + keyed_letters(letters, "call", *named)


def pad_json(draft: Draft) -> None:
    """Write empty lines behind the JSON until the token limit ends it."""
    before = _said(draft)
    rewrite(draft, pad_lines)
    if _said(draft) == before:
        return
    for choice in _choices(draft):
        if choice.get("finish_reason") is not None:
            choice["finish_reason"] = "length"


def send_content_in_parts(draft: Draft) -> None:
    """Send ``content`` as an array of thinking and text, where it was a string."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see."}]}
    is_first = True
    for message in _messages(draft):
        content = message.get("content")
        if isinstance(content, str) and content:
            parts = [{"type": "text", "text": content}]
            message["content"] = [thinking, *parts] if is_first else parts
            is_first = False


def add_reasoning(draft: Draft) -> None:
    """Let the model reason first, for 200 to 455 tokens: send that, count it, and take its time."""
    count = 200 + int(keyed_letters(2, "reasoning", draft.key), 16)
    thought: JsonDict = {"role": "assistant", "content": None, "reasoning_content": "Let me see."}
    if draft.is_streamed and draft.documents:
        _think_first(draft, thought, count)
    else:
        for message in _messages(draft):
            if message:
                message["reasoning_content"] = thought["reasoning_content"]
    _count_reasoning(draft, count)


def _think_first(draft: Draft, thought: JsonDict, count: int) -> None:
    first, last = draft.events[0], draft.events[-1]
    pace_s = (last.due_s - first.due_s) / max(len(draft.events) - 1, 1)
    opening = deepcopy(first.document or {})
    opening["choices"] = [{"index": 0, "delta": thought, "finish_reason": None}]
    thinking = make_event("", opening, first.due_s)
    for event in draft.events:
        event.due_s += count * pace_s
    draft.events.insert(0, thinking)


def drop_reasoning(draft: Draft) -> None:
    """Send no reasoning, count none, and take no time for it."""
    if draft.is_streamed and len(draft.events) > 1 and _is_thought(draft.events[0]):
        thinking = draft.events.pop(0)
        gap_s = draft.events[0].due_s - thinking.due_s
        for event in draft.events:
            event.due_s -= gap_s
    for message in _messages(draft):
        message.pop("reasoning_content", None)
    _count_reasoning(draft, 0)


def _is_thought(event: Event) -> bool:
    deltas = [inner(choice, "delta") for choice in items(event.document or {}, "choices")]
    return any(delta.get("reasoning_content") and not delta.get("content") for delta in deltas)


def _count_reasoning(draft: Draft, count: int) -> None:
    for document in draft.documents:
        usage = inner(document, "usage")
        details = inner(usage, "completion_tokens_details")
        before = details.get("reasoning_tokens")
        more = count - (before if isinstance(before, int) else 0)
        details["reasoning_tokens"] = count
        for name in ("completion_tokens", "total_tokens"):
            if isinstance(counted := usage.get(name), int):
                usage[name] = counted + more


def _chunks(draft: Draft) -> list[JsonDict]:
    return draft.documents if draft.is_streamed else []


def _choices(draft: Draft) -> Iterator[JsonDict]:
    return (choice for document in draft.documents for choice in items(document, "choices"))


def _messages(draft: Draft) -> Iterator[JsonDict]:
    return (inner(choice, name) for choice in _choices(draft) for name in _MESSAGES)


def _said(draft: Draft) -> str:
    return "".join(str(message.get("content") or "") for message in _messages(draft))


def _token_details(draft: Draft) -> Iterator[JsonDict]:
    return (
        inner(document, "usage", name)
        for document in draft.documents
        for name in ("prompt_tokens_details", "completion_tokens_details")
    )


def _usage_chunk(draft: Draft) -> Event | None:
    return next(
        (
            event
            for event in draft.events
            if event.document and event.document.get("usage") and not event.document.get("choices")
        ),
        None,
    )


def _finish_chunk(draft: Draft) -> Event | None:
    if not draft.is_streamed:
        return None
    return next(
        (
            event
            for event in draft.events
            if event.document
            and any(choice.get("finish_reason") for choice in items(event.document, "choices"))
        ),
        None,
    )

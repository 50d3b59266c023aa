"""Streams of chat completion chunks: OpenAI, Azure, Mistral and compatible servers.

Source: OpenAI API reference, "The chat completion chunk object" and ``stream_options``; Azure
OpenAI reference, "Streaming: content filtering", for chunks without choices that carry the
filter's verdict on the prompt; langchain-ai/langchain#38226 for OpenRouter, which says of some
models twice how the answer ended, the second time with the usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.wire_contracts.grammar.automaton import Automaton, breaking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.wire import Frame

DONE = "[DONE]"

_CONTENT, _BLANK, _FINISH = "a chunk with content", "a chunk without content", "a finish_reason"
_USAGE, _FILTERED = "a chunk of usage alone", "a chunk of filter results alone"
_ACCOUNTED = "a finish_reason with usage"
_EMPTY = "a chunk with neither choices nor usage"

_RUNNING = {_CONTENT: "running", _BLANK: "running", _FINISH: "finished", _ACCOUNTED: "finished"}
_FINISHED = {_BLANK: "finished", _ACCOUNTED: "finished", _USAGE: "counted", DONE: "done"}
_ORDER = Automaton(
    start="running",
    moves={
        "running": {**_RUNNING, DONE: "done"},
        "finished": _FINISHED,
        "counted": {DONE: "done"},
        # Nowhere allowed, and so known and misplaced wherever it comes.
        "never": {_EMPTY: "never", _FILTERED: "never"},
    },
    done="done",
)
_ORDER_ON_AZURE = Automaton(
    start="running",
    moves={
        "running": {**_RUNNING, _FILTERED: "running", DONE: "done"},
        "finished": {**_FINISHED, _FILTERED: "finished"},
        "counted": {DONE: "done"},
        "never": {_EMPTY: "never"},
    },
    done="done",
)


def check_chunks(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check a stream of OpenAI's kind: every chunk has choices, but for one of usage at the end.

    A chunk that repeats its predecessor cannot be told from a token that the model wrote twice,
    unless it carries random padding (``repeats``).
    """
    yield from _ORDER.misplaced(_kind(frame) for frame in frames)


def check_azure_chunks(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check a stream of Azure's kind: filter results come in chunks without choices."""
    yield from _ORDER_ON_AZURE.misplaced(_kind(frame) for frame in frames)


def check_tool_indices(frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check that fragments of tool calls are numbered without a gap."""
    highest = -1
    for frame in frames:
        for call in _calls(frame):
            index = call.get("index")
            if not isinstance(index, int) or isinstance(index, bool):
                continue
            if index > highest + 1:
                what = "is not the next one, from 0"
                yield breaking(what, "choices[*].delta.tool_calls[*].index")
            highest = max(highest, index)


def _kind(frame: Frame) -> str:
    document = frame.document
    if document is None:
        return DONE if frame.text.startswith(DONE) else ""
    choices = document.get("choices")
    if not isinstance(choices, list):
        return ""
    if not choices:
        if isinstance(document.get("usage"), dict):
            return _USAGE
        return _FILTERED if document.get("prompt_filter_results") else _EMPTY
    first = choices[0] if isinstance(choices[0], dict) else {}
    if isinstance(first.get("finish_reason"), str):
        return _ACCOUNTED if isinstance(document.get("usage"), dict) else _FINISH
    delta = first.get("delta")
    return _CONTENT if isinstance(delta, dict) and _has_content(delta) else _BLANK


def _has_content(delta: JsonObject) -> bool:
    return bool(delta.get("content") or delta.get("tool_calls") or delta.get("refusal"))


def _calls(frame: Frame) -> Iterator[JsonObject]:
    choices = None if frame.document is None else frame.document.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        delta = choice.get("delta") if isinstance(choice, dict) else None
        calls = delta.get("tool_calls") if isinstance(delta, dict) else None
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict):
                yield call

"""Whether the provider's accounts of tokens agree with themselves and with the answer.

All of it is additive: nobody's program fails on a wrong count, but somebody pays by it. Cached
tokens depend on what was asked before, so only that they are a part of the input is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import WireProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contractcheck.model.completion import Completion
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.wire import Frame

_LONGEST_TOKEN_BYTES = 128
"""The longest token of OpenAI's o200k_base vocabulary, 128 blanks; others have shorter ones."""

_MOST_TOKENS_PER_BYTE = 4
_FREE_TOKENS = 256
"""More visible tokens than four per byte of the answer, and 256 for what no text shows (frames of
tool calls, ends of turns), are tokens that nobody saw."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """How one wire format counts.

    Attributes:
        usage: Places of the object with the counts; the last one found in a stream counts.
        total: Member with the total; empty when there is none.
        parts: Members that always count into the total.
        perhaps: Members that providers count into the total or not.
        within: Parts and what they are a part of.
    """

    usage: tuple[str, ...]
    total: str = ""
    parts: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    within: tuple[tuple[str, str], ...] = ()


_CHAT = _Account(
    usage=("usage",),
    total="total_tokens",
    parts=("prompt_tokens", "completion_tokens"),
    # xAI documents reasoning beside the completion, OpenAI within it.
    perhaps=("completion_tokens_details.reasoning_tokens",),
    within=(("prompt_tokens_details.cached_tokens", "prompt_tokens"),),
)
_ACCOUNTS: Mapping[str, _Account] = {
    "openai-chat": _CHAT,
    "mistral": _CHAT,
    "openai-embeddings": _CHAT,
    "openai-responses": _Account(
        usage=("response.usage", "usage"),
        total="total_tokens",
        parts=("input_tokens", "output_tokens"),
        within=(
            ("input_tokens_details.cached_tokens", "input_tokens"),
            ("output_tokens_details.reasoning_tokens", "output_tokens"),
        ),
    ),
    "gemini": _Account(
        usage=("usageMetadata",),
        total="totalTokenCount",
        parts=("promptTokenCount", "candidatesTokenCount"),
        perhaps=("thoughtsTokenCount", "toolUsePromptTokenCount"),
        within=(("cachedContentTokenCount", "promptTokenCount"),),
    ),
    "bedrock": _Account(
        usage=("usage",),
        total="totalTokens",
        parts=("inputTokens", "outputTokens"),
        perhaps=("cacheReadInputTokens", "cacheWriteInputTokens"),
    ),
}


def check_accounts(schema: str, frames: Sequence[Frame]) -> Iterator[WireProblem]:
    """Check the counts of an answer against each other.

    Args:
        schema: Name of the published schema.
        frames: Of the answer, in order.
    """
    account = _ACCOUNTS.get(schema)
    usage = None if account is None else _last_usage(account, frames)
    if account is None or usage is None:
        return
    total = _count(usage, account.total)
    parts = [_count(usage, name) for name in account.parts]
    if total is not None and None not in parts:
        extras = [{0, _count(usage, name) or 0} for name in account.perhaps]
        base = sum(part or 0 for part in parts)
        if total not in {base + sum(chosen) for chosen in product(*extras)}:
            what = f"{total} is not the sum of {' and '.join(account.parts)} ({base})"
            yield _problem(account.total, what)
    for part, whole in account.within:
        inner, outer = _count(usage, part), _count(usage, whole)
        if inner is not None and outer is not None and inner > outer:
            yield _problem(part, f"{inner} of {outer} {whole}: more than all")


def check_output_tokens(completion: Completion) -> Iterator[WireProblem]:
    """Check the count of output tokens against the answer that they are said to be."""
    counted = completion.output_tokens
    if counted is None or completion.embedding:
        return
    try:
        size_bytes = len(_visible(completion).encode("utf-8", "surrogatepass"))
    except orjson.JSONEncodeError:
        return  # arguments nested deeper than they can be written again
    if counted * _LONGEST_TOKEN_BYTES < size_bytes:
        yield _problem("output tokens", "fewer are counted than the answer can be written with")
    if completion.reasoning_tokens is not None:
        seen = counted - completion.reasoning_tokens
        if seen > _MOST_TOKENS_PER_BYTE * size_bytes + _FREE_TOKENS:
            yield _problem("output tokens", "far more are counted than the answer shows")


def _visible(completion: Completion) -> str:
    calls = [
        call.name + (call.arguments if isinstance(call.arguments, str) else _dump(call.arguments))
        for call in completion.tool_calls
    ]
    return "".join([completion.text, *calls])


def _dump(value: JsonValue) -> str:
    return orjson.dumps(value).decode()


def _last_usage(account: _Account, frames: Sequence[Frame]) -> JsonObject | None:
    for frame in reversed(frames):
        for place in account.usage:
            found = _find(frame.document, place)
            if isinstance(found, dict):
                return found
    return None


def _find(document: JsonObject | None, path: str) -> JsonValue:
    found: JsonValue = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _count(usage: JsonObject, path: str) -> int | None:
    found = _find(usage, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _problem(path: str, what: str) -> WireProblem:
    return WireProblem(path=f"usage.{path}", what=what, severity="additive")

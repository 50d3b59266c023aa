"""First-token log-probabilities of a chat completion or a response.

Source: OpenAI API reference, "Chat Completions": ``choices[].logprobs.content[].top_logprobs``;
"Responses": ``output[].content[].logprobs[].top_logprobs``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue

_MOST_TOKENS = 100
"""Providers list at most 20; what an odd server adds is not read."""


def read_first_token(choice: JsonObject) -> tuple[tuple[str, float], ...]:
    """Read the likeliest tokens at the first place of a choice (or of a chunk's).

    They are an extra that few ask for, and compatible servers have older forms of it: whatever
    is not of the documented form is passed over and breaks nothing.
    """
    logprobs = choice.get("logprobs")
    return likeliest_tokens(logprobs.get("content") if isinstance(logprobs, dict) else None)


def likeliest_tokens(places: JsonValue) -> tuple[tuple[str, float], ...]:
    """Read the likeliest tokens at the first of an answer's places, likeliest first."""
    first = places[0] if isinstance(places, list) and places else None
    listed = first.get("top_logprobs") if isinstance(first, dict) else None
    if not isinstance(listed, list):
        return ()
    found: dict[str, float] = {}
    for entry in listed[:_MOST_TOKENS]:
        token, value = _read_entry(entry)
        # Tokens that are not whole characters share a spelling: the likeliest stands for it.
        if token is not None and value > found.get(token, -math.inf):
            found[token] = value
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _read_entry(entry: JsonValue) -> tuple[str | None, float]:
    token = entry.get("token") if isinstance(entry, dict) else None
    value = entry.get("logprob") if isinstance(entry, dict) else None
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return None, -math.inf
    return token, float(value)

"""First-token log-probabilities of a Gemini candidate.

Source: https://ai.google.dev/api/generate-content#LogprobsResult:
``logprobsResult.topCandidates[].candidates[]`` of ``{token, logProbability}``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue

_MOST_TOKENS = 100
"""At most 20 are listed; what an odd server adds is not read."""


def read_first_token(candidate: JsonObject) -> tuple[tuple[str, float], ...]:
    """Read the likeliest tokens at the first place of a candidate, likeliest first (nats).

    They are an extra that few ask for: whatever is not of the documented form is passed over and
    breaks nothing.
    """
    found: dict[str, float] = {}
    for entry in _listed(candidate)[:_MOST_TOKENS]:
        token = entry.get("token") if isinstance(entry, dict) else None
        # The protobuf mapping leaves a zero out: a certain token has no logProbability.
        value = entry.get("logProbability", 0.0) if isinstance(entry, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if isinstance(token, str):
            # Tokens that are not whole characters share a spelling: the likeliest stands for it.
            found[token] = max(float(value), found.get(token, -math.inf))
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _listed(candidate: JsonObject) -> list[JsonValue]:
    result = candidate.get("logprobsResult")
    places = result.get("topCandidates") if isinstance(result, dict) else None
    first = places[0] if isinstance(places, list) and places else None
    listed = first.get("candidates") if isinstance(first, dict) else None
    return listed if isinstance(listed, list) else []

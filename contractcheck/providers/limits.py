"""How much may be sent, as providers advertise it in the headers of their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contractcheck.model.plan import RateLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REQUESTS: Final[Mapping[str, float]] = {
    "x-ratelimit-limit-requests": 1.0,
    "anthropic-ratelimit-requests-limit": 1.0,
    "x-ratelimit-limit-req-minute": 1.0,
    "x-ratelimit-limit-req-10-second": 6.0,
}
"""Header → factor to a minute. OpenAI's rate-limit guide ("Rate limits in headers"), Anthropic's
rate-limit page ("Response headers"), and Mistral's answers, all as of 2026-11."""

_TOKENS: Final[Mapping[str, float]] = {
    "x-ratelimit-limit-tokens": 1.0,
    "anthropic-ratelimit-tokens-limit": 1.0,
    "x-ratelimit-limit-tokens-minute": 1.0,
}


def advertised_limits(headers: Iterable[tuple[str, str]]) -> RateLimits:
    """Read the limits that an answer's headers name; None where they name none.

    Args:
        headers: Names (any case) and values; what is no positive number is passed over.
    """
    values = {name.lower(): value for name, value in headers}
    requests, tokens = _smallest(values, _REQUESTS), _smallest(values, _TOKENS)
    told = requests is not None or tokens is not None
    return RateLimits(
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        source="headers of the recorded answers" if told else "",
    )


def _smallest(values: Mapping[str, str], known: Mapping[str, float]) -> float | None:
    found = [
        int(values[name]) * factor
        for name, factor in known.items()
        if name in values and values[name].isascii() and values[name].isdecimal()
    ]
    positive = [limit for limit in found if limit > 0]
    return min(positive, default=None)

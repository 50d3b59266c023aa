"""Rate limits: read where a provider names them, nothing made of what is no number."""

from __future__ import annotations

import pytest

from contractcheck.model.plan import RateLimits
from contractcheck.providers.limits import advertised_limits


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        ([("X-RateLimit-Limit-Requests", "500"), ("x-ratelimit-limit-tokens", "30000")], 500, 3e4),
        ([("anthropic-ratelimit-requests-limit", "50")], 50, None),
        ([("x-ratelimit-limit-req-10-second", "10")], 60, None),
        ([("anthropic-ratelimit-input-tokens-limit", "40000")], None, 4e4),
        (
            [("x-ratelimit-limit-requests", "60"), ("x-ratelimit-renewalperiod-requests", "10")],
            360,
            None,
        ),
        ([("x-ratelimit-limit-tokens-month", "1000000000")], None, None),
        ([("x-ratelimit-limit-requests", "0")], None, None),
        ([("x-ratelimit-limit-requests", "many"), ("x-ratelimit-limit-tokens", "٣")], None, None),
        ([], None, None),
    ],
)
def test_limits_are_per_minute(
    headers: list[tuple[str, str]], requests: float | None, tokens: float | None
) -> None:
    limits = advertised_limits(headers)
    assert limits.requests_per_minute == requests
    assert limits.tokens_per_minute == tokens


# As in the table of https://console.groq.com/docs/rate-limits.
GROQ = [
    ("retry-after", "2"),
    ("x-ratelimit-limit-requests", "14400"),
    ("x-ratelimit-limit-tokens", "18000"),
    ("x-ratelimit-remaining-requests", "14370"),
    ("x-ratelimit-remaining-tokens", "17997"),
    ("x-ratelimit-reset-requests", "2m59.56s"),
    ("x-ratelimit-reset-tokens", "7.66s"),
]


def test_requests_per_day_bound_no_minute() -> None:
    limits = advertised_limits(GROQ, "groq")
    assert limits.requests_per_minute is None
    assert limits.tokens_per_minute == 18000
    assert advertised_limits(GROQ, "openai").requests_per_minute == 14400


def test_no_limit_has_no_source() -> None:
    assert advertised_limits([("content-type", "text/plain")]) == RateLimits()

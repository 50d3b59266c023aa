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


def test_no_limit_has_no_source() -> None:
    assert advertised_limits([("content-type", "text/plain")]) == RateLimits()

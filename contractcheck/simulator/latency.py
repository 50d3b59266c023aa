"""When the tokens of an answer arrive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from contractcheck.simulator.keyed import keyed_random

if TYPE_CHECKING:
    from contractcheck.simulator.nights import NightEffect

FIRST_TOKEN_S = 0.32
"""Median time to the first token of a short prompt."""

FIRST_TOKEN_LOG_SD = 0.25
PROMPT_TOKEN_S = 0.0001
"""Reading time per prompt token."""

TOKEN_S = 0.014
"""Median time per further token."""

PACE_LOG_SD = 0.10
"""Log standard deviation of the pace between requests of one night."""

TOKEN_LOG_SD = 0.30
"""Log standard deviation of the gaps inside one answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Arrival times.

    Attributes:
        due_s: For each token, seconds after the request arrived; rising.
            At least one entry: the first is the time to the first token.
    """

    due_s: tuple[float, ...]

    @property
    def first_token_s(self) -> float:
        """Seconds from the request to the first token."""
        return self.due_s[0]

    @property
    def total_s(self) -> float:
        """Seconds from the request to the last token."""
        return self.due_s[-1]


def plan_timing(
    *,
    key: tuple[str, ...],
    prompt_tokens: int,
    output_tokens: int,
    night: NightEffect,
    time_scale: float,
    first_token_factor: float = 1.0,
) -> Timing:
    """Draw the arrival times of one answer.

    Log-normal time to first token and log-normal gaps, as in recorded traffic
    (log standard deviations of .06 to .5 within one session).

    Args:
        key: Names the request; equal keys, equal times.
        prompt_tokens: >= 0.
        output_tokens: >= 0; 0 is timed like 1.
        night: Its factor applies to everything.
        time_scale: >= 0.
        first_token_factor: > 0, on the time to the first token.
    """
    random = keyed_random("latency", *key)
    scale = night.latency_factor * time_scale
    first_s = FIRST_TOKEN_S * math.exp(FIRST_TOKEN_LOG_SD * random.gauss(0.0, 1.0))
    first_s = (first_s + PROMPT_TOKEN_S * prompt_tokens) * first_token_factor * scale
    pace_s = TOKEN_S * math.exp(PACE_LOG_SD * random.gauss(0.0, 1.0)) * scale
    gaps_s = (
        pace_s * math.exp(TOKEN_LOG_SD * random.gauss(0.0, 1.0))
        for _ in range(max(output_tokens, 1) - 1)
    )
    return Timing(due_s=tuple(accumulate(gaps_s, initial=first_s)))

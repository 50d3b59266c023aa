"""Metrics of when the answer came.

Times of contended trials (our own process was late) are missing, not wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.metrics.registry import metric

if TYPE_CHECKING:
    from contractcheck.model.completion import Answer

_PACED_TOKENS = 10
"""A tool call of three tokens comes in one packet: dividing its time says nothing of pace."""


@metric("number", plane="latency", unit="s")
def ttft_s(answer: Answer, _place: str) -> float | None:
    """Time to the first event that carries content, s; missing when not streamed."""
    return None if answer.timing.is_contended else answer.timing.ttft_s


@metric("number", plane="latency", unit="s/token")
def time_per_token_s(answer: Answer, _place: str) -> float | None:
    """Time per output token after the first: (total - time to first) / (tokens - 1), s.

    Missing for answers of fewer than 10 tokens, whose pace is that of the network.
    """
    first_s, tokens = answer.timing.ttft_s, answer.completion.output_tokens
    if answer.timing.is_contended or first_s is None or tokens is None or tokens < _PACED_TOKENS:
        return None
    return (answer.timing.total_s - first_s) / (tokens - 1)


@metric("number", plane="latency", unit="s")
def total_s(answer: Answer, _place: str) -> float | None:
    """Time to the end of the answer, s."""
    return None if answer.timing.is_contended else answer.timing.total_s

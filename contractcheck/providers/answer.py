"""From an exchange to an answer: completion and timing, whatever the dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Answer, Completion, Outcome, Timing
from contractcheck.model.exchange import IMPORTED
from contractcheck.providers import dialect
from contractcheck.providers.failures import TIME_OUTS, failure_of

if TYPE_CHECKING:
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.wire_mapping import WireMapping

_LATE_SHARE = 0.25
_LATE_US = 20_000
"""A trial is contended when our own event loop was late, or whoever read the answer kept a chunk
before asking for the next, by more than 20 ms and by more than a quarter of the whole answer:
below that, lateness cannot carry a latency verdict (margins start at 1.25x); above, the time is
ours and not the provider's."""


def read_answer(exchange: Exchange, provider: str, mapping: WireMapping | None = None) -> Answer:
    """Read one exchange; failures become completions with their outcome, never exceptions.

    Args:
        exchange: What was recorded.
        provider: Who was asked.
        mapping: How the provider ``http`` is read.

    Raises:
        UsageError: If the provider has no dialect.
    """
    response = exchange.response
    if response is None:
        completion = Completion(outcome=Outcome.INFRA, detail=exchange.error or "no response")
    else:
        failure = failure_of(response, ended=exchange.ended, error=exchange.error)
        completion = failure or dialect(provider, mapping).read(response)
    return Answer(completion=completion, timing=_timing(exchange, completion))


def _timing(exchange: Exchange, completion: Completion) -> Timing:
    response = exchange.response
    first_us = None
    if response is not None:
        offset = completion.first_content_byte
        first_us = response.time_of_byte_us(offset) if offset is not None else None
    ours_us = max(exchange.lag_us, exchange.held_us)
    late = ours_us > max(_LATE_US, _LATE_SHARE * exchange.end_us)
    return Timing(
        ttft_s=None if first_us is None else first_us / 1e6,
        total_s=exchange.end_us / 1e6,
        is_contended=late or exchange.via == IMPORTED,
        is_censored=exchange.ended == "error" and exchange.error in TIME_OUTS,
    )

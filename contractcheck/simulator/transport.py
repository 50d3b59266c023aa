"""How the way between a client and the simulated provider fails, where `Faults` ask for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.simulator.compression import accepts_coding
from contractcheck.simulator.keyed import keyed_uniform
from contractcheck.simulator.reply import break_reply, compress_reply, cut_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.conditions import Conditions
    from contractcheck.simulator.dialect import Dialect
    from contractcheck.simulator.reply import Reply

_LEAST_DELAY_S = 0.001


def read_attempt(headers: Mapping[str, str], arrivals: int) -> int:
    """Return which attempt of its client a request is, from 0.

    Args:
        headers: Of the request.
        arrivals: How often this very request came before: the answer for a client that does
            not say. The SDKs of OpenAI and Anthropic count in ``x-stainless-retry-count``,
            those of AWS in ``amz-sdk-request: attempt=1``.
    """
    said = re.search(r"attempt=(\d{1,4})\b", headers.get("amz-sdk-request", ""))
    if said:
        return max(int(said.group(1)) - 1, 0)
    retries = headers.get("x-stainless-retry-count", "")
    return int(retries) if re.fullmatch(r"[0-9]{1,4}", retries) else arrivals


def refuse_attempt(dialect: Dialect, conditions: Conditions, attempt: int) -> None:
    """Refuse the first attempts, where this is asked for.

    The delay that is told scales like every wait, down to a millisecond: SDKs take 0 for
    nothing said and wait as long as they see fit.

    Raises:
        RequestError: 429, or 503/529.
    """
    fault = conditions.faults.hit(attempt)
    if fault in {"rate_limited", "overloaded"}:
        error = dialect.make_overload(1 if fault == "rate_limited" else 0)
        error.retry_delay_s = max(conditions.time_scale, _LEAST_DELAY_S)
        raise error


def spoil_reply(
    reply: Reply,
    dialect: Dialect,
    conditions: Conditions,
    *,
    occasion: tuple[str, ...],
    attempt: int,
    accept_encoding: str,
) -> Reply:
    """Return an answer as it arrives.

    Args:
        reply: The whole answer.
        dialect: Whose wire format.
        conditions: State of the provider.
        occasion: Names the answer; equal names, equal faults.
        attempt: Which attempt of its client is answered, from 0.
        accept_encoding: Header of the request.
    """
    faults = conditions.faults
    if reply.streamed and keyed_uniform("error_in_stream", *occasion) < faults.error_in_stream:
        sent = len(reply.parts) // 2
        reply = break_reply(reply, dialect.write_stream_error(dialect.make_overload(0), sent))
    if faults.compressed and accepts_coding(accept_encoding, faults.compressed):
        reply = compress_reply(reply, faults.compressed)
    if reply.streamed:
        is_cut = keyed_uniform("cut_stream", *occasion) < faults.cut_stream
    else:
        is_cut = faults.hit(attempt) == "cut_body"
    return cut_reply(reply) if is_cut else reply

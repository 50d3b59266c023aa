"""What is known of a target's limits, and who may send next: pure steps from state to state.

Two bounds. A token bucket holds what may be sent per second: what the provider advertises, what
the user declared, whichever is less. A window holds how many may be under way at once: it is
halved when the provider refuses for load and grows by one per window of answers (AIMD; D.-M. Chiu
and R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989).
After a refusal everybody pauses together.

Times are of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.providers.rate_headers import RateAdvice, RateWindow

_LONGEST_PERIOD_S: Final = 3_600.0
"""A limit over more than an hour says nothing about this minute."""

_POLL_S: Final = 0.05
"""How often to look whether a place in the window became free."""

_LEAST_WAIT_S: Final = 0.001
"""Shorter waits would only be rounding, asked for again and again."""

_LEASE_S: Final = 120.0
"""A process that said nothing for so long (s) has nothing under way, as far as others mind."""

_LONGEST_PAUSE_S: Final = 60.0
"""Longest pause (s) for a window that is used up: limits are per minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A bound on sending.

    Attributes:
        per_s: Requests per second, > 0.
        burst: Requests that may leave at once, >= 1.
    """

    per_s: float
    burst: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """What a process has under way, and when it last said so."""

    under_way: int
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What all processes of this machine know of one target's limits.

    Attributes:
        advertised: What the provider last said, or None.
        level: Requests that may leave now, up to the burst; may lie below 0.
        level_at_s: When that was true.
        window: Most requests under way at once, >= 1; None while the provider refused nothing.
        cut_at_s: When the window was last halved.
        paused_until_s: Before then nobody sends.
        strikes: Refusals in a row, each counted once for all that were under way.
        leases: What each process has under way, by its id.
        at_s: When this was last true.
    """

    advertised: Rate | None = None
    level: float = math.inf
    level_at_s: float = 0.0
    window: float | None = None
    cut_at_s: float = 0.0
    paused_until_s: float = 0.0
    strikes: int = 0
    leases: Mapping[int, Lease] = field(default_factory=dict)
    at_s: float = 0.0

    @property
    def is_restricting(self) -> bool:
        """Whether anybody has to ask before sending."""
        is_counted = self.advertised is not None or math.isfinite(self.level)
        return is_counted or self.window is not None or self.paused_until_s > 0.0


def admit(
    quota: Quota, *, now_s: float, process: int, under_way: int, declared: Rate | None
) -> tuple[Quota, float]:
    """Ask to send one request.

    Args:
        quota: What is known.
        now_s: Now.
        process: Id of the asking process.
        under_way: Requests that it has under way.
        declared: The user's own bound, or None.

    Returns:
        What is known then, and the time (s) to wait before asking again; 0 means: send.
    """
    if now_s < quota.paused_until_s:
        return quota, max(_LEAST_WAIT_S, quota.paused_until_s - now_s)
    before = replace(quota, at_s=now_s)
    quota, wait_s = _draw(before, _tighter(quota.advertised, declared))
    # While nothing was refused nobody counts: a number that is kept up costs each request time.
    if wait_s > 0.0 or quota.window is None:
        return quota, wait_s
    leases = {p: lease for p, lease in quota.leases.items() if now_s - lease.at_s <= _LEASE_S}
    leases[process] = Lease(under_way=under_way, at_s=now_s)
    if sum(lease.under_way for lease in leases.values()) >= math.floor(quota.window):
        return replace(before, leases=leases), _POLL_S
    leases[process] = Lease(under_way=under_way + 1, at_s=now_s)
    return replace(quota, leases=leases), 0.0


def _draw(quota: Quota, rate: Rate | None) -> tuple[Quota, float]:
    """Take one request out of the bucket; or say how long (s) until there is one."""
    if rate is None:
        return quota, 0.0
    now_s = quota.at_s
    level = min(rate.burst, quota.level + (now_s - quota.level_at_s) * rate.per_s)
    if level < 1.0:
        waiting = replace(quota, level=level, level_at_s=now_s)
        return waiting, max(_LEAST_WAIT_S, (1.0 - level) / rate.per_s)
    return replace(quota, level=level - 1.0, level_at_s=now_s), 0.0


def note_answer(quota: Quota, advice: RateAdvice, *, now_s: float, tokens: float) -> Quota:
    """An answer came: the window grows, and its headers are believed.

    Args:
        quota: What is known.
        advice: What its headers say.
        now_s: Now.
        tokens: What a request usually takes (input and output together), >= 0.
    """
    window = quota.window
    if window is not None:
        window += 1.0 / window
    quota = replace(quota, window=window, strikes=0, at_s=now_s)
    return _heed(quota, advice, now_s=now_s, tokens=tokens)


def note_refusal(
    quota: Quota, advice: RateAdvice, *, sent_s: float, now_s: float, pause_s: float, busy: int
) -> Quota:
    """The provider refused for load: half as many at once, after a pause for everybody.

    Args:
        quota: What is known.
        advice: What the refusal's headers say; a wait that they name is kept.
        sent_s: When the request left. What left before the last cut tells nothing new.
        now_s: Now.
        pause_s: Pause when the provider names none (s).
        busy: Requests that the process had under way.
    """
    quota = _heed(replace(quota, at_s=now_s), advice, now_s=now_s, tokens=0.0)
    if advice.retry_after_s is not None:
        until_s = now_s + advice.retry_after_s
        quota = replace(quota, paused_until_s=max(quota.paused_until_s, until_s))
    if sent_s < quota.cut_at_s:
        return quota
    if advice.retry_after_s is None:
        quota = replace(quota, paused_until_s=max(quota.paused_until_s, now_s + pause_s))
    others = sum(lease.under_way for lease in quota.leases.values())
    window = min(quota.window or math.inf, float(max(busy, others, 2)))
    return replace(quota, window=max(1.0, window / 2.0), cut_at_s=now_s, strikes=quota.strikes + 1)


def release(quota: Quota, *, now_s: float, process: int, under_way: int) -> Quota:
    """Say how much a process has under way now."""
    leases = {**quota.leases, process: Lease(under_way=under_way, at_s=now_s)}
    if not under_way:
        del leases[process]
    return replace(quota, leases=leases, at_s=now_s)


def _heed(quota: Quota, advice: RateAdvice, *, now_s: float, tokens: float) -> Quota:
    told = [w for w in advice.windows if w.period_s <= _LONGEST_PERIOD_S]
    for window in told:
        if window.unit == "tokens":
            quota = _pause_for_tokens(quota, window, now_s=now_s, tokens=tokens)
    limits = [w for w in told if w.unit == "requests" and w.limit is not None]
    if not limits:
        return quota
    rates = [
        Rate(per_s=(w.limit or 1.0) / w.period_s, burst=max(1.0, w.limit or 1.0)) for w in limits
    ]
    rate = min(rates, key=lambda one: one.per_s)
    left = [w.remaining for w in limits if w.remaining is not None]
    level = min([quota.level + (now_s - quota.level_at_s) * rate.per_s, rate.burst, *left])
    return replace(quota, advertised=rate, level=level, level_at_s=now_s)


def _pause_for_tokens(quota: Quota, window: RateWindow, *, now_s: float, tokens: float) -> Quota:
    """Pause until a request's usual tokens are there again.

    A limit below them was passed by every answer so far: whatever it counts, it holds nobody up.
    """
    if window.remaining is None or window.limit is None or window.limit < tokens:
        return quota
    if window.remaining >= tokens:
        return quota
    refill_s = (tokens - window.remaining) * window.period_s / window.limit
    pause_s = min(refill_s, window.reset_s or math.inf, _LONGEST_PAUSE_S)
    return replace(quota, paused_until_s=max(quota.paused_until_s, now_s + pause_s))


def _tighter(one: Rate | None, other: Rate | None) -> Rate | None:
    if one is None or other is None:
        return one or other
    return Rate(per_s=min(one.per_s, other.per_s), burst=min(one.burst, other.burst))

"""Wait for one's turn to ask a target; all processes of a machine stand in one queue."""

from __future__ import annotations

import asyncio
import math
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contractcheck.sampling.quota import admit, note_answer, note_refusal, release

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.providers.rate_headers import RateAdvice
    from contractcheck.sampling.backoff import RetryPolicy
    from contractcheck.sampling.quota import Quota, Rate
    from contractcheck.sampling.quota_file import QuotaStore

_SPREAD_S: Final = 0.25
"""Those who waited for the same moment go on within so many seconds (s) of it, not at once."""

_NOTICED_S: Final = 3.0
"""Whoever looks on wants to know of a longer wait (s)."""

_NEWEST: Final = 0.2
"""Weight of the newest answer in the usual number of tokens."""


class PauseTooLongError(Exception):
    """The next request would have to wait longer than there is patience for; ``wait_s`` says it."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"{wait_s:.0f} s")


@dataclass(kw_only=True, slots=True)
class Limiter:
    """Bounds what is sent to one target.

    Attributes:
        store: What is known of its limits.
        policy: Draws pauses.
        declared: The user's own bound, or None.
        patience_s: Longest pause (s) that is waited out.
        tell: Told of a wait (s) that people notice, and of its end (0).
        now_s: The monotonic clock.
        under_way: Requests of this process that were let go and have not ended.
        tokens: What a request of this target usually takes.
    """

    store: QuotaStore
    policy: RetryPolicy
    declared: Rate | None = None
    patience_s: float = math.inf
    tell: Callable[[float], None] = lambda _wait_s: None
    now_s: Callable[[], float] = time.monotonic
    under_way: int = 0
    tokens: float = 0.0
    _is_paused: bool = False
    _own: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def enter(self) -> None:
        """Wait until a request may be sent, and count it as under way.

        Raises:
            PauseTooLongError: If that would take longer than there is patience for.
        """
        if self.declared is None and self.store.is_blank:
            self.under_way += 1
            return
        begun_s = self.now_s()
        # One of this process asks and waits, in order of coming: the others would be told the same.
        async with self._own:
            while (wait_s := await self.store.update(self._admit)) > 0.0:
                # The user's own pace is no trouble, however slow it is.
                if wait_s > self.patience_s and (self.declared is None or self._is_paused):
                    raise PauseTooLongError(wait_s)
                if wait_s > _NOTICED_S:
                    self.tell(wait_s)
                await asyncio.sleep(wait_s + self.policy.share() * min(wait_s, _SPREAD_S))
            self.under_way += 1
        waited_s = self.now_s() - begun_s
        if waited_s > _NOTICED_S:
            self.tell(0.0)

    async def leave(self) -> None:
        """A request has ended."""
        self.under_way -= 1
        if not self.store.is_blank:
            await self.store.update(self._release)

    def note_tokens(self, tokens: int | None) -> None:
        """An answer took so many tokens, input and output together; None when not told."""
        if tokens is not None:
            self.tokens += _NEWEST * (tokens - self.tokens) if self.tokens else tokens

    async def note_answer(self, advice: RateAdvice) -> None:
        """An answer came; ``advice`` is what its headers say."""
        if not advice.windows and self.store.is_blank:
            return

        def step(quota: Quota) -> tuple[Quota, None]:
            now_s = self.now_s()
            return note_answer(quota, advice, now_s=now_s, tokens=self.tokens), None

        await self.store.update(step)

    async def note_refusal(self, advice: RateAdvice, *, sent_s: float) -> None:
        """The provider refused for load.

        Args:
            advice: What its headers say.
            sent_s: When the request left.
        """

        def step(quota: Quota) -> tuple[Quota, None]:
            noted = note_refusal(
                quota,
                advice,
                sent_s=sent_s,
                now_s=self.now_s(),
                pause_s=min(self.patience_s, self.policy.draw_wait_s(quota.strikes + 1)),
                busy=self.under_way,
            )
            return noted, None

        await self.store.update(step)

    def _admit(self, quota: Quota) -> tuple[Quota, float]:
        now_s = self.now_s()
        self._is_paused = quota.paused_until_s > now_s
        return admit(
            quota,
            now_s=now_s,
            process=os.getpid(),
            under_way=self.under_way,
            declared=self.declared,
        )

    def _release(self, quota: Quota) -> tuple[Quota, None]:
        # A lease that is left standing counts as under way once there is a window, for everybody.
        if os.getpid() not in quota.leases:
            return quota, None
        gone = release(quota, now_s=self.now_s(), process=os.getpid(), under_way=self.under_way)
        return gone, None

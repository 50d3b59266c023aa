"""How late our own event loop was: times measured meanwhile are ours, not the provider's.

The HTTP client is pull based: a chunk is stamped when we get to it. A busy process therefore
moves stamps, and a latency verdict must not rest on such trials.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BEAT_S = 0.005
"""Finer than any latency margin that matters, 0.1 % of one core."""

_KEPT = 4096
_NOTED_US = 1_000


@dataclass(slots=True)
class LoopLag:
    """A heartbeat that notes when, and by how much, it was late."""

    late: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def since_us(self, since_ns: int) -> int:
        """Most that the loop was late since a ``perf_counter_ns`` time, in µs."""
        worst = 0
        for at_ns, lag_us in reversed(self.late):
            if at_ns < since_ns:
                break
            worst = max(worst, lag_us)
        return worst

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Run the heartbeat while the context is open."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter_ns()
            await asyncio.sleep(_BEAT_S)
            now = time.perf_counter_ns()
            lag_us = (now - before) // 1000 - round(_BEAT_S * 1e6)
            if lag_us > _NOTED_US:
                self.late.append((now, lag_us))

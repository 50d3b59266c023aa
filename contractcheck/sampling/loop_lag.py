"""How late our own event loop was: times measured meanwhile are ours, not the provider's.

The HTTP client is pull based: a chunk is stamped when we get to it. A busy process therefore
moves stamps, and a latency verdict must not rest on such trials.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BEAT_S = 0.005
"""Finer than any latency margin that matters, 0.1 % of one core."""

_NOTED_US = 1_000


@dataclass(slots=True)
class LoopLag:
    """A heartbeat that notes when, and by how much, it was late.

    Attributes:
        late: When (``perf_counter_ns``) and by how much (µs), oldest first; an entry that a
            later one outdoes is dropped, so that it stays short however long the run is.
        due_ns: When the next beat is due; None before the first and after the last.
    """

    late: list[tuple[int, int]] = field(default_factory=list)
    due_ns: int | None = None

    def since_us(self, since_ns: int) -> int:
        """Most that the loop was late since a ``perf_counter_ns`` time, in µs."""
        # The beat itself may still wait for the loop that it finds late.
        overdue_us = self._overdue_us(time.perf_counter_ns())
        noted_us = next((lag_us for at_ns, lag_us in self.late if at_ns >= since_ns), 0)
        return max(noted_us, overdue_us if overdue_us > _NOTED_US else 0)

    def _overdue_us(self, now_ns: int) -> int:
        return 0 if self.due_ns is None else (now_ns - self.due_ns) // 1000

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
            self.due_ns = None

    async def _beat(self) -> None:
        while True:
            self.due_ns = time.perf_counter_ns() + round(_BEAT_S * 1e9)
            await asyncio.sleep(_BEAT_S)
            now_ns = time.perf_counter_ns()
            self._note(now_ns, self._overdue_us(now_ns))

    def _note(self, at_ns: int, lag_us: int) -> None:
        if lag_us <= _NOTED_US:
            return
        while self.late and self.late[-1][1] <= lag_us:
            self.late.pop()
        self.late.append((at_ns, lag_us))

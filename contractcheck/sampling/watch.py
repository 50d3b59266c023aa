"""Bound how long one answer may take: until its headers, its first content, its end.

Between chunks the HTTP client bounds the silence itself. Nothing is done per chunk: only when a
time is up is looked at what has come.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from contractcheck.cassettes.trial import Slot
    from contractcheck.sampling.bounds import Bounds


class OverdueError(Exception):
    """An answer took too long; the recording says which bound it was."""


@dataclass(kw_only=True, slots=True)
class Watch:
    """Watches one answer.

    Attributes:
        bounds: How long it may take.
        slot: The trial; learns why its request was cut off.
        has_content: Whether what has come holds content.
    """

    bounds: Bounds
    slot: Slot
    has_content: Callable[[], bool]
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Cut what happens inside off when it takes too long.

        Raises:
            OverdueError: If it did.
        """
        loop, bounds = asyncio.get_running_loop(), self.bounds
        try:
            async with asyncio.timeout(None) as scope:
                later = loop.call_later
                self._timers.append(
                    later(bounds.request_timeout_s, self._cut, scope, "RequestTimeout")
                )
                if bounds.first_token_timeout_s is not None:
                    self._timers.append(
                        later(bounds.first_token_timeout_s, self._look_for_content, scope)
                    )
                try:
                    yield
                finally:
                    for timer in self._timers:
                        timer.cancel()
        except TimeoutError:
            if self.slot.overdue:
                raise OverdueError(self.slot.overdue) from None
            raise

    def _look_for_content(self, scope: asyncio.Timeout) -> None:
        if not self.has_content():
            self._cut(scope, "FirstTokenTimeout")

    def _cut(self, scope: asyncio.Timeout, name: str) -> None:
        if not self.slot.overdue:
            self.slot.overdue = name
            scope.reschedule(asyncio.get_running_loop().time())

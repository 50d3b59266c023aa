"""End a session in an orderly way: who waits goes home, who asks is heard out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StoppedError(Exception):
    """The session ends: this trial is left for another one."""


@dataclass(slots=True)
class Stop:
    """Whether a session ends, and why.

    Attributes:
        words: Why it ends; empty while it goes on.
        is_trouble: Whether the provider or the clock ends it, not a budget.
    """

    words: str = ""
    is_trouble: bool = False
    _waits: set[asyncio.Timeout] = field(default_factory=set)

    def call(self, words: str, *, is_trouble: bool = False) -> None:
        """End the session; the first reason counts."""
        if not self.words:
            self.words, self.is_trouble = words, is_trouble
        now_s = asyncio.get_running_loop().time()
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(now_s)
        self._waits.clear()

    @asynccontextmanager
    async def interrupting(self) -> AsyncIterator[None]:
        """Let the end of the session end a wait inside.

        Raises:
            StoppedError: If the session ends.
        """
        if self.words:
            raise StoppedError
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            if not self.words:
                raise
            raise StoppedError from None

"""What all trials of one session share: the way out, the bounds, the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from contractcheck.sampling.stop import StoppedError

if TYPE_CHECKING:
    import asyncio

    import httpx2

    from contractcheck.sampling.options import Pace
    from contractcheck.sampling.progress import Tally
    from contractcheck.sampling.sink import SharedSink
    from contractcheck.sampling.spending import Spending
    from contractcheck.sampling.stop import Stop


@dataclass(slots=True)
class Place:
    """One of the requests that may be under way at once; kept through pauses between attempts.

    Attributes:
        places: All of them.
        is_held: Whether this one is taken.
    """

    places: asyncio.Semaphore
    is_held: bool = False

    async def __aenter__(self) -> Self:
        """Hold none yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave it to others."""
        self.free()

    async def take(self) -> None:
        """Wait for it, unless it is held."""
        if not self.is_held:
            await self.places.acquire()
            self.is_held = True

    def free(self) -> None:
        """Leave it to others."""
        if self.is_held:
            self.is_held = False
            self.places.release()


@dataclass(kw_only=True, slots=True)
class Session:
    """One session.

    Attributes:
        client: Sends the requests.
        pace: How to ask.
        sink: Where exchanges go.
        stop: Whether it ends.
        tally: Counted on.
        spending: What was spent.
        places: For requests under way at once.
        sent: Requests sent in it.
    """

    client: httpx2.AsyncClient
    pace: Pace
    sink: SharedSink
    stop: Stop
    tally: Tally
    spending: Spending
    places: asyncio.Semaphore
    sent: int = 0

    def take_one(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            StoppedError: If the session ends, or a bound is reached and ends it now.
        """
        if not self.stop.words:
            limit = self.pace.max_requests
            if limit is not None and self.sent >= limit:
                self.stop.call(f"--max-requests {limit} reached")
            elif not self.spending.allows_one_more():
                self.stop.call(self.spending.words)
        if self.stop.words:
            raise StoppedError
        self.sent += 1
        self.tally.requests += 1

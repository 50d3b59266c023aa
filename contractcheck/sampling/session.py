"""What all trials of one session share: the way out, the bounds, the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from contractcheck.sampling.stop import StoppedError

if TYPE_CHECKING:
    import asyncio

    import httpx2

    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.sampling.options import Pace
    from contractcheck.sampling.progress import Tally
    from contractcheck.sampling.sink import SharedSink
    from contractcheck.sampling.spending import Claim, Spending
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
        settled: Set whenever less is held back of what may be spent.
    """

    client: httpx2.AsyncClient
    pace: Pace
    sink: SharedSink
    stop: Stop
    tally: Tally
    spending: Spending
    places: asyncio.Semaphore
    settled: asyncio.Event

    async def claim(self, target: Target, case: Case, request_bytes: int) -> Claim:
        """Wait until there is enough left for a request, and hold that back: see ``Spending``.

        Raises:
            StoppedError: If the session ends, or nothing under way can leave enough.
        """
        while not self.stop.words:
            claim = self.spending.claim(target, case, request_bytes)
            if claim is not None:
                return claim
            if self.spending.is_idle:
                self.stop.call(self.spending.words)
                break
            async with self.stop.interrupting():
                self.settled.clear()
                await self.settled.wait()
        raise StoppedError

    def settle(self, claim: Claim) -> None:
        """Let others have what a request did not take."""
        self.spending.release(claim)
        self.settled.set()

    def take_one(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            StoppedError: If the session ends, or a bound is reached and ends it now.
        """
        if not self.stop.words:
            limit = self.pace.max_requests
            if limit is not None and self.tally.requests >= limit:
                self.stop.call(f"--max-requests {limit} reached")
        if self.stop.words:
            raise StoppedError
        self.tally.requests += 1

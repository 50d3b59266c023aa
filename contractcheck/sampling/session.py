"""What all trials of one session share: the way out, the bounds, the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.sampling.stop import StoppedError

if TYPE_CHECKING:
    import httpx2

    from contractcheck.sampling.options import Pace
    from contractcheck.sampling.progress import Tally
    from contractcheck.sampling.sink import SharedSink
    from contractcheck.sampling.spending import Spending
    from contractcheck.sampling.stop import Stop


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
        sent: Requests sent in it.
    """

    client: httpx2.AsyncClient
    pace: Pace
    sink: SharedSink
    stop: Stop
    tally: Tally
    spending: Spending
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

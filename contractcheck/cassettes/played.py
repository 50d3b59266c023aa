"""One recorded answer while a client reads it again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from contractcheck.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from contractcheck.errors import ContractcheckError
    from contractcheck.model.exchange import Exchange, Response


_NO_BODY = frozenset({204, 304})
"""Whatever their heads say (RFC 9112, section 6.3)."""


class Clock(Protocol):
    """A clock that can be waited on."""

    def now_s(self) -> float:
        """Monotonic time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Block this thread."""

    async def sleep_async(self, seconds: float) -> None:
        """Let the event loop go on meanwhile."""


class SystemClock:
    """The machine's monotonic clock."""

    def now_s(self) -> float:
        """Monotonic time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Let the event loop go on meanwhile."""
        await asyncio.sleep(seconds)


@dataclass(slots=True, eq=False)
class Played:
    """A recorded answer: the same bytes, cut at the same places.

    How an adapter answers a request with it::

        played.wait_for_head()              # or: await played.wait_for_head_async()
        if played.response is None:
            raise <the client's own error class of that name>(played.error)
        for chunk in played.chunks(): ...   # or: async for chunk in played.chunks_async()
        if played.error is not None:        # the body broke off here
            raise <the client's own error class of that name>(played.error)
        if played.is_cut:                   # and only if the client asks for more than this
            raise played.overrun()

    Attributes:
        exchange: What was recorded.
        retime: Share of the recorded times to wait: 0 answers at once, 1 keeps the clock.
        clock: Measures and waits.
        refuse: Remembers an error for the end of the session; clients like to swallow and retry.
    """

    exchange: Exchange
    retime: float
    clock: Clock
    refuse: Callable[[ContractcheckError], None]
    _begun_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun_s = self.clock.now_s() if self.retime else 0.0

    @property
    def response(self) -> Response | None:
        """What came, or None when nothing did."""
        return self.exchange.response

    @property
    def error(self) -> str | None:
        """Class name of the recorded transport error."""
        return self.exchange.error

    @property
    def is_cut(self) -> bool:
        """Whether more came than is recorded, because the client had stopped reading."""
        response = self.response
        if response is None or self.exchange.ended != "closed":
            return False
        return not _is_whole(self.exchange.request.method, response)

    def overrun(self) -> ReplayError:
        """Return the error for a client that reads on where it stopped when it was recorded."""
        one = self.exchange
        size_bytes = 0 if one.response is None else len(one.response.body)
        error = ReplayError(
            f"case {one.case!r}, trial {one.trial}: {one.request.method} {one.request.url}: the "
            f"client stopped reading here when it was recorded, after {size_bytes} bytes: "
            "it closed or cancelled the answer, or its trial ended; what would follow is not "
            "known. Read no further, or record it again"
        )
        self.refuse(error)
        return error

    def wait_for_head(self) -> None:
        """Wait until the head (or the error in its place) is due."""
        if self.retime:
            self._wait(self._head_us())

    async def wait_for_head_async(self) -> None:
        """Wait until the head (or the error in its place) is due."""
        if self.retime:
            await self._wait_async(self._head_us())

    def chunks(self) -> Iterator[bytes]:
        """Each chunk of the body when it is due."""
        response = self.exchange.response
        if response is None:
            return iter(())
        return self._paced(response) if self.retime else response.chunks()

    def _paced(self, response: Response) -> Iterator[bytes]:
        for chunk, due_us in zip(response.chunks(), response.chunk_times_us, strict=True):
            self._wait(due_us)
            yield chunk
        self._wait(self.exchange.end_us)

    async def chunks_async(self) -> AsyncIterator[bytes]:
        """Each chunk of the body when it is due."""
        response = self.exchange.response
        if response is None:
            return
        if not self.retime:
            for chunk in response.chunks():
                yield chunk
            return
        for chunk, due_us in zip(response.chunks(), response.chunk_times_us, strict=True):
            await self._wait_async(due_us)
            yield chunk
        await self._wait_async(self.exchange.end_us)

    def _head_us(self) -> int:
        exchange = self.exchange
        return exchange.end_us if exchange.headers_us is None else exchange.headers_us

    def _wait(self, due_us: int) -> None:
        if (left_s := self._left_s(due_us)) > 0:
            self.clock.sleep(left_s)

    async def _wait_async(self, due_us: int) -> None:
        if (left_s := self._left_s(due_us)) > 0:
            await self.clock.sleep_async(left_s)

    def _left_s(self, due_us: int) -> float:
        """Against the beginning, so that a slow consumer does not add to the recorded times."""
        return self._begun_s + due_us * self.retime / 1e6 - self.clock.now_s()


def _is_whole(method: str, response: Response) -> bool:
    """Whether a body that nobody read to its end has come all the same."""
    if method == "HEAD" or response.status in _NO_BODY:
        return True
    if response.header("transfer-encoding") is not None:
        return False
    return response.header("content-length") == str(len(response.body))

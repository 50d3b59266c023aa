"""Hear one answer out, within bounds: of time, of silence before content, of size."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.model.exchange import Response
from contractcheck.providers.first_content import has_content
from contractcheck.sampling.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx2

    from contractcheck.cassettes.trial import Slot
    from contractcheck.providers.wire import Dialect
    from contractcheck.sampling.bounds import Bounds

MOST_ANSWER_BYTES = 8 << 20
"""Largest answer that is read, 8 MiB: nobody's output limit fills a tenth of it, and what would
go on for ever must fill neither memory nor disk."""


@dataclass(kw_only=True, slots=True)
class Heard:
    """An answer as it comes.

    Attributes:
        dialect: How it speaks.
        slot: The trial; learns why its request was cut off.
        response: Status and headers, once they have come.
    """

    dialect: Dialect
    slot: Slot
    response: httpx2.Response | None = None
    _pieces: list[bytes] = field(default_factory=list)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield what comes, up to ``MOST_ANSWER_BYTES``; nothing before there are headers."""
        if self.response is None:
            return
        size_bytes = 0
        async for piece in self.response.aiter_raw():
            self._pieces.append(piece)
            size_bytes += len(piece)
            yield piece
            if size_bytes > MOST_ANSWER_BYTES:
                self.slot.overdue = "AnswerTooLarge"
                return

    def so_far(self) -> Response | None:
        """What has come; None before there are headers."""
        if self.response is None:
            return None
        body = b"".join(self._pieces)
        return Response(
            status=self.response.status_code,
            http_version="HTTP/1.1",
            headers=tuple(self.response.headers.items()),
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(0,),
        )

    def has_content(self) -> bool:
        """Whether what has come so far holds content."""
        so_far = self.so_far()
        return so_far is not None and has_content(self.dialect, self.dialect.frames(so_far))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ear:
    """Asks, and hears answers out.

    Attributes:
        client: Sends.
        dialect: How answers speak.
        bounds: How long one may take.
    """

    client: httpx2.AsyncClient
    dialect: Dialect
    bounds: Bounds

    @asynccontextmanager
    async def ask(
        self,
        slot: Slot,
        method: str,
        url: httpx2.URL | str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes,
    ) -> AsyncIterator[Heard]:
        """Send a request inside a trial; its answer is there when this is entered.

        Raises:
            OverdueError: If the answer takes too long; the recording says which bound it was.
            httpx2.HTTPError: If the way fails.
        """
        heard = Heard(dialect=self.dialect, slot=slot)
        watch = Watch(bounds=self.bounds, slot=slot, has_content=heard.has_content)
        async with (
            watch.watching(),
            self.client.stream(method, url, headers=list(headers), content=body) as response,
        ):
            heard.response = response
            yield heard

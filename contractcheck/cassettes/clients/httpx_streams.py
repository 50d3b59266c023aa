"""Response bodies of httpx and httpx2: copied while they pass, or played from a recording.

Classes with ``__next__`` rather than generators: a body that is forgotten half-read must not be
finished by the garbage collector, which may run in any thread and inside any lock. The trial
finishes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx2

    from contractcheck.cassettes.played import Played
    from contractcheck.cassettes.take import Take

    MakeError = Callable[[Played], httpx2.TransportError]


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamTypes:
    """Stream classes of one library.

    Attributes:
        tee: Passes each chunk on when it arrives, and shows it to a take.
        async_tee: The same, async.
        reel: Plays a recorded body.
        async_reel: The same, async.
    """

    tee: Callable[[object, Take], httpx2.SyncByteStream]
    async_tee: Callable[[object, Take], httpx2.AsyncByteStream]
    reel: Callable[[Played], httpx2.SyncByteStream]
    async_reel: Callable[[Played], httpx2.AsyncByteStream]


def stream_types(sync_base: type, async_base: type, make_error: MakeError) -> StreamTypes:
    """Make stream classes that the library accepts as its own.

    Args:
        sync_base: The library's ``SyncByteStream``.
        async_base: The library's ``AsyncByteStream``.
        make_error: Makes the library's own error of a recorded one.
    """
    tee = type("Tee", (_Tee, sync_base), {})
    async_tee = type("AsyncTee", (_AsyncTee, async_base), {})
    errors = {"make_error": staticmethod(make_error)}
    reel = type("Reel", (_Reel, sync_base), errors)
    async_reel = type("AsyncReel", (_AsyncReel, async_base), errors)
    return StreamTypes(
        tee=cast("Callable[[object, Take], httpx2.SyncByteStream]", tee),
        async_tee=cast("Callable[[object, Take], httpx2.AsyncByteStream]", async_tee),
        reel=cast("Callable[[Played], httpx2.SyncByteStream]", reel),
        async_reel=cast("Callable[[Played], httpx2.AsyncByteStream]", async_reel),
    )


class _Tee:
    def __init__(self, stream: httpx2.SyncByteStream, take: Take) -> None:
        self._stream = stream
        self._take = take
        self._keep = take.pieces.append

    def __iter__(self) -> Self:
        self._chunks = iter(self._stream)
        return self

    def __next__(self) -> bytes:
        self._take.asked_ns = asked_ns = perf_counter_ns()
        try:
            chunk = next(self._chunks)
        except BaseException as error:
            _end(self._take, error)
            raise
        self._keep((chunk, asked_ns, perf_counter_ns()))
        return chunk

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._take.abandon()


class _AsyncTee:
    def __init__(self, stream: httpx2.AsyncByteStream, take: Take) -> None:
        self._stream = stream
        self._take = take
        self._keep = take.pieces.append

    def __aiter__(self) -> Self:
        self._chunks = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        self._take.asked_ns = asked_ns = perf_counter_ns()
        try:
            chunk = await anext(self._chunks)
        except BaseException as error:
            _end(self._take, error)
            raise
        self._keep((chunk, asked_ns, perf_counter_ns()))
        return chunk

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._take.abandon()


def _end(take: Take, error: BaseException) -> None:
    if isinstance(error, StopIteration | StopAsyncIteration):
        take.finish("eof")
    else:
        take.fail(error)


class _Reel:
    make_error: MakeError

    def __init__(self, played: Played) -> None:
        self._played = played

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._played.chunks()
        is_broken = self._played.error is not None or self._played.is_cut
        return self._breaking(chunks) if is_broken else chunks

    def _breaking(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield from chunks
        raise self._played.overrun() if self._played.is_cut else self.make_error(self._played)

    def close(self) -> None:
        """Nothing is held."""


class _AsyncReel:
    make_error: MakeError

    def __init__(self, played: Played) -> None:
        self._played = played

    def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._played.chunks_async()
        is_broken = self._played.error is not None or self._played.is_cut
        return self._breaking(chunks) if is_broken else chunks

    async def _breaking(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
        raise self._played.overrun() if self._played.is_cut else self.make_error(self._played)

    async def aclose(self) -> None:
        """Nothing is held."""

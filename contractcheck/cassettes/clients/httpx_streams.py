"""Response bodies of httpx and httpx2: copied while they pass, or played from a recording.

A body that is forgotten half-read must not be finished by the garbage collector, which may run in
any thread and inside any lock, so what it throws into a generator is passed on and nothing else is
done. The trial finishes such a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

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

    def __iter__(self) -> Iterator[bytes]:
        take, received = self._take, self._take.received
        note_time, keep = received.times_ns.append, received.chunks.append
        try:
            for chunk in self._stream:
                given_ns = perf_counter_ns()
                note_time(given_ns)
                keep(chunk)
                yield chunk
                del chunk  # true bytes: a traceback may show local values
                held_ns = perf_counter_ns() - given_ns
                if held_ns > take.held_ns:  # noqa: PLR1730 - ``max`` takes three times as long
                    take.held_ns = held_ns
        except GeneratorExit:
            raise  # nobody reads on: ``close`` or the trial tells the take
        except BaseException as error:
            take.fail(error)
            raise
        take.finish("eof")

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._take.abandon()


class _AsyncTee:
    def __init__(self, stream: httpx2.AsyncByteStream, take: Take) -> None:
        self._stream = stream
        self._take = take

    async def __aiter__(self) -> AsyncIterator[bytes]:
        take, received = self._take, self._take.received
        note_time, keep = received.times_ns.append, received.chunks.append
        try:
            async for chunk in self._stream:
                given_ns = perf_counter_ns()
                note_time(given_ns)
                keep(chunk)
                yield chunk
                del chunk  # true bytes: a traceback may show local values
                held_ns = perf_counter_ns() - given_ns
                if held_ns > take.held_ns:  # noqa: PLR1730 - ``max`` takes three times as long
                    take.held_ns = held_ns
        except GeneratorExit:
            raise
        except BaseException as error:
            take.fail(error)
            raise
        take.finish("eof")

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._take.abandon()


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

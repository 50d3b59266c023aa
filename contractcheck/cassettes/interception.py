"""Record what passes through HTTP clients, on vcrpy's public seams only.

vcrpy owns the life of the interception (install, remove, one at a time); none of its stock
stubs is used, because they buffer whole streams (a time to first token of 0.014 s reads as
0.7 s), mix up threads and tasks, and save only at exit. Hence ``skip_patchers`` with every
name, ``custom_patches`` with ours, and a persister that never touches a disk: the journal is
the store.

A request belongs to the trial whose ``SLOT`` is set in its context; requests outside a slot
pass through unseen. Streams pass through live: the client gets each chunk when it arrives.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast

from contractcheck.cassettes.lines import request_digest
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.redaction import allowed_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    import httpx2

    from contractcheck.model.exchange import Ending
    from contractcheck.redaction import Scrubber


class Sink(Protocol):
    """Where finished exchanges go."""

    def append(self, exchange: Exchange) -> None:
        """Take one exchange; it is on disk when this returns."""


@dataclass(slots=True)
class Slot:
    """The trial that the current context works for; attempts count themselves."""

    case: str
    trial: int
    attempts: int = 0


SLOT: ContextVar[Slot | None] = ContextVar("contractcheck_slot", default=None)


@contextmanager
def recording(
    sink: Sink,
    scrubber: Scrubber,
    *,
    keep_request_bodies: bool = True,
    lag_since_us: Callable[[int], int] = lambda _since_ns: 0,
) -> Iterator[None]:
    """Record every httpx2 request made inside a slot, while the context is open.

    Args:
        sink: Gets each exchange when it is finished.
        scrubber: Cleans everything that is stored; the client sees the true bytes.
        keep_request_bodies: False stores prompts as digests only.
        lag_since_us: Most that the event loop was late (µs) since a ``perf_counter_ns`` time.
    """
    import httpx2
    import vcr
    from vcr.cassette import Cassette
    from vcr.patch import PATCHER_NAMES

    recorder = _Recorder(sink, scrubber, keep_request_bodies, lag_since_us)
    original = httpx2.AsyncHTTPTransport.handle_async_request

    async def handle_async_request(
        transport: httpx2.AsyncHTTPTransport, request: httpx2.Request
    ) -> httpx2.Response:
        slot = SLOT.get()
        if slot is None:
            return await original(transport, request)
        return await recorder.handle(slot, request, lambda: original(transport, request))

    machine = vcr.VCR(
        skip_patchers=PATCHER_NAMES,
        custom_patches=((httpx2.AsyncHTTPTransport, "handle_async_request", handle_async_request),),
    )
    machine.register_persister(_NullPersister)
    config = machine.get_merged_config(path="contractcheck-journal")
    with Cassette.use(**config):
        yield


class _NullPersister:
    """vcrpy loads and saves nothing: the journal is the store."""

    @staticmethod
    def load_cassette(_path: str, serializer: object) -> tuple[list[object], list[object]]:
        del serializer
        return [], []

    @staticmethod
    def save_cassette(_path: str, _cassette: object, serializer: object) -> None:
        del serializer


@dataclass(slots=True)
class _Recorder:
    sink: Sink
    scrubber: Scrubber
    keep_request_bodies: bool
    lag_since_us: Callable[[int], int]

    async def handle(
        self,
        slot: Slot,
        request: httpx2.Request,
        send: Callable[[], Awaitable[httpx2.Response]],
    ) -> httpx2.Response:
        """Send a request for a slot and record what becomes of it."""
        take = _Take(
            recorder=self,
            case=slot.case,
            trial=slot.trial,
            attempt=slot.attempts,
            request=self._stored(request),
        )
        slot.attempts += 1
        request.extensions = {**request.extensions, "trace": take.on_trace}
        try:
            response = await send()
        except asyncio.CancelledError:
            take.finish("closed")
            raise
        except BaseException as error:
            take.finish("error", type(error).__name__)
            raise
        take.on_headers(response)
        response.stream = _make_tee(cast("httpx2.AsyncByteStream", response.stream), take)
        return response

    def _stored(self, request: httpx2.Request) -> Request:
        url = self.scrubber.scrub_text(str(request.url))
        body = self.scrubber.scrub(request.content)
        return Request(
            method=request.method,
            url=url,
            headers=_scrubbed(request.headers, self.scrubber),
            body=body if self.keep_request_bodies else b"",
            digest=request_digest(request.method, url, body),
        )


def _scrubbed(headers: httpx2.Headers, scrubber: Scrubber) -> tuple[tuple[str, str], ...]:
    pairs = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw)
    return tuple(
        (scrubber.scrub_text(name), scrubber.scrub_text(value))
        for name, value in allowed_headers(pairs)
    )


@dataclass(slots=True)
class _Take:
    """One attempt while it happens."""

    recorder: _Recorder
    case: str
    trial: int
    attempt: int
    request: Request
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    begun_ns: int = field(default_factory=time.perf_counter_ns)
    sent_ns: int | None = None
    headers_us: int | None = None
    response: httpx2.Response | None = None
    chunks: list[bytes] = field(default_factory=list)
    times_us: list[int] = field(default_factory=list)
    is_finished: bool = False

    async def on_trace(self, event: str, _info: object) -> None:
        """Start the clock when the request leaves, not while it waits for a connection."""
        if event.endswith("send_request_headers.started"):
            self.sent_ns = time.perf_counter_ns()

    def on_headers(self, response: httpx2.Response) -> None:
        self.headers_us = self._elapsed_us()
        self.response = response

    def on_chunk(self, chunk: bytes) -> None:
        self.times_us.append(self._elapsed_us())
        self.chunks.append(chunk)

    def finish(self, ended: Ending, error: str | None = None) -> None:
        """Hand the exchange over, once."""
        if self.is_finished:
            return
        self.is_finished = True
        end_us = self._elapsed_us()
        origin = self.sent_ns or self.begun_ns
        self.recorder.sink.append(
            Exchange(
                case=self.case,
                trial=self.trial,
                attempt=self.attempt,
                request=self.request,
                response=self._stored_response(),
                started_at=self.started_at,
                waited_us=(origin - self.begun_ns) // 1000,
                headers_us=self.headers_us,
                end_us=end_us,
                ended=ended,
                error=error,
                lag_us=self.recorder.lag_since_us(origin),
            )
        )

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - (self.sent_ns or self.begun_ns)) // 1000

    def _stored_response(self) -> Response | None:
        if self.response is None:
            return None
        scrubber = self.recorder.scrubber
        version = self.response.extensions.get("http_version", b"HTTP/1.1")
        return Response(
            status=self.response.status_code,
            http_version=bytes(version).decode("ascii"),
            headers=_scrubbed(self.response.headers, scrubber),
            body=self._stored_body(self.response),
            chunk_bytes=tuple(map(len, self.chunks)),
            chunk_times_us=tuple(self.times_us),
        )

    def _stored_body(self, response: httpx2.Response) -> bytes:
        body = b"".join(self.chunks)
        if response.headers.get("content-encoding", "identity") != "identity":
            # Nobody can look for a secret in there, and we asked for plain bytes.
            return b"*" * len(body)
        # Scrubbed as a whole, so that a secret cut by a chunk boundary is found; the
        # replacement has the same length, so that the boundaries stay true.
        return self.recorder.scrubber.scrub(body)


def _make_tee(stream: httpx2.AsyncByteStream, take: _Take) -> httpx2.AsyncByteStream:
    """Wrap a stream: stamps and keeps each chunk, passes it on at once."""
    import httpx2

    class Tee(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for chunk in stream:
                    take.on_chunk(chunk)
                    yield chunk
            except (GeneratorExit, asyncio.CancelledError):
                take.finish("closed")
                raise
            except BaseException as error:
                take.finish("error", type(error).__name__)
                raise
            take.finish("eof")

        async def aclose(self) -> None:
            try:
                await stream.aclose()
            finally:
                take.finish("closed")

    return Tee()

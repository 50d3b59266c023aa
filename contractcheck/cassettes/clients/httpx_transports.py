"""httpx and httpx2, sync and async: intercepted at the transport, below clients and SDKs.

The two libraries have the same transport interface, so one adapter serves both; it is typed
against httpx2.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from contractcheck.cassettes.clients.httpx_streams import stream_types
from contractcheck.cassettes.played import Played
from contractcheck.cassettes.session import Outgoing
from contractcheck.cassettes.socket_guard import making_call
from contractcheck.cassettes.trial import SLOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import httpx2

    from contractcheck.cassettes.clients import Patch
    from contractcheck.cassettes.session import Session
    from contractcheck.cassettes.take import Take


class _Library(Protocol):
    """What is used of httpx or httpx2."""

    HTTPTransport: type[httpx2.HTTPTransport]
    AsyncHTTPTransport: type[httpx2.AsyncHTTPTransport]
    SyncByteStream: type[httpx2.SyncByteStream]
    AsyncByteStream: type[httpx2.AsyncByteStream]
    Response: type[httpx2.Response]
    TransportError: type[httpx2.TransportError]


def patches(session: Session, library: str) -> Sequence[Patch]:
    """Intercept the network transports of ``library`` (``httpx`` or ``httpx2``)."""
    module = cast("_Library", importlib.import_module(library))
    adapter = _Adapter(session, library, module)
    send = module.HTTPTransport.handle_request
    send_async = module.AsyncHTTPTransport.handle_async_request

    def handle_request(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        return adapter.handle(request, lambda: send(self, request))

    async def handle_async_request(
        self: httpx2.AsyncHTTPTransport, request: httpx2.Request
    ) -> httpx2.Response:
        return await adapter.handle_async(request, lambda: send_async(self, request))

    return (
        (module.HTTPTransport, "handle_request", handle_request),
        (module.AsyncHTTPTransport, "handle_async_request", handle_async_request),
    )


class _Adapter:
    def __init__(self, session: Session, library: str, module: _Library) -> None:
        self.session = session
        self.library = library
        self.module = module
        self.streams = stream_types(module.SyncByteStream, module.AsyncByteStream, self.error)

    def handle(
        self, request: httpx2.Request, send: Callable[[], httpx2.Response]
    ) -> httpx2.Response:
        outgoing = _outgoing(request, b"" if SLOT.get() is None else request.read())
        begun = self.session.begin(outgoing, via=self.library)
        if isinstance(begun, Played):
            begun.wait_for_head()
            return self.answer(begun, self.streams.reel(begun))
        with making_call():
            if begun is None:
                return send()
            on_event = _tracer(begun, request)

            def trace(event: str, info: object) -> None:
                on_event(event, info)

            request.extensions = {**request.extensions, "trace": trace}
            try:
                response = send()
            except BaseException as error:
                begun.fail(error)
                raise
        _note_head(begun, response)
        response.stream = self.streams.tee(response.stream, begun)
        return response

    async def handle_async(
        self, request: httpx2.Request, send: Callable[[], Awaitable[httpx2.Response]]
    ) -> httpx2.Response:
        outgoing = _outgoing(request, b"" if SLOT.get() is None else await request.aread())
        begun = self.session.begin(outgoing, via=self.library)
        if isinstance(begun, Played):
            await begun.wait_for_head_async()
            return self.answer(begun, self.streams.async_reel(begun))
        with making_call():
            if begun is None:
                return await send()
            on_event = _tracer(begun, request)

            async def trace(event: str, info: object) -> None:
                theirs = on_event(event, info)
                if theirs is not None:
                    await theirs

            request.extensions = {**request.extensions, "trace": trace}
            try:
                response = await send()
            except BaseException as error:
                begun.fail(error)
                raise
        _note_head(begun, response)
        response.stream = self.streams.async_tee(response.stream, begun)
        return response

    def answer(
        self, played: Played, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream
    ) -> httpx2.Response:
        """Make the library's own response of a recorded one, or raise its own error."""
        recorded = played.response
        if recorded is None:
            raise self.error(played)
        return self.module.Response(
            recorded.status,
            headers=[(k.encode("latin-1"), v.encode("latin-1")) for k, v in recorded.headers],
            stream=stream,
            extensions={
                "http_version": recorded.http_version.encode("ascii"),
                "reason_phrase": recorded.reason.encode("latin-1"),
            },
        )

    def error(self, played: Played) -> httpx2.TransportError:
        """Make the library's own error of a recorded one."""
        name = played.error or ""
        kind = getattr(self.module, name, None)
        if not (isinstance(kind, type) and issubclass(kind, self.module.TransportError)):
            kind = self.module.TransportError
        return kind(f"{name} (replayed from a recording)")


def _outgoing(request: httpx2.Request, body: bytes) -> Outgoing:
    return Outgoing(
        method=request.method,
        url=str(request.url),
        headers=_decoded(request.headers),
        body=body,
    )


def _decoded(headers: httpx2.Headers) -> tuple[tuple[str, str], ...]:
    return tuple([(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw])


def _tracer(take: Take, request: httpx2.Request) -> Callable[[str, object], Awaitable[None] | None]:
    """Start the clock when the request leaves, not while it waits for a connection.

    A trace that the caller asked for goes on.
    """
    theirs = cast(
        "Callable[[str, object], Awaitable[None] | None] | None", request.extensions.get("trace")
    )

    def trace(event: str, info: object) -> Awaitable[None] | None:
        if event.endswith("send_request_headers.started"):
            take.on_sent()
        return None if theirs is None else theirs(event, info)

    return trace


def _note_head(take: Take, response: httpx2.Response) -> None:
    extensions = response.extensions
    take.on_headers(
        status=response.status_code,
        reason=cast("bytes", extensions.get("reason_phrase", b"")).decode("latin-1"),
        http_version=cast("bytes", extensions.get("http_version", b"HTTP/1.1")).decode("ascii"),
        headers=_decoded(response.headers),
    )

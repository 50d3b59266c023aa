"""A connection of aiohttp without a socket: its parser is fed a recorded answer."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.clients.http1 import Framer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from types import TracebackType

    from aiohttp import BaseConnector, ClientRequest
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.helpers import BaseTimerContext

    from contractcheck.cassettes.played import Played
    from contractcheck.model.exchange import Response


_LOOK_AGAIN_S = 0.01
"""Between two looks for a client that takes what there is and never waits."""


async def played_connection(
    played: Played, connector: BaseConnector, req: ClientRequest
) -> Connection:
    """Return a connection that answers with a recorded response.

    Raises:
        aiohttp.ClientError: If what was recorded is a failure to get any response.
    """
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

    if played.response is None:
        await played.wait_for_head_async()
        raise _connection_error(played.error or "", req)
    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop)
    protocol.connection_made(_Player(played, played.response, protocol, req))
    protocol.force_close()  # never into the pool of live connections
    return Connection(connector, req.connection_key, protocol, loop)


class _Player(asyncio.Transport):
    """Takes any request, and delivers the answer when the client waits for it."""

    def __init__(
        self, played: Played, response: Response, protocol: ResponseHandler, req: ClientRequest
    ) -> None:
        super().__init__()
        # A client that asked whether it may send its body has to be told.
        self._first = b"HTTP/1.1 100 Continue\r\n\r\n" if "Expect" in req.headers else b""
        self._loop = asyncio.get_running_loop()
        self._played = played
        self._framer = Framer(played.exchange, response)
        self._times_us = response.chunk_times_us
        self._protocol = protocol
        self._feeding: asyncio.Task[None] | None = None
        self._is_closing = False
        self._is_lost = False
        self._awaited = asyncio.Event()
        make_parser = protocol.set_response_params

        def set_response_params(**params: object) -> None:
            """Begin to feed the parser that is made here."""
            timer = cast("BaseTimerContext", params["timer"])
            # Nobody sends, so there is no silence of a peer to measure.
            params |= {"timer": _Turnstile(timer, self._awaited), "read_timeout": None}
            make_parser(**params)  # type: ignore[arg-type]  # passed through as they came
            self._feeding = self._loop.create_task(self._feed())

        vars(protocol)["set_response_params"] = set_response_params

    async def _feed(self) -> None:
        """Feed what came at once, each time that the client waits for more."""
        await self._played.wait_for_head_async()
        self._protocol.data_received(self._first + self._framer.head())
        times_us = iter(self._times_us)
        fed_us: int | None = None
        chunks = cast("AsyncGenerator[bytes]", self._played.chunks_async())
        async with aclosing(chunks):
            async for chunk in chunks:
                time_us = next(times_us)
                if time_us != fed_us:
                    await self._wait_until_all_is_taken()
                fed_us = time_us
                self._protocol.data_received(self._framer.chunk(chunk))
        self._protocol.data_received(self._framer.end())
        if self._played.is_cut:
            await self._refuse_more()
        elif self._played.error is not None:
            self._break_off(self._played.error)
        elif self._framer.is_endless:
            self._lose(None)

    async def _wait_until_all_is_taken(self) -> None:
        """Return when the client waits for more, or has nothing left to take without waiting."""
        await asyncio.sleep(0)  # the client takes what it got, before it is asked
        while not self._awaited.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self._awaited.wait()
            payload = self._protocol._payload  # noqa: SLF001 - what its own parser fills
            if payload is not None and not payload._buffer:  # noqa: SLF001 - as its read_nowait looks
                return

    async def _refuse_more(self) -> None:
        """Raise an error in whoever waits for more than there is."""
        await asyncio.sleep(0)
        await self._awaited.wait()
        payload = self._protocol._payload  # noqa: SLF001 - what its own parser fills
        if payload is not None:
            payload.set_exception(self._played.overrun())

    def _break_off(self, name: str) -> None:
        if "Timeout" in name:
            self._protocol._on_read_timeout()  # noqa: SLF001 - what its own timer calls
        else:
            self._lose(ConnectionResetError(f"recorded: {name}"))

    def _lose(self, error: Exception | None) -> None:
        self._is_closing = True
        if not self._is_lost:
            self._is_lost = True
            self._protocol.connection_lost(error)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a request."""

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Take a request."""

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return not self._is_closing

    def pause_reading(self) -> None:
        """Waits for the client anyway."""

    def resume_reading(self) -> None:
        """Waits for the client anyway."""

    def abort(self) -> None:
        self.close()

    def close(self) -> None:
        if self._is_closing or self._loop.is_closed():
            return
        self._is_closing = True
        if self._feeding is not None:
            self._feeding.cancel()
        self._loop.call_soon(self._lose, None)


class _Turnstile:
    """The timer that aiohttp enters while it waits for body bytes: tells that it does."""

    def __init__(self, timer: BaseTimerContext, awaited: asyncio.Event) -> None:
        self._timer = timer
        self._awaited = awaited

    def __enter__(self) -> BaseTimerContext:
        self._awaited.set()
        return self._timer.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._awaited.clear()
        return self._timer.__exit__(kind, error, trace)

    def assert_timeout(self) -> None:
        self._timer.assert_timeout()


def _connection_error(name: str, req: ClientRequest) -> Exception:
    """Return the error of an attempt that got no response, by the name it was recorded with."""
    import aiohttp

    text = f"recorded: {name}"
    kind = getattr(aiohttp, name, None)
    if not (isinstance(kind, type) and issubclass(kind, aiohttp.ClientConnectionError)):
        kind = _nearest(name)
    if issubclass(kind, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return kind(req.connection_key, ConnectionRefusedError(text))
    if issubclass(kind, aiohttp.ServerFingerprintMismatch):
        return aiohttp.ServerConnectionError(text)
    return kind(text)


def _nearest(name: str) -> type[Exception]:
    """The error of aiohttp that is most like one of another client."""
    import aiohttp

    if name == "TimeoutError":
        return TimeoutError
    if "Timeout" in name:
        return aiohttp.ServerTimeoutError
    if "Connect" in name and "Reset" not in name:
        return aiohttp.ClientConnectorError
    return aiohttp.ServerDisconnectedError

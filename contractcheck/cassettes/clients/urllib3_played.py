"""A connection of urllib3 without a network: ``http.client`` reads a recorded answer."""

from __future__ import annotations

import builtins
import http.client
import io
import socket
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.clients.http1 import Framer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer
    from urllib3 import HTTPConnectionPool, HTTPResponse
    from urllib3.connection import HTTPConnection

    from contractcheck.cassettes.played import Played


def answer(
    played: Played,
    pool: HTTPConnectionPool,
    conn: HTTPConnection,
    url: str,
    send: Callable[[], HTTPResponse],
) -> HTTPResponse:
    """Let urllib3 have a recorded answer.

    Args:
        played: The answer.
        pool: Pool that was asked.
        conn: A connection of it; if it is open, it is closed.
        url: As the pool was given it.
        send: Sends the request on that connection, which takes any.

    Raises:
        Exception: What was recorded instead of a response.
    """
    played.wait_for_head()
    if played.response is None:
        raise _connection_error(played.error or "", pool, conn, url)
    conn.close()
    conn.sock = cast("socket.socket", _PlayedSocket(played))
    conn.is_verified = True  # nobody is spoken to, so nobody has to prove who they are
    try:
        return send()
    finally:
        conn.sock = (
            None  # the response has its own file; the next request finds a closed connection
        )


class _PlayedSocket:
    """Takes any request, and has the recorded answer to read."""

    def __init__(self, played: Played) -> None:
        self._played = played

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reel(_wire(self._played)))

    def sendall(self, _data: bytes) -> None:
        """Take a request."""

    def settimeout(self, _timeout_s: float | None) -> None:
        """Never waits for anybody."""

    def shutdown(self, _how: int) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


def _wire(played: Played) -> Iterator[bytes]:
    if played.response is None:
        return
    framer = Framer(played.exchange, played.response)
    yield framer.head()
    for chunk in played.chunks():
        yield framer.chunk(chunk)
    if played.error is not None and (error := _body_error(played.error, framer)) is not None:
        raise error
    if played.is_cut:
        raise played.overrun()
    yield framer.end()


class _Reel(io.RawIOBase):
    """A file that holds pieces, and gives them out one by one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        room = memoryview(buffer)
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _connection_error(
    name: str, pool: HTTPConnectionPool, conn: HTTPConnection, url: str
) -> Exception:
    """Return the error of an attempt that got no response.

    Args:
        name: Class name as recorded, by whatever client.
        pool: Pool that was asked.
        conn: Connection that was not made.
        url: As the pool was given it.
    """
    from urllib3 import exceptions

    text = f"recorded: {name}"
    make: dict[str, Callable[[], Exception]] = {
        "NameResolutionError": lambda: exceptions.NameResolutionError(
            conn.host, conn, socket.gaierror(text)
        ),
        "ConnectTimeoutError": lambda: exceptions.ConnectTimeoutError(conn, text),
        "SSLError": lambda: exceptions.SSLError(text),
    }
    if name in make:
        return make[name]()
    if (error := _standard(name)) is not None:
        return error
    if "Timeout" in name:
        return exceptions.ReadTimeoutError(pool, url, text)
    if "Connect" in name:
        return exceptions.NewConnectionError(conn, text)
    return http.client.RemoteDisconnected(text)


def _body_error(name: str, framer: Framer) -> Exception | None:
    """Return the error with which a body broke off; None if its end alone tells the client."""
    error = _standard(name)
    if isinstance(error, OSError):
        return error
    if "Timeout" in name:
        return TimeoutError(f"recorded: {name}")
    return ConnectionResetError(f"recorded: {name}") if framer.is_endless else None


def _standard(name: str) -> Exception | None:
    """An error of the standard library that connections raise, by its name."""
    found = getattr(builtins, name, None) or getattr(http.client, name, None)
    if name == "IncompleteRead" or not isinstance(found, type):
        return None
    if not issubclass(found, OSError | http.client.HTTPException):
        return None
    return found(f"recorded: {name}")

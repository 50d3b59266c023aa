"""Tell a take what ``http.client`` reads for urllib3."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.clients.http1 import Deframer, framing_of

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer
    from urllib3 import HTTPResponse
    from urllib3.connection import HTTPConnection

    from contractcheck.cassettes.take import Take


def watch(
    take: Take,
    conn: HTTPConnection,
    method: str,
    send: Callable[..., HTTPResponse],
    *,
    preload: object,
) -> HTTPResponse:
    """Send a request, and tell a take what becomes of it.

    Args:
        take: Is told.
        conn: Connection that ``send`` uses, open or not.
        method: Of the request.
        send: Sends it, given what to change of its options.
        preload: Whether the caller wants the body read before it gets the response.
    """
    connect = conn.connect

    def connect_and_note() -> None:
        connect()
        take.on_sent()

    take.on_sent()
    vars(conn)["connect"] = connect_and_note
    try:
        # Not preloaded: the body has to be seen while it comes.
        response = send(preload_content=False)
    except BaseException as error:
        take.fail(error)
        raise
    finally:
        del vars(conn)["connect"]
    wire = cast("http.client.HTTPResponse", response._original_response)  # noqa: SLF001 - requests reads it too
    headers = tuple((str(name), str(value)) for name, value in wire.headers.items())
    take.on_headers(
        status=wire.status,
        reason=wire.reason,
        http_version="HTTP/1.0" if wire.version == 10 else "HTTP/1.1",  # noqa: PLR2004 - as http.client writes 1.0
        headers=headers,
    )
    deframer = Deframer(framing_of(method, wire.status, headers), whole_chunks=True)
    wire.fp = io.BufferedReader(_Tee(wire.fp, deframer, take))
    if preload:
        response._body = response.read()  # noqa: SLF001 - as its constructor would have done
    return response


class _Tee(io.RawIOBase):
    """The socket file of a response: what is read of it is also told to a take."""

    def __init__(self, file: io.BufferedReader, deframer: Deframer, take: Take) -> None:
        self._file = file
        self._deframer = deframer
        self._take = take
        self._finish_if_complete()

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Buffer, /) -> int:
        room = memoryview(buffer)
        self._take.on_pull()
        try:
            data = self._file.read1(len(room))
        except BaseException as error:
            self._take.fail(error)
            raise
        if data:
            self._see(data)
        else:
            self._see_end()
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._tell(self._deframer.rest())  # may have been read in part
            self._take.finish("closed")
            self._file.close()
        super().close()

    def _see(self, data: bytes) -> None:
        try:
            self._tell(self._deframer.feed(data))
        except ValueError:  # the client reads the same and complains in its own words
            self._take.finish("error", "InvalidChunkLength")
        self._finish_if_complete()

    def _see_end(self) -> None:
        if self._deframer.framing.kind == "close":
            self._take.finish("eof")
        elif not self._deframer.is_complete:
            self._take.finish("error", "IncompleteRead")

    def _tell(self, pieces: Iterable[bytes]) -> None:
        for number, piece in enumerate(pieces):
            self._take.on_chunk(piece, is_with_last=number > 0)

    def _finish_if_complete(self) -> None:
        if self._deframer.is_complete:
            self._take.finish("eof")

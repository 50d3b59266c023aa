"""Tell a take what aiohttp's response parser gets from a connection."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from contractcheck.cassettes.clients.http1 import Deframer, framing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import StreamReader
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http_parser import HttpResponseParser, RawResponseMessage

    from contractcheck.cassettes.take import Take

    Messages = Iterable[tuple[RawResponseMessage, StreamReader]]

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIRST_FINAL_STATUS = 200
_SWITCHING_PROTOCOLS = 101


def watch(connection: Connection, method: str, take: Take) -> None:
    """Watch one exchange on a connection that was just taken from its connector."""
    protocol = connection.protocol
    if protocol is None:
        raise RuntimeError("aiohttp handed out a connection that is closed")
    watched = _Watched(protocol, method, take)
    connection.add_callback(watched.on_release)
    make_parser = protocol.set_response_params

    def set_response_params(**params: object) -> None:
        """Put the watch before the parser that is made here, once."""
        del vars(protocol)["set_response_params"]
        make_parser(**params)  # type: ignore[arg-type]  # passed through as they came
        watched.parser = protocol._parser  # type: ignore[assignment]  # noqa: SLF001 - made there
        protocol._parser = watched  # type: ignore[assignment]  # noqa: SLF001 - stands for it

    vars(protocol)["set_response_params"] = set_response_params


class _Watched:
    """Stands before a response parser: passes everything on, and tells the take of it first."""

    parser: HttpResponseParser

    def __init__(self, protocol: ResponseHandler, method: str, take: Take) -> None:
        self._protocol = protocol
        self._method = method
        self._take = take
        self._head = b""
        self._heads = 0
        self._is_ending = False
        self._deframer: Deframer | None = None
        self._payload: StreamReader | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.parser, name)

    def feed_data(self, data: bytes) -> tuple[Messages, bool, bytes]:
        """Bytes came."""
        if self._deframer is not None:
            if data and not self._deframer.is_complete:
                self._on_body(self._deframer, data)
            return self.parser.feed_data(data)
        self._head += data
        messages, is_upgraded, tail = self.parser.feed_data(data)
        for message, payload in messages:
            self._heads += 1
            if message.code >= _FIRST_FINAL_STATUS or message.code == _SWITCHING_PROTOCOLS:
                self._on_head(message, payload)
                break
        return messages, is_upgraded, tail

    def feed_eof(self) -> object:
        """The connection ended; before any head, its release tells why."""
        is_news = self._deframer is not None and self._protocol.transport is not None
        self._is_ending = is_news
        try:
            result = self.parser.feed_eof()
        except BaseException:
            if is_news:
                self._take.finish("error", "ClientPayloadError")
            raise
        if is_news:
            self._take.finish("eof")
        return result

    def on_release(self) -> None:
        """The client lets the connection go; if the body is not whole, this is why."""
        if self._is_ending:
            return
        holder = self._protocol if self._payload is None else self._payload
        error = holder.exception()
        if error is None or _is_our_closing(error):
            error = sys.exception()
            # A total timeout is known only to the task that handles it now.
            error = error if isinstance(error, TimeoutError) else None
        if error is None:
            self._take.finish("closed")
        else:
            self._take.finish("error", type(error).__name__)

    def _on_head(self, message: RawResponseMessage, payload: StreamReader) -> None:
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in message.raw_headers)
        self._take.on_headers(
            status=message.code,
            reason=message.reason or "",
            http_version=f"HTTP/{message.version.major}.{message.version.minor}",
            headers=headers,
        )
        self._payload = payload
        self._deframer = Deframer(framing_of(self._method, message.code, headers))
        self._on_body(self._deframer, _HEAD_END.split(self._head, self._heads)[-1])
        self._head = b""

    def _on_body(self, deframer: Deframer, data: bytes) -> None:
        try:
            pieces = deframer.feed(data)
        except ValueError:  # the parser reads the same and complains in its own words
            self._take.finish("error", "ClientPayloadError")
            return
        for number, piece in enumerate(pieces):
            self._take.on_chunk(piece, is_with_last=number > 0)
        if deframer.is_complete:
            self._take.finish("eof")


def _is_our_closing(error: BaseException) -> bool:
    """Whether the error only says that the client closed its response."""
    from aiohttp import ClientConnectionError

    return type(error) is ClientConnectionError

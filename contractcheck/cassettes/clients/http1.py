"""HTTP/1.1 message framing (RFC 9112): take the body off a wire, put a recorded answer on one.

Clients that own their parser (``http.client``, aiohttp) are served below it: recording looks at
the bytes that the parser gets, replaying feeds it the same bytes again. So redirects, retries,
decompression and every way to read a body stay the client's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from contractcheck.model.exchange import Exchange, Headers, Response

_NO_BODY = frozenset({204, 304})
_FORBIDDEN = re.compile(r"[\r\n\0]")
_HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_MAX_LINE_BYTES = 64 * 1024
"""As ``http.client`` and urllib3: longest line of a chunk size or trailer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Framing:
    """How the end of a body is found (RFC 9112, 6.3).

    Attributes:
        kind: No body at all, chunks, a known length, or until the connection closes.
        length_bytes: Body length; 0 unless ``kind`` is ``length``.
    """

    kind: Literal["none", "chunks", "length", "close"]
    length_bytes: int = 0


def framing_of(method: str, status: int, headers: Headers) -> Framing:
    """Say how a response to ``method`` marks the end of its body."""
    fields = {name.lower(): value.strip() for name, value in headers}
    if method == "HEAD" or status in _NO_BODY or 100 <= status < 200:  # noqa: PLR2004 - RFC 9110, 15.2
        return Framing(kind="none")
    if fields.get("transfer-encoding", "").lower().endswith("chunked"):
        return Framing(kind="chunks")
    if _LENGTH.fullmatch(length := fields.get("content-length", "")):
        return Framing(kind="length", length_bytes=int(length))
    return Framing(kind="close")


class Deframer:
    """Takes body bytes off the wire of one response, as they come.

    Args:
        framing: Where the body ends.
        whole_chunks: Give a chunk out only when all of it is there, as clients do that hand
            over whole chunks (urllib3).
    """

    def __init__(self, framing: Framing, *, whole_chunks: bool = False) -> None:
        self.framing = framing
        self.is_complete = framing.kind == "none" or framing == Framing(kind="length")
        self._left = framing.length_bytes
        self._state: Literal["size", "data", "crlf", "trailer"] = "size"
        self._line = b""
        self._whole_chunks = whole_chunks
        self._held: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the body bytes in ``data``, cut where the sender cut them.

        Bytes after the end are ignored.

        Raises:
            ValueError: If a chunk size is none; what follows cannot be told apart.
        """
        if self.is_complete or not data:
            return []
        if self.framing.kind == "chunks":
            return self._feed_chunks(data)
        if self.framing.kind == "close":
            return [data]
        piece = data[: self._left]
        self._left -= len(piece)
        self.is_complete = self._left == 0
        return [piece]

    def rest(self) -> list[bytes]:
        """Return what is held back of an unfinished chunk."""
        held, self._held = b"".join(self._held), []
        return [held] if held else []

    def _feed_chunks(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        start = 0
        while start < len(data) and not self.is_complete:
            if self._state == "size" and not self._line:
                start = _take_plain_chunks(data, start, pieces)
            if self._state == "data":
                piece = data[start : start + self._left]
                start += len(piece)
                self._left -= len(piece)
                self._give(piece, pieces)
                continue
            stop = data.find(b"\n", start)
            self._line += data[start:] if stop < 0 else data[start:stop]
            if len(self._line) > _MAX_LINE_BYTES:
                raise ValueError("a chunk line that does not end")
            if stop < 0:
                break
            start, line, self._line = stop + 1, self._line.rstrip(b"\r"), b""
            self._on_line(line)
        return pieces

    def _give(self, piece: bytes, pieces: list[bytes]) -> None:
        if self._left == 0:
            self._state = "crlf"
        if not self._whole_chunks:
            pieces.append(piece)
            return
        self._held.append(piece)
        if self._left == 0:
            pieces.extend(self.rest())

    def _on_line(self, line: bytes) -> None:
        if self._state == "size":
            size = line.split(b";", 1)[0].strip()
            if not _HEX.fullmatch(size):
                raise ValueError(f"{size[:20]!r} is no chunk size")
            self._left = int(size, 16)
            self._state = "data" if self._left else "trailer"
        elif self._state == "crlf":
            self._state = "size"
        elif not line:  # the empty line after the trailers
            self.is_complete = True


def _take_plain_chunks(data: bytes, start: int, pieces: list[bytes]) -> int:
    """Append the chunks from ``start`` on that are whole and bare; return where they end.

    Nearly all chunks are so, and a stream has hundreds.
    """
    while (size := _PLAIN_SIZE.match(data, start)) is not None:
        begin = size.end()
        end = begin + int(size[1], 16)
        if end == begin or data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[begin:end])
        start = end + 2
    return start


class Framer:
    """Puts a recorded answer on a wire again: the head, each chunk, the end.

    A body that broke off, or that was read in part only, is left without its end: the one so that
    the client notices as it did, the other because nobody knows how it went on.
    """

    def __init__(self, exchange: Exchange, response: Response) -> None:
        self._response = response
        self._framing = framing_of(exchange.request.method, response.status, response.headers)
        self._is_broken = exchange.ended != "eof"

    @property
    def is_endless(self) -> bool:
        """Whether a body that just stops is whole to the client: nothing announces its end."""
        return self._framing.kind == "close"

    def head(self) -> bytes:
        """Status line and headers.

        A content length is what the stored body has, because redaction may have changed it.
        """
        length_bytes: str | None = None
        if self._framing.kind == "length" and not self._is_broken:
            length_bytes = str(len(self._response.body))
        version = "HTTP/1.0" if self._response.http_version == "HTTP/1.0" else "HTTP/1.1"
        lines = [f"{version} {self._response.status} {self._response.reason}"]
        for name, value in self._response.headers:
            is_length = name.lower() == "content-length" and length_bytes is not None
            lines.append(f"{name}: {length_bytes if is_length else value}")
        # A recording may come from anywhere: it must not be able to add lines of its own.
        clean = "\r\n".join(_FORBIDDEN.sub(" ", line) for line in lines)
        return f"{clean}\r\n\r\n".encode("latin-1", "replace")

    def chunk(self, data: bytes) -> bytes:
        """One piece of the body; nothing for an empty one, which would mean the end."""
        if not data or self._framing.kind == "none":
            return b""
        return b"%x\r\n%s\r\n" % (len(data), data) if self._framing.kind == "chunks" else data

    def end(self) -> bytes:
        """What follows the last piece."""
        return b"0\r\n\r\n" if self._framing.kind == "chunks" and not self._is_broken else b""

"""Undo HTTP content codings (RFC 9110, 8.4.1), with bounds on what may come out.

A few hundred kilobytes can decode to gigabytes. So decoding goes piece by piece and stops at
the bound: it never holds more than the bound, one piece and the decoder's own window.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from contractcheck.errors import DamagedBodyError, DecodedTooLargeError, UnknownCodingError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_DECODED_BYTES = 8 * 2**20
"""A chat answer has kilobytes, an image in JSON a few megabytes."""

MOST_RATIO = 100
"""Decoded over encoded bytes; event streams of one repeated word stay below (about 60)."""

_SMALL_BYTES = 2**20
"""Below this the ratio is not asked for: honest empty answers compress very well."""

_PIECE_BYTES = 2**16
_BROTLI_QUALITY = 5
"""Of 11: what servers use on the fly; the highest takes a second per megabyte."""

_WINDOW_LOG = 23
"""RFC 9659: a zstd content coding may ask for a window of at most 8 MB."""


class _Decoder(Protocol):
    """One compressed frame, decoded in pieces."""

    def feed(self, data: bytes) -> bytes:
        """Take all of ``data`` (only when ``wants_input``), return at most one piece."""

    @property
    def wants_input(self) -> bool: ...

    @property
    def is_finished(self) -> bool: ...

    @property
    def rest(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What could be decoded.

    Attributes:
        body: Decoded bytes.
        is_whole: False when the encoded bytes end too early.
    """

    body: bytes
    is_whole: bool


def decode_body(
    data: bytes,
    coding: str,
    *,
    max_bytes: int = MOST_DECODED_BYTES,
    max_ratio: int = MOST_RATIO,
) -> bytes:
    """Undo the content codings of a body.

    Args:
        data: The body as it came.
        coding: Value of ``content-encoding``: names in the order applied, comma-separated.
        max_bytes: Most bytes that may come out, of each coding.
        max_ratio: Most bytes out per byte in, asked for above 1 MiB.

    Raises:
        UnknownCodingError: If a coding is not known here.
        DamagedBodyError: If the bytes are not of that coding, or end too early.
        DecodedTooLargeError: If more would come out.
    """
    decoded = decode_available(data, coding, max_bytes=max_bytes, max_ratio=max_ratio)
    if not decoded.is_whole:
        raise DamagedBodyError(f"a body coded as {coding} ends too early: it was cut off")
    return decoded.body


def decode_available(
    data: bytes,
    coding: str,
    *,
    max_bytes: int = MOST_DECODED_BYTES,
    max_ratio: int = MOST_RATIO,
) -> Decoded:
    """Like ``decode_body``, for bodies that may have been cut off: what there is, is decoded."""
    is_whole = True
    for name in reversed(split_coding(coding)):
        out = bytearray()
        most = min(max_bytes, max(_SMALL_BYTES, max_ratio * len(data)))
        for piece in _pieces(data, _decoder_maker(name, data)):
            if piece is None:
                is_whole = False
                break
            out += piece
            if len(out) > most:
                raise DecodedTooLargeError(
                    f"{len(data)} bytes coded as {name} decode to more than {most} bytes: "
                    "a decompression bomb, or a body too large to be kept"
                )
        data = bytes(out)
    return Decoded(body=data, is_whole=is_whole)


def encode_body(data: bytes, coding: str) -> bytes:
    """Apply content codings: the same bytes for the same input.

    Args:
        data: Plain bytes.
        coding: As in ``decode_body``.

    Raises:
        UnknownCodingError: If a coding is not known here.
    """
    for name in split_coding(coding):
        if name == "gzip":
            compressor = zlib.compressobj(wbits=31)
            data = compressor.compress(data) + compressor.flush()
        elif name == "deflate":
            data = zlib.compress(data)
        elif name == "zstd":
            data = zstd.compress(data)
        else:
            data = _brotli().compress(data, quality=_BROTLI_QUALITY)
    return data


def split_coding(coding: str) -> tuple[str, ...]:
    """Names in a ``content-encoding``, in the order applied, without ``identity``.

    Raises:
        UnknownCodingError: If one is not known here.
    """
    names = [name.strip().lower().removeprefix("x-") for name in coding.split(",")]
    found = tuple(name for name in names if name not in ("", "identity"))
    for name in found:
        if name not in ("gzip", "deflate", "zstd", "br"):
            raise UnknownCodingError(
                f"the content coding {name[:40]!r} is not known; "
                "known are gzip, deflate, zstd and br"
            )
        if name == "br":
            _brotli()
    return found


def _pieces(data: bytes, make: Callable[[], _Decoder]) -> Iterator[bytes | None]:
    """Decode frame after frame; a last None says that the data ended too early."""
    decoder: _Decoder | None = None
    for start in range(0, len(data), _PIECE_BYTES):
        given = data[start : start + _PIECE_BYTES]
        while given:
            decoder = decoder or make()
            yield decoder.feed(given)
            while not (decoder.wants_input or decoder.is_finished):
                yield decoder.feed(b"")
            given = b""
            if decoder.is_finished:
                given, decoder = decoder.rest, None
                if not given.strip(b"\0"):
                    given = b""  # zeros may pad a gzip file (RFC 1952 readers skip them)
    if decoder is not None:
        yield None


def _decoder_maker(name: str, data: bytes) -> Callable[[], _Decoder]:
    if name == "br":
        return _Brotli
    if name == "zstd":
        return _Zstd
    if name == "gzip":
        return lambda: _Zlib(31)
    # RFC 9110 means zlib by "deflate"; some servers send the bare stream, which has no header.
    has_header = (
        int.from_bytes(data[:1]) & 15 == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
    )
    return lambda: _Zlib(15 if has_header else -15)


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._is_full = False

    def feed(self, data: bytes) -> bytes:
        try:
            piece = self._inner.decompress(self._inner.unconsumed_tail + data, _PIECE_BYTES)
        except zlib.error as error:
            raise DamagedBodyError(f"a body is not what its coding says: {error}") from error
        self._is_full = len(piece) == _PIECE_BYTES
        return piece

    @property
    def wants_input(self) -> bool:
        return not (self._is_full or self._inner.unconsumed_tail)

    @property
    def is_finished(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


class _Zstd:
    def __init__(self) -> None:
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        self._inner = zstd.ZstdDecompressor(options=options)

    def feed(self, data: bytes) -> bytes:
        try:
            return self._inner.decompress(data, _PIECE_BYTES)
        except zstd.ZstdError as error:
            raise DamagedBodyError(f"a body is not what its coding says: {error}") from error

    @property
    def wants_input(self) -> bool:
        return self._inner.needs_input

    @property
    def is_finished(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


class _BrotliDecompressor(Protocol):
    def process(self, data: bytes, *, output_buffer_limit: int) -> bytes: ...

    def can_accept_more_data(self) -> bool: ...

    def is_finished(self) -> bool: ...


class _BrotliModule(Protocol):
    """The part of ``brotli`` and ``brotlicffi`` (from 1.2 on) that is used here."""

    error: type[Exception]

    def compress(self, string: bytes, *, quality: int) -> bytes: ...

    def Decompressor(self) -> _BrotliDecompressor:  # noqa: N802 - the library's own name
        ...


def _brotli() -> _BrotliModule:
    """The Brotli library, if one that can bound its output is installed."""
    for name in ("brotli", "brotlicffi"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module.Decompressor, "can_accept_more_data"):
            return cast("_BrotliModule", module)
    raise UnknownCodingError(
        "a body is coded as br, and no library that decodes it is installed; "
        "install brotli 1.2 or newer"
    )


class _Brotli:
    rest = b""

    def __init__(self) -> None:
        self._module = _brotli()
        self._inner = self._module.Decompressor()
        self._is_full = False

    def feed(self, data: bytes) -> bytes:
        if self._inner.is_finished():
            raise DamagedBodyError("a body coded as br goes on after its end")
        try:
            piece = self._inner.process(data, output_buffer_limit=_PIECE_BYTES)
        except self._module.error as error:
            raise DamagedBodyError(f"a body is not what its coding says: {error}") from error
        self._is_full = len(piece) >= _PIECE_BYTES
        return piece

    @property
    def wants_input(self) -> bool:
        return self._inner.can_accept_more_data() and not self._is_full

    @property
    def is_finished(self) -> bool:
        return self._inner.is_finished()

"""Content codings (RFC 9110, 8.4.1), written event by event as a streaming server does."""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, cast

from contractcheck.errors import UsageError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Sequence

Coding = Literal["gzip", "deflate", "br", "zstd"]
CODINGS: tuple[Coding, ...] = ("gzip", "deflate", "br", "zstd")

_GZIP_WBITS = 31


class Compressor(Protocol):
    """One coded body in the making."""

    def add(self, data: bytes) -> bytes:
        """Take an event; the bytes returned so far decode to all that was taken."""
        ...

    def finish(self) -> bytes:
        """Return the end of the body."""
        ...


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._compressor = zlib.compressobj(wbits=wbits)

    def add(self, data: bytes) -> bytes:
        return self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _Zstd:
    def __init__(self) -> None:
        self._compressor = zstd.ZstdCompressor()

    def add(self, data: bytes) -> bytes:
        return self._compressor.compress(data, self._compressor.FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _BrotliCompressor(Protocol):
    """What the untyped ``brotli`` offers."""

    def process(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...

    def finish(self) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        try:
            module = import_module("brotli")
        except ImportError:
            raise UsageError(
                "content coding br needs the package brotli; install it or use another coding"
            ) from None
        self._compressor = cast("_BrotliCompressor", module.Compressor())

    def add(self, data: bytes) -> bytes:
        return self._compressor.process(data) + self._compressor.flush()

    def finish(self) -> bytes:
        return self._compressor.finish()


def make_compressor(coding: Coding) -> Compressor:
    """Return a fresh compressor.

    Raises:
        UsageError: The package for ``br`` is missing.
    """
    match coding:
        case "gzip":
            return _Zlib(_GZIP_WBITS)
        case "deflate":
            return _Zlib(zlib.MAX_WBITS)  # the coding of this name is zlib's format, not deflate's
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()


def compress_parts(parts: Sequence[bytes], coding: Coding) -> list[bytes]:
    """Code a body; every part can be decoded as soon as it is there.

    Raises:
        UsageError: The package for ``br`` is missing.
    """
    compressor = make_compressor(coding)
    coded = [compressor.add(part) for part in parts]
    return [*coded[:-1], coded[-1] + compressor.finish()]


def accepts_coding(accept_encoding: str, coding: Coding) -> bool:
    """Tell whether an ``accept-encoding`` header allows a coding (RFC 9110, 12.5.3)."""
    allowed = dict[str, bool]()
    for entry in accept_encoding.lower().split(","):
        name, _, weight = entry.partition(";")
        allowed[name.strip()] = weight.strip() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return allowed.get(coding, allowed.get("*", False))

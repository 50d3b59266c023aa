"""Replace secrets by stars of the same length, so that lengths and chunk bounds stay true."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.redaction.addresses import addresses_source, find_in_addresses
from contractcheck.redaction.fields import fields_source, find_fields
from contractcheck.redaction.known import KnownSecrets
from contractcheck.redaction.linear import compile_linear
from contractcheck.redaction.shapes import find_shapes, shapes_source
from contractcheck.redaction.streams import (
    find_in_streams,
    joined_text,
    other_texts_source,
    text_field,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.redaction.linear import LinearPattern, Span

_RUN_OR_USER = (b"*" * 6, b"*@", b"*%40")
"""No rule stars less than six, but for the user part of an address."""

_STARRED = re.compile(rb"\*{6,}|(?<=[/\\]/)\*+(?=@)|(?<=%2[Ff])\*+(?=%40)")
_TOKEN = b"*****"
_MOST_PASSES = 16
"""Two are usual. Text that needs more was made to; nothing of it is kept (fail closed)."""

KNOWN_KIND = "a credential this process uses"


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Scrubs the secrets it was made with, and everything that looks like one.

    Shows nothing of them: neither its attributes nor a pattern appear in a traceback.

    Attributes:
        known: The secrets of this process.
    """

    known: KnownSecrets = field(repr=False)
    _source: bytes = field(repr=False)
    _any: LinearPattern = field(repr=False)
    _certain: LinearPattern = field(repr=False)
    _beside: dict[bytes, LinearPattern] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def for_secrets(cls, secrets: Iterable[str]) -> Scrubber:
        """Make a scrubber that knows these values (each at least six characters)."""
        return _make(frozenset(secrets))

    def scrub(self, data: bytes) -> bytes:
        """Return ``data`` with every secret starred; same length; idempotent."""
        if self._is_clean(data):
            return data
        for _ in range(_MOST_PASSES):
            starred = _starred(data, (span for span, _ in self.find(data)))
            if starred == data:
                return data
            data = starred  # a star may end the word that hid the beginning of another secret
        return b"*" * len(data)

    def scrub_text(self, text: str) -> str:
        """Like ``scrub``, for text (stars count the bytes of UTF-8)."""
        return self.scrub(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def scrub_for_identity(self, data: bytes) -> bytes:
        """Return ``data`` with every secret replaced by one token, whatever its length.

        For digests: a request that carries another key, or an already starred one, is the same
        request.
        """
        scrubbed = self.scrub(data)
        # To look for a single byte costs next to nothing.
        if b"*" not in scrubbed or not any(mark in scrubbed for mark in _RUN_OR_USER):
            return scrubbed
        return _STARRED.sub(_TOKEN, scrubbed)

    def find_certain(self, data: bytes) -> Iterator[tuple[Span, str]]:
        """Find known secrets and things shaped like one, wherever they stand."""
        if self._certain.search(data) is None:
            return
        for span in self.known.find(data):
            yield span, KNOWN_KIND
        yield from find_shapes(data)

    def find(self, data: bytes) -> Iterator[tuple[Span, str]]:
        """Find every secret, starred ones included: its span, and what kind it is."""
        yield from self.find_certain(data)
        yield from find_fields(data)
        yield from find_in_addresses(data)
        yield from find_in_streams(data, self.find_certain)

    def _is_clean(self, data: bytes) -> bool:
        """Whether there is certainly nothing to find, by as few looks at all bytes as will do."""
        name = text_field(data)
        if name is None:
            return self._any.search(data) is None
        if self._any_beside(name).search(data) is None:
            return next(self.find_certain(joined_text(data, name)), None) is None
        if self._any.search(data) is not None:
            return False
        return next(find_in_streams(data, self.find_certain), None) is None

    def _any_beside(self, name: bytes) -> LinearPattern:
        """Matches any secret, and any text that a stream spells outside of one field."""
        pattern = self._beside.get(name)
        if pattern is None:
            pattern = compile_linear(self._source + b"|" + other_texts_source(name))
            self._beside[name] = pattern
        return pattern


@lru_cache(maxsize=8)
def _make(secrets: frozenset[str]) -> Scrubber:
    known = KnownSecrets.of(secrets)
    certain = shapes_source() + (b"|" + known.source if known.source else b"")
    everything = b"|".join((certain, fields_source(), addresses_source()))
    return Scrubber(known, everything, compile_linear(everything), compile_linear(certain))


def _starred(data: bytes, spans: Iterable[Span]) -> bytes:
    cleaned = bytearray(data)
    for start, end in spans:
        cleaned[start:end] = b"*" * (end - start)
    return bytes(cleaned)

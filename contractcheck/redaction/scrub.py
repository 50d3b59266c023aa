"""Replace secrets by stars of the same length, so that lengths and chunk bounds stay true."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
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
    from contractcheck.repeats import Repeats

_RUN_OR_USER = (b"*" * 6, b"*@", b"*%40")
"""No rule stars less than six, but for the user part of an address."""

_STARRED = re.compile(rb"\*{6,}|(?<=[/\\]/)\*+(?=@)|(?<=%2[Ff])\*+(?=%40)")
_TOKEN = b"*****"
_MOST_PASSES = 16
"""Two are usual. Text that needs more was made to; nothing of it is kept (fail closed)."""

KNOWN_KIND = "a credential this process uses"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    """What is searched for, compiled; never changed but for what ``beside`` adds when asked.

    Attributes:
        known: The secrets of this process.
        source: RE2 source of ``any``.
        any: Matches wherever there may be something to find.
        certain: The same for what is certain wherever it stands.
        beside: ``any`` and any text that a stream spells outside of one field, by that field.
    """

    known: KnownSecrets
    source: bytes
    any: LinearPattern
    certain: LinearPattern
    beside: dict[bytes, LinearPattern] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Scrubber:
    """Scrubs the secrets it was made with or has learnt, and everything that looks like one.

    Shows nothing of them: neither its attributes nor a pattern appear in a traceback.
    """

    _secrets: frozenset[str] = field(repr=False)
    _rules: _Rules = field(repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def for_secrets(cls, secrets: Iterable[str]) -> Scrubber:
        """Make a scrubber that knows these values (each at least six characters)."""
        wanted = frozenset(secrets)
        return cls(wanted, _rules_for(wanted))

    @property
    def known(self) -> KnownSecrets:
        """The secrets of this process; another object once more were learnt."""
        return self._rules.known

    def learn(self, secrets: Iterable[str]) -> None:
        """Know these values too from now on; any thread may call, as often as it likes.

        A search under way in another thread ends with what it began with: learn a secret before
        it is first sent, so that no answer under way can hold it.
        """
        wanted = frozenset(secrets)
        if wanted <= self._secrets:
            return
        with self._lock:
            wanted |= self._secrets
            self._rules = _rules_for(wanted)
            self._secrets = wanted  # last: whoever finds a secret here relies on its rule

    def scrub(self, data: bytes, repeats: Repeats | None = None) -> bytes:
        """Return ``data`` with every secret starred; same length; idempotent.

        Args:
            data: What is searched.
            repeats: The same as a text in parts, if that is known: what a stream spells is then
                quicker laid end to end.
        """
        if self._is_clean(data, repeats):
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
        if self._rules.certain.search(data) is None:
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

    def _is_clean(self, data: bytes, repeats: Repeats | None) -> bool:
        """Whether there is certainly nothing to find, by as few looks at all bytes as will do."""
        rules = self._rules
        name = text_field(data)
        if name is None:
            return rules.any.search(data) is None
        if _any_beside(rules, name).search(data) is None:
            return next(self.find_certain(joined_text(data, name, repeats)), None) is None
        if rules.any.search(data) is not None:
            return False
        return next(find_in_streams(data, self.find_certain), None) is None


def _any_beside(rules: _Rules, name: bytes) -> LinearPattern:
    """Matches any secret, and any text that a stream spells outside of one field."""
    pattern = rules.beside.get(name)
    if pattern is None:
        pattern = compile_linear(rules.source + b"|" + other_texts_source(name), has_groups=False)
        rules.beside[name] = pattern
    return pattern


@lru_cache(maxsize=8)
def _rules_for(secrets: frozenset[str]) -> _Rules:
    known = KnownSecrets.of(secrets)
    certain = shapes_source() + (b"|" + known.source if known.source else b"")
    everything = b"|".join((certain, fields_source(), addresses_source()))
    return _Rules(
        known=known,
        source=everything,
        any=compile_linear(everything, has_groups=False),
        certain=compile_linear(certain, has_groups=False),
    )


def _starred(data: bytes, spans: Iterable[Span]) -> bytes:
    cleaned = bytearray(data)
    for start, end in spans:
        cleaned[start:end] = b"*" * (end - start)
    return bytes(cleaned)

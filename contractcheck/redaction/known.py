"""Find secrets whose value is known, however they are spelled.

A secret that comes back may be plain, percent-encoded, escaped in a JSON string (once or
twice), in base64 at any of three alignments, or in hex. Each of these is a ``Spelling``: for
every place the byte sequences that may stand there. One mechanism then finds them all, whole
or cut: sixteen places at either end are searched for, and a hit is extended as far as it goes.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from contractcheck.redaction.linear import compile_linear

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.redaction.linear import LinearPattern, Span

SHORTEST_SECRET = 6
"""Characters. Shorter values would star out ordinary words; no provider issues keys so short."""

_HEAD = 6
"""Places at the beginning of a secret that betray it at the very end of a body."""

_LONGEST_CUT_BYTES = 256
"""Sixteen places in the longest spelling; more of a secret is found anywhere."""

_ANCHOR = 16
"""Places at an end that betray a cut secret: of 62 letters, 95 bits, so nothing else has them."""

Spelling = tuple[tuple[bytes, ...], ...]
"""For each place what may stand there, longest first."""


def spellings(secret: str) -> Iterator[Spelling]:
    """All ways in which a secret may be spelled."""
    raw = secret.encode(errors="surrogateescape")
    yield tuple(map(_spellings_of_character, secret))
    yield tuple((b"%02x" % byte, b"%02X" % byte) for byte in raw)
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        # The characters at both ends mix the secret's bits with those of its neighbours.
        core = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST_SECRET:
            yield tuple(map(_spellings_of_base64, core))


def _spellings_of_base64(character: str) -> tuple[bytes, ...]:
    also = {"+": b"-", "/": b"_"}.get(character)
    plain = _spellings_of_character(character)
    return plain if also is None else (*plain, also)


_IN_JSON = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "/": "\\/"}
_IN_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", " ": "+"}


def _spellings_of_character(character: str) -> tuple[bytes, ...]:
    """One character: plain, percent-encoded, escaped in JSON, in HTML; twice over, too."""
    # The environment may hold bytes that are not UTF-8: Python shows them as half a surrogate.
    plain = character.encode(errors="surrogateescape")
    if character.isascii() and character.isalnum():
        return (plain,)
    percent = quote(plain, safe="") if character not in "-_.~" else f"%{ord(character):02X}"
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    in_json = {escaped, escaped.upper().replace("U", "u"), _IN_JSON.get(character, escaped)}
    in_json |= {form.replace("\\", "\\\\").replace('"', '\\"') for form in in_json}
    in_url = {percent, percent.lower()}
    in_url |= {form.replace("%", "%25") for form in in_url}
    in_url |= {form.replace("\\", mark) for form in in_json for mark in ("%5C", "%5c")}
    forms = in_json | in_url | {_IN_HTML.get(character, percent)}
    encoded = {form.encode() for form in forms} | {plain}
    return tuple(sorted(encoded, key=lambda form: (-len(form), form)))


@dataclass(frozen=True, slots=True)
class KnownSecrets:
    """Finds given secrets. Shows neither them nor its pattern.

    Attributes:
        spellings: All spellings of all secrets.
        source: RE2 source that matches the beginning of every hit; empty without secrets.
        has_escapes: Whether a secret holds what a JSON string cannot hold as it is.
    """

    spellings: tuple[Spelling, ...] = field(repr=False)
    source: bytes = field(repr=False)
    has_escapes: bool = field(repr=False)
    _pattern: LinearPattern | None = field(repr=False)
    _heads: LinearPattern | None = field(repr=False)

    @classmethod
    def of(cls, secrets: Iterable[str]) -> KnownSecrets:
        """Prepare for these secrets; those under six characters or all stars are left out."""
        wanted = {s for s in secrets if len(s) >= SHORTEST_SECRET and s.strip("*")}
        found = tuple(sorted({spelling for secret in wanted for spelling in spellings(secret)}))
        anchors = sorted({anchor for spelling in found for anchor in _anchors(spelling)})
        source = b"|".join(map(_source, anchors))
        if not found:
            return cls((), b"", False, None, None)  # noqa: FBT003 - all are by position
        heads = b"|".join(sorted({_source(spelling[:_HEAD]) for spelling in found}))
        has_escapes = any(re.search(r'["\\\x00-\x1f]', secret) for secret in wanted)
        return cls(found, source, has_escapes, compile_linear(source), compile_linear(heads))

    def find(self, data: bytes) -> Iterator[Span]:
        """Find every secret in ``data``, whole or cut to sixteen places of either end."""
        if self._pattern is None:
            return
        for match in self._pattern.finditer(data):
            start, end = match.span()
            reaches = [_reach(spelling, data, start, end) for spelling in self.spellings]
            yield min(reach[0] for reach in reaches), max(reach[1] for reach in reaches)

    def find_cut(self, data: bytes) -> Span | None:
        """Find the beginning of a secret, of six places or more, with which ``data`` breaks off."""
        start = max(0, len(data) - _LONGEST_CUT_BYTES)
        while self._heads is not None and (match := self._heads.search(data, start)):
            start = match.span()[0]
            if any(_is_beginning(spelling, data[start:]) for spelling in self.spellings):
                return start, len(data)
            start += 1
        return None


def _anchors(spelling: Spelling) -> Iterator[Spelling]:
    if len(spelling) <= _ANCHOR:
        yield spelling
        return
    yield spelling[-_ANCHOR:]
    if b"".join(forms[-1] for forms in spelling).find(b"://", 0, _ANCHOR) < 0:
        yield spelling[:_ANCHOR]  # the beginning of a URL is no secret


def _source(spelling: Spelling) -> bytes:
    return b"".join(
        re.escape(forms[0]) if len(forms) == 1 else b"(?:" + b"|".join(map(re.escape, forms)) + b")"
        for forms in spelling
    )


def _reach(spelling: Spelling, data: bytes, start: int, end: int) -> Span:
    """How far a spelling goes on from an anchor at ``start:end``, to the right and to the left."""
    enough = min(_ANCHOR, len(spelling))
    right, count = _walk(spelling, data, start)
    if count < enough:
        right = end
    left, count = end, 0
    for forms in reversed(spelling):
        form = next((form for form in forms if data.endswith(form, 0, left)), None)
        if form is None:
            break
        left, count = left - len(form), count + 1
    return (left if count >= enough else start), right


def _walk(spelling: Spelling, data: bytes, start: int) -> tuple[int, int]:
    """Follow a spelling from ``start``: where it stops, after how many places."""
    end, count = start, 0
    for forms in spelling:
        form = next((form for form in forms if data.startswith(form, end)), None)
        if form is None:
            break
        end, count = end + len(form), count + 1
    return end, count


def _is_beginning(spelling: Spelling, data: bytes) -> bool:
    """Whether ``data`` is the beginning of a spelling; it may end inside an escape."""
    end, count = _walk(spelling, data, 0)
    rest = data[end:]
    following = spelling[count] if count < len(spelling) else ()
    return count >= _HEAD and (not rest or any(form.startswith(rest) for form in following))

"""Replace secrets by stars of the same length, so that lengths and chunk bounds stay true."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from contractcheck.redaction.patterns import KEY_SHAPES, PEM_BLOCK, SECRET_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_SECRET = 6
"""Shorter values would star out ordinary words; no provider issues keys that short."""

_STARRED = re.compile(rb"\*{6,}")
_TOKEN = b"*****"


def encodings(secret: str) -> tuple[bytes, ...]:
    """Every form in which a secret may come back: plain, base64, URL-encoded, JSON-escaped.

    Base64 depends on the alignment of the secret in what was encoded, so the two characters at
    either end that mix with their neighbours are left off, at all three alignments.
    """
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        start = (shift * 8 + 5) // 6
        end = (shift + len(raw)) * 8 // 6
        core = encoded[start:end]
        if len(core) >= _SHORTEST_SECRET:
            forms.add(core)
            forms.add(core.replace(b"+", b"-").replace(b"/", b"_"))
    return tuple(sorted(forms, key=len, reverse=True))


def _stars(match: re.Match[bytes]) -> bytes:
    return b"*" * len(match.group(0))


def _starred_field(match: re.Match[bytes]) -> bytes:
    return match.group(1) + b"*" * len(match.group(2))


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Scrubs the secrets it was made with, and everything that looks like a key.

    Attributes:
        known: Pattern over all encodings of the known secrets, or None without secrets.
    """

    known: re.Pattern[bytes] | None

    @classmethod
    def for_secrets(cls, secrets: Iterable[str]) -> Scrubber:
        """Make a scrubber that knows these values (each at least six characters)."""
        forms: set[bytes] = set()
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                forms.update(encodings(secret))
        if not forms:
            return cls(None)
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        return cls(re.compile(b"|".join(re.escape(form) for form in ordered)))

    def scrub(self, data: bytes) -> bytes:
        """Return ``data`` with every secret starred; same length; idempotent."""
        if self.known is not None:
            data = self.known.sub(_stars, data)
        data = PEM_BLOCK.sub(_stars, data)
        data = KEY_SHAPES.sub(_stars, data)
        return SECRET_FIELD.sub(_starred_field, data)

    def scrub_text(self, text: str) -> str:
        """Like ``scrub``, for text."""
        return self.scrub(text.encode()).decode()

    def scrub_for_identity(self, data: bytes) -> bytes:
        """Return ``data`` with every secret replaced by one token, whatever its length.

        For digests: a request that carries another key, or an already starred one, is the same
        request.
        """
        return _STARRED.sub(_TOKEN, self.scrub(data))

"""URLs of stores without what may be a secret, in our words and in those of libraries.

A password that is not percent-encoded may hold any character of a URL, and every library cuts such
a URL elsewhere. So everything up to the last ``@`` counts as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

_STARS = "***"
_SPECIAL = re.compile(r"[^\w%.~!$&()*+,;=:-]", re.ASCII)
"""What a user or password has to percent-encode (RFC 3986, section 3.2.1)."""

_QUERY = re.compile(r"\?[^\s'\"<>]*")
_LEAST = 4
"""Values of a query that are shorter say how something is set."""


@dataclass(frozen=True, slots=True)
class UrlSecrets:
    """What of a URL must not be shown.

    Attributes:
        shown: The URL without it.
        wholes: Texts that are starred, longest first.
        pieces: What a library may have cut a password into; words that hold one are not told.
        has_query: Whether further queries in a library's words may hold one.
    """

    shown: str
    wholes: tuple[str, ...] = field(default=(), repr=False)
    pieces: tuple[str, ...] = field(default=(), repr=False)
    has_query: bool = False

    @property
    def is_ambiguous(self) -> bool:
        """Whether libraries may cut the URL elsewhere."""
        return bool(self.pieces)

    def tell(self, error: BaseException) -> str:
        """A library's words on one line, or the name of its error if they may show a secret."""
        words = " ".join(str(error).split())
        for whole in self.wholes:
            words = words.replace(whole, _STARS)
        if self.has_query:
            words = _QUERY.sub(f"?{_STARS}", words)
        folded = words.casefold()
        if not words or any(piece in folded for piece in self.pieces):
            return type(error).__name__
        return words


def find_secrets(url: str) -> UrlSecrets:
    """Find what of a URL must not be shown.

    Args:
        url: As a person gave it; a path has no secrets.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return UrlSecrets(url)
    user, at, place = rest.rpartition("@")
    place, _, query = place.partition("?")
    place = place.partition("#")[0]
    # A query may hold an `@` as a password may hold a `?`: nothing after either is believed.
    shown = f"{scheme}://{_STARS}" + ("" if "?" in user else f"@{place}") if at else None
    password = user.partition(":")[2]
    values = [value for _, value in parse_qsl(query or rest.partition("?")[2])]
    wholes = {user, password, query, *(one for one in values if len(one) >= _LEAST)}
    return UrlSecrets(
        shown=(shown or f"{scheme}://{place}").rstrip("/"),
        wholes=tuple(sorted(filter(None, _forms(wholes)), key=len, reverse=True)),
        pieces=_pieces(user) if _SPECIAL.search(user) else (),
        has_query="?" in rest,
    )


def _forms(wholes: set[str]) -> set[str]:
    plain = {unquote(one) for one in wholes}
    return wholes | plain | {quote(one, safe="") for one in plain} | {quote(one) for one in plain}


def _pieces(user: str) -> tuple[str, ...]:
    words = re.split(r"\W+", user.partition(":")[2] or user)
    return tuple(sorted({word.casefold() for word in words if word}))

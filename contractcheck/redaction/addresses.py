"""Find credentials in the user part of an address: ``https://token@host/``, ``https://bob:pw@host/``.

The whole part goes, the name too: it may be a token (RFC 3986, sections 3.2.1 and 7.5).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from contractcheck.redaction.linear import compile_linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.redaction.linear import LinearPattern, Span

_KIND = "a credential in an address"

_NEVER = rb"\s/@\"\\<>?#\[\]{}|`'"
"""Ends the host at the latest, or the string that holds the address, or is a template. ``@`` and
``'`` may stand in a password that nobody quoted."""

_PLAIN = rb":(?:\\*/){2}((?:[^" + _NEVER + rb"]|@|'[^" + _NEVER + rb",])+)@"
_QUOTED = (
    rb"%3[Aa](?:%2[Ff]){2}((?:[A-Za-z0-9._~+!$*;,=-]|%(?:[014-9][0-9A-Fa-f]|3[0-9A-Ea-e]"
    rb"|2[13-9A-Ea-e]))+)%40"
)

_NO_SECRET = re.compile(rb"\*+|git|\$[A-Z_]+(?::\$[A-Z_]+)?")
"""Starred already, the user that every git host has, and what scripts write."""


def addresses_source() -> bytes:
    """RE2 source that matches wherever ``find_in_addresses`` may find something."""
    return _PLAIN + b"|" + _QUOTED


def find_in_addresses(data: bytes) -> Iterator[tuple[Span, str]]:
    """Find the user part of every address, unless it is starred: its span and its kind.

    An address does not reach over the end of a string, so this holds for a line that wraps a
    body as well as for the body.
    """
    plain, quoted = _compiled()
    # To look for a single byte costs next to nothing.
    wanted = [pattern for mark, pattern in ((b"@", plain), (b"%", quoted)) if mark in data]
    for pattern in wanted:
        for match in pattern.finditer(data):
            start, end = match.span(1)
            if not _NO_SECRET.fullmatch(data, start, end):
                yield (start, end), _KIND


@cache
def _compiled() -> tuple[LinearPattern, LinearPattern]:
    return compile_linear(_PLAIN), compile_linear(_QUOTED)

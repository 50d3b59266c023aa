"""The last look at bytes that are about to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.redaction.addresses import find_in_addresses

if TYPE_CHECKING:
    from contractcheck.redaction.known import KnownSecrets
    from contractcheck.redaction.scrub import Scrubber
    from contractcheck.repeats import Repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """A secret found where none may be: what kind, at which byte. Never the secret itself.

    Attributes:
        kind: What it is, with its article.
        offset: Byte at which it starts.
        line: 1-based line of that byte.
    """

    kind: str
    offset: int
    line: int = 1


class Searched(bytes):
    """Bytes in which a scrubber found nothing; whatever is made of them is plain bytes again.

    They need no other search, not even spelled as a JSON string, unless that may write a known
    secret in a new way.

    Attributes:
        known: The secrets that were searched for.
        repeats: The same as a text in parts; None when it is not UTF-8, or hardly repeats.
    """

    known: KnownSecrets
    repeats: Repeats | None

    @classmethod
    def by(cls, scrubber: Scrubber, data: bytes, repeats: Repeats | None) -> Searched:
        """Vouch for ``data``, which ``scrubber.scrub`` left as it was."""
        searched = cls(data)
        searched.known = scrubber.known
        searched.repeats = repeats
        return searched

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        """Copy and pickle as plain bytes: no copy of the secrets may travel along."""
        return bytes, (bytes(self),)


def is_searched(data: bytes, scrubber: Scrubber) -> bool:
    """Whether to search a JSON string of ``data`` would tell nothing that is not known.

    JSON escapes quotes, backslashes and control characters (RFC 8259, section 7). Nothing that is
    certain wherever it stands has any, but for a known secret that does.
    """
    is_vouched_for = isinstance(data, Searched) and data.known is scrubber.known
    return is_vouched_for and not scrubber.known.has_escapes


def find_leak(data: bytes, scrubber: Scrubber) -> Leak | None:
    """Return the first secret in ``data``, or None.

    Looks for known secrets, for shapes of keys and for the user part of addresses, which are
    certain wherever they stand.
    Field rules are not asked again: in a line that wraps a body, a name and a value of two
    fields could meet, and a recording would be refused for nothing.
    """
    found = min((*scrubber.find_certain(data), *find_in_addresses(data)), default=None)
    return None if found is None else Leak(kind=found[1], offset=found[0][0])

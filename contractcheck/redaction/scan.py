"""The last look at bytes that are about to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.redaction.patterns import KEY_SHAPES, PEM_BLOCK

if TYPE_CHECKING:
    from contractcheck.redaction.scrub import Scrubber


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """A secret found where none may be: what kind, at which byte. Never the secret itself."""

    kind: str
    offset: int


def find_leak(data: bytes, scrubber: Scrubber) -> Leak | None:
    """Return the first secret in ``data``, or None."""
    if scrubber.known is not None and (hit := scrubber.known.search(data)):
        return Leak(kind="a credential this process uses", offset=hit.start())
    if hit := PEM_BLOCK.search(data):
        return Leak(kind="a private key", offset=hit.start())
    if hit := KEY_SHAPES.search(data):
        return Leak(kind="something shaped like a provider key", offset=hit.start())
    return None

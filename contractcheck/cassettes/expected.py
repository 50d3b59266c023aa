"""What the requests of a case are, worked out before they are asked for.

What a request is (redacted, in one spelling, hashed) follows from its bytes, and those of a
recording will come again, most likely. One after the other takes a third of what each takes
between the calls of a client. Nothing of a recording is believed by this, neither a digest in it
nor that a request will come: whoever sends other bytes finds nothing here.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.cassettes.canonical import digest_material

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.cassettes.canonical import Head, Material
    from contractcheck.cassettes.playlist import Recording
    from contractcheck.model.exchange import Request
    from contractcheck.redaction import Scrubber
    from contractcheck.redaction.known import KnownSecrets

_MOST = 16_384
"""Requests, at a third of a kilobyte each; what comes beyond is worked out when it is asked for."""

_MOST_CASE_BYTES = 4 << 20
"""Of bodies: a client waits up to 15 ms for them, once in a case."""

_HASH_BYTES = 16


@dataclass(slots=True, eq=False)
class Expected:
    """Requests by the bytes that they follow from, without keeping a body; threads may ask.

    Attributes:
        recording: Its requests are expected.
        scrubber: Whoever learns another secret makes another request of the same bytes.
        reduce: What a request is, of nothing but its bytes and what the scrubber knows.
    """

    recording: Recording
    scrubber: Scrubber
    reduce: Callable[[Material], Request]
    _table: _Table | None = None

    def get(self, case: str, material: Material) -> Request | None:
        """Return what ``reduce`` makes of this, if that was expected in any case so far."""
        table = self._table
        if table is None or table.known is not self.scrubber.known:
            table = self._table = _Table(self.scrubber.known)
        if case not in table.cases:
            table.cases.add(case)  # first: another thread need not do it, too
            self._fill(table, case)
        head, body = material
        by_hash = table.by_head.get(head)
        return None if by_hash is None else by_hash.get(_hash(body))

    def _fill(self, table: _Table, case: str) -> None:
        requests = self.recording.expected(case)[: _MOST - table.size]
        if len(requests) == 1:  # nothing is gained: whoever asks remembers it for all trials
            return
        if sum(len(request.body) for request in requests) > _MOST_CASE_BYTES:
            return
        for request in requests:
            head, body = material = digest_material(
                request.method, request.url, request.headers, request.body
            )
            with suppress(ValueError):  # a URL that is none: recordings come from anywhere
                table.by_head.setdefault(head, {})[_hash(body)] = self.reduce(material)
                table.size += 1


@dataclass(slots=True, eq=False, repr=False)
class _Table:
    """What was worked out with the same secrets known."""

    known: KnownSecrets
    cases: set[str] = field(default_factory=set)
    by_head: dict[Head, dict[bytes, Request]] = field(default_factory=dict)
    size: int = 0


def _hash(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_HASH_BYTES).digest()

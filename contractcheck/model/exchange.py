"""What happened on the wire, byte for byte and with its times."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Headers = tuple[tuple[str, str], ...]
"""Ordered pairs, case and duplicates kept."""

Ending = Literal["eof", "closed", "error"]
"""How a body ended: read to its end, dropped by the client, or broken."""

IMPORTED = "vcrpy"
"""``Exchange.via`` of what was imported from a vcrpy cassette, which holds no times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it may be stored (already redacted).

    Attributes:
        method: Upper case.
        url: Absolute, redacted.
        headers: Allow-listed headers only.
        body: Raw bytes; empty when the suite stores prompts as hashes.
        digest: Identity of the request: hash over method, path, query and canonical body, all
            redacted (until format 1: over the whole URL).
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One response as received.

    Attributes:
        status: HTTP status code.
        reason: Reason phrase of HTTP/1, as sent; empty when there was none.
        headers: Allow-listed headers, in wire order.
        body: Bytes as they came (content encoding not undone).
        chunk_bytes: Length of each chunk as the client saw it; sums to ``len(body)``.
        chunk_times_us: Time of each chunk since the request was sent, in µs.
    """

    status: int
    http_version: str
    headers: Headers
    body: bytes
    chunk_bytes: tuple[int, ...]
    chunk_times_us: tuple[int, ...]
    reason: str = ""

    def header(self, name: str) -> str | None:
        """First value of a header, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def chunks(self) -> Iterator[bytes]:
        """The body, cut where it was cut on the wire."""
        return map(BytesIO(self.body).read, self.chunk_bytes)

    def time_of_byte_us(self, offset: int) -> int | None:
        """Arrival of the chunk that holds byte ``offset``, in µs; None when there is none."""
        ends = accumulate(self.chunk_bytes)
        for end, time_us in zip(ends, self.chunk_times_us, strict=True):
            if offset < end:
                return time_us
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One attempt of one trial.

    Attributes:
        case: Case id.
        trial: 0-based index of the trial within case and run.
        attempt: 0-based; retries are attempts, each kept.
        request: What was sent.
        response: What came, or None when nothing did.
        started_at: UTC, RFC 3339.
        waited_us: Time in µs before the request was sent: pool, connect, TLS. All other times
            count from the moment of sending, so that a new connection is not a slow provider.
        headers_us: Response headers since send, in µs; None without a response.
        end_us: End of the exchange since send, in µs.
        ended: How it ended.
        error: Class name of the transport error, or None.
        lag_us: Most that our own event loop was late meanwhile, in µs.
        held_us: Longest time in µs that the consumer kept a chunk before it asked for the next:
            clients pull, so a busy consumer moves the stamps of the chunks that follow.
        via: Client library that sent it, such as ``httpx2``; empty when not known.
        note: What was done to a body before it was stored, beyond stars of the same length: coded
            anew around a scrubbed secret, or left out (too large, unreadable); empty when nothing.
    """

    case: str
    trial: int
    attempt: int
    request: Request
    response: Response | None
    started_at: str
    waited_us: int
    headers_us: int | None
    end_us: int
    ended: Ending
    error: str | None
    lag_us: int = 0
    held_us: int = 0
    via: str = ""
    note: str = ""

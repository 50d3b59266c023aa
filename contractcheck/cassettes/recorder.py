"""The session that records: what passes through the adapters becomes exchanges in a sink."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from contractcheck.cassettes.attempt_numbers import SmallNumbers
from contractcheck.cassettes.canonical import EXACT, Canonicalisation, canonical_request
from contractcheck.cassettes.recent import Recent
from contractcheck.cassettes.session import current_slot, websocket_refusal
from contractcheck.cassettes.take import Take
from contractcheck.errors import ContractcheckError, RecordingError
from contractcheck.model.exchange import Request, Response
from contractcheck.redaction import Searched, redact_body, redact_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.cassettes.session import Outgoing
    from contractcheck.cassettes.take import Received
    from contractcheck.cassettes.trial import Slot
    from contractcheck.model.exchange import Exchange, Headers
    from contractcheck.redaction import RedactedBody, Scrubber


class Sink(Protocol):
    """Where finished exchanges go."""

    def append(self, exchange: Exchange) -> None:
        """Take one exchange; it is on disk when this returns. Several threads may call."""


@dataclass(kw_only=True, slots=True, eq=False)
class Recorder:
    """Records every request made inside a trial; the client sees the true bytes.

    Attributes:
        sink: Gets each exchange when it is finished.
        scrubber: Cleans everything that is stored.
        keep_request_bodies: False stores prompts as digests only.
        lag: Most that the event loop was late (µs) since a ``perf_counter_ns`` time.
        strict: Refuse requests outside a trial.
        rule: What may differ between equal requests.
        refusals: Errors raised into a client; clients like to swallow and retry.
    """

    sink: Sink
    scrubber: Scrubber
    keep_request_bodies: bool = True
    lag: Callable[[int], int] = lambda _since_ns: 0
    strict: bool = False
    rule: Canonicalisation = EXACT
    refusals: list[ContractcheckError] = field(default_factory=list)
    _requests: Recent[Request] = field(default_factory=Recent)
    _under_way: set[Take] = field(default_factory=set)
    _next_attempts: SmallNumbers = field(default_factory=SmallNumbers)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, outgoing: Outgoing, *, via: str) -> Take | None:
        """Start the take of a request, or let it pass: see ``Session``."""
        try:
            slot = current_slot(outgoing, self.scrubber, strict=self.strict)
            if slot is not None and outgoing.opens_websocket:
                if self.strict:
                    raise websocket_refusal(outgoing, slot, self.scrubber)
                slot = None
        except ContractcheckError as error:
            self.refusals.append(error)
            raise
        if slot is None:
            return None
        key = outgoing.method, outgoing.url, outgoing.headers, outgoing.body
        request = self._requests.get(key, lambda: self._stored_request(outgoing))
        attempt = self._number(slot, request.digest)
        take = Take(slot=slot, attempt=attempt, request=request, via=via, keeper=self)
        with self._lock:
            self._under_way.add(take)
        return take

    def close(self) -> None:
        """End every take that is still open: nobody will see more of it.

        A request without a response is a refusal: whoever still waits may get one, unseen.

        Raises:
            RecordingError: If the sink refuses.
        """
        with self._lock:
            left = tuple(self._under_way)
        if waiting := sum(not take.has_head for take in left):
            self.refusals.append(
                RecordingError(
                    f"{waiting} requests were still under way when the session ended, so their "
                    "answers are not recorded: wait for them inside the session, or cancel them"
                )
            )
        with ExitStack() as ends:
            for take in left:
                ends.callback(take.abandon)

    def stored(self, received: Received, origin_ns: int) -> tuple[Response, str]:
        """Redact a response: see ``Keeper``."""
        chunks = tuple(received.chunks)
        body = b"".join(chunks)
        lengths = tuple(map(len, chunks))
        headers = self._stored_headers(received.headers)
        # As a whole, so that a secret cut by a chunk boundary is found.
        redacted = redact_body(body, _coding(received.headers), self.scrubber)
        if redacted.is_recoded:
            lengths = _cut_again(lengths, len(redacted.body))
            headers = _with_length(headers, len(body), len(redacted.body))
        response = Response(
            status=received.status,
            reason=self.scrubber.scrub_text(received.reason),
            http_version=received.http_version,
            headers=headers,
            body=_vouched(redacted, self.scrubber),
            chunk_bytes=lengths,
            chunk_times_us=tuple(
                [(time_ns - origin_ns) // 1000 for time_ns in received.times_ns[: len(chunks)]]
            ),
        )
        note = redacted.note or ("coded anew" if redacted.is_recoded else "")
        return response, note

    def lag_since_us(self, since_ns: int) -> int:
        """Most that the event loop was late since a ``perf_counter_ns`` time, in µs."""
        return self.lag(since_ns)

    def keep(self, exchange: Exchange) -> None:
        """Hand an exchange to the sink: see ``Keeper``."""
        try:
            self.sink.append(exchange)
        except ContractcheckError as error:
            self.refusals.append(error)
            raise

    def let_go(self, take: Take) -> None:
        """Forget a take that ends now: see ``Keeper``."""
        with self._lock:
            self._under_way.discard(take)

    def _number(self, slot: Slot, digest: str) -> int:
        """Number a request among its equals in a trial, in the order of sending."""
        row = slot.case, digest
        with self._lock:
            attempt = max(slot.first_attempt, self._next_attempts.get(row, slot.trial))
            self._next_attempts.put(row, slot.trial, attempt + 1)
        return attempt

    def _stored_request(self, outgoing: Outgoing) -> Request:
        canonical = canonical_request(
            outgoing.method,
            outgoing.url,
            outgoing.headers,
            outgoing.body,
            scrubber=self.scrubber,
            rule=self.rule,
        )
        body = redact_body(outgoing.body, _coding(outgoing.headers), self.scrubber).body
        return Request(
            method=canonical.method,
            url=self.scrubber.scrub_text(outgoing.url),
            headers=self._stored_headers(outgoing.headers),
            body=body if self.keep_request_bodies else b"",
            digest=canonical.digest(),
        )

    def _stored_headers(self, headers: Headers) -> Headers:
        return redact_headers(headers, self.scrubber)


def _coding(headers: Headers) -> str:
    return ",".join(value for name, value in headers if name.lower() == "content-encoding")


def _vouched(redacted: RedactedBody, scrubber: Scrubber) -> bytes:
    """The body, marked if nothing was in it: a sink with the same scrubber need not look again."""
    if not redacted.is_clean:
        return redacted.body
    return Searched.by(scrubber, redacted.body, redacted.repeats)


def _cut_again(lengths: tuple[int, ...], size_bytes: int) -> tuple[int, ...]:
    """Cut a body of another length at the same places, the last chunk taking what is left."""
    ends = [min(end, size_bytes) for end in accumulate(lengths[:-1])]
    return tuple(end - start for start, end in pairwise((0, *ends, size_bytes)))


def _with_length(headers: Headers, was_bytes: int, size_bytes: int) -> Headers:
    """Correct the length of a body that came whole; of another one it shows that it did not."""
    whole = ("content-length", str(was_bytes))
    return tuple(
        (name, str(size_bytes) if (name.lower(), value) == whole else value)
        for name, value in headers
    )

"""One attempt while it happens, whatever client makes it.

Neither class shows its content: tracebacks print local values, and these are true bytes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from contractcheck.model.exchange import Exchange

if TYPE_CHECKING:
    from contractcheck.cassettes.trial import Slot
    from contractcheck.model.exchange import Ending, Headers, Request, Response


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Received:
    """What came back: true bytes, nothing redacted yet.

    Attributes:
        status: HTTP status code.
        reason: Reason phrase, empty when there was none.
        http_version: Such as ``HTTP/1.1``.
        headers: In wire order, all of them.
        chunks: Body as it came, content coding not undone.
        times_ns: When each chunk came (``perf_counter_ns``). A time is there before its chunk, so
            that a trial which ends in another thread never sees half a piece.
    """

    status: int
    reason: str
    http_version: str
    headers: Headers = field(repr=False)  # a traceback with arguments may show it
    chunks: list[bytes] = field(default_factory=list, repr=False)
    times_ns: list[int] = field(default_factory=list, repr=False)


class Keeper(Protocol):
    """Turns what happened into what may be stored, and stores it."""

    def stored(self, received: Received, origin_ns: int) -> tuple[Response, str]:
        """Return the response as it may be stored, and a note on what was done to it.

        Args:
            received: What came.
            origin_ns: All times count from it.
        """

    def lag_since_us(self, since_ns: int) -> int:
        """Most that the event loop was late since a ``perf_counter_ns`` time, in µs."""

    def keep(self, exchange: Exchange) -> None:
        """Store a finished exchange."""

    def let_go(self, take: Take) -> None:
        """Forget a take that ends now."""


@dataclass(slots=True, eq=False, repr=False)
class Take:
    """One attempt while it happens; hands its exchange over exactly once.

    Attributes:
        slot: Trial it belongs to.
        attempt: 0-based.
        request: As it is stored.
        via: Client library.
        keeper: Gets the finished exchange.
        held_ns: Longest that the consumer kept a piece before it asked for the next one.
    """

    slot: Slot
    attempt: int
    request: Request
    via: str
    keeper: Keeper
    held_ns: int = 0
    _started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    _begun_ns: int = field(default_factory=time.perf_counter_ns)
    _sent_ns: int | None = None
    _headers_us: int | None = None
    _received: Received | None = None
    _is_finished: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def has_head(self) -> bool:
        """Whether a response has begun to come."""
        return self._received is not None

    def on_sent(self) -> None:
        """The request leaves now, after any wait for a connection: all times count from here."""
        self._sent_ns = time.perf_counter_ns()

    def on_headers(self, *, status: int, reason: str, http_version: str, headers: Headers) -> None:
        """The head of the response is here."""
        self._headers_us = self._elapsed_us()
        self._received = Received(
            status=status, reason=reason, http_version=http_version, headers=headers
        )
        # Not before: who still waits for an answer gets it, even after the trial.
        self.slot.at_end[self] = self.abandon

    def on_chunk(self, chunk: bytes, *, is_with_last: bool = False) -> None:
        """A piece of the body is here, and goes to the consumer now.

        Args:
            chunk: The piece.
            is_with_last: It came together with the one before, so it has the same time.

        Raises:
            RuntimeError: If ``on_headers`` was not called before.
        """
        if self._received is None:
            raise RuntimeError("a body without a head: on_headers comes before on_chunk")
        times_ns = self._received.times_ns
        times_ns.append(times_ns[-1] if is_with_last and times_ns else time.perf_counter_ns())
        self._received.chunks.append(chunk)

    def on_pull(self) -> None:
        """The consumer asks for the next piece."""
        if self._received is not None and self._received.times_ns:
            held_ns = time.perf_counter_ns() - self._received.times_ns[-1]
            self.held_ns = max(self.held_ns, held_ns)

    @property
    def received(self) -> Received:
        """What has come; an adapter may put chunks there itself, and note ``held_ns``.

        For streams of many chunks: a call for each of them costs more than reading the clock.

        Raises:
            RuntimeError: If ``on_headers`` was not called before.
        """
        if self._received is None:
            raise RuntimeError("a body without a head: on_headers comes before what it heads")
        return self._received

    def abandon(self) -> None:
        """End a body that the client neither read to its end nor closed."""
        self.finish("closed")

    def fail(self, error: BaseException) -> None:
        """End with an error; cancellation and interrupts count as dropped by the client."""
        if isinstance(error, Exception):
            self.finish("error", type(error).__name__)
        else:
            self.finish("closed")

    def finish(self, ended: Ending, error: str | None = None) -> None:
        """Hand the exchange over; calls after the first do nothing.

        Raises:
            RecordingError: If the sink refuses.
        """
        if ended == "closed" and self.slot.overdue:
            # Whoever dropped it has said why.
            ended, error = "error", self.slot.overdue
        with self._lock:
            if self._is_finished:
                return
            self._is_finished = True
        self.slot.at_end.pop(self, None)
        self.keeper.let_go(self)
        self.keeper.keep(self._exchange(ended, error))

    def _exchange(self, ended: Ending, error: str | None) -> Exchange:
        end_us = self._elapsed_us()
        origin_ns = self._sent_ns or self._begun_ns
        response, note = (
            (None, "") if self._received is None else self.keeper.stored(self._received, origin_ns)
        )
        return Exchange(
            case=self.slot.case,
            trial=self.slot.trial,
            attempt=self.attempt,
            request=self.request,
            response=response,
            started_at=self._started_at,
            waited_us=(origin_ns - self._begun_ns) // 1000,
            headers_us=self._headers_us,
            end_us=end_us,
            ended=ended,
            error=error,
            lag_us=self.keeper.lag_since_us(origin_ns),
            held_us=self.held_ns // 1000,
            via=self.via,
            note=note,
        )

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - (self._sent_ns or self._begun_ns)) // 1000

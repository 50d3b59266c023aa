"""One attempt while it happens, whatever client makes it.

Neither class shows its content: tracebacks print local values, and these are true bytes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter, sub
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from contractcheck.model.exchange import Exchange

if TYPE_CHECKING:
    from contractcheck.cassettes.trial import Slot
    from contractcheck.model.exchange import Ending, Headers, Request, Response


Piece = tuple[bytes, int, int]
"""A chunk; when it was asked for (0 when nobody asks); when it came (``perf_counter_ns``)."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Received:
    """What came back: true bytes, nothing redacted yet.

    Attributes:
        status: HTTP status code.
        reason: Reason phrase, empty when there was none.
        http_version: Such as ``HTTP/1.1``.
        headers: In wire order, all of them.
        pieces: Body as it came, content coding not undone.
    """

    status: int
    reason: str
    http_version: str
    headers: Headers = field(repr=False)  # a traceback with arguments may show it
    pieces: list[Piece] = field(default_factory=list, repr=False)


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
        asked_ns: When the consumer last asked for a piece (``perf_counter_ns``); 0 for never.
    """

    slot: Slot
    attempt: int
    request: Request
    via: str
    keeper: Keeper
    asked_ns: int = 0
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
        pieces = self._received.pieces
        given_ns = pieces[-1][2] if is_with_last and pieces else time.perf_counter_ns()
        # One append: a trial that ends in another thread never sees half a piece.
        pieces.append((chunk, self.asked_ns, given_ns))

    def on_pull(self) -> None:
        """The consumer asks for the next piece."""
        self.asked_ns = time.perf_counter_ns()

    @property
    def pieces(self) -> list[Piece]:
        """Where an adapter that is asked for every chunk puts it, with both of its times.

        For streams of many chunks: a call for each of them would cost more than the clock.

        Raises:
            RuntimeError: If ``on_headers`` was not called before.
        """
        if self._received is None:
            raise RuntimeError("a body without a head: on_headers comes before its pieces")
        return self._received.pieces

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
            held_us=self._longest_held_ns() // 1000,
            via=self.via,
            note=note,
        )

    def _longest_held_ns(self) -> int:
        """Longest time from when a piece came to when the next one was asked for."""
        pieces = () if self._received is None else tuple(self._received.pieces)
        given_ns = map(itemgetter(2), pieces)
        asked_ns = chain(map(itemgetter(1), pieces[1:]), (self.asked_ns,))
        return max(0, *map(sub, asked_ns, given_ns)) if pieces else 0

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - (self._sent_ns or self._begun_ns)) // 1000

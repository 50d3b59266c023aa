"""What a client adapter and a session (recording or replaying) say to each other.

An adapter sees a request before it leaves, and asks ``Session.begin`` what becomes of it::

    None    let it pass, unseen: it belongs to no trial
    Take    send it, and tell the take what comes (recording)
    Played  answer it from the recording; send nothing (replaying)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from contractcheck.cassettes.trial import SLOT
from contractcheck.errors import InterceptionError, UnseenCallError

if TYPE_CHECKING:
    from contractcheck.cassettes.played import Played
    from contractcheck.cassettes.take import Take
    from contractcheck.cassettes.trial import Slot
    from contractcheck.model.exchange import Headers
    from contractcheck.redaction import Scrubber


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A request as a client is about to send it: true bytes, nothing redacted yet.

    Attributes:
        method: As the client wrote it.
        url: Absolute, with query.
        headers: Ordered pairs, case and duplicates kept.
        body: The whole body; empty without one. Outside a trial nobody looks at it: leave it.
    """

    method: str
    url: str
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        """Show nothing of it: tracebacks show this, and any part may hold a credential."""
        return "<Outgoing>"

    def name(self, scrubber: Scrubber) -> str:
        """Name the request in an error text: method, host and path, redacted."""
        place = self.url.partition("?")[0].partition("://")[2].rpartition("@")[2]
        return scrubber.scrub_text(f"{self.method} {place}")

    @property
    def opens_websocket(self) -> bool:
        """Whether it asks to turn the connection into a WebSocket (RFC 6455, section 4.1)."""
        for name, value in self.headers:  # most have another length
            is_upgrade = len(name) == len("upgrade") and name.lower() == "upgrade"
            if is_upgrade and "websocket" in value.lower():
                return True
        return False


class Session(Protocol):
    """A recording or replaying session, as adapters see it."""

    def begin(self, outgoing: Outgoing, *, via: str) -> Take | Played | None:
        """Decide what becomes of a request; called in the context that sends it.

        Args:
            outgoing: The request.
            via: Client library, such as ``httpx2``.

        Raises:
            InterceptionError: If it belongs to no trial and the session is strict.
            UnmatchedRequestError: If the recording holds no answer to it.
            UnseenCallError: If it opens a WebSocket, and the session is strict or replays.
        """


def current_slot(outgoing: Outgoing, scrubber: Scrubber, *, strict: bool) -> Slot | None:
    """Return the trial that a request belongs to.

    Args:
        outgoing: The request.
        scrubber: Keeps secrets out of the error.
        strict: Whether it must belong to one.

    Raises:
        InterceptionError: If it belongs to none and the session is strict.
    """
    slot = SLOT.get()
    if slot is None and strict:
        raise InterceptionError(
            f"{outgoing.name(scrubber)} was sent outside a trial, so no recording can "
            'hold it: send it inside "with in_trial(case, trial)", in this thread or in one that '
            "runs in a copy of its context; or open the session with strict=False to let it pass"
        )
    return slot


def websocket_refusal(outgoing: Outgoing, slot: Slot, scrubber: Scrubber) -> UnseenCallError:
    """Return the error for a request that opens a WebSocket inside a trial."""
    return UnseenCallError(
        f"case {slot.case!r}, trial {slot.trial}: {outgoing.name(scrubber)} opens a WebSocket. "
        "WebSockets are not recorded, so none can be played: use the provider's HTTP interface "
        "inside trials"
    )

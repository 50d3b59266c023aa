"""The session that replays: requests are answered from a recording, nothing is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING

from contractcheck.cassettes.canonical import (
    EXACT,
    Canonicalisation,
    canonical_place,
    canonical_request,
    digest_material,
    headers_of,
)
from contractcheck.cassettes.expected import Expected
from contractcheck.cassettes.lines import request_digest
from contractcheck.cassettes.mismatch import explain_mismatch
from contractcheck.cassettes.played import Clock, Played, SystemClock
from contractcheck.cassettes.playlist import Playlist
from contractcheck.cassettes.recent import Recent
from contractcheck.cassettes.session import current_slot, websocket_refusal
from contractcheck.errors import (
    ContractcheckError,
    ReplayError,
    UnmatchedRequestError,
    UnusedExchangesError,
)
from contractcheck.model.exchange import Request

if TYPE_CHECKING:
    from contractcheck.cassettes.canonical import CanonicalRequest, Material, Place
    from contractcheck.cassettes.playlist import Attempts, Key, Recording
    from contractcheck.cassettes.session import Outgoing
    from contractcheck.cassettes.trial import Slot
    from contractcheck.model.exchange import Exchange, Headers, Response
    from contractcheck.redaction import Scrubber

_FIRST_STATUS, _LAST_STATUS = 200, 999
"""Three digits, and no interim answer (RFC 9110, section 15)."""

_SWITCHING_PROTOCOLS = 101

_LENGTH = re.compile(r"[0-9]{1,18}")
"""More bytes than any disk holds; clients that read more digits fail in their own ways."""

_NO_LINE = re.compile(r"[\x00\r\n\u0100-\U0010ffff]")
"""What ends a line, and what Latin-1 does not have (RFC 9110, section 5.5)."""

_SHOWN = 10
_BODYLESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


@dataclass(kw_only=True, slots=True, eq=False)
class Player:
    """Answers every request made inside a trial from a recording.

    Attributes:
        recording: What may be played; everything in it is expected to be asked for.
        scrubber: Takes out the secrets of today, so that another key is the same request.
        retime: Share of the recorded times to wait: 0 answers at once, 1 keeps the clock.
        strict: Refuse requests outside a trial.
        attempts: Which attempts are played.
        rule: What may differ between equal requests.
        clock: For ``retime``.
        refusals: Errors raised into a client; clients like to swallow and retry.
    """

    recording: Recording
    scrubber: Scrubber
    retime: float = 0.0
    strict: bool = True
    attempts: Attempts = "settled"
    rule: Canonicalisation = EXACT
    clock: Clock = field(default_factory=SystemClock)
    refusals: list[ContractcheckError] = field(default_factory=list)
    _playlists: dict[str, Playlist] = field(default_factory=dict)
    _expected: Expected = field(init=False)
    _sent: Recent[Request] = field(default_factory=Recent)
    _places: Recent[Place] = field(default_factory=Recent)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._expected = Expected(self.recording, self.scrubber, self._reduced)

    def begin(self, outgoing: Outgoing, *, via: str) -> Played | None:
        """Find the answer to a request, or let it pass: see ``Session``."""
        del via
        try:
            slot = current_slot(outgoing, self.scrubber, strict=self.strict)
            if slot is None:
                return None
            exchange = self._find(outgoing, slot)
        except ContractcheckError as error:
            self.refusals.append(error)
            raise
        return Played(exchange, self.retime, self.clock, self.refusals.append)

    def unused(self) -> tuple[tuple[str, Key], ...]:
        """Case and key of every recorded exchange that nobody asked for."""
        return tuple(
            (case, key) for case in self.recording.cases for key in self._playlist(case).unused()
        )

    def refuse_unused(self) -> None:
        """Check that everything was asked for.

        Raises:
            UnusedExchangesError: If not; names them.
        """
        unused = self.unused()
        if not unused:
            return
        lines = [
            f"  {case}: trial {trial}, attempt {attempt}: {self._name(case, digest)}"
            for case, (digest, trial, attempt) in unused[:_SHOWN]
        ]
        if len(unused) > _SHOWN:
            lines.append(f"  and {len(unused) - _SHOWN} more")
        raise UnusedExchangesError(
            f"{len(unused)} recorded exchanges were never asked for: the code sends less than when "
            "it was recorded. Record again, open only the cases that are played, or replay with "
            "strict=False:\n" + "\n".join(lines)
        )

    def _name(self, case: str, digest: str) -> str:
        request = self.recording.requests(case).get(digest)
        return digest if request is None else f"{request.method} {request.url}"

    def _find(self, outgoing: Outgoing, slot: Slot) -> Exchange:
        playlist = self._playlist(slot.case)
        if outgoing.opens_websocket:
            raise websocket_refusal(outgoing, slot, self.scrubber)
        material = digest_material(outgoing.method, outgoing.url, outgoing.headers, outgoing.body)
        sent = self._sent.get(
            material,
            lambda: self._expected.get(slot.case, material) or self._reduced(material),
        )
        exchange = playlist.next(sent, slot.trial, lambda: self._older_digest(outgoing))
        if exchange is not None and not (reason := _unplayable(exchange)):
            return exchange
        where = f"case {slot.case!r}, trial {slot.trial}: {outgoing.name(self.scrubber)}"
        if exchange is None:
            reason = self._reason(outgoing, sent.digest, slot, playlist)
            raise UnmatchedRequestError(f"{where}: {reason}")
        raise ReplayError(f"{where}: {reason}")

    def _reason(self, outgoing: Outgoing, digest: str, slot: Slot, playlist: Playlist) -> str:
        by_trial = playlist.trials_of(digest)
        if slot.trial in by_trial:
            return (
                f"was recorded {by_trial[slot.trial]} times in this trial, and all of them were "
                "played: the code asks more often than when it was recorded; record it again"
            )
        if by_trial:
            trials = ", ".join(map(str, list(by_trial)[:_SHOWN]))
            return f"was recorded in other trials only ({trials}); record this trial too"
        sent = self._canonical(outgoing.method, outgoing.url, outgoing.headers, outgoing.body)
        recorded = (
            self._canonical(request.method, request.url, request.headers, request.body)
            for request in self.recording.requests(slot.case).values()
        )
        return explain_mismatch(sent, recorded)

    def _playlist(self, case: str) -> Playlist:
        found = self._playlists.get(case)
        if found is not None:
            return found
        with self._lock:
            found = self._playlists.get(case)
            if found is None:
                found = Playlist(self.recording, case, self.attempts, self._identify)
                self._playlists[case] = found
        return found

    def _identify(self, request: Request) -> str | None:
        if not request.body and request.method not in _BODYLESS:
            return None
        return self._canonical(request.method, request.url, request.headers, request.body).digest()

    def _older_digest(self, outgoing: Outgoing) -> str:
        """Digest of format 1: over the whole redacted URL and the starred body."""
        url = self.scrubber.scrub_text(outgoing.url)
        return request_digest(outgoing.method, url, self.scrubber.scrub(outgoing.body))

    def _reduced(self, material: Material) -> Request:
        """What stands for a recorded request that it equals: redacted, and without its body."""
        head, body = material
        canonical = self._canonical(*head[:2], headers_of(head), body)
        return Request(
            method=canonical.method,
            url=canonical.place.url,
            headers=(),
            body=b"",
            digest=canonical.digest(),
        )

    def _canonical(self, method: str, url: str, headers: Headers, body: bytes) -> CanonicalRequest:
        place = self._places.get(
            url, lambda: canonical_place(url, scrubber=self.scrubber, rule=self.rule)
        )
        return canonical_request(
            method, url, headers, body, scrubber=self.scrubber, rule=self.rule, place=place
        )


def _unplayable(exchange: Exchange) -> str:
    response = exchange.response
    if exchange.note.startswith("not kept"):
        return f"the body of the recorded answer was {exchange.note}"
    if response is None and exchange.error is None:
        return (
            "the client gave this request up before an answer came, when it was recorded; there "
            "is nothing to play: record it again"
        )
    if response is not None and response.status == _SWITCHING_PROTOCOLS:
        return (
            "the recorded answer opened a WebSocket (status 101), and WebSockets are not recorded"
        )
    if response is not None and not _is_http(response):
        return (
            "the head of the recorded answer is not one that HTTP can carry: the recording was "
            "edited; restore it from version control or record it again"
        )
    return ""


def _is_http(response: Response) -> bool:
    """Whether a head can be written: recordings may come from a pull request."""
    words = (response.http_version, response.reason, *chain.from_iterable(response.headers))
    return (
        _FIRST_STATUS <= response.status <= _LAST_STATUS
        and response.http_version.isascii()
        and _NO_LINE.search("".join(words)) is None
        and all(
            _LENGTH.fullmatch(value.strip()) is not None
            for name, value in response.headers
            if len(name) == len("content-length")
            and name.lower() == "content-length"
            and value.strip().isdecimal()
        )
    )

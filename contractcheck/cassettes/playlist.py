"""What is left to play of one case: who asks again gets the next attempt, in recorded order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from contractcheck.model.exchange import Exchange, Request

    Key = tuple[str, int, int]
    """Digest, trial, attempt."""

Attempts = Literal["settled", "all"]
"""Which attempts are played: without those that a client would only repeat, or every one."""

_REPEATED_STATUS = frozenset({408, 409, 429})
"""With 5xx, what the official SDKs of OpenAI and Anthropic repeat by themselves
(``_should_retry`` in their ``_base_client.py``)."""

_SERVER_ERROR = 500


class Recording(Protocol):
    """A run to replay from; ``Tape`` and ``MemoryTape`` are ones."""

    @property
    def cases(self) -> Collection[str]:
        """Ids of the cases it holds."""

    def find(self, case: str, digest: str, trial: int, attempt: int) -> Exchange | None:
        """Return one exchange, or None when it was never recorded."""

    def requests(self, case: str) -> Mapping[str, Request]:
        """Every distinct request of a case, by digest."""

    def keys(self, case: str) -> Collection[Key]:
        """Digest, trial and attempt of every exchange of a case."""


@dataclass(slots=True, eq=False)
class _Track:
    """Exchanges of one request in one trial, in the order of sending."""

    keys: list[Key] = field(default_factory=list)
    position: int = 0


@dataclass(slots=True, eq=False)
class Playlist:
    """What is left to play of one case; several threads may ask.

    Attributes:
        recording: Where the exchanges are.
        case: Case id.
        attempts: Which attempts are played.
        identify: Digest of a recorded request under the rule of this replay, None when it cannot
            be told (prompts stored as digests only). Older recordings have other digests.
    """

    recording: Recording
    case: str
    attempts: Attempts
    identify: Callable[[Request], str | None]
    _tracks: dict[tuple[str, int], _Track] = field(default_factory=dict)
    _recorded_as: dict[str, list[str]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        for key in sorted(self.recording.keys(self.case), key=lambda key: key[2]):
            self._tracks.setdefault(key[:2], _Track()).keys.append(key)

    def next(self, digest: str, trial: int, older: Callable[[], str]) -> Exchange | None:
        """Return the next exchange of a request in a trial; None when there is none left.

        An attempt that a client would only repeat (transport error, 408, 409, 429, 5xx), and that
        was followed by another one, counts as played: nobody waits for a recorded ``retry-after``.

        Args:
            digest: Of the request, under today's rule.
            trial: 0-based.
            older: Digest of the request under the rule of format 1.
        """
        with self._lock:
            track = self._track(digest, trial) or self._tracks.get((older(), trial))
            while track is not None and track.position < len(track.keys):
                exchange = self._find(track.keys[track.position])
                track.position += 1
                is_last = track.position == len(track.keys)
                if is_last or self.attempts == "all" or not _is_repeated(exchange):
                    return exchange
        return None

    def trials_of(self, digest: str) -> dict[int, int]:
        """Number of recorded exchanges of a request, by trial."""
        with self._lock:
            names = (digest, *self._aliases().get(digest, ()))
            return {
                trial: len(track.keys)
                for (name, trial), track in sorted(self._tracks.items())
                if name in names
            }

    def unused(self) -> Iterator[Key]:
        """Every exchange that was neither played nor passed over."""
        for track in self._tracks.values():
            yield from track.keys[track.position :]

    def _track(self, digest: str, trial: int) -> _Track | None:
        if (track := self._tracks.get((digest, trial))) is not None:
            return track
        names = self._aliases().get(digest, ())
        found = [t for name in names if (t := self._tracks.pop((name, trial), None)) is not None]
        if not found:
            return None
        merged = found[0]
        if len(found) > 1:
            # Several digests of old are one request today: only the clock knows their order.
            keys = [key for track in found for key in track.keys]
            merged = _Track(sorted(keys, key=lambda key: self._find(key).started_at))
        self._tracks[digest, trial] = merged
        return merged

    def _aliases(self) -> Mapping[str, list[str]]:
        """Recorded digests by the digest that their request has today."""
        if self._recorded_as is None:
            self._recorded_as = defaultdict(list)
            for recorded, request in self.recording.requests(self.case).items():
                if (today := self.identify(request)) is not None and today != recorded:
                    self._recorded_as[today].append(recorded)
        return self._recorded_as

    def _find(self, key: Key) -> Exchange:
        exchange = self.recording.find(self.case, *key)
        if exchange is None:
            raise LookupError(f"the recording of {self.case} lists {key} and does not hold it")
        return exchange


def _is_repeated(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or exchange.ended == "error":
        return True
    return response.status in _REPEATED_STATUS or response.status >= _SERVER_ERROR

"""What is left to play of one case: who asks again gets the next attempt, in recorded order."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from contractcheck.model.exchange import Exchange, Request

    Key = tuple[str, int, int]
    """Digest, trial, attempt."""

    Group = tuple[str, int]
    """Digest and trial."""

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

    def find(
        self, case: str, digest: str, trial: int, attempt: int, sent: Request | None = None
    ) -> Exchange | None:
        """Return one exchange, or None when it was never recorded.

        Args:
            case: Case id.
            digest: Of its request.
            trial: 0-based.
            attempt: 0-based.
            sent: A request equal to the recorded one: may stand for it in what is returned, so
                that it need not be read.
        """

    def requests(self, case: str) -> Mapping[str, Request]:
        """Every distinct request of a case, by digest."""

    def expected(self, case: str) -> Sequence[Request]:
        """Requests of a case that are at hand, or soon had: none when that would take long."""

    def keys(self, case: str) -> Collection[Key]:
        """Digest, trial and attempt of every exchange of a case."""


@dataclass(slots=True, eq=False)
class Playlist:
    """What is left to play of one case; several threads may ask.

    Holds no object per exchange but its key: a hundred thousand more would slow every collection
    of garbage down.

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
    _keys: list[Key] = field(init=False)
    _starts: dict[Group, int] = field(default_factory=dict)
    _played: set[Key] = field(default_factory=set)
    _begun: dict[Group, deque[Key]] = field(default_factory=dict)
    _passed: defaultdict[Group, deque[Key]] = field(default_factory=lambda: defaultdict(deque))
    _recorded_as: dict[str, list[str]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._keys = sorted(self.recording.keys(self.case))
        for index in reversed(range(len(self._keys))):
            self._starts[self._keys[index][:2]] = index

    def next(self, sent: Request, trial: int, older: Callable[[], str]) -> Exchange | None:
        """Return the next exchange of a request in a trial; None when there is none left.

        An attempt that a client would only repeat (transport error, 408, 409, 429, 5xx), and that
        was over before the next one began, counts as played: nobody waits for a recorded
        ``retry-after``. Whoever still asks when all others were played made those calls himself,
        and gets them then, in their order.

        Args:
            sent: The request; its digest is that of today's rule.
            trial: 0-based.
            older: Digest of the request under the rule of format 1.
        """
        group = sent.digest, trial
        with self._lock:
            left = self._begun.pop(group, None) or self._left(group, older)
            while left:
                key = left.popleft()
                self._played.add(key)
                exchange = self._find(key, sent)
                if left and self.attempts == "settled" and self._is_retried(exchange, left[0]):
                    self._passed[group].append(key)
                    continue
                if left:
                    self._begun[group] = left
                return exchange
            passed = self._passed.get(group)
            return self._find(passed.popleft(), sent) if passed else None

    def trials_of(self, digest: str) -> dict[int, int]:
        """Number of recorded exchanges of a request, by trial."""
        with self._lock:
            names = {digest, *self._aliases().get(digest, ())}
            return dict(sorted(Counter(t for name, t, _ in self._keys if name in names).items()))

    def unused(self) -> Iterator[Key]:
        """Every exchange that was neither played nor passed over."""
        return (key for key in self._keys if key not in self._played)

    def _left(self, group: Group, older: Callable[[], str]) -> deque[Key]:
        keys = self._group(group) or self._merged(*group) or self._group((older(), group[1]))
        return deque([key for key in keys if key not in self._played])

    def _group(self, group: Group) -> list[Key]:
        """Exchanges of one recorded digest in one trial, in the order of sending."""
        start = self._starts.get(group)
        if start is None:
            return []
        keys = self._keys
        end = start + 1
        while end < len(keys) and keys[end][:2] == group:
            end += 1
        return keys[start:end]

    def _merged(self, digest: str, trial: int) -> list[Key]:
        names = self._aliases().get(digest, ())
        groups = [group for name in names if (group := self._group((name, trial)))]
        keys = [key for group in groups for key in group]
        # Several digests of old are one request today: only the clock knows their order.
        return sorted(keys, key=self._started_at) if len(groups) > 1 else keys

    def _started_at(self, key: Key) -> str:
        return self._find(key).started_at

    def _aliases(self) -> Mapping[str, list[str]]:
        """Recorded digests by the digest that their request has today."""
        if self._recorded_as is None:
            self._recorded_as = defaultdict(list)
            for recorded, request in self.recording.requests(self.case).items():
                if (today := self.identify(request)) is not None and today != recorded:
                    self._recorded_as[today].append(recorded)
        return self._recorded_as

    def _is_retried(self, exchange: Exchange, following: Key) -> bool:
        """Whether the next attempt repeats this one; equal requests at once do not."""
        return _is_repeated(exchange) and _is_over_before(exchange, self._find(following))

    def _find(self, key: Key, sent: Request | None = None) -> Exchange:
        exchange = self.recording.find(self.case, *key, sent)
        if exchange is None:
            raise LookupError(f"the recording of {self.case} lists {key} and does not hold it")
        return exchange


def _is_repeated(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or exchange.ended == "error":
        return True
    return response.status in _REPEATED_STATUS or response.status >= _SERVER_ERROR


def _is_over_before(one: Exchange, other: Exchange) -> bool:
    """Whether one ended before the other began; False when their times cannot tell."""
    try:
        lasted = timedelta(microseconds=one.waited_us + one.end_us)
        return _moment(one.started_at) + lasted <= _moment(other.started_at)
    except (ValueError, OverflowError):
        return False


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

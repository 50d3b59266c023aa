"""A recording in memory, to replay from a run that is already loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from contractcheck.model.exchange import Exchange, Request


@dataclass(frozen=True, slots=True)
class MemoryTape:
    """Exchanges by case and key.

    Attributes:
        by_case: Case → (digest, trial, attempt) → exchange.
    """

    by_case: Mapping[str, Mapping[tuple[str, int, int], Exchange]]

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Self:
        """Make a tape of exchanges, such as those of a ``Run``."""
        by_case: dict[str, dict[tuple[str, int, int], Exchange]] = {}
        for one in exchanges:
            by_case.setdefault(one.case, {})[one.request.digest, one.trial, one.attempt] = one
        return cls(by_case)

    @property
    def cases(self) -> Collection[str]:
        """Ids of the cases it holds."""
        return self.by_case.keys()

    def find(
        self, case: str, digest: str, trial: int, attempt: int, sent: Request | None = None
    ) -> Exchange | None:
        """Return one exchange, or None when it was never recorded."""
        del sent  # the recorded one is here
        return self.by_case.get(case, {}).get((digest, trial, attempt))

    def requests(self, case: str) -> Mapping[str, Request]:
        """Every distinct request of a case, by digest."""
        return {one.request.digest: one.request for one in self.by_case.get(case, {}).values()}

    def expected(self, case: str) -> Sequence[Request]:
        """Every distinct request of a case."""
        return tuple(self.requests(case).values())

    def keys(self, case: str) -> Collection[tuple[str, int, int]]:
        """Digest, trial and attempt of every exchange of a case."""
        return self.by_case.get(case, {}).keys()

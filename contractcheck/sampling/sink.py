"""Where the exchanges of one session go: each to the run of its side, and to whoever made it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contractcheck.sampling.spending import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.exchange import Exchange
    from contractcheck.sampling.options import Side


@dataclass(frozen=True, slots=True)
class SharedSink:
    """Takes the exchanges of one session apart again: one run for each side.

    A session knows an exchange by case and trial. While it lasts, the number of a trial carries
    its side; what is stored has the trial's own number.

    Attributes:
        sides: Whose runs they are.
    """

    sides: Sequence[Side]
    _latest: dict[tuple[str, int], Exchange] = field(default_factory=dict)

    def number(self, side: int, trial: int) -> int:
        """Number of a trial in the session."""
        return trial * len(self.sides) + side

    def append(self, exchange: Exchange) -> None:
        """Store an exchange, and keep it for whoever made it."""
        trial, index = divmod(exchange.trial, len(self.sides))
        own = replace(exchange, trial=trial)
        self.sides[index].run.append(own)
        self._latest[exchange.case, exchange.trial] = plain(own)

    def fetch(self, case: str, number: int) -> Exchange | None:
        """Hand over the latest exchange of a trial, once; None when there was none."""
        return self._latest.pop((case, number), None)

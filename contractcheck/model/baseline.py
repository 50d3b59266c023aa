"""An accepted set of nights: who accepted it, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """A human act. ``accepted_at`` is UTC, RFC 3339; ``expires`` an ISO date or None."""

    accepted_by: str
    accepted_at: str
    reason: str
    ticket: str | None = None
    expires: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedNight:
    """One night of a baseline.

    Attributes:
        statistics: What tonight is compared with.
        run_root: Digest of the sealed run it came from.
        acceptance: Who stood for it.
        parts: Per case the digest of each part of the request, for attribution.
        vantage: Our side that night.
    """

    statistics: NightStatistics
    run_root: str
    acceptance: Acceptance
    parts: dict[str, dict[str, str]]
    vantage: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Accepted nights of one suite and target, oldest first.

    Attributes:
        reference_night: The night whose exchanges lie in git for replay, or None.
        rebases: First nights of the eras after the first, oldest first: from each on, the provider
            was accepted as changed.
    """

    suite: str
    target: Target
    nights: tuple[AcceptedNight, ...]
    reference_night: str | None
    rebases: tuple[str, ...] = ()

    @property
    def eras(self) -> tuple[tuple[AcceptedNight, ...], ...]:
        """Nights between re-bases, oldest era first; none of them is empty.

        Only the last era says where the provider stands. All of them say how much nights vary.
        """
        bounds = ("", *self.rebases, "~")
        eras = (
            tuple(night for night in self.nights if low <= night.statistics.night < high)
            for low, high in pairwise(bounds)
        )
        return tuple(era for era in eras if era)

"""Which accepted nights tonight is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.judging.rebased import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.rebased import Placed
    from contractcheck.model.baseline import AcceptedNight, Baseline
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite


def standing_nights(baseline: Baseline | None, tonight: str) -> tuple[AcceptedNight, ...]:
    """Nights of the last era whose acceptance has not expired by tonight, oldest first.

    Args:
        baseline: Accepted nights, or None.
        tonight: ISO date.
    """
    eras = baseline.eras if baseline else ()
    return _standing(eras[-1], tonight) if eras else ()


def standing_eras(baseline: Baseline, tonight: str) -> tuple[tuple[NightStatistics, ...], ...]:
    """Complete nights of every era whose acceptance has not expired by tonight, oldest era first.

    Args:
        baseline: Accepted nights.
        tonight: ISO date.
    """
    return tuple(
        tuple(one.statistics for one in _standing(era, tonight) if one.statistics.is_complete)
        for era in baseline.eras
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Accepted nights that a run is not held against.

    Attributes:
        expired: How many no longer count.
        is_tonight: Whether the run is one of them itself.
    """

    expired: int
    is_tonight: bool

    @property
    def nights(self) -> int:
        """How many there would be beside those that count."""
        return self.expired + self.is_tonight


def lost_nights(baseline: Baseline | None, header: RunHeader) -> Lost:
    """Which accepted nights a run is not held against, of all eras."""
    tonight = night_of(header)
    nights = baseline.nights if baseline else ()
    count = _standing(nights, tonight)
    return Lost(
        expired=sum(one.statistics.is_complete for one in nights)
        - sum(one.statistics.is_complete for one in count),
        is_tonight=any(one.statistics.run_id == header.id for one in count),
    )


def compared_nights(baseline: Baseline | None, header: RunHeader) -> tuple[NightStatistics, ...]:
    """Statistics of the standing nights that a run is held against: complete, and not itself."""
    eras = _compared_eras(baseline, header)
    return eras[-1] if eras else ()


def sent_requests(suite: Suite, header: RunHeader) -> Mapping[str, str]:
    """Request fingerprint per case of the suite, as a run sent it."""
    known = {case.id for case in suite.cases}
    plans = header.cases.items()
    return {case: plan.request_fingerprint for case, plan in plans if case in known}


def standing_reference(
    suite: Suite, baseline: Baseline | None, header: RunHeader
) -> Reference | None:
    """Scales of the accepted nights that a run is held against; None when there is none.

    Args:
        suite: The contract.
        baseline: Accepted nights, measured by the suite as it is now.
        header: Of tonight's run.
    """
    placed = place_tonight(suite, baseline, header)
    return placed.reference if placed else None


def place_tonight(suite: Suite, baseline: Baseline | None, header: RunHeader) -> Placed | None:
    """What a run is held against, accepted nights before a re-base too; None without nights since.

    Args:
        suite: The contract.
        baseline: Accepted nights, measured by the suite as it is now.
        header: Of tonight's run.
    """
    requests = sent_requests(suite, header)
    wanted = suite.policy.nights
    return place(_compared_eras(baseline, header), requests, nights_wanted=wanted)


def _compared_eras(
    baseline: Baseline | None, header: RunHeader
) -> tuple[tuple[NightStatistics, ...], ...]:
    tonight = night_of(header)
    return tuple(
        tuple(
            night.statistics
            for night in _standing(era, tonight)
            if night.statistics.is_complete and night.statistics.run_id != header.id
        )
        for era in (baseline.eras if baseline else ())
    )


def _standing(nights: Iterable[AcceptedNight], tonight: str) -> tuple[AcceptedNight, ...]:
    return tuple(
        night
        for night in nights
        if night.acceptance.expires is None or night.acceptance.expires >= tonight
    )


def night_of(header: RunHeader) -> str:
    """The night of a run: its own, or the date on which it started."""
    return header.night or header.started_at[:10]

"""Which accepted nights tonight is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.night_values import reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.judging.night_values import Reference
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
    return tuple(
        night
        for night in (eras[-1] if eras else ())
        if night.acceptance.expires is None or night.acceptance.expires >= tonight
    )


def compared_nights(baseline: Baseline | None, header: RunHeader) -> tuple[NightStatistics, ...]:
    """Statistics of the standing nights that a run is held against: complete, and not itself."""
    return tuple(
        night.statistics
        for night in standing_nights(baseline, night_of(header))
        if night.statistics.is_complete and night.statistics.run_id != header.id
    )


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
    accepted = compared_nights(baseline, header)
    if not accepted:
        return None
    requests = sent_requests(suite, header)
    return reference_of(accepted, requests, nights_wanted=suite.policy.nights)


def night_of(header: RunHeader) -> str:
    """The night of a run: its own, or the date on which it started."""
    return header.night or header.started_at[:10]

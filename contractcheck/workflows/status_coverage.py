"""How much of a suite the watch really looks at: cases without charts, trials without answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from contractcheck.judging.night_values import CONFORMANCE, plane_of, reference_of, values_of
from contractcheck.stats.night_rule import FEWEST_NIGHTS
from contractcheck.workflows.rescoring import rescore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import Exemption, NightRecord
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Case, Suite
    from contractcheck.workflows.workspace import Workspace

WINDOW_NIGHTS = 14
"""What is measured of trials and missed nights, is measured of the last fortnight."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UncoveredCase:
    """A case whose answers no chart looks at.

    Attributes:
        case: Case id.
        why: In words.
        is_meant: Whether a person took it out for a while.
    """

    case: str
    why: str
    is_meant: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fortnight:
    """The last nights, as they came.

    Attributes:
        nights: How many nights there might have been, since the first that was watched.
        missed: Dates without any run.
        outages: Dates whose run was no complete one.
        planned: Trials that were planned on the nights there are.
        answered: Those of them that were answered and scored.
    """

    nights: int
    missed: tuple[str, ...]
    outages: tuple[str, ...]
    planned: int
    answered: int

    @property
    def answered_share(self) -> float | None:
        """Share of planned trials that were answered, 0..1; None without any."""
        return self.answered / self.planned if self.planned else None


def find_uncovered(
    workspace: Workspace,
    suite: Suite,
    baseline: Baseline | None,
    exemptions: Iterable[Exemption],
    *,
    today: str,
) -> tuple[UncoveredCase, ...]:
    """Find the cases of a suite, as it is now, whose outputs and checks are in no chart.

    Raises:
        RecordingError: If the baseline is damaged.
    """
    nights = rescore(workspace, suite, baseline).baseline.nights if baseline else ()
    standing = [
        night.statistics
        for night in nights
        if night.statistics.is_complete and (night.acceptance.expires or today) >= today
    ]
    kept_out = {
        one.case: one.expires
        for one in exemptions
        if one.kind == "quarantine" and one.counts_on(today)
    }
    found = []
    for case in suite.cases:
        if case.id in kept_out:
            why = f"quarantined until {kept_out[case.id]}"
            found.append(UncoveredCase(case=case.id, why=why, is_meant=True))
        elif why := _why_uncovered(standing, case, nights_wanted=suite.policy.nights):
            found.append(UncoveredCase(case=case.id, why=why))
    return tuple(found)


def _why_uncovered(accepted: Sequence[NightStatistics], case: Case, *, nights_wanted: int) -> str:
    """Why no chart looks at a case, or empty."""
    # As the charts have it: a case is learning until it has what the others have.
    wanted = max(FEWEST_NIGHTS, min(nights_wanted, len(accepted)))
    own = [
        night
        for night in accepted
        if case.id in night.cases
        and night.cases[case.id].request_fingerprint == case.request_fingerprint
    ]
    if len(own) < wanted:
        words = f"learning: {len(own)} of {wanted} accepted nights asked it as it is now"
        return f"{words}; accept more"
    values = values_of(reference_of(own, {case.id: case.request_fingerprint}), own[-1])
    rows = {f"{case.id}#{check.label}" for check in case.checks}
    has_check = bool(rows & set(values.streams.get(CONFORMANCE, ())))
    metrics = {metric.label for metric in case.metrics if plane_of(metric.label) == "outputs"}
    if not has_check and not metrics & set(values.streams):
        return "no metric and no check of it can be charted"
    return ""


def window(today: str) -> tuple[str, ...]:
    """The nights of the last fortnight, tonight included: ISO dates, oldest first."""
    days = (date.fromisoformat(today) - timedelta(days=back) for back in range(WINDOW_NIGHTS))
    return tuple(sorted(day.isoformat() for day in days))


def measure_fortnight(
    records: Sequence[NightRecord], statistics: Mapping[str, NightStatistics], *, today: str
) -> Fortnight:
    """Measure what came of the planned nights and trials of the last fortnight.

    Tonight counts when it is there, and is not missed while it may still come.

    Args:
        records: Runs of the watch, oldest night first.
        statistics: By night, of those within :func:`window`.
        today: ISO date.
    """
    by_night = {record.night: record for record in records}
    first = min(by_night, default=today)
    dates = [night for night in window(today) if night >= first]
    there = [night for night in dates if night in by_night]
    missed = tuple(night for night in dates if night not in by_night and night < today)
    plans: dict[str, int] = {}
    planned = answered = 0
    for night in there:
        cases = statistics[night].cases if night in statistics else {}
        plans |= {case: one.planned for case, one in cases.items()}
        # Of an outage no case may be known: then as many were planned as the night before.
        planned += sum(plans.get(case, 0) for case in by_night[night].parts)
        answered += sum(one.answered for one in cases.values())
    return Fortnight(
        nights=len(there) + len(missed),
        missed=missed,
        outages=tuple(night for night in there if not by_night[night].is_complete),
        planned=planned,
        answered=answered,
    )

"""Measure accepted nights again for what a suite asks since they were accepted.

A new check or metric has no cell in the statistics of accepted nights. Where a night's recording
is still at hand, and is the one that was accepted (its root digest says so), the cell is taken
from it, in memory: what was accepted is never rewritten, and a cell that is there never changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.measuring import observe
from contractcheck.metrics import LATENCY
from contractcheck.model.suite import CheckMode
from contractcheck.store import stored_form
from contractcheck.workflows.recorded_nights import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contractcheck.model.baseline import AcceptedNight, Baseline
    from contractcheck.model.night import CaseNight, NightStatistics
    from contractcheck.model.suite import Case, Suite
    from contractcheck.workflows.workspace import Workspace

_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescored:
    """A baseline, measured by a suite as it is now as far as its recordings are at hand.

    Attributes:
        baseline: The accepted nights, with the cells that could be added.
        notes: What was measured again, what could not be, and what to do about it.
    """

    baseline: Baseline
    notes: tuple[str, ...] = ()


def rescore(workspace: Workspace, suite: Suite, baseline: Baseline) -> Rescored:
    """Add what accepted nights lack, from their recordings.

    Args:
        workspace: Where recordings lie: the run store, and the reference night beside the baseline.
        suite: The contract as it is now.
        baseline: Accepted nights.
    """
    nights: list[AcceptedNight] = []
    added: Counter[str] = Counter()
    failed: dict[str, str] = {}
    again = 0
    for night in baseline.nights:
        lacking = _lacking(night, suite)
        try:
            now = _measure_again(workspace, suite, baseline, night, lacking) if lacking else night
        except RecordingError as error:
            failed[night.statistics.night] = str(error)
            now = night
        gained = {*_cells(now.statistics)} - {*_cells(night.statistics)}
        added.update({label for _, label in gained})
        again += bool(gained)
        nights.append(now)
    return Rescored(
        baseline=replace(baseline, nights=tuple(nights)),
        notes=tuple(_words(again, sorted(added), failed, len(nights))),
    )


def _lacking(night: AcceptedNight, suite: Suite) -> dict[str, frozenset[str]]:
    """Per case that compares, labels of the suite that the night has no cell of."""
    lacking = {}
    for case in suite.cases:
        known = night.statistics.cases.get(case.id)
        if _compares(known, night, case):
            labels = _labels(case) - (known.cells.keys() if known is not None else set())
            if labels:
                lacking[case.id] = labels
    return lacking


def _compares(known: CaseNight | None, night: AcceptedNight, case: Case) -> bool:
    """Whether the night asked the case as we ask it now; the case may have been dropped since."""
    if known is not None:
        return known.request_fingerprint == case.request_fingerprint
    return night.parts.get(case.id) == dict(case.fingerprint_parts)


def _labels(case: Case) -> frozenset[str]:
    """What a night keeps of a case. Times are always measured, so none is ever new."""
    checks = {check.label for check in case.checks if check.mode is CheckMode.NO_WORSE}
    metrics = {metric.label for metric in case.metrics if metric.name not in LATENCY}
    return frozenset(checks | metrics)


def _measure_again(
    workspace: Workspace,
    suite: Suite,
    baseline: Baseline,
    night: AcceptedNight,
    lacking: Mapping[str, frozenset[str]],
) -> AcceptedNight:
    run = read_recording(workspace, baseline, night, cases=tuple(lacking))
    smaller = replace(suite, cases=tuple(case for case in suite.cases if case.id in lacking))
    fresh = stored_form(observe(run, smaller).statistics).cases
    cases = dict(night.statistics.cases)
    for case, labels in lacking.items():
        known = cases.get(case)
        if case in fresh and known is None:
            cases[case] = fresh[case]
        elif case in fresh and known is not None:
            new = {label: cell for label, cell in fresh[case].cells.items() if label in labels}
            cases[case] = replace(known, cells={**new, **known.cells})
    return replace(night, statistics=replace(night.statistics, cases=cases))


def _cells(statistics: NightStatistics) -> Iterator[tuple[str, str]]:
    for case, one in statistics.cases.items():
        yield from ((case, label) for label in one.cells)


def _words(
    again: int, labels: Sequence[str], failed: Mapping[str, str], nights: int
) -> Iterator[str]:
    if again:
        yield (
            f"{again} of {nights} accepted nights were measured again from their recordings, for "
            f"what the suite asks since they were accepted: {', '.join(labels)}"
        )
    if failed:
        named = [*failed][:_NAMED]
        others = ", …" if len(failed) > _NAMED else ""
        yield (
            f"{len(failed)} of {nights} accepted nights ({', '.join(named)}{others}) lack what the "
            f"suite asks since they were accepted: {failed[named[0]]}; put their runs back, or "
            "record and accept new nights"
        )

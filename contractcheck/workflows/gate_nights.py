"""Accepted nights of a side that nobody can ask any more, as an observation table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging.standing import standing_nights
from contractcheck.measuring import COLUMNS
from contractcheck.metrics import LATENCY
from contractcheck.model.night import LabelCell, NumberCell, RateCell
from contractcheck.workflows.rescoring import rescore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from contractcheck.model.baseline import AcceptedNight
    from contractcheck.model.night import Cell, NightStatistics
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

_PLACE = ("http_client", "platform", "python", "region", "runner")
"""What of our side moves the times that we measure."""

_Row = tuple[str, str, str, int, str, str, str, float, str | None]


def find_nights(
    workspace: Workspace, suite: Suite, target: Target, today: str
) -> tuple[AcceptedNight, ...]:
    """Accepted nights that stand in for a side, oldest first.

    Nights count that are complete, whose acceptance has not expired, and of the last era: before
    a re-base another provider was accepted.

    Args:
        workspace: Where the baseline lies.
        suite: Of the side that accepted nights stand in for.
        target: Of that side.
        today: ISO date.

    Raises:
        RecordingError: If the baseline is damaged.
    """
    nights = standing_nights(workspace.baselines.read(suite.name, target), today)
    return tuple(night for night in nights if night.statistics.is_complete)


def tabulate_nights(workspace: Workspace, suite: Suite, target: Target, today: str) -> pd.DataFrame:
    """Spread the statistics of accepted nights out again: one row per trial and metric.

    Which trial a value came from is not kept, so a row's trial only numbers it. Texts are left
    out: of a night's texts only their mean is known. Nights count as in ``find_nights``, and cases
    that were asked as they are now.

    Args:
        workspace: Where the baseline lies, and the recordings behind it.
        suite: Of the side that accepted nights stand in for.
        target: Of that side.
        today: ISO date.

    Raises:
        RecordingError: If the baseline is damaged.
    """
    import pandas as pd

    baseline = workspace.baselines.read(suite.name, target)
    found = find_nights(workspace, suite, target, today)
    rescored = rescore(workspace, suite, replace(baseline, nights=found)) if baseline else None
    nights = rescored.baseline.nights if rescored else ()
    rows = [row for night in nights for row in _rows(night.statistics, suite)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def find_moves(nights: Iterable[AcceptedNight], vantage: Mapping[str, str]) -> str:
    """What of our side differs between accepted nights and now, or empty.

    Times that were taken from another place say nothing about the provider.
    """
    changed = {
        key: f"{key} {night.vantage.get(key) or 'unset'} → {vantage.get(key) or 'unset'}"
        for night in nights
        for key in _PLACE
        if (night.vantage.get(key) or "") != (vantage.get(key) or "")
    }
    return ", ".join(changed.values())


def keep_known_checks(table: pd.DataFrame, nights: pd.DataFrame) -> pd.DataFrame:
    """Rows of the new side without the checks that accepted nights keep no rate of."""
    is_known = table["metric"].isin(set(nights["metric"]))
    return table[(table["kind"] != "check") | is_known]


def _rows(night: NightStatistics, suite: Suite) -> Iterator[_Row]:
    for case in suite.cases:
        own = night.cases.get(case.id)
        if own is None or own.request_fingerprint != case.request_fingerprint:
            continue
        for metric, cell in own.cells.items():
            kind, values = _values(cell)
            plane = "latency" if metric in LATENCY else "outputs"
            plane = "conformance" if kind == "check" else plane
            for trial, (number, string) in enumerate(values):
                place = (night.run_id, night.night, case.id, trial)
                yield (*place, metric, kind, plane, number, string)


def _values(cell: Cell) -> tuple[str, list[tuple[float, str | None]]]:
    """The kind of a metric, and its values as numbers or texts."""
    nan = float("nan")
    if isinstance(cell, LabelCell):
        return "label", [(nan, label) for label, count in cell.counts.items() for _ in range(count)]
    if isinstance(cell, NumberCell):
        return "number", [(value, None) for value in cell.values]  # noqa: PD011 - of a cell
    if isinstance(cell, RateCell):
        return "check", [(float(trial < cell.passed), None) for trial in range(cell.count)]
    return "text", []

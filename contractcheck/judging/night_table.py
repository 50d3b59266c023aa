"""Line up nights: for each case and metric, one cell per night."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.metrics import LATENCY
from contractcheck.model.night import LabelCell, NumberCell, RateCell, TextCell

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from contractcheck.model.night import Cell, NightStatistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One case and metric over nights; None where a night has no comparable cell."""

    case: str
    metric: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NightTable:
    """Nights side by side, oldest first; the first ``accepted`` are the baseline.

    Attributes:
        nights: Accepted nights, then (if any) the night before tonight, then tonight.
        accepted: Number of accepted nights, K.
        outputs: Series of the output plane.
        latency: Series of the latency plane.
        conformance: Series of ``no-worse`` checks.
        learning: Cases that do not have enough comparable nights yet, with how many they have.
        aside: Cases in quarantine: in no series.
    """

    nights: tuple[NightStatistics, ...]
    accepted: int
    outputs: tuple[Series, ...]
    latency: tuple[Series, ...]
    conformance: tuple[Series, ...]
    learning: Mapping[str, int]
    aside: frozenset[str] = frozenset()


def line_up(
    accepted: Sequence[NightStatistics],
    later: Sequence[NightStatistics],
    fingerprints: Mapping[str, str],
    *,
    nights_wanted: int,
    aside: frozenset[str] = frozenset(),
) -> NightTable:
    """Line up accepted and later nights for the cases as they are now.

    A case's cell counts only where its request was the one that we send now.

    Args:
        accepted: Baseline, oldest first.
        later: The night before (optional) and tonight, oldest first.
        fingerprints: Request fingerprint per case id, as sent tonight.
        nights_wanted: Comparable nights after which a case leaves ``learning`` although the
            baseline has more.
        aside: Cases in quarantine.
    """
    nights = (*accepted, *later)
    enough = min(nights_wanted, len(accepted))
    learning: dict[str, int] = {}
    series: list[Series] = []
    for case, fingerprint in fingerprints.items():
        if case in aside:
            continue
        rows = [night.cases.get(case) for night in nights]
        same = [r if r is not None and r.request_fingerprint == fingerprint else None for r in rows]
        comparable = sum(row is not None for row in same[: len(accepted)])
        if comparable < enough:
            learning[case] = comparable
            continue
        tonight = same[-1]
        for metric in tonight.cells if tonight is not None else ():
            cells = _one_kind([None if row is None else row.cells.get(metric) for row in same])
            # A new check or metric has nothing to be compared with yet.
            if any(cell is not None for cell in cells[: len(accepted)]):
                series.append(Series(case=case, metric=metric, cells=cells))
    return NightTable(
        nights=nights,
        accepted=len(accepted),
        outputs=tuple(s for s in series if _plane(s) == "outputs"),
        latency=tuple(s for s in series if _plane(s) == "latency"),
        conformance=tuple(s for s in series if _plane(s) == "conformance"),
        learning=learning,
        aside=aside,
    )


def leave_out(table: NightTable, muted: Collection[tuple[str | None, str | None]]) -> NightTable:
    """The same nights without some cases (None is all), each with a metric (None is all)."""

    def keep(rows: tuple[Series, ...]) -> tuple[Series, ...]:
        return tuple(
            one
            for one in rows
            if not any(
                case in (None, one.case) and metric in (None, one.metric) for case, metric in muted
            )
        )

    return replace(
        table,
        outputs=keep(table.outputs),
        latency=keep(table.latency),
        conformance=keep(table.conformance),
    )


def _one_kind(cells: Sequence[Cell | None]) -> tuple[Cell | None, ...]:
    """A metric that changed its kind starts anew: only tonight's kind compares."""
    kind = type(cells[-1])
    return tuple(cell if isinstance(cell, kind) else None for cell in cells)


def _plane(series: Series) -> str:
    if isinstance(series.cells[-1], RateCell):
        return "conformance"
    return "latency" if series.metric in LATENCY else "outputs"


def label_counts(series: Series) -> tuple[list[str], list[list[int]]]:
    """Categories and counts per night; all zero where a night has no cell."""
    cells = [cell if isinstance(cell, LabelCell) else LabelCell(counts={}) for cell in series.cells]
    names = sorted({name for cell in cells for name in cell.counts})
    return names, [[cell.counts.get(name, 0) for name in names] for cell in cells]


def numbers(series: Series) -> list[tuple[float, ...]]:
    """Values per night; empty where a night has no cell."""
    return [cell.values if isinstance(cell, NumberCell) else () for cell in series.cells]


def presence_counts(series: Series) -> list[list[int]]:
    """Trials with and without a number, per night."""
    return [
        [len(cell.values), cell.missing] if isinstance(cell, NumberCell) else [0, 0]
        for cell in series.cells
    ]


def texts(series: Series) -> list[TextCell | None]:
    """Text cells per night."""
    return [cell if isinstance(cell, TextCell) else None for cell in series.cells]


def rates(series: Series) -> list[RateCell]:
    """Rates per night; 0 of 0 where a night has no cell."""
    empty = RateCell(passed=0, count=0)
    return [cell if isinstance(cell, RateCell) else empty for cell in series.cells]

"""What the rule of two nights contrasts in simulated years: one case and metric at a time.

Counts are contrasted by the function that judges, numbers by the mean rank scores and texts by the
distances that charts know already. Shapes are (T, R): nights, the accepted ones first, by years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.judging.night_scales import (
    APART,
    PRESENT,
    REST,
    SPREAD,
    LabelScale,
    NumberScale,
    TextScale,
)
from contractcheck.judging.night_values import case_of
from contractcheck.model.night import NumberCell, TextCell
from contractcheck.stats.nights import number_contrasts, text_contrasts
from contractcheck.stats.simulated_contrasts import measure_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging.night_values import Reference
    from contractcheck.model.night import Cell
    from contractcheck.stats.simulated_contrasts import RankScale


_FEWEST_FURTHER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class CountsOf:
    """Categories of one case, by the places of its coordinates.

    Attributes:
        usual: Place of the share of the usual category.
        second: Place of the share of the next among the others; -1 without one.
        left: Shares of the further categories among what these leave, adding up to 1; those
            beyond the first of them are taken together.
    """

    usual: int
    second: int = -1
    left: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, kw_only=True, slots=True)
class RanksOf:
    """Numbers of one case: places of their mean scores, and what they are contrasted by."""

    location: int
    spread: int
    scale: RankScale


@dataclass(frozen=True, kw_only=True, slots=True)
class ApartOf:
    """Texts of one case.

    Attributes:
        apart: Place of the normal score of their distance.
        answers: Texts of a night.
        dof: Effective degrees of freedom of an accepted night and of a later one.
        usual: Mean score of the accepted nights.
    """

    apart: int
    answers: int
    dof: tuple[float, float]
    usual: float


Contrasted = CountsOf | RanksOf | ApartOf


def fit_contrasts(reference: Reference, stream: str, rows: Sequence[str]) -> tuple[Contrasted, ...]:
    """Say what each case of one output stream is contrasted by.

    Args:
        reference: At least five accepted nights.
        stream: The metric.
        rows: (C,) names of its coordinates.
    """
    cases = sorted({case_of(row) for row in rows})
    return tuple(one for case in cases for one in _fit_case(reference, (case, stream), list(rows)))


def _fit_case(
    reference: Reference, place: tuple[str, str], rows: list[str]
) -> Iterator[Contrasted]:
    scale, case = reference.scales[place], place[0]
    cells = _cells(reference, place)

    def find(coordinate: str) -> int:
        row = f"{case}#{coordinate}" if coordinate else case
        return rows.index(row) if row in rows else -1

    if isinstance(scale, LabelScale) and case in rows:
        yield _counts_of(scale, find(""), find(REST))
    elif isinstance(scale, NumberScale):
        if case in rows:
            numbers = [one for one in cells if isinstance(one, NumberCell)]
            yield _ranks_of(numbers, find(""), find(SPREAD))
        if find(PRESENT) >= 0:
            yield CountsOf(usual=find(PRESENT))
    elif isinstance(scale, TextScale) and find(APART) >= 0:
        yield _apart_of([one for one in cells if isinstance(one, TextCell)], scale, find(APART))


def _cells(reference: Reference, place: tuple[str, str]) -> list[Cell]:
    """Comparable cells of the accepted nights."""
    case, metric = place
    own = [night.cases.get(case) for night in reference.nights]
    wanted = reference.fingerprints[case]
    found = [one for one in own if one is not None and one.request_fingerprint == wanted]
    return [one.cells[metric] for one in found if metric in one.cells]


def _counts_of(scale: LabelScale, usual: int, second: int) -> CountsOf:
    drawn = {scale.usual, scale.second} if second >= 0 else {scale.usual}
    counts = [count for name, count in scale.pooled.items() if name not in drawn and count]
    if len(counts) < _FEWEST_FURTHER:
        return CountsOf(usual=usual, second=second)
    next_one = max(counts) / sum(counts)
    return CountsOf(usual=usual, second=second, left=(next_one, 1.0 - next_one))


def _ranks_of(cells: Sequence[NumberCell], location: int, spread: int) -> RanksOf:
    values = [cell.values for cell in cells if cell.values]
    # The last one again, as a later night: its degrees of freedom are those of any other.
    dof = number_contrasts([*values, values[-1]], accepted=len(values)).dof
    pool = [value for night in values for value in night]
    return RanksOf(
        location=location,
        spread=spread,
        scale=measure_ranks(
            pool,
            answers=max(round(len(pool) / len(values)), 1),
            dof=(float(dof[:-1].mean()), float(dof[-1])),
        ),
    )


def _apart_of(cells: Sequence[TextCell], scale: TextScale, place: int) -> ApartOf:
    again = [*cells, cells[-1]]
    contrast = text_contrasts(
        [cell.mean for cell in again],
        [cell.count for cell in again],
        effective_dimension=scale.dimension,
        accepted=len(cells),
    )
    return ApartOf(
        apart=place,
        answers=max(round(scale.count / len(cells)), 1),
        dof=(float(contrast.dof[:-1].mean()), float(contrast.dof[-1])),
        usual=float(np.mean(scale.apart)),
    )

"""Reduce a measured run to what later nights are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.metrics import NOT_BY_NIGHT
from contractcheck.model.completion import Outcome
from contractcheck.model.night import (
    MOST_INFRA,
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.model.suite import CheckMode
from contractcheck.stats.features import hash_text
from contractcheck.stats.nights import text_effective_dimension
from contractcheck.stats.sketches import read_vector, sketch_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from contractcheck.model.measurement import TrialAnswer
    from contractcheck.model.night import Cell
    from contractcheck.model.run import CasePlan, RunHeader
    from contractcheck.model.suite import Case, Suite


def reduce_night(
    header: RunHeader, suite: Suite, answers: Sequence[TrialAnswer], table: pd.DataFrame
) -> NightStatistics:
    """Reduce a run to its sufficient statistics, per case and metric.

    Args:
        header: The run's header; its night is its own, or the date it started.
        suite: The suite it was measured by.
        answers: One per trial with an exchange.
        table: The observation table.
    """
    by_case = dict(tuple(table.groupby("case", sort=True)))
    cases = {
        case.id: _reduce_case(case, header.cases[case.id], rows)
        for case in suite.cases
        if case.id in header.cases and (rows := by_case.get(case.id)) is not None
    }
    completions = [one.answer.completion for one in answers]
    infra = sum(c.outcome in (Outcome.INFRA, Outcome.TRUNCATED) for c in completions)
    return NightStatistics(
        night=header.night or header.started_at[:10],
        run_id=header.id,
        is_complete=header.status == "complete"
        and len(answers) >= header.planned_trials
        and infra <= MOST_INFRA * header.planned_trials,
        cases=cases,
        models=tuple(sorted({c.model for c in completions if c.model})),
        fingerprints=tuple(
            sorted({c.system_fingerprint for c in completions if c.system_fingerprint})
        ),
    )


def reduce_table(table: pd.DataFrame) -> tuple[NightStatistics, ...]:
    """Reduce a table with nights (from elsewhere: no checks, no plan), oldest night first.

    Nights are ordered as numbers if all of them are, else as texts, as ISO dates want it.
    """
    nights = []
    by_night = {str(night): own for night, own in table.groupby("night", sort=False)}
    is_numbered = all(night.isdecimal() for night in by_night)
    for night in sorted(by_night, key=lambda name: (int(name) if is_numbered else 0, name)):
        own = by_night[night]
        cases = {
            str(case): CaseNight(
                request_fingerprint="",
                answered=int(rows["trial"].nunique()),
                planned=int(rows["trial"].nunique()),
                cells={
                    str(label): _reduce_metric(str(kind), values)
                    for (label, kind), values in rows.groupby(["metric", "kind"], sort=True)
                },
            )
            for case, rows in own.groupby("case", sort=True)
        }
        nights.append(NightStatistics(night=night, run_id="", is_complete=True, cases=cases))
    return tuple(nights)


def _reduce_case(case: Case, plan: CasePlan, rows: pd.DataFrame) -> CaseNight:
    no_worse = {check.label for check in case.checks if check.mode is CheckMode.NO_WORSE}
    cells: dict[str, Cell] = {}
    for (label, kind), values in rows.groupby(["metric", "kind"], sort=True):
        if label in NOT_BY_NIGHT:
            continue
        if kind == "vector":
            values = values.dropna(subset="string")  # noqa: PLW2901 - a vector that is missing has no direction
        if kind != "check" and len(values):
            cells[str(label)] = _reduce_metric(str(kind), values)
        elif label in no_worse:
            passed = int(values["number"].sum())
            cells[str(label)] = RateCell(passed=passed, count=len(values))
    return CaseNight(
        request_fingerprint=plan.request_fingerprint,
        answered=int(rows["trial"].nunique()),
        planned=plan.samples,
        cells=cells,
    )


def _reduce_metric(kind: str, rows: pd.DataFrame) -> Cell:
    if kind == "number":
        known = rows["number"].dropna()
        values = tuple(float(f"{value:.7g}") for value in sorted(known))
        return NumberCell(values=values, missing=len(rows) - len(known))
    strings = [str(value) for value in rows["string"]]
    if kind == "label":
        counts = {label: strings.count(label) for label in sorted(set(strings))}
        return LabelCell(counts=counts)
    vectors: NDArray[np.floating]
    if kind == "vector":
        vectors = sketch_vectors([read_vector(text, metric=kind) for text in strings])
    else:
        vectors = hash_text(strings)
    return TextCell(
        count=len(strings),
        mean=tuple(vectors.mean(axis=0).tolist()),
        effective_dimension=text_effective_dimension(vectors),
    )

"""Look into the history of a watch: nights, numbers, and what happened between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.store.history import open_history
from contractcheck.workflows.history_rows import make_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from contractcheck.model.history import (
        ChartReading,
        HistoryEvent,
        NightJudgement,
        NightRecord,
        NightValues,
    )
    from contractcheck.store.history import History
    from contractcheck.workflows.history_rows import HistoryRow


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenNight:
    """One night of a suite and target.

    Attributes:
        record: Its run.
        planned: Trials.
        answered: Those of them that were answered and scored.
        judgement: What was said of it, or None.
        rows: Its numbers, per case and stream.
        deviations: Per row of a stream (``stream``, ``case`` or ``case#coordinate``) how far it is
            from the accepted nights, in units of sampling noise; of nights that charts add up.
        events: What happened on it.
    """

    record: NightRecord
    planned: int
    answered: int
    judgement: NightJudgement | None
    rows: tuple[HistoryRow, ...]
    deviations: Mapping[tuple[str, str], float]
    events: tuple[HistoryEvent, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryView:
    """The watch of one suite and target, seen over nights.

    Attributes:
        suite: Suite name.
        target: Target id.
        nights: Oldest first.
        events: All that happened since the first of these nights, by night; also between nights.
    """

    suite: str
    target: str
    nights: tuple[SeenNight, ...]
    events: tuple[HistoryEvent, ...]

    def charts(self) -> dict[tuple[str, str], list[ChartReading | None]]:
        """Per stream and kind of chart, its reading on each of the nights."""
        found: dict[tuple[str, str], list[ChartReading | None]] = {}
        for place, night in enumerate(self.nights):
            for one in night.judgement.charts if night.judgement else ():
                row = found.setdefault((one.stream, one.kind), [None] * len(self.nights))
                row[place] = one
        return found

    def values(self) -> dict[tuple[str, str], list[HistoryRow | None]]:
        """Per case and stream, its numbers on each of the nights."""
        found: dict[tuple[str, str], list[HistoryRow | None]] = {}
        for place, night in enumerate(self.nights):
            for one in night.rows:
                row = found.setdefault((one.case, one.stream), [None] * len(self.nights))
                row[place] = one
        return found


def view_history(
    url: str | Path,
    *,
    suite: str | None = None,
    target: str | None = None,
    cases: Collection[str] = (),
    last: int | None = None,
    with_rows: bool = True,
) -> tuple[HistoryView, ...]:
    """See the history of every suite and target in it that is asked for.

    Args:
        url: URL or path of the history.
        suite: Only this suite.
        target: Only this target id.
        cases: Only rows of these cases; empty is all.
        last: Only so many of the latest nights; None is all.
        with_rows: Whether to read what nights came to; without, cases and streams stay empty.

    Raises:
        UsageError: If there is no such history, or nothing in it is of this suite and target.
        RecordingError: If it is damaged or out of reach.
    """
    with open_history(url, create=False) as history:
        known = history.subjects()
        chosen = [
            one
            for one in known
            if (suite is None or one[0] == suite) and (target is None or one[1] == target)
        ]
        if not chosen and (suite is not None or target is not None):
            names = ", ".join(f"{one} × {other}" for one, other in known) or "nothing"
            asked = " × ".join(filter(None, [suite, target]))
            raise UsageError(f"the history has no {asked}; there is: {names}")
        views = [_view(history, *one, cases, last, with_rows=with_rows) for one in chosen]
        if cases and not any(night.rows for view in views for night in view.nights):
            there = ", ".join(_cases_of(history, chosen)) or "none"
            raise UsageError(
                f"no night shown has a case {', '.join(cases)}; the latest nights have: {there}"
            )
    return tuple(views)


def _cases_of(history: History, subjects: Collection[tuple[str, str]]) -> list[str]:
    """Cases of the latest night of each suite and target."""
    found: set[str] = set()
    for suite, target in subjects:
        for record in history.nights(suite, target, last=1):
            kept = history.statistics(suite, target, record.night)
            found.update(kept.cases if kept else ())
    return sorted(found)


def _view(
    history: History,
    suite: str,
    target: str,
    cases: Collection[str],
    last: int | None,
    *,
    with_rows: bool,
) -> HistoryView:
    records = history.nights(suite, target, last=last)
    judged = {one.night: one for one in history.judgements(suite, target, last=last)}
    first = records[0].night if records and last is not None else ""
    events = tuple(one for one in history.events(suite, target) if one.night >= first)
    kept = [history.statistics(suite, target, one.night) for one in records]
    statistics = [one for one in kept if one is not None]
    rows: dict[str, list[HistoryRow]] = {}
    for row in make_rows(statistics) if with_rows else ():
        if not cases or row.case in cases:
            rows.setdefault(row.night, []).append(row)
    counts = {one.night: list(one.cases.values()) for one in statistics}
    values = _kept_values(history, suite, target, judged) if with_rows else {}
    return HistoryView(
        suite=suite,
        target=target,
        nights=tuple(
            SeenNight(
                record=record,
                planned=sum(case.planned for case in counts.get(record.night, ())),
                answered=sum(case.answered for case in counts.get(record.night, ())),
                judgement=judged.get(record.night),
                rows=tuple(rows.get(record.night, ())),
                deviations=_deviations(values.get((record.night, record.run_id))),
                events=tuple(one for one in events if one.night == record.night),
            )
            for record in records
        ),
        events=events,
    )


def _kept_values(
    history: History, suite: str, target: str, judged: Mapping[str, NightJudgement]
) -> dict[tuple[str, str], NightValues]:
    """Values of nights against the accepted nights that they were judged by, by night and run."""
    digests = dict.fromkeys(one.baseline for one in judged.values() if one.baseline)
    return {
        (one.night, one.run_id): one
        for digest in digests
        for one in history.values(suite, target, digest)
        if (said := judged.get(one.night)) is None or said.baseline == digest
    }


def _deviations(values: NightValues | None) -> dict[tuple[str, str], float]:
    if values is None:
        return {}
    return {
        (stream, row): one.value / math.sqrt(one.variance)
        for stream, rows in values.streams.items()
        for row, one in rows.items()
        if one.variance > 0.0
    }

"""The history of a watch as a table, for notebooks.

::

    import contractcheck.history

    nights = contractcheck.history.frame(suite="support-triage")
    nights[nights.stream == "ttft_s"].groupby("night").value.median().plot()
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from contractcheck.workflows.history_views import HistoryView

COLUMNS = (
    "night",
    "suite",
    "target",
    "case",
    "stream",
    "kind",
    "of",
    "value",
    "n",
    "deviation",
    "run_id",
    "is_complete",
    "verdict",
    "event",
)
"""Of the table that :func:`frame` makes."""


def frame(
    url: str | Path | None = None,
    suite: str | None = None,
    target: str | None = None,
    case: str | None = None,
) -> pd.DataFrame:
    """Read the history into a table: one row per night, case and stream, oldest night first.

    Args:
        url: URL or path of the history; None is ``.contractcheck/history.sqlite`` here.
        suite: Only this suite.
        target: Only this target, such as ``openai:gpt-5-mini``.
        case: Only this case.

    Returns:
        ``night`` (date), ``suite``, ``target``, ``case``, ``stream`` (a metric or check);
        ``kind``, ``of`` and ``value`` as in
        :class:`contractcheck.workflows.history_rows.HistoryRow` (NaN where there is no value);
        ``n`` answers behind it; ``deviation`` from the accepted nights in units of sampling noise,
        NaN on nights that no chart adds up and for times; ``run_id``; ``is_complete``; ``verdict``
        of the night, None before it was judged; ``event``: what happened on the night
        (acceptances, alarms and their ends, mutes, quarantines, re-bases, outages), in words, or
        empty.

    Raises:
        UsageError: If there is no such history, suite, target or case.
        RecordingError: If it is damaged or out of reach.
    """
    import pandas as pd

    from contractcheck.workflows.history_views import view_history

    place = Path(".contractcheck/history.sqlite") if url is None else url
    cases = () if case is None else (case,)
    views = view_history(place, suite=suite, target=target, cases=cases)
    table = pd.DataFrame([row for view in views for row in _rows(view)], columns=list(COLUMNS))
    table["night"] = pd.to_datetime(table["night"])
    numbers = {"value": "float64", "deviation": "float64", "n": "int64", "is_complete": "bool"}
    return table.astype(numbers).sort_values("night", kind="stable", ignore_index=True)


def _rows(view: HistoryView) -> Iterator[tuple[object, ...]]:
    for night in view.nights:
        verdict = None if night.judgement is None else night.judgement.verdict.value
        words = "; ".join(f"{event.kind}: {event.words}" for event in night.events)
        for row in night.rows:
            deviation = night.deviations.get((row.stream, row.case))
            if row.kind == "passed":
                deviation = night.deviations.get(("conformance", f"{row.case}#{row.stream}"))
            yield (
                *(row.night, view.suite, view.target, row.case, row.stream, row.kind, row.of),
                *(row.value, row.n, deviation),
                *(night.record.run_id, night.record.is_complete, verdict, words),
            )

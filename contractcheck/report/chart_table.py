"""Where the charts of the watch stand on a night: a row per stream, a column per chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.columns import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.history import ChartReading

_HEADS = {
    "squares": "several cases",
    "largest": "a single case",
    "mean": "all alike",
    "level": "level",
}


def chart_lines(charts: Sequence[ChartReading]) -> Iterator[str]:
    """Value and alarm limit of every chart, marked where it is beyond."""
    if not charts:
        return
    kinds = [kind for kind in _HEADS if any(one.kind == kind for one in charts)]
    by_stream: dict[tuple[str, str], dict[str, ChartReading]] = {}
    for one in charts:
        by_stream.setdefault((one.plane, one.stream), {})[one.kind] = one
    yield ""
    rows = [("plane", "all nights since", *(_HEADS[kind] for kind in kinds))]
    rows += [
        (plane, stream, *(_cell(own.get(kind)) for kind in kinds))
        for (plane, stream), own in by_stream.items()
    ]
    yield from columns(rows)
    yield "  (now / alarm above, in deviations of a chart on which nothing changed)"


def _cell(reading: ChartReading | None) -> str:
    if reading is None:
        return ""
    mark = "✗ " if reading.value > reading.threshold else ""
    return f"{mark}{reading.value:.1f} / {reading.threshold:.1f}"

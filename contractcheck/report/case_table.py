"""The table of comparisons by case and metric: the most unusual ones, with all their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.columns import columns
from contractcheck.report.numbers import (
    describe_detectable,
    describe_margin,
    describe_p,
    describe_size,
)
from contractcheck.report.safe_text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.judgement import Comparison
    from contractcheck.model.report import Report

_MOST_ROWS = 8


def case_lines(report: Report) -> Iterator[str]:
    """Suite-wide rows first, then the cases; what has no place is in the JSON report."""
    planes = {finding.plane for finding in report.findings if finding.comparison is not None}
    margins = {margin.name for margin in report.gate.margins} if report.gate else set()
    placed = [
        c
        for c in report.comparisons
        if c.score is None
        and not (c.case is None and c.metric in margins)  # the gate's own table has them
        and c.estimate.effect is not None
        and (c.plane in planes or c.case is None)
    ]
    if not placed:
        return
    shown = _choose(placed)
    rows = [
        ("case", "metric", "effect [95 %]", "p", "adjusted p", "n", "margin", "shows from", ""),
        *map(_row, shown),
    ]
    used = [i for i in range(len(rows[0])) if i < _ALWAYS or any(row[i] for row in rows[1:])]
    yield ""
    yield from columns([tuple(row[i] for i in used) for row in rows])
    if len(placed) > len(shown):
        yield f"  … {len(placed) - len(shown)} more rows in --format json"


_ALWAYS = 6
"""Columns that are there though they may be empty."""


def _row(comparison: Comparison) -> tuple[str, ...]:
    estimate = comparison.estimate
    return (
        comparison.case or "(all)",
        shorten(comparison.metric, 40),
        describe_size(estimate),
        describe_p(estimate.p),
        describe_p(comparison.adjusted_p),
        f"{estimate.n_baseline} v {estimate.n_candidate}",
        describe_margin(comparison),
        describe_detectable(comparison),
        shorten(estimate.detail, 48),
    )


def _choose(placed: Sequence[Comparison]) -> list[Comparison]:
    """The most unusual rows; many metrics leave half of the places to the cases."""
    ranked = sorted(placed, key=_surprise)
    whole = [c for c in ranked if c.case is None]
    cases = [c for c in ranked if c.case is not None]
    n_cases = min(len(cases), max(_MOST_ROWS - len(whole), _MOST_ROWS // 2))
    return whole[: _MOST_ROWS - n_cases] + cases[:n_cases]


def _surprise(comparison: Comparison) -> tuple[float, float, float, str, str]:
    """The most unusual first; without a p-value the size decides."""
    estimate = comparison.estimate
    p = 1.0 if estimate.p is None else estimate.p
    adjusted = p if comparison.adjusted_p is None else comparison.adjusted_p
    size = -abs(estimate.effect or 0.0)
    return adjusted, p, size, comparison.case or "", comparison.metric

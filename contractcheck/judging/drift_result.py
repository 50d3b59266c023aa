"""What judging a run for drift comes to, whichever rule judged it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.model.history import ChartReading, NightValues
    from contractcheck.model.judgement import Comparison, Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftResult:
    """Drift of one run.

    Attributes:
        findings: What drifted, or may have.
        judged: Streams of the two-night rule; empty where it does not judge.
        comparisons: Every case and metric.
        error_rates: The chance of a false red, for exactly what judged.
        quiet: The headline if nothing is wrong.
        rule_share: Chance per year of a false red by each rate check and limit.
        charted: Streams that charts judged tonight.
        gaps: What is missing for a good verdict, beside what is missing for any rule.
        notes: What a reader must know.
        charts: Where each chart stands.
        values: Tonight's values; None outside of the watch.
        confirm: Whether a second run of tonight would decide a suspicion.
    """

    findings: tuple[Finding, ...]
    judged: tuple[StreamJudgement, ...]
    comparisons: tuple[Comparison, ...]
    error_rates: str
    quiet: str
    rule_share: float
    charted: frozenset[str] = frozenset()
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    charts: tuple[ChartReading, ...] = ()
    values: NightValues | None = None
    confirm: bool = False

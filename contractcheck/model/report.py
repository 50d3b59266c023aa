"""Everything a formatter needs, and nothing it would have to work out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from contractcheck.model.gate import GateAccount
    from contractcheck.model.history import ChartReading
    from contractcheck.model.judgement import Comparison, Finding, PassRate, PathChange, Verdict

EvidenceSource = Literal["live", "replay", "tables"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialCounts:
    """What became of the planned trials (all counts); ``retries`` are requests beyond the first."""

    planned: int
    answered: int
    infra: int
    malformed: int
    config: int
    retries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One judged run.

    Attributes:
        verdict: The answer.
        exit_code: What the command line returns for it under the suite's policy.
        headline: One human sentence.
        suite: Suite name, or the tables' names.
        suite_version: Semantic version, or empty.
        suite_fingerprint: Which rules judged, or empty.
        target: Target id, or empty.
        source: Whether the provider was asked now.
        run_id: Or None for tables.
        night: ISO date, or None.
        baseline: One line on what it was compared with.
        error_rates: One line that states the chance of a false red for exactly this rule.
        counts: Trials, or None for tables.
        comparisons: Every number, sorted by plane, metric and case.
        findings: Sorted by the evidence ladder.
        notes: What a reader must know: scope, age, what was left out.
        next_steps: Commands to type next.
        gate: What a gate has besides; None for everything else.
        path_changes: What the shape of structured answers has on one side only, breaking first.
        pass_rates: Every check of every case that was scored, in the order of the suite.
        charts: Where each chart of the watch stands on this night; empty outside of the watch.
    """

    verdict: Verdict
    exit_code: int
    headline: str
    suite: str
    suite_version: str
    suite_fingerprint: str
    target: str
    source: EvidenceSource
    run_id: str | None
    night: str | None
    baseline: str
    error_rates: str
    counts: TrialCounts | None
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    next_steps: tuple[str, ...]
    gate: GateAccount | None = None
    path_changes: tuple[PathChange, ...] = ()
    pass_rates: tuple[PassRate, ...] = ()
    charts: tuple[ChartReading, ...] = ()

"""What a verdict on one run rests on, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.judging.rebased import Placed
    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import ChartReading, Exemption, NightRecord, NightValues
    from contractcheck.model.judgement import Comparison, Finding, PathChange, Verdict
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything a verdict on one run may rest on.

    Attributes:
        suite: The contract.
        run: Tonight.
        baseline: Accepted nights, or None.
        placed: What the run is held against, where it is known already (``place_tonight``).
        previous: The latest complete night before tonight that is not accepted, or None.
        reference: An accepted night with its answers, for examples, or None.
        watch: Whether this is a night of the watch: then charts over all later nights judge drift.
        later: Values of the complete nights after the last accepted one and before tonight, oldest
            first, against the same accepted nights (``standing.standing_reference``).
        records: What is known of nights, by night, for dating and attribution.
        exemptions: What people took out of the watch for a while, expired ones included.
        confirmation: A second complete run of the same night: to the fast rule it is one night
            more; nothing else looks at it.
    """

    suite: Suite
    run: MeasuredRun
    baseline: Baseline | None = None
    placed: Placed | None = None
    previous: NightStatistics | None = None
    reference: MeasuredRun | None = None
    watch: bool = False
    later: tuple[NightValues, ...] = ()
    records: Mapping[str, NightRecord] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    confirmation: NightStatistics | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A verdict and all that led to it (fields as in ``model.report.Report``).

    Attributes:
        charts: Where each chart of the watch stands tonight.
        values: Tonight's values, as charts add them up; None outside of the watch.
        confirm: Whether a second run of this night would decide a suspicion.
    """

    verdict: Verdict
    headline: str
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = ()
    baseline: str = "none"
    error_rates: str = ""
    notes: tuple[str, ...] = field(default=())
    path_changes: tuple[PathChange, ...] = ()
    charts: tuple[ChartReading, ...] = ()
    values: NightValues | None = None
    confirm: bool = False

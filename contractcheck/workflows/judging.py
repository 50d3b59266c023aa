"""Judge a recorded run against the accepted nights and make the report."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import Evidence, exit_code, judge_run
from contractcheck.measuring import observe
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.report import Report, TrialCounts

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.judging import Judgement
    from contractcheck.model.baseline import Baseline
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.report import EvidenceSource
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

_CONSECUTIVE_DAYS = 7
"""A night this much older than tonight is not the night before: outages and weekends may lie
between two consecutive measurements, but not a forgotten month."""

_DOUBTFUL = (FindingKind.IDENTITY, FindingKind.BREACH, FindingKind.DRIFT, FindingKind.SUSPECT)
"""Accepting such a night would teach the change to the baseline."""


def judge_recorded(
    workspace: Workspace, suite: Suite, folder: Path, *, source: EvidenceSource = "live"
) -> Report:
    """Judge one recorded run, sealed or cut short.

    Raises:
        RecordingError: If a recording or the baseline is damaged.
    """
    run = observe(read_run(folder), suite)
    baseline = workspace.baselines.read(suite.name, run.header.target)
    evidence = Evidence(
        suite=suite,
        run=run,
        baseline=baseline,
        previous=_previous_night(workspace, suite, run.header, baseline),
        reference=_reference(workspace, suite, run.header),
    )
    return make_report(judge_run(evidence), run, suite, source=source)


def make_report(
    judgement: Judgement, run: MeasuredRun, suite: Suite, *, source: EvidenceSource
) -> Report:
    """Put a judgement and what it is about together."""
    header = run.header
    return Report(
        verdict=judgement.verdict,
        exit_code=exit_code(judgement.verdict, suite.policy.on_inconclusive),
        headline=judgement.headline,
        suite=suite.name,
        suite_version=suite.version,
        suite_fingerprint=suite.fingerprint,
        target=header.target.id,
        source=source,
        run_id=header.id,
        night=header.night,
        baseline=judgement.baseline,
        error_rates=judgement.error_rates,
        counts=TrialCounts(
            planned=header.planned_trials,
            answered=run.count(Outcome.ANSWERED),
            infra=run.count(Outcome.INFRA, Outcome.TRUNCATED),
            malformed=run.count(Outcome.MALFORMED),
            config=run.count(Outcome.CONFIG, Outcome.RETIRED),
        ),
        comparisons=judgement.comparisons,
        findings=judgement.findings,
        notes=(
            *judgement.notes,
            *([f"this run is labelled: {header.label}"] if header.label else []),
        ),
        next_steps=_next_steps(judgement, header),
    )


def _previous_night(
    workspace: Workspace, suite: Suite, header: RunHeader, baseline: Baseline | None
) -> NightStatistics | None:
    """The complete night just before tonight, unless it was accepted: then it was good."""
    tonight = header.night or header.started_at[:10]
    accepted = [night.statistics.night for night in baseline.nights] if baseline else []
    last_good = max((night for night in accepted if night < tonight), default="")
    recorded = [
        (read_header(folder).night or "", folder)
        for folder in workspace.runs.folders(suite.name, header.target)
        if is_sealed(folder)
    ]
    for night, folder in sorted(recorded, reverse=True):
        if not night or night <= last_good or not _is_just_before(night, tonight):
            continue
        statistics = observe(read_run(folder), suite).statistics
        if statistics.is_complete and statistics.cases:
            return statistics
    return None


def _is_just_before(night: str, tonight: str) -> bool:
    days = (date.fromisoformat(tonight) - date.fromisoformat(night)).days
    return 0 < days <= _CONSECUTIVE_DAYS


def _reference(workspace: Workspace, suite: Suite, header: RunHeader) -> MeasuredRun | None:
    """The accepted night whose answers are at hand; without them there are no examples."""
    folder = workspace.baselines.reference(suite.name, header.target)
    if folder is None or folder.name.endswith(header.id):
        return None
    try:
        return observe(read_run(folder), suite)
    except RecordingError:
        return None


def _next_steps(judgement: Judgement, header: RunHeader) -> tuple[str, ...]:
    verdict = judgement.verdict
    again = f"contractcheck run --suite {header.suite} --target {header.target.id}"
    again += " --night" if header.night else ""
    show = f"contractcheck report {header.id} --format json"
    accept = f'contractcheck accept {header.id} --reason "…"'
    if verdict is Verdict.ERROR:
        return (again,)
    if header.status == "interrupted":
        return (f"contractcheck run --resume {header.id}", show)
    if any(finding.kind in _DOUBTFUL for finding in judgement.findings):
        return (show, again)
    return (show, accept)

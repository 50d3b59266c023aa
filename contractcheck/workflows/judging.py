"""Judge a recorded run against the accepted nights and make the report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import Evidence, exit_code, judge_run
from contractcheck.judging.pass_rates import pass_rates
from contractcheck.measuring import observe
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.report import Report, TrialCounts
from contractcheck.workflows.previous_night import find_previous_night
from contractcheck.workflows.rescoring import rescore

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.report import EvidenceSource
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

DOUBTFUL = (FindingKind.IDENTITY, FindingKind.BREACH, FindingKind.DRIFT, FindingKind.SUSPECT)
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
    rescored = rescore(workspace, suite, baseline) if baseline else None
    previous = find_previous_night(workspace, suite, run.header, baseline)
    evidence = Evidence(
        suite=suite,
        run=run,
        baseline=rescored.baseline if rescored else None,
        previous=previous.statistics,
        reference=_reference(workspace, suite, run.header),
    )
    judgement = judge_run(evidence)
    notes = (*judgement.notes, *(rescored.notes if rescored else ()), *previous.notes)
    return make_report(replace(judgement, notes=notes), run, suite, source=source)


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
            retries=len(run.earlier),
        ),
        comparisons=judgement.comparisons,
        findings=judgement.findings,
        notes=(
            *judgement.notes,
            *([f"this run is labelled: {header.label}"] if header.label else []),
        ),
        next_steps=_next_steps(judgement, header),
        pass_rates=() if judgement.verdict is Verdict.ERROR else pass_rates(run, suite),
    )


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
    if header.gate:
        return (f"contractcheck gate --resume {header.gate}", show)
    if header.status == "interrupted":
        resume = f"contractcheck run --resume {header.id}"
        return (resume,) if verdict is Verdict.ERROR else (resume, show)
    if verdict is Verdict.ERROR:
        return (again,)
    if header.status == "partial" or any(f.kind in DOUBTFUL for f in judgement.findings):
        return (show, again)
    return (show, accept)

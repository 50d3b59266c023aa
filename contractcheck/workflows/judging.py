"""Judge a recorded run against the accepted nights and make the report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError
from contractcheck.judging import exit_code
from contractcheck.judging.pass_rates import pass_rates
from contractcheck.measuring import observe
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.report import Report, TrialCounts
from contractcheck.store.history import open_history
from contractcheck.workflows.watch_evidence import gather, gather_without_history, judge_gathered

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.report import EvidenceSource
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.watch_ground import Gathered
    from contractcheck.workflows.workspace import Workspace

DOUBTFUL = (FindingKind.IDENTITY, FindingKind.BREACH, FindingKind.DRIFT, FindingKind.SUSPECT)
"""Accepting such a night would teach the change to the baseline."""


def judge_recorded(
    workspace: Workspace,
    suite: Suite,
    folder: Path,
    *,
    source: EvidenceSource = "live",
    history: str | Path | None = None,
) -> Report:
    """Judge one recorded run, sealed or cut short.

    Where there is a history of nights, it is read, and nothing is written to it.

    Args:
        workspace: Where recordings and baselines lie.
        suite: The contract.
        folder: The run.
        source: Whether the provider was asked just now.
        history: URL or path of the history; None is the project's own, if there is one.

    Raises:
        UsageError: If there is no history where one was named.
        RecordingError: If a recording or the baseline is damaged.
    """
    run = observe(read_run(folder), suite)
    found = _gather(workspace, suite, run, history)
    judgement = judge_gathered(workspace, found.evidence)
    notes = (*judgement.notes, *found.notes)
    return make_report(replace(judgement, notes=notes), run, suite, source=source)


def _gather(
    workspace: Workspace, suite: Suite, run: MeasuredRun, place: str | Path | None
) -> Gathered:
    """What the run is judged by; a history that cannot be read is told, and done without."""
    if place is None and not workspace.history.is_file():
        return gather_without_history(workspace, suite, run)
    try:
        with open_history(place or workspace.history, create=False) as history:
            return gather(workspace, suite, history, run)
    except RecordingError as error:
        found = gather_without_history(workspace, suite, run)
        words = f"judged without the nights of the watch: {error}"
        return replace(found, notes=(*found.notes, words))


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
        charts=judgement.charts,
    )


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

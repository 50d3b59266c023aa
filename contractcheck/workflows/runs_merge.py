"""Merge shards of one night into one run; the shards stay as they are."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import UsageError
from contractcheck.redaction import Scrubber
from contractcheck.store import new_run_id
from contractcheck.workflows.endpoint import find_secrets
from contractcheck.workflows.runs_write import write_run
from contractcheck.workflows.shards import shard_conflicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from contractcheck.model.run import CasePlan, Run, RunHeader, RunStatus
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

_FEWEST = 2


def merge_runs(workspace: Workspace, folders: Sequence[Path], suite: Suite | None = None) -> Path:
    """Merge sealed runs that asked the same into one new sealed run.

    Args:
        workspace: The project.
        folders: Two or more sealed runs of one suite, target and night, with different trials.
        suite: The suite as it is now, or None; only with it can the result be ``complete``.

    Returns:
        Folder of the new run.

    Raises:
        UsageError: With every reason why they are not one run; nothing was written.
        RecordingError: If a run is damaged or the disk refuses.
    """
    unique = list(dict.fromkeys(folder.resolve() for folder in folders))
    if len(unique) < _FEWEST:
        raise UsageError("merging needs two different runs; name all shards of the night")
    if sides := [folder.name for folder in unique if read_header(folder).gate]:
        raise UsageError(f"{', '.join(sides)}: a side of a gate, and no shard of a night")
    unsealed = [folder.name for folder in unique if not is_sealed(folder)]
    if unsealed:
        words = "finish it with `contractcheck run --resume` first"
        raise UsageError(f"{', '.join(unsealed)}: still open; {words}")
    runs = sorted((read_run(folder) for folder in unique), key=lambda run: run.header.id)
    marks = [(run.header.id, run.header.shard) for run in runs]
    conflicts = [*_header_conflicts(runs), *shard_conflicts(marks), *_trial_conflicts(runs)]
    if conflicts:
        raise UsageError("\n".join(conflicts))
    header = _merged_header([run.header for run in runs])
    exchanges = [exchange for run in runs for exchange in run.exchanges]
    trials = {(exchange.case, exchange.trial) for exchange in exchanges}
    header = replace(header, status=_status(header, len(trials), suite))
    return write_run(workspace, header, exchanges, Scrubber.for_secrets(find_secrets(os.environ)))


def _header_conflicts(runs: Sequence[Run]) -> list[str]:
    first = runs[0].header
    conflicts = []
    for other in (run.header for run in runs[1:]):
        pair = f"{first.id} and {other.id}"
        for what, ours, theirs in (
            ("suites", first.suite, other.suite),
            ("suite versions", first.suite_version, other.suite_version),
            ("suite fingerprints", first.suite_fingerprint, other.suite_fingerprint),
            ("targets", first.target, other.target),
            ("nights", first.night, other.night),
        ):
            if ours != theirs:
                shown = (getattr(ours, "id", ours), getattr(theirs, "id", theirs))
                conflicts.append(f"{pair}: different {what}: {shown[0]} and {shown[1]}")
    return conflicts


def _trial_conflicts(runs: Sequence[Run]) -> list[str]:
    conflicts: list[str] = []
    plans: dict[str, tuple[str, CasePlan]] = {}
    owners: dict[tuple[str, int], str] = {}
    for run in runs:
        for case, plan in run.header.cases.items():
            owner, known = plans.setdefault(case, (run.header.id, plan))
            if known.request_fingerprint != plan.request_fingerprint:
                conflicts.append(f"{owner} and {run.header.id}: {case} asked different requests")
        for key in dict.fromkeys((x.case, x.trial) for x in run.exchanges):
            owner = owners.setdefault(key, run.header.id)
            if owner != run.header.id:
                both = f"{owner} and {run.header.id}"
                conflicts.append(f"{both}: both hold trial {key[1]} of {key[0]}")
    return conflicts


def _merged_header(headers: Sequence[RunHeader]) -> RunHeader:
    first = headers[0]
    cases: dict[str, CasePlan] = {}
    for header in headers:
        for case, plan in header.cases.items():
            samples = max(plan.samples, cases[case].samples if case in cases else 0)
            cases[case] = replace(plan, samples=samples)
    names = dict.fromkeys(name for header in headers for name in header.vantage)
    started_at = min(header.started_at for header in headers)
    return replace(
        first,
        id=new_run_id(datetime.fromisoformat(started_at)),
        started_at=started_at,
        ended_at=max(header.ended_at or header.started_at for header in headers),
        cases=cases,
        vantage={
            name: _joined(header.vantage.get(name, "") for header in headers) for name in names
        },
        label=_joined(header.label for header in headers),
        shard="",
    )


def _joined(values: Iterable[str]) -> str:
    """The one value of all shards, or all of them: another vantage is another vantage."""
    return " | ".join(dict.fromkeys(filter(None, values)))


def _status(header: RunHeader, trials: int, suite: Suite | None) -> RunStatus:
    if suite is None or suite.name != header.suite or trials < header.planned_trials:
        return "partial"
    is_whole = header.cases.keys() == {case.id for case in suite.cases}
    return "complete" if is_whole and suite.fingerprint == header.suite_fingerprint else "partial"

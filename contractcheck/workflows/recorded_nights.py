"""The recordings behind accepted nights, where they are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from contractcheck.model.baseline import AcceptedNight, Baseline
    from contractcheck.model.run import Run
    from contractcheck.workflows.workspace import Workspace


def read_recorded_nights(workspace: Workspace, baseline: Baseline) -> tuple[Run, ...]:
    """Read every accepted night whose recording is at hand, oldest first.

    A clone of the repository has the reference night alone; the others are in the run store.

    Raises:
        RecordingError: If one that is at hand is damaged, or not the one that was accepted.
    """
    return tuple(
        read_recording(workspace, baseline, night)
        for night in baseline.nights
        if any(is_sealed(folder) for folder in _folders(workspace, baseline, night))
    )


def read_recording(
    workspace: Workspace,
    baseline: Baseline,
    night: AcceptedNight,
    *,
    cases: Sequence[str] | None = None,
) -> Run:
    """Read the run that was accepted as a night: from the baseline's own copy, or the run store.

    Args:
        workspace: Where recordings lie.
        baseline: The baseline.
        night: One of its nights.
        cases: Only these; None is all.

    Raises:
        RecordingError: If it is not at hand, damaged, or not the one that was accepted.
    """
    run_id = night.statistics.run_id
    problem = f"run {run_id} is not below {workspace.runs.root}"
    for folder in _folders(workspace, baseline, night):
        if not is_sealed(folder):
            continue
        try:
            run = read_run(folder, cases=cases)
        except RecordingError as error:
            problem = str(error)
            continue
        if run.root == night.run_root:
            return run
        problem = f"{folder} is not the run that was accepted (its root digest differs)"
    raise RecordingError(problem)


def _folders(workspace: Workspace, baseline: Baseline, night: AcceptedNight) -> Iterator[Path]:
    if baseline.reference_night == night.statistics.night:
        reference = workspace.baselines.reference(baseline.suite, baseline.target)
        if reference is not None:
            yield reference
    try:
        yield workspace.runs.folder(baseline.suite, baseline.target, night.statistics.run_id)
    except UsageError as error:
        raise RecordingError(str(error)) from error

"""Which recorded runs the baselines of a project rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object
from contractcheck.model.target import Target, parse_target
from contractcheck.store.baselines import BASELINE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.workflows.workspace import Workspace

_REMEDY = "restore it from version control"


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedRun:
    """A run that is a night of a baseline.

    Attributes:
        suite: Suite name.
        target: Who was asked.
        night: ISO date.
        run_id: Id of the run.
        root: Root digest with which it was accepted.
        reference: Folder in version control that holds it whole, or None.
    """

    suite: str
    target: Target
    night: str
    run_id: str
    root: str
    reference: Path | None


def baseline_folders(workspace: Workspace) -> tuple[Path, ...]:
    """Folders of all baselines of a project, in order of their paths."""
    files = workspace.baselines.root.glob(f"*/*/{BASELINE_FILE}")
    return tuple(sorted(path.parent for path in files))


def accepted_runs(workspace: Workspace) -> tuple[AcceptedRun, ...]:
    """All runs that any baseline names.

    Raises:
        RecordingError: If a baseline is damaged: then nobody knows which runs it names.
    """
    folders = baseline_folders(workspace)
    return tuple(run for folder in folders for run in read_accepted(workspace, folder))


def read_accepted(workspace: Workspace, folder: Path) -> tuple[AcceptedRun, ...]:
    """The runs of one baseline, which is verified.

    Raises:
        RecordingError: If the baseline is damaged or not of this folder.
    """
    path = folder / BASELINE_FILE
    document = parse_json_object(path.read_bytes(), str(path))
    suite = str(document.get("suite"))
    named = parse_target(str(document.get("target")))
    target = None if named is None else Target(provider=named[0], model=named[1])
    if target is None or workspace.baselines.folder(suite, target) != folder:
        raise RecordingError(f"{path}: is not the baseline of this folder; {_REMEDY}")
    baseline = workspace.baselines.read(suite, target)
    reference = workspace.baselines.reference(suite, target)
    return (
        tuple(
            AcceptedRun(
                suite=suite,
                target=target,
                night=night.statistics.night,
                run_id=night.statistics.run_id,
                root=night.run_root,
                reference=reference if night.statistics.night == baseline.reference_night else None,
            )
            for night in baseline.nights
        )
        if baseline is not None
        else ()
    )

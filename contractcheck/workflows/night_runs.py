"""Which recorded runs are of a night, and what the history keeps of one.

A run that the watch makes has an id that ends in the key of its night: so it is found again without
reading the others, however many years they are, and a second run of a night that only confirms a
suspicion is never taken for the night itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_header
from contractcheck.errors import RecordingError
from contractcheck.judging.judge import find_outage, find_refusal
from contractcheck.model.history import NightRecord

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.history import NightPart
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.run import RunHeader
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

_KEY_HEX = 16
FARTHEST_DAYS = 1
"""A run that `run --night` made is looked for among those that began on its date, or one day off:
clocks of runners differ, and a night may be named after the evening before."""


def night_key(suite: str, target: str, night: str, part: NightPart = "night") -> str:
    """How the suffix begins of the ids of all runs of a night that the watch makes.

    Args:
        suite: Suite name.
        target: Target id.
        night: ISO date.
        part: The night itself, or its confirmation.

    Returns:
        Sixteen hexadecimal digits.
    """
    words = f"{suite}\n{target}\n{night}\n{part}"
    return hashlib.sha256(words.encode()).hexdigest()[:_KEY_HEX]


def part_of(header: RunHeader) -> NightPart:
    """Whether a run is a night's own, or its confirmation."""
    key = night_key(header.suite, header.target.id, header.night or "", "confirmation")
    return "confirmation" if _suffix(header.id).startswith(key) else "night"


def _suffix(run_id: str) -> str:
    return run_id.rpartition("-")[2]


def find_night_runs(
    workspace: Workspace, suite: str, target: Target, night: str, part: NightPart = "night"
) -> tuple[Path, ...]:
    """Find the recorded runs of a night, sealed or open, oldest first.

    Runs whose header cannot be read are passed over: a night can be recorded again.

    Args:
        workspace: Where runs lie.
        suite: Suite name.
        target: Who was asked.
        night: ISO date.
        part: The night itself, or its confirmation.
    """
    key = night_key(suite, target.id, night, part)
    return tuple(
        folder
        for folder in workspace.runs.folders(suite, target)
        if _suffix(folder.name).startswith(key) or (part == "night" and _is_of(folder, night))
    )


def _is_of(folder: Path, night: str) -> bool:
    """Whether a run that another command made is of a night."""
    try:
        began = date.fromisoformat(folder.name[:8])
        if abs((began - date.fromisoformat(night)).days) > FARTHEST_DAYS:
            return False
        header = read_header(folder)
    except (ValueError, RecordingError):
        return False
    is_night = header.night == night and not header.gate and header.status != "partial"
    return is_night and part_of(header) == "night"


def night_record(run: MeasuredRun, *, root: str | None) -> NightRecord:
    """What the history keeps of a run of a night.

    Args:
        run: The run, measured.
        root: Root digest of the sealed run; None while it is open.
    """
    header = run.header
    return NightRecord(
        suite=header.suite,
        target=header.target.id,
        night=run.statistics.night,
        part=part_of(header),
        run_id=header.id,
        run_root=root or "",
        is_complete=is_complete(run),
        suite_version=header.suite_version,
        suite_fingerprint=header.suite_fingerprint,
        started_at=header.started_at,
        ended_at=header.ended_at or "",
        vantage=dict(header.vantage),
        parts={case: dict(plan.parts) for case, plan in header.cases.items()},
        checks={case: plan.checks for case, plan in header.cases.items() if plan.checks},
        models=run.statistics.models,
        fingerprints=run.statistics.fingerprints,
        label=header.label,
    )


def is_complete(run: MeasuredRun) -> bool:
    """Whether a run may enter the charts: made whole, and neither an outage nor refused."""
    return run.statistics.is_complete and not find_refusal(run) and not find_outage(run)


def with_completeness(run: MeasuredRun) -> MeasuredRun:
    """The run, its statistics as complete as its record says.

    A run of which every request was refused has no infrastructure failure, and nothing to say.
    """
    return replace(run, statistics=replace(run.statistics, is_complete=is_complete(run)))

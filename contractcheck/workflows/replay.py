"""Judge our own side offline: the suite as it is now against accepted answers.

The provider is not asked. What can fail here is ours: a check, a schema, a request that changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import NothingToCheckError, RecordingError
from contractcheck.judging import CaseJudgement, find_known_problems, judge_case
from contractcheck.measuring import observe
from contractcheck.model.judgement import Verdict
from contractcheck.model.night import RateCell

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import CaseNight
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """The reference night of a baseline, measured by the suite as it is now.

    Attributes:
        suite: The contract.
        run: The recorded answers.
        accepted: What they came to when they were accepted, per case.
        known: Problems of the wire that accepted nights had.
        age_days: Whole days since they were recorded, >= 0; a night may be dated otherwise.
    """

    suite: Suite
    run: MeasuredRun
    accepted: dict[str, CaseNight]
    known: frozenset[str]
    age_days: int

    def judge(self, case_id: str) -> CaseJudgement:
        """Judge one case; a check that is new must be passed by some accepted answer."""
        accepted = self.accepted.get(case_id)
        judged = judge_case(self.run, self.suite, case_id, accepted=accepted, known=self.known)
        never = self._never_passed(case_id)
        if judged.verdict is not Verdict.QUIET or never is None:
            return judged
        reason = (
            f"{case_id}: {never} is new, and none of the accepted answers passes it: the check is "
            "wrong on our side, or the nights are to be recorded and accepted again"
        )
        return CaseJudgement(verdict=Verdict.FAIL, reason=reason)

    def _never_passed(self, case_id: str) -> str | None:
        """Label of a check that no accepted answer passes and that was not there when they were."""
        now, before = self.run.statistics.cases.get(case_id), self.accepted.get(case_id)
        if now is None or before is None:
            return None
        rates = {label: cell for label, cell in now.cells.items() if isinstance(cell, RateCell)}
        none = (label for label, cell in rates.items() if cell.count and not cell.passed)
        return next((label for label in none if label not in before.cells), None)

    @property
    def words(self) -> str:
        """One line: that the provider was not asked, and when it was."""
        label = f", {self.run.header.label}" if self.run.header.label else ""
        age = {0: "less than a day", 1: "1 day"}.get(self.age_days, f"{self.age_days} days")
        return (
            f"replay of night {self.run.statistics.night} (recorded {age} ago{label}); "
            "the provider was not asked"
        )


def open_replay(workspace: Workspace, suite: Suite, target: Target) -> Replay:
    """Open the reference night of a suite and target.

    Raises:
        NothingToCheckError: If no night was accepted yet.
        RecordingError: If the recording or the baseline is damaged.
    """
    baseline = workspace.baselines.read(suite.name, target)
    folder = workspace.baselines.reference(suite.name, target)
    if baseline is None or folder is None:
        raise NothingToCheckError(
            f"no accepted night of {suite.name} × {target.id}: record one "
            "(--contract-mode live --contract-night) and accept it (contractcheck accept)"
        )
    recording = read_run(folder)
    nights = {night.statistics.night: night for night in baseline.nights}
    night = nights.get(baseline.reference_night or "")
    if night is not None and night.run_root != recording.root:
        raise RecordingError(
            f"{folder}: is not the run that was accepted (its root digest differs from the one in "
            "baseline.json); restore it from version control"
        )
    run = observe(recording, suite)
    return Replay(
        suite=suite,
        run=run,
        accepted=dict(night.statistics.cases) if night is not None else {},
        known=find_known_problems(run, baseline.nights),
        age_days=_days_since(run.header.started_at, folder),
    )


def _days_since(started_at: str, folder: Path) -> int:
    try:
        started = datetime.fromisoformat(started_at)
    except ValueError as error:
        raise RecordingError(f"{folder}: started_at {started_at!r} is not a time") from error
    if started.tzinfo is None:
        started = started.replace(tzinfo=UTC)
    return max(0, (datetime.now(UTC) - started).days)

"""Judge our own side offline: the suite as it is now against accepted answers.

The provider is not asked. What can fail here is ours: a check, a schema, a request that changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.errors import NothingToCheckError
from contractcheck.judging import judge_case
from contractcheck.measuring import observe

if TYPE_CHECKING:
    from contractcheck.judging import CaseJudgement
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
        age_days: Days since they were recorded.
    """

    suite: Suite
    run: MeasuredRun
    accepted: dict[str, CaseNight]
    age_days: int

    def judge(self, case_id: str) -> CaseJudgement:
        """Judge one case."""
        return judge_case(self.run, self.suite, case_id, accepted=self.accepted.get(case_id))

    @property
    def words(self) -> str:
        """One line: that the provider was not asked, and how old the answers are."""
        label = f", {self.run.header.label}" if self.run.header.label else ""
        age = "1 day" if self.age_days == 1 else f"{self.age_days} days"
        return (
            f"replay of night {self.run.statistics.night} ({age} old{label}); "
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
    run = observe(read_run(folder), suite)
    nights = {night.statistics.night: night.statistics for night in baseline.nights}
    night = nights.get(baseline.reference_night or "")
    recorded = datetime.fromisoformat(run.header.started_at)
    return Replay(
        suite=suite,
        run=run,
        accepted=dict(night.cases) if night is not None else {},
        age_days=(datetime.now(UTC) - recorded).days,
    )

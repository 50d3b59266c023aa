"""Judge a night by the history; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from contractcheck.model.history import FindingRecord, NightJudgement
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.workflows.judging import DOUBTFUL, make_report
from contractcheck.workflows.watch_evidence import judge_gathered
from contractcheck.workflows.watch_ground import read_ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite
    from contractcheck.store.history import History
    from contractcheck.workflows.watch_ground import Gathered, Ground
    from contractcheck.workflows.workspace import Workspace

CONFIRM_AFTER = timedelta(hours=2)
"""A second run of a suspicious night confirms it if it is at least this much later: what was odd
for a moment has passed by then."""

CONFIRM_UNTIL = timedelta(hours=20)
"""Later than this it would be the next night, which confirms by itself."""


def judge_night(
    workspace: Workspace, suite: Suite, history: History, run: MeasuredRun
) -> JudgedNight:
    """Judge a night by its baseline and all nights since.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    return judge_on(read_ground(workspace, suite, run.header.target, history), run)


def judge_on(ground: Ground, run: MeasuredRun) -> JudgedNight:
    """Judge one of many nights on what was read for all of them.

    Raises:
        RecordingError: If the history is damaged.
    """
    gathered = ground.gather(run)
    judgement = judge_gathered(ground.workspace, gathered.evidence)
    return JudgedNight(run=run, judgement=judgement, gathered=gathered)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedNight:
    """A night, judged.

    Attributes:
        run: The night's own run.
        judgement: What was said.
        gathered: By what.
    """

    run: MeasuredRun
    judgement: Judgement
    gathered: Gathered

    @property
    def confirm_after(self) -> datetime | None:
        """From when on a second run may confirm it; None when there is nothing to confirm."""
        ended_at = self.run.header.ended_at
        if not self.judgement.confirm or ended_at is None:
            return None
        return datetime.fromisoformat(ended_at) + CONFIRM_AFTER

    def may_be_confirmed(self, now: datetime) -> bool:
        """Whether it is time for a second run, and not too late."""
        earliest = self.confirm_after
        return earliest is not None and earliest <= now < earliest + CONFIRM_UNTIL

    def kept_form(self) -> NightJudgement:
        """What the history keeps of it."""
        header, after = self.run.header, self.confirm_after
        return NightJudgement(
            suite=header.suite,
            target=header.target.id,
            night=self.run.statistics.night,
            run_id=header.id,
            baseline=self.gathered.baseline,
            verdict=self.judgement.verdict,
            headline=self.judgement.headline,
            findings=tuple(
                FindingRecord(
                    kind=finding.kind,
                    plane=finding.plane,
                    message=finding.message,
                    case=finding.case,
                    metric=finding.metric,
                    since=finding.since,
                )
                for finding in self.judgement.findings
            ),
            charts=self.judgement.charts,
            confirm_after=None if after is None else after.isoformat(timespec="seconds"),
            after=self.gathered.after,
            seen=self.gathered.seen,
        )

    def report(self, suite: Suite, *, was_asked: bool) -> Report:
        """What a reader is told.

        Args:
            suite: The contract.
            was_asked: Whether the provider was asked just now.
        """
        notes = (*self.judgement.notes, *self.gathered.notes, *self._notes(was_asked))
        report = make_report(
            replace(self.judgement, notes=notes),
            self.run,
            suite,
            source="live" if was_asked else "replay",
        )
        return replace(report, next_steps=self._next_steps())

    def _notes(self, was_asked: bool) -> Iterator[str]:  # noqa: FBT001 - a fact, not a switch
        if not was_asked:
            yield f"the night was there already (run {self.run.header.id}): nobody was asked again"
        if (after := self.confirm_after) is not None:
            yield (
                "one night alone is no proof: a second watch of this night, from "
                f"{after.astimezone(UTC):%Y-%m-%d %H:%M} UTC on, confirms it or does not"
            )

    def _next_steps(self) -> tuple[str, ...]:
        header, judgement = self.run.header, self.judgement
        again = f"contractcheck watch {header.suite} --target {header.target.id}"
        again += f" --night {header.night}"
        show = f"contractcheck report {header.id} --format json"
        if judgement.verdict is Verdict.ERROR or header.status == "interrupted":
            return (again,)
        if any(finding.kind is FindingKind.SUSPECT for finding in judgement.findings):
            return (show, again)
        if any(finding.kind in DOUBTFUL for finding in judgement.findings):
            return (show, *self._rebase_steps())
        if judgement.verdict is Verdict.INCONCLUSIVE:
            return (show, f'contractcheck accept {header.id} --reason "…"')
        return (show,)

    def _rebase_steps(self) -> tuple[str, ...]:
        """How to go on from a drift that is accepted."""
        header = self.run.header
        began = [f.since for f in self.judgement.findings if f.kind is FindingKind.DRIFT]
        since = min((night for night in began if night), default=None)
        if since is None:
            return ()
        whom = f"--suite {header.suite} --target {header.target.id}"
        return (f'contractcheck accept --since {since} {whom} --reason "…"',)

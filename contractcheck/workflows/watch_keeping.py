"""What the history keeps of a judged night: the judgement, and what began or ended with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from contractcheck.model.history import FindingRecord, HistoryEvent, NightJudgement
from contractcheck.model.judgement import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.judging import Judgement
    from contractcheck.model.history import EventKind
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.store.history import History

CONFIRM_AFTER = timedelta(hours=2)
"""A second run of a suspicious night confirms it if it is at least this much later: what was odd
for a moment has passed by then."""

_IS_OVER = (Verdict.QUIET, Verdict.PASS)


def confirm_time(run: MeasuredRun) -> datetime | None:
    """From when on a second run may confirm what a run showed; None while it is open."""
    ended_at = run.header.ended_at
    return None if ended_at is None else datetime.fromisoformat(ended_at) + CONFIRM_AFTER


def night_judgement(
    judgement: Judgement, run: MeasuredRun, *, baseline: str, confirm_after: datetime | None
) -> NightJudgement:
    """What the history keeps of a judgement.

    Args:
        judgement: What was said.
        run: The night's own run.
        baseline: Digest of the accepted nights it was compared with; empty without any.
        confirm_after: When a confirmation may be made; None when there is nothing to confirm.
    """
    return NightJudgement(
        suite=run.header.suite,
        target=run.header.target.id,
        night=run.statistics.night,
        run_id=run.header.id,
        baseline=baseline,
        verdict=judgement.verdict,
        headline=judgement.headline,
        findings=tuple(
            FindingRecord(
                kind=finding.kind,
                plane=finding.plane,
                message=finding.message,
                case=finding.case,
                metric=finding.metric,
                since=finding.since,
            )
            for finding in judgement.findings
        ),
        confirm_after=None
        if confirm_after is None
        else confirm_after.isoformat(timespec="seconds"),
    )


def keep_events(history: History, judged: NightJudgement) -> None:
    """Keep what began or ended with a night: an alarm, its end, an outage.

    A night that is judged again adds none of a kind that it has.

    Raises:
        RecordingError: If the history cannot be read or written.
    """
    events = history.events(judged.suite, judged.target)
    before = [event for event in events if event.night < judged.night]
    there = {event.kind for event in events if event.night == judged.night}
    for kind in _events_of(judged, is_open=is_alarm_open(before)):
        if kind not in there:
            history.add_event(
                HistoryEvent(
                    suite=judged.suite,
                    target=judged.target,
                    night=judged.night,
                    kind=kind,
                    words=judged.headline,
                )
            )


def is_alarm_open(events: list[HistoryEvent]) -> bool:
    """Whether the last alarm, of events in the order of nights, has not ended."""
    deciding = [event.kind for event in events if event.kind in {"alarm", "end", "rebase"}]
    return bool(deciding) and deciding[-1] == "alarm"


def _events_of(judged: NightJudgement, *, is_open: bool) -> Iterator[EventKind]:
    if judged.verdict is Verdict.ERROR:
        yield "outage"
    elif judged.verdict is Verdict.FAIL and not is_open:
        yield "alarm"
    elif judged.verdict in _IS_OVER and is_open:
        yield "end"

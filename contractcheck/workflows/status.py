"""The health of the watch itself: a canary that died sings as little as one that is content."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from contractcheck.store.history import open_history
from contractcheck.workflows.status_coverage import (
    find_uncovered,
    measure_fortnight,
    window,
)
from contractcheck.workflows.watch_keeping import is_alarm_open

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import Exemption, HistoryEvent, NightJudgement, NightRecord
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.store.history import History
    from contractcheck.workflows.status_coverage import Fortnight, UncoveredCase
    from contractcheck.workflows.workspace import Workspace

OVERDUE_AFTER = timedelta(hours=26)
"""A suspicion that was neither confirmed nor followed by a night by then is followed by nobody: a
day, and what a schedule may be late."""

ProblemKind = Literal["stale", "expired", "uncovered", "overdue", "early"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusProblem:
    """Why the watch of a suite and target is not what people think it is."""

    kind: ProblemKind
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedState:
    """Accepted nights, as they stand today.

    Attributes:
        standing: Nights that count.
        placing: Those of them since the last re-base, which place the location.
        expired: Nights whose acceptance has expired.
        wanted: Nights of a complete baseline.
        expires: When the next acceptance expires, ISO date, or None.
    """

    standing: int
    placing: int
    expired: int
    wanted: int
    expires: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectStatus:
    """The watch of one suite and target.

    Attributes:
        suite: Suite name.
        target: Target id.
        last_night: The complete night that ended last, ISO date, or None.
        age_s: Seconds since its run ended, or None.
        verdict: What was said of the last night that was judged, or None.
        headline: The same in a sentence.
        alarm_since: Night of the alarm that is open, or None.
        confirm_after: UTC: from when on a suspicion may be confirmed, or None.
        accepted: Accepted nights.
        exemptions: Mutes and quarantines, the expired too.
        uncovered: Cases in no chart.
        fortnight: The last nights, as they came.
        problems: Why exit code 4, if so.
    """

    suite: str
    target: str
    last_night: str | None
    age_s: float | None
    verdict: str | None
    headline: str
    alarm_since: str | None
    confirm_after: str | None
    accepted: AcceptedState
    exemptions: tuple[Exemption, ...]
    uncovered: tuple[UncoveredCase, ...]
    fortnight: Fortnight
    problems: tuple[StatusProblem, ...]


def read_status(
    workspace: Workspace,
    subjects: Sequence[tuple[Suite, Target]],
    *,
    history: str | Path | None,
    now: datetime,
    max_age: timedelta,
) -> tuple[SubjectStatus, ...]:
    """Look at the watch of each suite and target; nobody is asked and nothing is written.

    Args:
        workspace: Where baselines and exemptions lie.
        subjects: What ought to be watched.
        history: URL or path; None is the project's own file, which need not exist.
        now: With a time zone.
        max_age: How old the last complete night may be.

    Raises:
        UsageError: If the history that was named is not one.
        RecordingError: If a baseline, exemptions or the history are damaged or out of reach.
    """
    moment = now.astimezone(UTC)
    with _open(workspace, history) as opened:
        return tuple(
            _status(
                workspace,
                suite,
                target,
                _read(opened, suite.name, target.id, moment),
                now=moment,
                max_age=max_age,
            )
            for suite, target in subjects
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Watched:
    """What the history has of one suite and target."""

    records: tuple[NightRecord, ...] = ()
    judged: NightJudgement | None = None
    events: tuple[HistoryEvent, ...] = ()
    statistics: Mapping[str, NightStatistics] = field(default_factory=dict)


@contextmanager
def _open(workspace: Workspace, history: str | Path | None) -> Iterator[History | None]:
    """The history that was named, or the project's own; None when nothing was ever watched."""
    if history is None and not workspace.history.exists():
        yield None
        return
    with open_history(history or workspace.history, create=False) as opened:
        yield opened


def _read(history: History | None, suite: str, target: str, now: datetime) -> _Watched:
    if history is None:
        return _Watched()
    found = {
        night: history.statistics(suite, target, night) for night in window(now.date().isoformat())
    }
    return _Watched(
        records=history.nights(suite, target),
        judged=next(iter(history.judgements(suite, target, last=1)), None),
        events=history.events(suite, target),
        statistics={night: one for night, one in found.items() if one is not None},
    )


def _status(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    watched: _Watched,
    *,
    now: datetime,
    max_age: timedelta,
) -> SubjectStatus:
    today = now.date().isoformat()
    baseline = workspace.baselines.read(suite.name, target)
    exemptions = workspace.exemptions.read(suite.name, target)
    last = max((one for one in watched.records if one.is_complete), key=_ended, default=None)
    age = None if last is None else now - _ended(last)
    judged = watched.judged
    accepted = _accepted_state(baseline, suite.policy.nights, today)
    uncovered = find_uncovered(workspace, suite, baseline, exemptions, today=today)
    return SubjectStatus(
        suite=suite.name,
        target=target.id,
        last_night=None if last is None else last.night,
        age_s=None if age is None else age.total_seconds(),
        verdict=None if judged is None else judged.verdict.value,
        headline="" if judged is None else judged.headline,
        alarm_since=_alarm_since(watched.events),
        confirm_after=None if judged is None else judged.confirm_after,
        accepted=accepted,
        exemptions=exemptions,
        uncovered=uncovered,
        fortnight=measure_fortnight(watched.records, watched.statistics, today=today),
        problems=(
            *_stale(last, age, max_age),
            *_expired(accepted, exemptions, today),
            *_early(exemptions, now),
            *_not_covered(uncovered),
            *_overdue(judged, watched.records, now),
        ),
    )


def _ended(record: NightRecord) -> datetime:
    """By the clock: whatever date a night was given, its answers are as old as they are."""
    return datetime.fromisoformat(record.ended_at or record.started_at).astimezone(UTC)


def _accepted_state(baseline: Baseline | None, wanted: int, today: str) -> AcceptedState:
    eras = baseline.eras if baseline else ()
    dates = [[night.acceptance.expires for night in era] for era in eras]
    standing = [[one for one in era if one is None or one >= today] for era in dates]
    upcoming = [one for era in standing for one in era if one is not None]
    count = sum(map(len, standing))
    return AcceptedState(
        standing=count,
        placing=len(standing[-1]) if standing else 0,
        expired=sum(map(len, dates)) - count,
        wanted=wanted,
        expires=min(upcoming, default=None),
    )


def _alarm_since(events: Sequence[HistoryEvent]) -> str | None:
    if not is_alarm_open(events):
        return None
    return next(event.night for event in reversed(events) if event.kind == "alarm")


def _stale(
    last: NightRecord | None, age: timedelta | None, max_age: timedelta
) -> Iterator[StatusProblem]:
    if last is None or age is None:
        yield StatusProblem(kind="stale", words="no complete night was ever watched; `watch` does")
    elif age > max_age:
        yield StatusProblem(
            kind="stale",
            words=f"the last complete night, {last.night}, is {describe_age(age.total_seconds())} "
            f"old; at most {describe_age(max_age.total_seconds())} are wanted: does the schedule "
            "run?",
        )


def _expired(
    accepted: AcceptedState, exemptions: Sequence[Exemption], today: str
) -> Iterator[StatusProblem]:
    if accepted.expired:
        nights = "1 night has" if accepted.expired == 1 else f"{accepted.expired} nights have"
        words = f"the acceptance of {nights} expired; {accepted.standing} still count"
        yield StatusProblem(kind="expired", words=f"{words}: accept newer ones")
    for one in exemptions:
        if one.expires < today:
            about = " ".join(filter(None, [one.case, one.metric])) or "everything"
            words = f"the {one.kind} of {about} expired on {one.expires} ({one.owner})"
            yield StatusProblem(kind="expired", words=f"{words}: renew or --lift it")


def _early(exemptions: Sequence[Exemption], now: datetime) -> Iterator[StatusProblem]:
    """Exemptions that are dated ahead, so that they last longer than one may."""
    latest = (now + timedelta(days=1)).date().isoformat()
    for one in exemptions:
        if one.begins > latest:
            about = " ".join(filter(None, [one.case, one.metric])) or "everything"
            words = f"the {one.kind} of {about} is dated ahead and counts from {one.begins} on"
            yield StatusProblem(kind="early", words=f"{words} ({one.owner}): renew or --lift it")


def _not_covered(uncovered: Sequence[UncoveredCase]) -> Iterator[StatusProblem]:
    for one in uncovered:
        if not one.is_meant:
            yield StatusProblem(kind="uncovered", words=f"{one.case}: {one.why}")


def _overdue(
    judged: NightJudgement | None, records: Sequence[NightRecord], now: datetime
) -> Iterator[StatusProblem]:
    if (
        judged is None
        or judged.confirm_after is None
        or (records and records[-1].night > judged.night)
    ):
        return
    if now > datetime.fromisoformat(judged.confirm_after) + OVERDUE_AFTER:
        yield StatusProblem(
            kind="overdue",
            words=f"the suspicion of {judged.night} was neither confirmed nor followed by a night: "
            "does the schedule run?",
        )


def describe_age(age_s: float) -> str:
    """A time as people say it: ``5 h``, ``3 days``."""
    hours = age_s / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"  # noqa: PLR2004 - three days

"""Keep what a judged night came to; events follow from what was said of all nights, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.history import HistoryEvent
from contractcheck.model.judgement import FindingKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contractcheck.model.history import EventKind, NightJudgement
    from contractcheck.store.history import History
    from contractcheck.workflows.watch_judging import JudgedNight

_IS_OVER = (Verdict.QUIET, Verdict.PASS)
_DERIVED = ("alarm", "end", "outage")


def keep_judged(history: History, judged: JudgedNight) -> bool:
    """Keep what was said of a night, unless another run stands for it or the baseline moved on.

    Once the accepted nights have moved past a night, what was said of it stands.

    Returns:
        Whether it was kept.

    Raises:
        RecordingError: If the history cannot be read or written.
    """
    said, gathered = judged.kept_form(), judged.gathered
    stands = history.night(said.suite, said.target, said.night)
    if stands is None or stands.run_id != said.run_id:
        return False
    is_later = said.night > gathered.last_accepted
    if is_later:
        history.put_values(said.suite, said.target, said.baseline, gathered.fresh)
    elif any(one.night == said.night for one in history.judgements(said.suite, said.target)):
        return False
    history.put_judgement(said)
    return True


def settle_events(
    history: History,
    suite: str,
    target: str,
    judgements: Iterable[NightJudgement],
    by_people: Iterable[HistoryEvent] = (),
) -> None:
    """Make the events of a suite and target those that follow from what was said of its nights.

    However they came about, and whatever a kill left out: the same judgements have the same
    events. What is known of a night whose judgement is gone stays.

    Args:
        history: Where they are kept.
        suite: Suite name.
        target: Target id.
        judgements: What was last said of each night.
        by_people: What people did meanwhile (``history_events.human_events``).

    Raises:
        RecordingError: If the history cannot be read or written.
    """
    said = {one.night: one for one in judgements}
    stored = history.events(suite, target)
    given = {one for one in stored if one.kind not in _DERIVED or one.night not in said}
    given |= set(by_people)
    wanted = given | set(_derive(said, given))
    # Added first: whoever reads in between, or after a kill, finds no alarm missing.
    for event in sorted(wanted - set(stored), key=_place):
        history.add_event(event)
    kept = set(map(_same, wanted))
    for event in stored:
        if event.kind in _DERIVED and _same(event) not in kept:
            history.drop_event(event)


def is_alarm_open(events: Sequence[HistoryEvent]) -> bool:
    """Whether the last alarm, of events in the order of nights, has not ended."""
    deciding = [event.kind for event in events if event.kind in {"alarm", "end", "rebase"}]
    return bool(deciding) and deciding[-1] == "alarm"


def _derive(
    said: Mapping[str, NightJudgement], given: Iterable[HistoryEvent]
) -> Iterator[HistoryEvent]:
    """What began or ended with each judged night, in the order of nights."""
    others = sorted(given, key=_place, reverse=True)
    before: list[HistoryEvent] = []
    for night in sorted(said):
        while others and others[-1].night < night:
            before.append(others.pop())
        is_open = is_alarm_open(before)
        kind = _kind_of(said[night], is_open=is_open)
        if kind is None or (kind == "end" and not _can_end(said, said[night], before)):
            continue
        judged = said[night]
        event = HistoryEvent(
            suite=judged.suite,
            target=judged.target,
            night=night,
            kind=kind,
            words=judged.headline,
        )
        before.append(event)
        yield event


def _place(event: HistoryEvent) -> tuple[str, str]:
    return event.night, event.kind


def _same(event: HistoryEvent) -> tuple[str, str, str | None]:
    """What makes two derived events the same row, whatever their words (``History.add_event``)."""
    return event.night, event.kind, event.case


def _kind_of(judged: NightJudgement, *, is_open: bool) -> EventKind | None:
    if judged.verdict is Verdict.ERROR:
        return "outage"
    if judged.verdict is Verdict.FAIL and not is_open:
        return "alarm"
    return "end" if judged.verdict in _IS_OVER and is_open else None


def _can_end(
    said: Mapping[str, NightJudgement], judged: NightJudgement, before: Sequence[HistoryEvent]
) -> bool:
    """Whether a good night ends an alarm: what charts told, only charts can take back."""
    if judged.charts:
        return True
    began = said.get(next(one.night for one in reversed(before) if one.kind == "alarm"))
    return not (
        began and began.charts and any(found.kind is FindingKind.DRIFT for found in began.findings)
    )

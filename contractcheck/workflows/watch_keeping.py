"""What began or ended with a judged night: an alarm, its end, an outage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.history import HistoryEvent
from contractcheck.model.judgement import FindingKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contractcheck.model.history import EventKind, NightJudgement
    from contractcheck.store.history import History

_IS_OVER = (Verdict.QUIET, Verdict.PASS)
_DERIVED = ("alarm", "end", "outage")


def keep_events(
    history: History, judged: NightJudgement, by_people: Iterable[HistoryEvent] = ()
) -> None:
    """Keep what began or ended with a night, and nothing that was said of it before.

    Args:
        history: Where to.
        judged: What was said of the night.
        by_people: What people did meanwhile (``history_events.human_events``).

    Raises:
        RecordingError: If the history cannot be read or written.
    """
    stored = history.events(judged.suite, judged.target)
    people = tuple(by_people)
    before = sorted({*stored, *people}, key=lambda event: (event.night, event.kind))
    is_open = is_alarm_open([event for event in before if event.night < judged.night])
    own = tuple(_events_of(judged, is_open=is_open))
    if any(one.kind == "end" for one in own) and not _can_end(history, judged, before):
        own = ()
    for event in stored:
        if event.night == judged.night and event.kind in _DERIVED and event not in own:
            history.drop_event(event)
    for event in (*people, *own):
        if event not in stored:
            history.add_event(event)


def is_alarm_open(events: Sequence[HistoryEvent]) -> bool:
    """Whether the last alarm, of events in the order of nights, has not ended."""
    deciding = [event.kind for event in events if event.kind in {"alarm", "end", "rebase"}]
    return bool(deciding) and deciding[-1] == "alarm"


def _can_end(history: History, judged: NightJudgement, before: Sequence[HistoryEvent]) -> bool:
    """Whether a good night ends an alarm: what charts told, only charts can take back."""
    if judged.charts:
        return True
    began = max(one.night for one in before if one.kind == "alarm" and one.night < judged.night)
    return not any(
        one.night == began
        and one.charts
        and any(found.kind is FindingKind.DRIFT for found in one.findings)
        for one in history.judgements(judged.suite, judged.target)
    )


def _events_of(judged: NightJudgement, *, is_open: bool) -> Iterator[HistoryEvent]:
    kind: EventKind
    if judged.verdict is Verdict.ERROR:
        kind = "outage"
    elif judged.verdict is Verdict.FAIL and not is_open:
        kind = "alarm"
    elif judged.verdict in _IS_OVER and is_open:
        kind = "end"
    else:
        return
    yield HistoryEvent(
        suite=judged.suite,
        target=judged.target,
        night=judged.night,
        kind=kind,
        words=judged.headline,
    )

"""Events follow from what was last said of each night, and from what people did."""

from dataclasses import replace
from itertools import permutations

import pytest

from contractcheck.model.history import HistoryEvent, NightJudgement
from contractcheck.model.judgement import Verdict
from contractcheck.store.history import History, open_history
from contractcheck.workflows.watch_keeping import settle_events

OF = ("hello", "openai:gpt-sim")


def judgement(day, verdict):
    return NightJudgement(
        suite=OF[0],
        target=OF[1],
        night=f"2026-03-{day:02d}",
        run_id="",
        baseline="",
        verdict=verdict,
        headline=verdict.value,
    )


def event(day, kind):
    return HistoryEvent(
        suite=OF[0], target=OF[1], night=f"2026-03-{day:02d}", kind=kind, words="fine"
    )


@pytest.fixture
def history(tmp_path):
    with open_history(tmp_path / "history.sqlite") as opened:
        yield opened


def say(history, day, verdict, people=()):
    history.put_judgement(judgement(day, verdict))
    settle_events(history, *OF, history.judgements(*OF), people)


def kinds(history):
    return [(event.night[-2:], event.kind) for event in history.events(*OF)]


def test_a_rebase_that_people_just_made_ends_the_alarm_before_it(history):
    say(history, 3, Verdict.FAIL)
    say(history, 5, Verdict.FAIL, [event(4, "rebase")])
    assert kinds(history) == [("03", "alarm"), ("04", "rebase"), ("05", "alarm")]


@pytest.mark.parametrize("first", [Verdict.FAIL, Verdict.ERROR])
def test_a_night_that_is_judged_anew_keeps_nothing_of_what_was_said_before(history, first):
    say(history, 2, Verdict.FAIL, [event(3, "rebase")])
    say(history, 3, first)
    assert len(kinds(history)) == 3 - (first is Verdict.FAIL)
    say(history, 3, Verdict.INCONCLUSIVE)
    assert kinds(history) == [("02", "alarm"), ("03", "rebase")]


def test_an_alarm_whose_end_is_taken_back_goes_on(history):
    for day, verdict in ((2, Verdict.FAIL), (3, Verdict.QUIET), (3, Verdict.FAIL)):
        say(history, day, verdict)
    assert kinds(history) == [("02", "alarm")]


SAID = {
    2: Verdict.QUIET,
    3: Verdict.FAIL,
    4: Verdict.FAIL,
    6: Verdict.QUIET,
    7: Verdict.ERROR,
    8: Verdict.FAIL,
}


@pytest.mark.parametrize(
    "order", [order for n, order in enumerate(permutations(SAID)) if not n % 9]
)
def test_nights_that_are_judged_in_any_order_have_the_same_events(history, order):
    for day in order:
        say(history, day, SAID[day], [event(5, "quarantine")])
    assert kinds(history) == [
        ("03", "alarm"),
        ("05", "quarantine"),
        ("06", "end"),
        ("07", "outage"),
        ("08", "alarm"),
    ]


def test_what_happened_on_a_night_whose_judgement_is_gone_still_counts(history):
    history.add_event(event(2, "alarm"))
    say(history, 3, Verdict.FAIL)
    say(history, 4, Verdict.QUIET)
    assert kinds(history) == [("02", "alarm"), ("04", "end")]


def test_who_reads_or_kills_while_an_alarm_gets_new_words_finds_an_alarm(history, monkeypatch):
    say(history, 3, Verdict.FAIL)
    seen = []
    steps = {name: getattr(History, name) for name in ("add_event", "drop_event")}

    def looked(step):
        def take(self, given):
            seen.append(kinds(history))
            changed = step(self, given)
            seen.append(kinds(history))
            return changed

        return take

    for name, step in steps.items():
        monkeypatch.setattr(History, name, looked(step))
    (said,) = history.judgements(*OF)
    settle_events(history, *OF, [replace(said, headline="other words")])
    assert seen
    assert all(("03", "alarm") in shown for shown in seen)
    (alarm,) = history.events(*OF)
    assert alarm.words == "other words"

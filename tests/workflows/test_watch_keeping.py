"""Events follow from what was last said of each night, and from what people did."""

import pytest

from contractcheck.model.history import HistoryEvent, NightJudgement
from contractcheck.model.judgement import Verdict
from contractcheck.store.history import open_history
from contractcheck.workflows.watch_keeping import keep_events

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


def rebase(day):
    return HistoryEvent(
        suite=OF[0], target=OF[1], night=f"2026-03-{day:02d}", kind="rebase", words="fine"
    )


@pytest.fixture
def history(tmp_path):
    with open_history(tmp_path / "history.sqlite") as opened:
        yield opened


def kinds(history):
    return [(event.night[-2:], event.kind) for event in history.events(*OF)]


def test_a_rebase_that_people_just_made_ends_the_alarm_before_it(history):
    keep_events(history, judgement(3, Verdict.FAIL))
    keep_events(history, judgement(5, Verdict.FAIL), [rebase(4)])
    assert kinds(history) == [("03", "alarm"), ("04", "rebase"), ("05", "alarm")]


@pytest.mark.parametrize("first", [Verdict.FAIL, Verdict.ERROR])
def test_a_night_that_is_judged_anew_keeps_nothing_of_what_was_said_before(history, first):
    keep_events(history, judgement(2, Verdict.FAIL), [rebase(3)])
    keep_events(history, judgement(3, first))
    assert len(kinds(history)) == 3 - (first is Verdict.FAIL)
    keep_events(history, judgement(3, Verdict.INCONCLUSIVE))
    assert kinds(history) == [("02", "alarm"), ("03", "rebase")]


def test_an_alarm_whose_end_is_taken_back_goes_on(history):
    for day, verdict in ((2, Verdict.FAIL), (3, Verdict.QUIET), (3, Verdict.FAIL)):
        keep_events(history, judgement(day, verdict))
    assert kinds(history) == [("02", "alarm")]

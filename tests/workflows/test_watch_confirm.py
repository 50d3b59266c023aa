"""A suspicious night: confirmed by a second run, by the next night, or not at all."""

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from contractcheck.cassettes import read_header
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions, parse_change
from contractcheck.store.history import open_history
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

NAME = "demo-tickets", "openai:gpt-sim-mini-2026-03-01"
TRIALS = 24
REFUSING = (parse_change("refusals=0.6"),)


def night_of(day):
    return (date(2026, 3, 1) + timedelta(days=day - 1)).isoformat()


class Watched:
    """A project and the provider that it watches."""

    def __init__(self, root, provider):
        self.workspace, self.provider = Workspace(root), provider

    @property
    def suite(self):
        (suite,) = self.workspace.load_suites()
        return suite

    def set_night(self, day, changes=(), error_rate=0.0):
        self.provider.conditions = Conditions(
            night=night_of(day), time_scale=0.0, changes=changes, error_rate=error_rate
        )
        bounds = Bounds(retry=RetryPolicy(attempts=1))
        return RecordOptions(base_url=self.provider.base_url, bounds=bounds)

    def watch(self, day, *, changes=(), error_rate=0.0, **more):
        record = self.set_night(day, changes, error_rate)
        options = WatchOptions(night=night_of(day), record=record, **more)
        suite = self.suite
        return watch_target(self.workspace, suite, suite.targets[0], options)

    def record(self, day, changes=()):
        suite = self.suite
        record = replace(self.set_night(day, changes), night=night_of(day))
        return record_run(self.workspace, suite, suite.targets[0], record)

    def judge(self, folder):
        return judge_recorded(self.workspace, self.suite, folder)


@pytest.fixture
def accepted(young_demo, tmp_path, simulated):
    return Watched(shutil.copytree(young_demo, tmp_path / "project"), simulated)


def history_of(project):
    return open_history(project.workspace.history, create=False)


def after(report, project, hours):
    """So many hours after a night ended."""
    header = read_header(project.workspace.runs.find(report.run_id))
    return datetime.fromisoformat(header.ended_at) + timedelta(hours=hours)


def judgement_of(project, day):
    with history_of(project) as history:
        said = history.judgements(*NAME)
    return next(one for one in said if one.night == night_of(day))


def test_a_suspicious_night_is_confirmed_by_a_second_run_two_hours_later(accepted):
    first = accepted.watch(11, changes=REFUSING)
    assert first.verdict is Verdict.INCONCLUSIVE
    assert {f.kind for f in first.findings} == {FindingKind.SUSPECT}
    due = datetime.fromisoformat(judgement_of(accepted, 11).confirm_after)
    assert due == after(first, accepted, 2).replace(microsecond=0)
    asked = accepted.provider.request_count
    early = accepted.watch(11, changes=REFUSING, now=after(first, accepted, 1.9))
    assert early.verdict is Verdict.INCONCLUSIVE
    assert any("a second watch of this night" in note for note in early.notes)
    assert accepted.provider.request_count == asked
    second = accepted.watch(11, changes=REFUSING, now=after(first, accepted, 2.1))
    assert accepted.provider.request_count == asked + TRIALS
    assert second.verdict is Verdict.FAIL
    assert {f.since for f in second.findings if f.kind is FindingKind.DRIFT} == {night_of(11)}
    assert second.run_id == first.run_id
    with history_of(accepted) as history:
        (night,) = history.nights(*NAME, after=night_of(10))
        (confirmation,) = history.nights(*NAME, part="confirmation")
        assert [e.kind for e in history.events(*NAME)] == ["acceptance", "alarm"]
    assert night.run_id == first.run_id != confirmation.run_id
    third = accepted.watch(11, changes=REFUSING, now=after(first, accepted, 5))
    assert accepted.provider.request_count == asked + TRIALS
    assert third.verdict is Verdict.FAIL


def test_a_suspicion_that_has_passed_two_hours_later_is_not_confirmed(accepted):
    first = accepted.watch(11, changes=REFUSING)
    second = accepted.watch(11, now=after(first, accepted, 2.1))
    assert second.verdict is not Verdict.FAIL
    assert judgement_of(accepted, 11).confirm_after is None
    asked = accepted.provider.request_count
    assert accepted.watch(11, now=after(first, accepted, 5)).verdict is second.verdict
    assert accepted.provider.request_count == asked


def test_a_confirmation_that_is_out_may_be_made_again(accepted):
    first = accepted.watch(11, changes=REFUSING)
    late = after(first, accepted, 2.1)
    assert accepted.watch(11, error_rate=1.0, now=late).verdict is Verdict.INCONCLUSIVE
    assert accepted.watch(11, changes=REFUSING, now=late).verdict is Verdict.FAIL


def test_a_night_long_past_is_not_confirmed_today(accepted):
    first = accepted.watch(11, changes=REFUSING)
    asked = accepted.provider.request_count
    accepted.watch(11, changes=REFUSING, now=after(first, accepted, 24))
    assert accepted.provider.request_count == asked


def test_an_alarm_is_an_event_of_its_first_night_alone(accepted):
    for day in (11, 12, 13):
        accepted.watch(day, changes=REFUSING)
    accepted.watch(12, changes=REFUSING)
    with history_of(accepted) as history:
        alarms = [e.night for e in history.events(*NAME) if e.kind == "alarm"]
    assert alarms == [night_of(12)]


def test_a_run_outside_of_the_watch_reads_the_history_and_leaves_it_as_it_is(accepted):
    accepted.watch(11, changes=REFUSING)
    with history_of(accepted) as history:
        before = history.digest()
    report = accepted.judge(accepted.record(12, REFUSING))
    assert report.verdict is Verdict.FAIL
    with history_of(accepted) as history:
        assert history.digest() == before


def test_a_history_that_cannot_be_read_is_told_and_done_without(accepted):
    accepted.workspace.history.write_bytes(b"no database")
    report = accepted.judge(accepted.record(12))
    assert any("judged without the nights of the watch" in note for note in report.notes)

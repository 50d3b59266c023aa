"""``status``: a watch that has died, or that looks at too little, says so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.history import HistoryEvent, NightJudgement
from contractcheck.model.judgement import Verdict
from contractcheck.store.history import open_history
from contractcheck.workflows.exempting import ExemptionRequest, exempt
from contractcheck.workflows.night_runs import night_record
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.status import read_status

NOW = datetime(2026, 3, 8, 9, tzinfo=UTC)


class Watched:
    """A project whose nights are in the history as the watch puts them there."""

    def __init__(self, project):
        self.project = project
        self.suite = project.suite()
        self.target = self.suite.targets[0]

    def add(self, day, *, verdict=Verdict.QUIET, confirm_after=None, ended=None, **options):
        folder = self.project.record(day, **options)
        made = read_night(folder, self.suite)
        record = night_record(made.run, root=made.root)
        record = replace(record, ended_at=f"2026-03-{ended or day:02d}T04:00:00+00:00")
        with open_history(self.project.workspace.history) as history:
            history.add_night(record, made.run.statistics)
            history.put_judgement(
                NightJudgement(
                    suite="hello",
                    target=self.target.id,
                    night=record.night,
                    run_id=record.run_id,
                    baseline="",
                    verdict=verdict,
                    headline=f"{verdict.value}: said",
                    confirm_after=confirm_after,
                )
            )
        return folder

    def event(self, day, kind):
        with open_history(self.project.workspace.history) as history:
            history.add_event(
                HistoryEvent(
                    suite="hello",
                    target=self.target.id,
                    night=f"2026-03-{day:02d}",
                    kind=kind,
                    words="seen",
                )
            )

    def exempt(self, kind, *, expires, case="greet", now=datetime(2026, 3, 1, tzinfo=UTC)):
        request = ExemptionRequest(
            kind=kind,
            cases=(case,),
            reason="known",
            owner="ada",
            expires=expires,
            now=now,
        )
        exempt(self.project.workspace, self.suite, [self.target], request)

    def status(self, *, now=NOW, max_age=timedelta(hours=36), history=None):
        (one,) = read_status(
            self.project.workspace,
            [(self.project.suite(), self.target)],
            history=history,
            now=now,
            max_age=max_age,
        )
        return one


@pytest.fixture
def watched(project):
    return Watched(project)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory, make_project):
    """Six accepted nights of the history, and two quiet ones since."""
    root = tmp_path_factory.mktemp("healthy")
    watched = Watched(make_project(root))
    watched.project.accept(*(watched.add(day) for day in range(1, 7)))
    watched.add(7)
    watched.add(8)
    return root


@pytest.fixture
def healthy(made_once, tmp_path, make_project):
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return Watched(make_project(tmp_path))


def problems(one):
    return [(problem.kind, problem.words) for problem in one.problems]


def test_a_watch_that_does_what_it_ought_to_has_no_problem(healthy):
    one = healthy.status()
    assert problems(one) == []
    assert (one.last_night, one.age_s) == ("2026-03-08", 5 * 3600)
    assert (one.verdict, one.headline) == ("QUIET", "QUIET: said")
    assert (one.accepted.standing, one.accepted.placing, one.accepted.wanted) == (6, 6, 10)
    assert one.fortnight.nights == 8
    assert one.fortnight.answered_share == 1.0
    assert (one.uncovered, one.exemptions, one.alarm_since) == ((), (), None)


def test_nothing_is_made_by_looking(watched):
    one = watched.status()
    assert ("stale", "no complete night was ever watched; `watch` does") in problems(one)
    assert one.fortnight.answered_share is None
    assert not watched.project.workspace.history.exists()
    with pytest.raises(UsageError, match="there is no history"):
        watched.status(history=watched.project.workspace.root / "elsewhere.sqlite")


def test_a_night_that_is_too_old_is_stale(healthy):
    later = NOW + timedelta(days=2)
    assert problems(healthy.status(now=later)) == [
        (
            "stale",
            "the last complete night, 2026-03-08, is 53 h old; at most 36 h are wanted: does the schedule run?",
        )
    ]
    assert problems(healthy.status(now=later, max_age=timedelta(days=3))) == []


def test_the_last_night_is_the_one_that_ended_last_whatever_its_date(healthy):
    healthy.add(30, ended=3)
    one = healthy.status(now=NOW + timedelta(days=2))
    assert one.last_night == "2026-03-08"
    assert [kind for kind, _ in problems(one)] == ["stale"]


def test_an_outage_is_no_sign_of_life(healthy):
    healthy.add(10, error_rate=1.0, verdict=Verdict.ERROR)
    one = healthy.status(now=NOW + timedelta(days=2))
    assert [kind for kind, _ in problems(one)] == ["stale"]
    assert (one.last_night, one.fortnight.outages) == ("2026-03-08", ("2026-03-10",))
    assert one.fortnight.missed == ("2026-03-09",)
    assert one.fortnight.planned == 9 * 6
    assert one.fortnight.answered_share == pytest.approx(8 / 9)


def test_tonight_is_not_missed_while_it_may_still_come(healthy):
    assert healthy.status(now=NOW + timedelta(hours=20)).fortnight.missed == ()


def test_cases_in_no_chart_are_named_with_their_reason(healthy):
    healthy.project.write(content="Say something else.")
    one = healthy.status()
    assert problems(one) == [
        ("uncovered", "greet: learning: 0 of 6 accepted nights asked it as it is now; accept more")
    ]


def test_a_case_with_nothing_to_chart_is_uncovered(healthy):
    path = healthy.project.workspace.root / "suites/hello/suite.contract.yaml"
    path.write_text(path.read_text().replace("metrics: [text]", "metrics: [logprobs]"))
    assert problems(healthy.status()) == [
        ("uncovered", "part: no metric and no check of it can be charted")
    ]


def test_what_a_person_took_out_is_listed_and_no_problem_until_it_expires(healthy):
    healthy.exempt("quarantine", expires="2026-03-08")
    one = healthy.status()
    assert problems(one) == []
    assert [(case.case, case.is_meant) for case in one.uncovered] == [("greet", True)]
    assert [exemption.owner for exemption in one.exemptions] == ["ada"]
    after = healthy.status(now=NOW + timedelta(days=1))
    assert problems(after) == [
        ("expired", "the quarantine of greet expired on 2026-03-08 (ada): renew or --lift it"),
    ]
    assert after.uncovered == ()


def test_an_exemption_that_is_dated_ahead_is_a_problem(healthy):
    healthy.exempt("mute", expires="2026-03-09", now=NOW + timedelta(hours=20))
    assert problems(healthy.status()) == []
    healthy.exempt("mute", expires="2027-03-09", now=NOW + timedelta(days=360))
    ((kind, words),) = problems(healthy.status())
    assert kind == "early"
    assert "is dated ahead and counts from 2027-03-03 on (ada)" in words
    healthy.exempt("quarantine", expires="2027-03-09", now=NOW + timedelta(days=360))
    assert healthy.status().uncovered == ()


def test_acceptances_expire(watched):
    watched.project.accept(*(watched.add(day) for day in range(1, 6)), expires="2026-03-08")
    watched.project.accept(watched.add(6))
    watched.add(8)
    assert watched.status().accepted.expires == "2026-03-08"
    one = watched.status(now=NOW + timedelta(days=1))
    assert (
        "expired",
        "the acceptance of 5 nights have expired; 1 still count: accept newer ones",
    ) in problems(one)
    assert (one.accepted.standing, one.accepted.expired, one.accepted.expires) == (1, 5, None)
    assert {kind for kind, _ in problems(one)} == {"expired", "uncovered"}


def test_an_alarm_is_open_until_it_ends(healthy):
    healthy.event(6, "alarm")
    healthy.event(7, "acceptance")
    assert healthy.status().alarm_since == "2026-03-06"
    healthy.event(8, "end")
    assert healthy.status().alarm_since is None


def test_a_suspicion_that_nobody_follows_is_overdue(healthy):
    healthy.add(9, verdict=Verdict.INCONCLUSIVE, confirm_after="2026-03-09T06:00:00+00:00")
    old = timedelta(days=9)
    at = datetime(2026, 3, 10, 8, tzinfo=UTC)
    assert healthy.status(now=at).confirm_after == "2026-03-09T06:00:00+00:00"
    assert problems(healthy.status(now=at, max_age=old)) == []
    late = at + timedelta(minutes=1)
    assert [kind for kind, _ in problems(healthy.status(now=late, max_age=old))] == ["overdue"]
    healthy.add(10)
    assert problems(healthy.status(now=late, max_age=old)) == []

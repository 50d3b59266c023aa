"""``accept --since``: an accepted change begins the baseline anew, and keeps what it knows."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from contractcheck.errors import AcceptRefusedError
from contractcheck.model.history import Exemption
from contractcheck.store.history import open_history
from contractcheck.workflows.accept import AcceptOptions
from contractcheck.workflows.history_events import human_events
from contractcheck.workflows.night_runs import night_key, night_record
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.rebase import accept_since

OPTIONS = AcceptOptions(reason="the new model is fine", by="ada")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory, make_project):
    """Two accepted nights, and two that were not."""
    project = make_project(tmp_path_factory.mktemp("watched"))
    project.accept(project.record(1), project.record(2))
    project.record(3)
    project.record(4)
    return project.workspace.root


@pytest.fixture
def watched(made_once, tmp_path, make_project):
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return make_project(tmp_path)


def rebase(project, since, **named):
    suite = project.suite()
    return accept_since(project.workspace, suite, suite.targets[0], since, OPTIONS, **named)


def refusal(project, since, **named):
    before = project.cassettes()
    with pytest.raises(AcceptRefusedError) as refused:
        rebase(project, since, **named)
    assert project.cassettes() == before
    return str(refused.value)


def eras_of(baseline):
    return [[night.statistics.night for night in era] for era in baseline.eras]


def test_the_nights_since_are_an_era_of_their_own(watched):
    made = rebase(watched, "2026-03-03")
    read = watched.workspace.baselines.read("hello", made.baseline.target)
    assert eras_of(read) == [["2026-03-01", "2026-03-02"], ["2026-03-03", "2026-03-04"]]
    assert (read.rebases, made.since) == (("2026-03-03",), "2026-03-03")
    assert read.reference_night == "2026-03-04"
    assert read.nights[-1].acceptance.reason == "the new model is fine"


def test_one_night_is_enough_and_the_nights_before_it_stay_out(watched):
    made = rebase(watched, "2026-03-04")
    assert eras_of(made.baseline) == [["2026-03-01", "2026-03-02"], ["2026-03-04"]]


def test_the_era_begins_with_the_first_complete_night_since(watched):
    watched.record(6, error_rate=1.0)
    watched.record(7, max_requests=1)
    watched.record(8)
    made = rebase(watched, "2026-03-05")
    assert eras_of(made.baseline)[-1] == ["2026-03-08"]
    outage, interrupted = made.passed_over
    assert outage.startswith("2026-03-06: ")
    assert outage.endswith("is an outage")
    assert interrupted.startswith("2026-03-07: ")
    assert interrupted.endswith("was interrupted")


@pytest.mark.parametrize("is_named", [False, True])
def test_nights_whose_runs_are_elsewhere_are_named_and_nothing_is_accepted(
    watched, tmp_path, is_named
):
    path = tmp_path / "shared.sqlite" if is_named else watched.workspace.history
    folders = {}
    with open_history(path) as history:
        for folder in watched.workspace.runs.folders("hello", watched.suite().targets[0]):
            made = read_night(folder, watched.suite())
            folders[made.run.statistics.night] = folder
            history.add_night(night_record(made.run, root=made.root), made.run.statistics)
    named = {"history": path} if is_named else {}
    gone = folders["2026-03-04"]
    shutil.rmtree(gone)
    words = refusal(watched, "2026-03-03", **named)
    assert "are not here: 2026-03-04; bring them with" in words
    assert f"runs fetch {gone.name}`" in words


def test_an_outage_that_was_made_again_counts(watched):
    watched.record(5, error_rate=1.0)
    watched.record(5)
    assert eras_of(rebase(watched, "2026-03-05").baseline)[-1] == ["2026-03-05"]


def test_a_confirmation_is_no_night(watched):
    suite = watched.suite()
    key = night_key("hello", suite.targets[0].id, "2026-03-05", "confirmation")
    watched.record(5, run_id=f"20260305t020000z-{key}")
    assert "no complete night" in refusal(watched, "2026-03-05")


def test_more_nights_join_the_last_era(watched):
    rebase(watched, "2026-03-03")
    (baseline,) = watched.accept(watched.record(5))
    assert eras_of(baseline)[-1] == ["2026-03-03", "2026-03-04", "2026-03-05"]


def test_nights_that_were_accepted_too_early_can_be_set_apart(watched):
    watched.accept(watched.record(5), watched.record(6))
    assert eras_of(rebase(watched, "2026-03-05").baseline)[-1] == ["2026-03-05", "2026-03-06"]


def test_a_second_change_begins_a_third_era(watched):
    rebase(watched, "2026-03-03")
    watched.record(5)
    made = rebase(watched, "2026-03-05")
    assert made.baseline.rebases == ("2026-03-03", "2026-03-05")
    assert len(made.baseline.eras) == 3
    assert "was re-based on 2026-03-05; --since has to be later" in refusal(watched, "2026-03-04")


def test_what_is_refused_says_why(watched):
    assert refusal(watched, "soon") == "--since 'soon' is not a date such as 2027-01-31"
    assert "leaves no accepted night of hello" in refusal(watched, "2026-03-01")
    assert refusal(watched, "2026-03-05").startswith("no complete night of hello × ")
    watched.record(6, error_rate=1.0)
    assert "is an outage); `contractcheck watch` records one" in refusal(watched, "2026-03-06")
    watched.write(content="Say something else.")
    assert "asked other requests than the suite does now" in refusal(watched, "2026-03-03")


def test_without_a_baseline_there_is_nothing_to_begin_anew(project):
    project.record(1)
    assert "has no accepted nights" in refusal(project, "2026-03-01")


def test_what_people_did_becomes_events(watched):
    made = rebase(watched, "2026-03-03")
    target = made.baseline.target.id
    mute = Exemption(
        kind="mute",
        case="greet",
        metric="text",
        reason="OPS-7",
        owner="bo",
        created_at="2026-03-02T08:00:00+00:00",
        expires="2026-03-20",
    )
    acceptance, rebased, muted = human_events("hello", target, made.baseline, [mute])
    assert (acceptance.kind, acceptance.night, acceptance.by) == ("acceptance", "2026-03-02", "me")
    assert acceptance.words == "accepted 2 nights, 2026-03-01 … 2026-03-02: looked at"
    assert (rebased.kind, rebased.night, rebased.by) == ("rebase", "2026-03-04", "ada")
    assert rebased.words.startswith("re-based on 2 nights, 2026-03-03 … 2026-03-04: the new")
    assert (muted.kind, muted.night, muted.case, muted.by) == ("mute", "2026-03-02", "greet", "bo")
    assert date.fromisoformat(muted.expires) > date.fromisoformat(muted.night)
    assert human_events("hello", target, None, ()) == ()

"""One watch after another, against a provider on this machine; the clock is the test's."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from contractcheck.cassettes import read_run
from contractcheck.errors import MeasurementError, RecordingError, UsageError
from contractcheck.measuring import observe
from contractcheck.model.judgement import Verdict
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions
from contractcheck.store.history import open_history
from contractcheck.workflows import watch_evidence, watch_ground
from contractcheck.workflows.night_runs import night_key
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target

TARGET = "openai:gpt-sim-mini-2026-03-01"


def night_of(day):
    return f"2026-03-{day:02d}"


def watch(project, day, *, error_rate=0.0, changes=(), **more):
    """Watch the night of a day; a provider that is down is down for the whole watch."""
    project.provider.conditions = Conditions(
        night=night_of(day), time_scale=0.0, error_rate=error_rate, changes=changes
    )
    bounds = Bounds(retry=RetryPolicy(attempts=1))
    record = RecordOptions(
        base_url=project.provider.base_url, bounds=bounds, **more.pop("record", {})
    )
    suite = project.suite()
    options = WatchOptions(night=night_of(day), record=record, **more)
    return watch_target(project.workspace, suite, suite.targets[0], options)


def history_of(project):
    return open_history(project.workspace.history, create=False)


def test_a_night_is_made_once_and_judged_again_without_asking(project):
    first = watch(project, 1)
    asked = project.provider.request_count
    with history_of(project) as history:
        before = history.digest()
    again = watch(project, 1)
    assert project.provider.request_count == asked
    assert again.run_id == first.run_id
    assert again.verdict is first.verdict
    assert any("nobody was asked again" in note for note in again.notes)
    with history_of(project) as history:
        assert history.digest() == before
        assert [one.run_id for one in history.nights("hello", TARGET)] == [first.run_id]


def test_a_night_is_the_utc_date_on_which_the_watch_starts():
    late = datetime.fromisoformat("2026-03-01T23:30:00-05:00")
    assert WatchOptions(now=late).tonight == "2026-03-02"
    assert WatchOptions(now=late, night="2026-03-01").tonight == "2026-03-01"


def test_a_night_that_was_cut_short_is_gone_on_with(project):
    asked = project.provider.request_count
    cut = watch(project, 1, record={"max_requests": 2})
    assert project.provider.request_count == asked + 2
    whole = watch(project, 1)
    assert project.provider.request_count == asked + 6
    assert whole.run_id == cut.run_id
    assert whole.counts.answered == 6
    with history_of(project) as history:
        (record,) = history.nights("hello", TARGET)
    assert record.is_complete


def test_an_outage_is_told_and_may_be_made_again_the_same_night(project):
    out = watch(project, 1, error_rate=1.0)
    assert out.verdict is Verdict.ERROR
    with history_of(project) as history:
        (record,) = history.nights("hello", TARGET)
        assert not record.is_complete
        assert [event.kind for event in history.events("hello", TARGET)] == ["outage"]
    good = watch(project, 1)
    assert good.verdict is not Verdict.ERROR
    with history_of(project) as history:
        (record,) = history.nights("hello", TARGET)
        assert record.is_complete
        assert history.events("hello", TARGET) == ()
        assert [one.verdict for one in history.judgements("hello", TARGET)] == [good.verdict]


def test_a_run_that_was_made_as_tonights_is_taken(project):
    today = datetime.now(UTC).date().isoformat()
    project.provider.conditions = Conditions(night=today, time_scale=0.0)
    suite = project.suite()
    record = RecordOptions(base_url=project.provider.base_url, night=today)
    made = record_run(project.workspace, suite, suite.targets[0], record)
    asked = project.provider.request_count
    report = watch_target(project.workspace, suite, suite.targets[0], WatchOptions(record=record))
    assert project.provider.request_count == asked
    assert report.run_id == made.name


def test_a_night_far_from_today_is_not_asked_of_a_provider_elsewhere(project, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    suite = project.suite()
    now = datetime.fromisoformat("2026-03-10T23:30:00+00:00")
    record = RecordOptions(base_url="https://api.example.invalid/v1")
    for night in (night_of(8), night_of(12), "2062-03-10"):
        options = WatchOptions(night=night, now=now, record=record)
        with pytest.raises(UsageError, match=f"--night {night}: today is 2026-03-10"):
            watch_target(project.workspace, suite, suite.targets[0], options)
    assert not project.workspace.runs.root.exists()
    made = watch(project, 1, now=now)
    asked = project.provider.request_count
    options = WatchOptions(night=night_of(1), now=now, record=record)
    again = watch_target(project.workspace, suite, suite.targets[0], options)
    assert (again.run_id, project.provider.request_count) == (made.run_id, asked)


def test_a_suite_that_asks_something_else_now_does_not_go_on_with_an_old_run(project):
    cut = watch(project, 1, record={"max_requests": 2})
    project.write(content="Say good evening.")
    whole = watch(project, 1)
    assert whole.run_id != cut.run_id
    assert whole.counts.answered == 6


def test_a_night_whose_run_is_elsewhere_is_not_sampled_anew(project):
    watch(project, 1)
    (folder,) = project.workspace.runs.folders("hello", project.suite().targets[0])
    folder.rename(project.workspace.root / folder.name)
    asked = project.provider.request_count
    with pytest.raises(MeasurementError, match="is not below"):
        watch(project, 1)
    assert project.provider.request_count == asked


def test_a_night_that_another_machine_watches_is_left_to_it(project):
    with open_history(project.workspace.history) as history:
        assert history.claim("hello", TARGET, night_of(1), "elsewhere", 600.0)
    asked = project.provider.request_count
    with pytest.raises(MeasurementError, match="another machine is watching the night"):
        watch(project, 1, wait_s=0.0)
    assert project.provider.request_count == asked
    with history_of(project) as history:
        history.release("hello", TARGET, night_of(1), "elsewhere")
    assert watch(project, 1, wait_s=0.0).counts.answered == 6


def test_the_run_of_a_night_is_copied_to_the_store_and_fetched_from_there(project, tmp_path):
    store = str(tmp_path / "archive")
    report = watch(project, 1, store=store)
    target = project.suite().targets[0]
    assert open_archive(store).has("hello", target, report.run_id)
    (folder,) = project.workspace.runs.folders("hello", target)
    shutil.rmtree(folder)
    asked = project.provider.request_count
    again = watch(project, 1, store=store)
    assert project.provider.request_count == asked
    assert (again.run_id, again.verdict) == (report.run_id, report.verdict)


def replace_run(project, run_id):
    """Record anew under the id of a run that is there: other times, and so another run."""
    (folder,) = project.workspace.runs.folders("hello", project.suite().targets[0])
    shutil.rmtree(folder)
    made = project.record(1, run_id=run_id)
    assert made == folder


def test_another_run_with_the_id_of_a_night_is_not_taken_for_it(project, tmp_path):
    store = str(tmp_path / "archive")
    report = watch(project, 1)
    replace_run(project, report.run_id)
    asked = project.provider.request_count
    with history_of(project) as history:
        before = history.digest()
    with pytest.raises(MeasurementError, match=r"root digest differs.*--store"):
        watch(project, 1, store=store)
    assert project.provider.request_count == asked
    assert open_archive(store).list() == []
    with history_of(project) as history:
        assert history.digest() == before


def test_of_two_runs_with_one_id_in_the_store_the_one_of_the_night_is_fetched(project, tmp_path):
    store = str(tmp_path / "archive")
    report = watch(project, 1)
    target = project.suite().targets[0]
    (folder,) = project.workspace.runs.folders("hello", target)
    kept = shutil.copytree(folder, tmp_path / "kept")
    replace_run(project, report.run_id)
    open_archive(store).push(folder)
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    # The store has a run of this id, but not this one.
    watch(project, 1, store=store)
    assert len(open_archive(store).list()) == 2
    shutil.rmtree(folder)
    again = watch(project, 1, store=store)
    assert again.verdict is report.verdict
    assert read_run(folder).root == read_run(kept).root


def test_a_store_that_cannot_be_written_loses_no_night_and_is_tried_again(project, tmp_path):
    store = tmp_path / "archive"
    store.write_text("a file where a folder should be")
    report = watch(project, 1, store=str(store))
    assert report.exit_code == 4
    assert any("store was not brought up to date" in note for note in report.notes)
    with history_of(project) as history:
        assert [one.is_complete for one in history.nights("hello", TARGET)] == [True]
        assert len(history.judgements("hello", TARGET)) == 1
    store.unlink()
    again = watch(project, 1, store=str(store))
    assert again.exit_code == 0
    assert open_archive(str(store)).has("hello", project.suite().targets[0], report.run_id)


def test_a_run_is_in_the_store_before_the_history_names_it(project, tmp_path):
    store = str(tmp_path / "archive")
    with open_history(project.workspace.history):
        pass
    with sqlite3.connect(project.workspace.history) as connection:
        connection.execute(
            "CREATE TRIGGER away BEFORE INSERT ON contractcheck_nights "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    connection.close()
    with pytest.raises(RecordingError, match="the disk is full"):
        watch(project, 1, store=store)
    (folder,) = project.workspace.runs.folders("hello", project.suite().targets[0])
    assert [run.run_id for run in open_archive(store).list()] == [folder.name]


def test_a_store_of_an_unknown_kind_is_refused_before_anybody_is_asked(project):
    asked = project.provider.request_count
    with pytest.raises(UsageError, match="--store"):
        watch(project, 1, store="nowhere://runs")
    assert project.provider.request_count == asked


def test_two_machines_that_share_history_and_store_make_one_night(project, simulated, tmp_path):
    other = type(project)(tmp_path / "other", simulated)
    shared = {"history": tmp_path / "nights.sqlite", "store": str(tmp_path / "archive")}
    asked = simulated.request_count
    with ThreadPoolExecutor(2) as both:
        reports = list(both.map(lambda place: watch(place, 1, **shared), (project, other)))
    assert simulated.request_count - asked == 6
    assert reports[0].run_id == reports[1].run_id
    assert {report.verdict for report in reports} == {Verdict.INCONCLUSIVE}
    with open_history(shared["history"]) as history:
        assert len(history.nights("hello", TARGET)) == 1
        assert history.claim("hello", TARGET, night_of(1), "a third", 1.0)


def test_charts_add_up_the_newest_nights_alone(project, monkeypatch):
    monkeypatch.setattr(watch_ground, "MOST_LATER", 2)
    for day in range(1, 6):
        watch(project, day)
    suite = project.suite()
    with history_of(project) as history:
        newest = history.nights("hello", TARGET)[-1]
        folder = project.workspace.runs.folder("hello", suite.targets[0], newest.run_id)
        gathered = watch_evidence.gather(
            project.workspace, suite, history, observe(read_run(folder), suite)
        )
    assert list(gathered.evidence.records) == [night_of(3), night_of(4)]


def test_two_runs_of_a_night_within_a_second_have_ids_of_their_own(project):
    first = watch(project, 1, error_rate=1.0)
    second = watch(project, 1)
    assert first.run_id != second.run_id
    key = night_key("hello", TARGET, night_of(1))
    assert all(run.rpartition("-")[2].startswith(key) for run in (first.run_id, second.run_id))
    shutil.rmtree(project.workspace.root / ".contractcheck")
    third = watch(project, 1)
    assert third.run_id not in {first.run_id, second.run_id}

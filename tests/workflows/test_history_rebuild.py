"""What a watch wrote and what is made again from its runs is the same history."""

import shutil
import sqlite3
import tempfile

import pytest

from contractcheck.errors import RecordingError
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions
from contractcheck.store.history import open_history
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.history_rebuild import rebuild_history
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.run_archive import RunArchive, open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target

TARGET = "openai:gpt-sim-mini-2026-03-01"


def watch(project, day, **conditions):
    night = f"2026-03-{day:02}"
    project.provider.conditions = Conditions(night=night, time_scale=0.0, **conditions)
    bounds = Bounds(retry=RetryPolicy(attempts=1))
    record = RecordOptions(base_url=project.provider.base_url, bounds=bounds)
    suite = project.suite()
    options = WatchOptions(night=night, record=record)
    return watch_target(project.workspace, suite, suite.targets[0], options)


def rebuild(project, url=None, *, engine=None, archive=None):
    place = project.workspace
    with open_engine(engine) as executor:
        return rebuild_history(
            place, place.load_suites(), url or place.history, executor=executor, archive=archive
        )


def folder_of(project, run_id):
    return project.workspace.runs.find(run_id)


def digest(path):
    with open_history(path) as history:
        return history.digest()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the nights below are kept, once they are made."""
    return tmp_path_factory.mktemp("watched") / "project"


@pytest.fixture
def watched(project, kept):
    """Two accepted nights; then three that were watched, one of them an outage."""
    if not kept.exists():
        made = type(project)(kept, project.provider)
        made.accept(*(made.record(day) for day in (1, 2)))
        for day in (3, 5):
            watch(made, day)
        watch(made, 4, error_rate=1.0)
    shutil.copytree(kept, project.workspace.root, dirs_exist_ok=True)
    return project


def later(path):
    """Everything that the history says of the nights since the last accepted one."""
    with open_history(path) as history:
        of = ("hello", TARGET)
        nights = history.nights(*of, after="2026-03-02")
        judgements = history.judgements(*of)
        baselines = sorted({judgement.baseline for judgement in judgements})
        values = [history.values(*of, baseline) for baseline in baselines]
        assert any(values)
        return (
            nights,
            [history.statistics(*of, night.night) for night in nights],
            values,
            judgements,
            history.events(*of),
        )


def test_a_history_made_anew_says_what_the_watch_said(watched, tmp_path):
    made = rebuild(watched, tmp_path / "new.sqlite")
    assert made.problems == ()
    assert (made.nights, made.judged) == (5, 3)
    assert later(tmp_path / "new.sqlite") == later(watched.workspace.history)
    assert made.digest == digest(tmp_path / "new.sqlite")


def test_a_rebuild_of_what_is_there_ends_like_one_from_nothing(watched, tmp_path):
    fresh = rebuild(watched, tmp_path / "new.sqlite")
    over = rebuild(watched)
    assert over.digest == fresh.digest
    again = rebuild(watched)
    assert (again.changed, again.digest) == (0, fresh.digest)


@pytest.mark.calibration
def test_processes_make_the_same_history(watched, tmp_path):
    one = rebuild(watched, tmp_path / "one.sqlite")
    two = rebuild(watched, tmp_path / "two.sqlite", engine="processes:2")
    assert two.digest == one.digest


def test_runs_that_lie_in_the_archive_only_count_as_well(watched, tmp_path):
    here = rebuild(watched, tmp_path / "here.sqlite")
    archive = open_archive(str(tmp_path / "archive"))
    for folder in sorted(watched.workspace.runs.root.glob("*/*/*")):
        if archive.push(folder).night != "2026-03-05":
            shutil.rmtree(folder)
    there = rebuild(watched, tmp_path / "there.sqlite", archive=archive)
    assert there.digest == here.digest
    assert len(list(watched.workspace.runs.root.glob("*/*/*"))) <= 1


def test_the_disk_holds_one_archived_night_at_a_time(watched, tmp_path, monkeypatch):
    here = rebuild(watched, tmp_path / "here.sqlite")
    archive = open_archive(str(tmp_path / "archive"))
    part = watched.record(6, cases=("greet",))
    for folder in watched.workspace.runs.root.glob("*/*/*"):
        archive.push(folder)
    shutil.rmtree(watched.workspace.runs.root)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    fetch, before = RunArchive.fetch, []

    def fetch_and_count(self, run, into):
        before.append([path.name for path in temporary.glob("*/*/*/*")])
        return fetch(self, run, into)

    monkeypatch.setattr(RunArchive, "fetch", fetch_and_count)
    there = rebuild(watched, tmp_path / "there.sqlite", archive=archive)
    assert there.digest == here.digest
    assert there.problems == ()
    assert part.name in {run.run_id for run in archive.list()}
    assert len(before) == 6 + 3  # all are measured, those since the last accepted one judged
    assert before == [[]] * len(before)
    assert list(temporary.iterdir()) == []


def test_a_damaged_copy_in_the_archive_is_told_and_the_others_count(watched, tmp_path):
    archive = open_archive(str(tmp_path / "archive"))
    for folder in watched.workspace.runs.root.glob("*/*/*"):
        archive.push(folder)
    shutil.rmtree(watched.workspace.runs.root)
    (last,) = [run for run in archive.list() if run.night == "2026-03-05"]
    file = tmp_path / "archive" / last.name
    file.write_bytes(file.read_bytes()[:700])
    made = rebuild(watched, tmp_path / "new.sqlite", archive=archive)
    assert (made.nights, made.judged) == (4, 2)
    (problem,) = made.problems
    assert last.name in problem
    assert rebuild(watched, archive=archive).problems == made.problems


def test_a_damaged_run_is_told_and_the_others_count(watched, tmp_path):
    first = min(watched.workspace.runs.root.glob("*/*/*"))
    (first / "greet.jsonl.zst").write_bytes(b"damaged")
    made = rebuild(watched, tmp_path / "new.sqlite")
    assert made.nights == 4
    (problem,) = made.problems
    assert first.name in problem


def test_what_is_known_of_runs_that_are_gone_stays(watched):
    with open_history(watched.workspace.history) as history:
        gone, *_ = history.nights("hello", TARGET)
    shutil.rmtree(folder_of(watched, gone.run_id))
    rebuild(watched)
    with open_history(watched.workspace.history) as history:
        assert gone in history.nights("hello", TARGET)
        assert len(history.judgements("hello", TARGET)) == 3


def test_a_new_check_is_in_every_night_afterwards(watched):
    watched.write(checks="[not_truncated]")
    made = rebuild(watched)
    assert made.changed >= 4
    with open_history(watched.workspace.history) as history:
        cells = history.statistics("hello", TARGET, "2026-03-03").cases["greet"].cells
    assert "not_truncated" in cells


def test_tables_of_an_older_version_are_made_anew(watched, tmp_path):
    path = watched.workspace.history
    fresh = rebuild(watched, tmp_path / "new.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE contractcheck_schema SET version = 0")
        connection.execute("DROP TABLE contractcheck_values")
        connection.execute("CREATE TABLE contractcheck_values (old TEXT)")
    connection.close()
    assert rebuild(watched).digest == fresh.digest


def test_sides_of_gates_selections_and_other_suites_are_no_nights(watched, tmp_path):
    before = rebuild(watched, tmp_path / "one.sqlite")
    watched.record(6, cases=("greet",))
    watched.write("other")
    watched.record(6, name="other")
    suites = [suite for suite in watched.workspace.load_suites() if suite.name == "hello"]
    with open_engine(None) as executor:
        made = rebuild_history(
            watched.workspace, suites, tmp_path / "two.sqlite", executor=executor
        )
    assert made.digest == before.digest


@pytest.mark.parametrize(
    "what",
    [
        "contractcheck_nights SET record",
        "contractcheck_nights SET statistics",
        "contractcheck_values SET document",
        "contractcheck_judgements SET document",
        "contractcheck_events SET document",
    ],
)
def test_a_damaged_row_is_told_and_made_again(watched, what):
    fresh = rebuild(watched)
    with sqlite3.connect(watched.workspace.history) as connection:
        connection.execute(f"UPDATE {what} = CAST('damaged' AS BLOB)")
    connection.close()
    mended = rebuild(watched)
    assert mended.digest == fresh.digest
    # Values follow from the rest: there is nothing to tell.
    assert bool(mended.problems) == ("_values " not in what)
    assert all("night 2026-03-0" in problem for problem in mended.problems)
    assert rebuild(watched).problems == ()


def test_events_of_nights_whose_runs_are_gone_follow_from_what_was_said(watched):
    wanted = later(watched.workspace.history)[-1]
    assert "outage" in {event.kind for event in wanted}
    shutil.rmtree(watched.workspace.runs.root)
    with sqlite3.connect(watched.workspace.history) as connection:
        connection.execute("DELETE FROM contractcheck_events")
    connection.close()
    rebuild(watched)
    with open_history(watched.workspace.history) as history:
        assert history.events("hello", TARGET) == wanted


def test_a_row_of_a_newer_version_is_left_alone(watched):
    with sqlite3.connect(watched.workspace.history) as connection:
        connection.execute(
            "UPDATE contractcheck_judgements SET document = CAST('{\"format\": 99}' AS BLOB)"
        )
    connection.close()
    before = digest(watched.workspace.history)
    with pytest.raises(RecordingError, match="upgrade contractcheck"):
        rebuild(watched)
    assert digest(watched.workspace.history) == before

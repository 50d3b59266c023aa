"""What is listed and shown of recorded runs."""

from __future__ import annotations

import pytest

from contractcheck.cassettes import create_run, read_header, resume_run
from contractcheck.errors import RecordingError, UsageError
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.workflows.runs_accepted import accepted_runs
from contractcheck.workflows.runs_list import list_runs
from contractcheck.workflows.runs_show import count_cases, load_run, raw_body

TARGET = Target(provider="openai", model="gpt-sim-mini-2026-03-01")


def damage(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(bytes(data))


def leave_open(project, folder, run_id):
    """A run of the same plan that was interrupted before its first answer."""
    header = read_header(folder)
    other = type(header)(
        **{name: getattr(header, name) for name in header.__dataclass_fields__}
        | {"id": run_id, "status": "interrupted", "ended_at": None}
    )
    place = project.workspace.runs.folder(header.suite, header.target, run_id)
    create_run(place, other, Scrubber.for_secrets([])).close()
    return place


def test_runs_are_listed_with_state_size_and_whether_they_are_accepted(project):
    first, second = project.record(1), project.record(2)
    project.accept(first)
    third = leave_open(project, second, "20990101t000000z-open")
    found = list_runs(project.workspace)
    assert found.problem is None
    assert {run.id for run in found.runs} == {first.name, second.name, third.name}
    by_id = {run.id: run for run in found.runs}
    assert [by_id[f.name].state for f in (first, second, third)] == ["sealed", "sealed", "open"]
    assert [by_id[f.name].is_accepted for f in (first, second, third)] == [True, False, False]
    own = sum(path.stat().st_size for path in first.iterdir())
    assert by_id[first.name].size_bytes == own
    assert by_id[first.name].night == "2026-03-01"
    assert by_id[first.name].trials == 6


def test_finished_trials_of_an_open_run_are_counted(project):
    folder = project.record(1, max_requests=4)
    (run,) = list_runs(project.workspace).runs
    assert (run.state, run.finished, run.trials) == ("open", 4, 6)
    damage(next(path for path in sorted(folder.glob("*.part"))))
    assert list_runs(project.workspace).runs[0].finished is None


def test_all_trials_of_a_complete_run_are_finished_and_of_a_partial_one_nobody_knows(project):
    project.record(1)
    project.record(2, cases=["part"])
    found = {run.night: (run.finished, run.trials) for run in list_runs(project.workspace).runs}
    assert found == {"2026-03-01": (6, 6), "2026-03-02": (None, 3)}


def test_a_run_is_being_recorded_while_a_process_holds_it(project):
    folder = project.record(1, max_requests=4)
    assert not list_runs(project.workspace).runs[0].is_being_recorded
    run = resume_run(folder, Scrubber.for_secrets([]))
    assert list_runs(project.workspace).runs[0].is_being_recorded
    run.close()
    assert not list_runs(project.workspace).runs[0].is_being_recorded


def test_runs_are_selected_by_suite_and_target(project):
    folder = project.record(1)
    assert list_runs(project.workspace, suite="other").runs == ()
    assert list_runs(project.workspace, target=Target(provider="openai", model="x")).runs == ()
    (run,) = list_runs(project.workspace, suite="hello", target=TARGET).runs
    assert run.folder == folder


def test_a_damaged_run_is_listed_as_such(project):
    folder = project.record(1)
    (folder / "manifest.json").write_text("{}")
    (run,) = list_runs(project.workspace).runs
    assert (run.state, run.suite, run.target) == ("damaged", "hello", TARGET.folder)
    assert "manifest.json" in run.problem


def test_a_damaged_baseline_leaves_it_open_which_runs_are_accepted(project):
    folder = project.record(1)
    project.accept(folder)
    damage(project.workspace.baselines.folder("hello", TARGET) / "baseline.json", at=0)
    found = list_runs(project.workspace)
    assert "baseline.json" in found.problem
    assert [run.is_accepted for run in found.runs] == [None]


def test_a_baseline_that_was_moved_is_refused(project):
    folder = project.record(1)
    project.accept(folder)
    own = project.workspace.baselines.folder("hello", TARGET)
    own.rename(own.with_name("elsewhere"))
    with pytest.raises(RecordingError, match="is not the baseline of this folder"):
        accepted_runs(project.workspace)


def test_the_reference_run_is_that_of_the_reference_night(project):
    project.accept(project.record(1))
    project.accept(project.record(2))
    first, second = accepted_runs(project.workspace)
    assert (first.night, first.reference) == ("2026-03-01", None)
    assert second.reference.is_dir()


def test_a_run_is_counted_by_case(project):
    run = load_run(project.record(1, error_rate=1.0))
    greet, part = count_cases(run)
    assert (greet.case, greet.planned, greet.trials, greet.attempts) == ("greet", 3, 3, 3)
    assert sum(greet.statuses.values()) == 3
    assert all(status >= 400 for status in greet.statuses)
    assert dict(part.endings) == {"eof": 3}
    assert greet.median_s > 0
    assert greet.size_bytes == sum(len(x.response.body) for x in run.exchanges if x.case == "greet")


def test_one_exchange_is_picked_by_case_trial_and_attempt(project):
    folder = project.record(1)
    run = load_run(folder, case="part", trial=1, attempt=0)
    assert [(x.case, x.trial) for x in run.exchanges] == [("part", 1)]
    assert raw_body(run) == run.exchanges[0].response.body
    with pytest.raises(UsageError, match="3 exchanges fit"):
        raw_body(load_run(folder, case="part"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"case": "x"}, "has no case 'x'; its cases: greet, part"),
        ({"case": "part", "trial": 7}, "recorded trials: 0-2"),
        ({"case": "part", "trial": 0, "attempt": 4}, "recorded trials: 0-2"),
        ({"trial": 1}, "give --case too"),
    ],
)
def test_what_is_not_there_is_said(project, asked, words):
    with pytest.raises(UsageError, match=words):
        load_run(project.record(1), **asked)

"""What a suite asks anew is measured in the accepted nights too, where their answers are kept."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from contractcheck.cassettes import read_header
from contractcheck.model.judgement import Verdict
from contractcheck.workflows.rescoring import rescore

NIGHTS = 5


@pytest.fixture(scope="module")
def kept(tmp_path_factory, make_project):
    """Five accepted nights; every test has a copy."""
    made = make_project(tmp_path_factory.mktemp("accepted"))
    made.accept(*(made.record(day) for day in range(1, NIGHTS + 1)))
    return made.workspace.root


@pytest.fixture
def accepted(project, kept):
    shutil.copytree(kept, project.workspace.root, dirs_exist_ok=True)
    runs = project.workspace.runs.root.glob("hello/*/*")
    project.folders = sorted(runs, key=lambda folder: read_header(folder).night)
    return project


def change(project, old, new):
    path = project.workspace.root / "suites" / "hello" / "suite.contract.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def ask_more(project):
    """Two metrics and a check that accepted nights know nothing of."""
    change(project, "metrics: [text, output_tokens]", "metrics: [text, output_tokens, refusal]")
    change(project, "checks: []", "checks: [{contains: e}]")


def baseline_of(project):
    target = project.suite().targets[0]
    return project.workspace.baselines.read("hello", target)


def again(project):
    return rescore(project.workspace, project.suite(), baseline_of(project))


def test_where_nothing_is_new_nothing_is_read_or_said(accepted):
    shutil.rmtree(accepted.workspace.runs.root)
    found = again(accepted)
    assert found.baseline == baseline_of(accepted)
    assert found.notes == ()


def test_a_night_measured_again_equals_one_accepted_under_the_new_suite(accepted, tmp_path):
    ask_more(accepted)
    found = again(accepted)
    assert found.notes == (
        (
            "5 of 5 accepted nights were measured again from their recordings, for what the suite "
            "asks since they were accepted: contains:e, refusal"
        ),
    )
    shutil.move(tmp_path / "cassettes", tmp_path / "before")
    accepted.accept(*accepted.folders)
    expected = baseline_of(accepted)
    for seen, wanted in zip(found.baseline.nights, expected.nights, strict=True):
        assert seen.statistics == wanted.statistics


def test_what_was_accepted_is_never_rewritten(accepted):
    before = accepted.cassettes()
    ask_more(accepted)
    accepted.judge(accepted.record(6))
    assert accepted.cassettes() == before


def test_a_new_metric_is_judged_on_its_first_night(accepted):
    ask_more(accepted)
    folder = accepted.record(6)
    report = accepted.judge(folder)
    assert report.verdict is not Verdict.ERROR
    assert {"refusal", "contains:e"} <= {one.metric for one in report.comparisons}
    lacking = [note for note in report.notes if "accepted nights lack it" in note]
    # On a busy machine a night may have no time that counts.
    assert not any(label in note for label in ("refusal", "contains:e") for note in lacking)
    assert any("5 of 5 accepted nights were measured again" in note for note in report.notes)


def test_a_cell_that_was_accepted_stands(accepted):
    ask_more(accepted)
    before = baseline_of(accepted)
    for seen, was in zip(again(accepted).baseline.nights, before.nights, strict=True):
        for case, one in was.statistics.cases.items():
            cells = seen.statistics.cases[case].cells
            assert {label: cells[label] for label in one.cells} == one.cells


def test_without_its_run_a_night_lacks_what_is_new_and_the_report_says_so(accepted):
    ask_more(accepted)
    folder = accepted.record(6)
    for run in accepted.folders:
        shutil.rmtree(run)
    found = again(accepted)
    first = accepted.folders[0].name
    # The newest night lies in version control, and needs no run store.
    assert found.notes == (
        (
            "1 of 5 accepted nights were measured again from their recordings, for what the suite "
            "asks since they were accepted: contains:e, refusal"
        ),
        (
            "4 of 5 accepted nights (2026-03-01, 2026-03-02, 2026-03-03, …) lack what the suite asks "
            f"since they were accepted: run {first} is not below {accepted.workspace.runs.root}; put "
            "their runs back, or record and accept new nights"
        ),
    )
    report = accepted.judge(folder)
    assert report.exit_code in (0, 1)
    assert found.notes[1] in report.notes


def test_a_run_that_came_back_counts_again(accepted, tmp_path):
    ask_more(accepted)
    shutil.move(accepted.folders[0], tmp_path / "elsewhere")
    assert "lack what" in again(accepted).notes[-1]
    shutil.move(tmp_path / "elsewhere", accepted.folders[0])
    assert again(accepted).notes[-1].startswith("5 of 5 accepted nights were measured again")


def test_another_run_under_the_same_id_is_not_believed(accepted):
    ask_more(accepted)
    first, second = accepted.folders[:2]
    shutil.rmtree(first)
    shutil.copytree(second, first)
    assert f"{first} is not the run that was accepted" in again(accepted).notes[-1]
    lacking = again(accepted).baseline.nights[0].statistics.cases["greet"].cells
    assert "refusal" not in lacking


def test_a_damaged_run_is_named_and_stops_nothing(accepted):
    ask_more(accepted)
    packed = accepted.folders[1] / "greet.jsonl.zst"
    packed.write_bytes(packed.read_bytes()[:-9])
    assert str(packed) in again(accepted).notes[-1]
    assert accepted.judge(accepted.record(6)).verdict is not Verdict.ERROR


def test_a_run_id_from_a_baseline_never_becomes_a_path(accepted):
    ask_more(accepted)
    read = baseline_of(accepted)
    first = read.nights[0]
    strange = replace(first, statistics=replace(first.statistics, run_id="../../other"))
    found = rescore(
        accepted.workspace, accepted.suite(), replace(read, nights=(strange, *read.nights[1:]))
    )
    assert "'../../other' is not a run id" in found.notes[-1]


def test_when_the_reference_is_damaged_the_run_store_helps(accepted):
    ask_more(accepted)
    reference = accepted.workspace.baselines.reference("hello", baseline_of(accepted).target)
    (reference / "greet.jsonl").write_bytes(b"torn")
    assert again(accepted).notes[-1].startswith("5 of 5 accepted nights were measured again")
    shutil.rmtree(accepted.folders[-1])
    assert str(reference / "greet.jsonl") in again(accepted).notes[-1]


def test_a_question_that_changed_is_no_matter_for_old_answers(accepted):
    ask_more(accepted)
    change(accepted, "Say hello.", "Say something else.")
    found = again(accepted)
    assert found.notes == ()
    assert found.baseline == baseline_of(accepted)


def test_a_case_that_was_dropped_for_a_while_is_measured_from_the_recordings(project):
    folders = [project.record(day) for day in (1, 2)]
    path = project.workspace.root / "suites/hello/suite.contract.yaml"
    whole = path.read_text()
    path.write_text(whole.split("  - id: part")[0])
    project.accept(*folders)
    assert set(baseline_of(project).nights[0].statistics.cases) == {"greet"}
    path.write_text(whole)
    found = again(project)
    assert set(found.baseline.nights[0].statistics.cases) == {"greet", "part"}

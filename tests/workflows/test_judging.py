"""Which nights speak for tonight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.cassettes import read_header
from contractcheck.model.judgement import Verdict
from contractcheck.workflows.previous_night import find_previous_night


def previous(project, folder):
    suite = project.suite()
    header = read_header(folder)
    baseline = project.workspace.baselines.read("hello", header.target)
    found = find_previous_night(project.workspace, suite, header, baseline).statistics
    return found and found.night


def test_the_night_before_is_the_last_complete_one(project):
    project.record(1)
    project.record(2)
    project.record(3, max_requests=2)
    project.record(3, error_rate=1.0)
    assert previous(project, project.record(4)) == "2026-03-02"


@pytest.mark.parametrize(("day", "expected"), [(8, "2026-03-01"), (9, None)])
def test_a_night_more_than_a_week_ago_is_not_the_night_before(project, day, expected):
    project.record(1)
    assert previous(project, project.record(day)) == expected


def test_an_accepted_night_in_between_keeps_two_nights_apart(project):
    project.record(1)
    project.accept(project.record(2))
    assert previous(project, project.record(3)) is None
    project.record(4)
    assert previous(project, project.record(5)) == "2026-03-04"


def test_nights_come_in_the_order_of_their_dates_whenever_they_were_recorded(project):
    project.record(2)
    project.record(1)
    assert previous(project, project.record(3)) == "2026-03-02"
    assert previous(project, project.record(2)) == "2026-03-01"


@pytest.mark.parametrize("file", ["manifest.json", "greet.jsonl.zst"])
def test_a_damaged_run_stops_no_later_night_and_is_named(project, file):
    project.record(1)
    damaged = project.record(2)
    (damaged / file).write_bytes(b"torn")
    folder = project.record(3)
    assert previous(project, folder) == "2026-03-01"
    report = project.judge(folder)
    assert report.verdict is not Verdict.ERROR
    (note,) = [note for note in report.notes if "passed over" in note]
    assert note.startswith(f"run {damaged.name} was passed over in the search for the night before")
    assert str(damaged / file) in note


def test_a_damaged_run_that_is_not_needed_is_not_even_read(project):
    damaged = project.record(1, run_id="20260301t020000z-a")
    project.record(2, run_id="20260302t020000z-a")
    (damaged / "manifest.json").write_bytes(b"torn")
    report = project.judge(project.record(3))
    assert not any(damaged.name in note for note in report.notes)


def test_a_night_that_is_no_date_is_before_nothing(project):
    project.record(1)
    header = replace(read_header(project.record(3)), night="last night")
    found = find_previous_night(project.workspace, project.suite(), header, None)
    assert found.statistics is None


def test_an_accepted_night_is_not_compared_with_itself(project):
    folders = [project.record(day) for day in range(1, 7)]
    project.accept(*folders)
    report = project.judge(folders[-1])
    assert report.baseline.startswith("5 accepted nights")


def test_what_to_do_next_depends_on_the_verdict(project):
    first = project.judge(project.record(1))
    assert first.verdict is Verdict.INCONCLUSIVE
    assert first.next_steps[-1] == f'contractcheck accept {first.run_id} --reason "…"'
    project.write(checks="[{contains: zebra, mode: always}]")
    broken = project.judge(project.record(2))
    assert broken.verdict is Verdict.FAIL
    assert not any("accept" in step for step in broken.next_steps)
    assert broken.next_steps[-1] == (
        "contractcheck run --suite hello --target openai:gpt-sim-mini-2026-03-01 --night"
    )
    cut = project.judge(project.record(3, max_requests=1))
    assert cut.next_steps[0] == f"contractcheck run --resume {cut.run_id}"


def test_nobody_is_told_to_accept_a_run_of_a_part_of_the_suite(project):
    part = project.judge(project.record(1, cases=["part"]))
    assert not any("accept" in step for step in part.next_steps)

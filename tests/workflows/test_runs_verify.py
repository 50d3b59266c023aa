"""Verification finds damage anywhere, and names it."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import read_run
from contractcheck.workflows.runs_verify import verify_runs

NAME = "openai-gpt-sim-mini-2026-03-01"


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(bytes(data))


@pytest.fixture
def accepted(project):
    folder = project.record(1)
    project.accept(folder)
    return folder


def baseline_of(project):
    return project.workspace.root / "cassettes" / "hello" / NAME


def problems(project):
    return [problem for place in verify_runs(project.workspace) for problem in place.problems]


def test_what_is_whole_is_verified_whole(project, accepted):
    found = verify_runs(project.workspace)
    assert [(place.what, place.count, place.problems) for place in found] == [
        ("baseline", 1, ()),
        ("reference run", 6, ()),
        ("run", 6, ()),
    ]
    assert found[1].root == found[2].root


def test_every_damaged_case_is_named(project, accepted):
    files = sorted(path for path in accepted.iterdir() if path.name != "manifest.json")
    assert len(files) == 2
    for path in files:
        flip(path)
    found = problems(project)
    assert len(found) == 2
    assert all(any(str(path.with_suffix("")) in problem for problem in found) for path in files)


@pytest.mark.parametrize("name", ["manifest.json", "greet.jsonl"])
def test_a_damaged_reference_run_is_named(project, accepted, name):
    (path,) = baseline_of(project).glob(f"reference-*/{name}")
    flip(path)
    (problem,) = problems(project)
    assert str(path) in problem


def test_damaged_statistics_and_baselines_are_named(project, accepted):
    flip(next(baseline_of(project).glob("nights/*.json")))
    (problem,) = problems(project)
    assert "nights" in problem
    # A person reads and edits this one: only what makes it unreadable is damage.
    flip(baseline_of(project) / "baseline.json", at=0)
    (problem,) = problems(project)
    assert "baseline.json" in problem


def test_another_run_in_the_place_of_an_accepted_one_is_noticed(project, accepted):
    other = project.record(2)
    shutil.rmtree(accepted)
    other.rename(accepted)
    (place,) = verify_runs(project.workspace, [accepted])
    name, root = (problem.partition(": ")[2] for problem in place.problems)
    assert name == f"holds run {other.name}; move it where it belongs"
    assert root == (
        "is not the run that was accepted as night 2026-03-01 (its root digest differs from the "
        "one in baseline.json); restore it from a copy"
    )


def test_only_the_runs_asked_for_are_verified(project, accepted):
    other = project.record(2)
    flip(accepted / "manifest.json")
    (place,) = verify_runs(project.workspace, [other])
    assert (place.path, place.problems) == (other, ())


def test_nothing_recorded_is_no_problem(project):
    assert verify_runs(project.workspace) == ()


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_flipped_byte_is_noticed_or_changes_nothing(project, accepted, data):
    (reference,) = baseline_of(project).glob("reference-*")
    nights = baseline_of(project).glob("nights/*")
    files = sorted(path for path in (*accepted.iterdir(), *reference.iterdir(), *nights))
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    whole = read_run(accepted), read_run(reference)
    place = data.draw(st.integers(0, len(before) - 1))
    flip_bits = data.draw(st.integers(1, 255))
    path.write_bytes(before[:place] + bytes([before[place] ^ flip_bits]) + before[place + 1 :])
    try:
        if not problems(project):
            assert path.parent.name != "nights"
            assert (read_run(accepted), read_run(reference)) == whole
    finally:
        path.write_bytes(before)

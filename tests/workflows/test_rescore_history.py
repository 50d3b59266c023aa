"""Recorded nights are measured again by the suite as it is now, the same by every engine."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner

from contractcheck.cassettes import read_header, read_run
from contractcheck.cli import cli
from contractcheck.errors import NothingToCheckError
from contractcheck.measuring import observe
from contractcheck.store.history import open_history
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.night_runs import night_record, with_completeness
from contractcheck.workflows.rescore_history import rescore_history

NIGHTS = (1, 2, 3)
CHECK = '[{contains: "e", mode: no-worse}, {matches: "[a-z]", mode: always}]'


@pytest.fixture(scope="module")
def kept(tmp_path_factory, make_project):
    """Three recorded nights that a history knows; every test has a copy."""
    made = make_project(tmp_path_factory.mktemp("watched"))
    with open_history(made.workspace.root / "history.sqlite") as history:
        for day in NIGHTS:
            run = read_run(made.record(day))
            measured = with_completeness(observe(run, made.suite()))
            history.add_night(night_record(measured, root=run.root), measured.statistics)
    return made.workspace.root


@pytest.fixture
def watched(project, kept):
    """The history's file."""
    shutil.copytree(kept, project.workspace.root, dirs_exist_ok=True)
    return project.workspace.root / "history.sqlite"


def rescore(project, place, *, since="2026-03-01", engine=None):
    suite = project.suite()
    with open_engine(engine) as executor, open_history(place) as history:
        return rescore_history(
            project.workspace, suite, suite.targets[0], history, since=since, executor=executor
        )


def folders_by_night(project):
    """The recorded runs, oldest night first: ids of runs begun within a second have no order."""
    folders = project.workspace.runs.root.glob("hello/*/*")
    return sorted(folders, key=lambda folder: read_header(folder).night)


def digest(place):
    with open_history(place) as history:
        return history.digest()


def label(found, name):
    (one,) = [one for one in found.labels if one.label == name]
    return one


def test_the_same_suite_changes_nothing(project, watched):
    before = digest(watched)
    found = rescore(project, watched)
    assert (found.nights, found.written) == (3, 0)
    assert digest(watched) == before
    assert all(one.added == one.changed == 0 for one in found.labels)


def test_a_new_check_says_what_it_would_have_said(project, watched):
    project.write(checks=CHECK)
    found = rescore(project, watched)
    assert (found.nights, found.written) == (3, 3)
    (new,) = [one for one in found.labels if "contains" in one.label]
    assert (new.unit, new.added) == ("pass rate", 3)
    rates = []
    for folder in folders_by_night(project):
        table = observe(read_run(folder), project.suite()).table
        rates.append(table[table["metric"] == new.label]["number"].mean())
    assert new.values == pytest.approx(rates)
    # What a check that forbids said is shown too, though no night keeps it.
    (always,) = [one for one in found.labels if "matches" in one.label]
    assert always.unit == "pass rate"
    assert None not in always.values
    with open_history(watched) as history:
        night = history.statistics("hello", project.suite().targets[0].id, "2026-03-02")
    assert new.label in night.cases["greet"].cells


def test_again_changes_nothing_more(project, watched):
    project.write(checks=CHECK)
    rescore(project, watched)
    after = digest(watched)
    assert rescore(project, watched).written == 0
    assert digest(watched) == after


def test_processes_write_the_same_history(project, watched, tmp_path):
    other = tmp_path / "other.sqlite"
    other.write_bytes(watched.read_bytes())
    project.write(checks=CHECK)
    assert rescore(project, watched) == rescore(project, other, engine="processes:2")
    assert digest(watched) == digest(other)


def test_only_nights_since_the_date_are_measured(project, watched):
    project.write(checks=CHECK)
    found = rescore(project, watched, since="2026-03-02")
    assert (found.nights, found.blocks[0][0]) == (2, "2026-03-02")


def test_a_night_whose_run_is_damaged_stays_as_it_was(project, watched):
    folder = folders_by_night(project)[1]
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    project.write(checks=CHECK)
    found = rescore(project, watched)
    assert (found.nights, found.written) == (2, 2)
    assert found.problems[0].startswith("2026-03-02: ")
    with open_history(watched) as history:
        night = history.statistics("hello", project.suite().targets[0].id, "2026-03-02")
    assert not any("contains" in cell for cell in night.cases["greet"].cells)


def test_another_run_in_the_place_of_a_night_is_not_taken_for_it(project, watched):
    first, second, _ = folders_by_night(project)
    for file in first.iterdir():
        file.unlink()
    for file in second.iterdir():
        (first / file.name).write_bytes(file.read_bytes())
    found = rescore(project, watched)
    assert found.nights == 2
    assert found.problems[0].startswith("2026-03-01: ")


def command(project, place, *more):
    root = project.workspace.root
    given = ["rescore", "--root", str(root), "--history", str(place), "--since", *more]
    return CliRunner().invoke(cli, given, standalone_mode=False)


def test_the_command_shows_the_new_check_over_the_nights(project, watched):
    project.write(checks=CHECK)
    result = command(project, watched, "2026-03-01")
    assert result.exception is None
    assert result.return_value == 0
    shown = [line for line in result.stdout.splitlines() if "contains" in line]
    assert len(shown) == 1
    assert "pass rate" in shown[0]
    assert shown[0].count("%") == 3


def test_the_command_tells_what_it_could_not_measure(project, watched):
    folder = min(project.workspace.runs.root.glob("hello/*/*"))
    for file in folder.iterdir():
        file.unlink()
    result = command(project, watched, "2026-03-01")
    assert result.return_value == 4
    assert "1 night could not be measured again" in result.stdout
    with pytest.raises(NothingToCheckError):
        raise command(project, watched, "2030-01-01").exception


def test_without_a_night_there_is_nothing_to_measure(project, watched):
    with pytest.raises(NothingToCheckError, match="history rebuild"):
        rescore(project, watched, since="2027-01-01")

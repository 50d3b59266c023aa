"""``--contract-night``: a night of the watch, made by a test session."""

import pytest

from contractcheck.store.history import open_history


def nights_of(project):
    if not project.workspace.history.is_file():
        return []
    with open_history(project.workspace.history, create=False) as history:
        return [(one.night, one.is_complete) for one in history.nights("desk", project.target)]


def test_a_night_goes_into_the_history_once_whichever_worker_makes_it(project):
    pytest.importorskip("xdist")
    night = project.set_night()
    asked = project.provider.request_count
    first = project.live("--contract-night", "-n", "2")
    assert project.provider.request_count - asked == 2 * project.samples
    assert nights_of(project) == [(night, True)]
    again = project.live("--contract-night")
    assert project.provider.request_count - asked == 2 * project.samples
    assert nights_of(project) == [(night, True)]
    assert (again.code, again.outcomes) == (first.code, first.outcomes)


def test_a_part_of_a_suite_is_no_night(project):
    case = project.suite.cases[0].id
    project.live("--contract-night", "-k", case)
    assert nights_of(project) == []

"""Selecting items: pytest's own ways, and what a selection means for the run."""

import pytest

from contractcheck.cassettes import read_header


def names(session):
    return sorted(session.items)


def test_node_ids_are_stable_and_select_one_item_each(accepted):
    listed = accepted.replay("--collect-only", "-q").output.splitlines()
    ids = [line for line in listed if "::" in line]
    assert ids == [accepted.node("greeting"), accepted.node("ticket")]
    for node in ids:
        session = accepted.replay(node)
        assert [f"suites/desk/suite.contract.yaml::{name}" for name in session.items] == [node]
        assert session.code == 0


def test_listing_neither_asks_nor_writes(accepted):
    before = accepted.tree()
    asked = accepted.provider.request_count
    session = accepted.live("--collect-only", "-q", "-p", "no:cacheprovider")
    assert session.code == 0
    assert accepted.node("@drift") in session.output
    assert accepted.provider.request_count == asked
    assert accepted.tree() == before


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["-k", "greeting"], ["greeting"]),
        (["-k", "not drift"], ["greeting", "ticket"]),
        (["--deselect", "{ticket}"], ["@drift", "greeting"]),
    ],
)
def test_pytest_selects_as_ever_and_only_the_selected_cases_are_asked(project, options, left):
    options = [option.replace("{ticket}", project.node("ticket")) for option in options]
    asked = project.provider.request_count
    session = project.live(*options)
    assert names(session) == sorted(f"{name}[{project.target}]" for name in left)
    cases = [name for name in left if name != "@drift"]
    assert project.provider.request_count - asked == project.samples * len(cases)
    (run,) = project.runs()
    assert sorted(read_header(run).cases) == sorted(cases)


def test_no_mark_selects_nothing(project):
    asked = project.provider.request_count
    assert project.live("-m", "nothing", "-o", "addopts=").code == 5
    assert project.provider.request_count == asked


def test_a_part_is_never_judged_for_drift_nor_becomes_a_night(accepted):
    session = accepted.live("--contract-night", accepted.node("greeting"), accepted.node("@drift"))
    drift = session.items[f"@drift[{accepted.target}]"]
    assert drift.outcome == "skipped"
    assert "1 of 2 cases were asked (not ticket)" in drift.text
    header = read_header(accepted.runs()[-1])
    assert (header.status, header.night) == ("partial", None)
    assert session.code == 0


def test_drift_alone_means_the_whole_suite(project):
    asked = project.provider.request_count
    project.live(project.node("@drift"))
    assert project.provider.request_count - asked == 2 * project.samples
    assert read_header(project.runs()[0]).status == "complete"


def test_last_failed_asks_only_what_failed(project):
    project.edit("finish_reason: [stop, length]", "finish_reason: [tool_calls]")
    first = project.live("-k", "not drift")
    assert first.outcomes[f"greeting[{project.target}]"] == "failure"
    asked = project.provider.request_count
    again = project.live("--lf", "-k", "not drift")
    assert names(again) == [f"greeting[{project.target}]"]
    assert project.provider.request_count - asked == project.samples


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_stopping_at_the_first_failure_stops(project, option):
    project.edit("finish_reason: [stop, length]", "finish_reason: [tool_calls]")
    session = project.live(option)
    assert names(session) == [f"greeting[{project.target}]"]
    assert session.code == 1

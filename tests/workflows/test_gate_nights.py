"""Accepted nights, spread out again into the table that a gate looks at."""

from dataclasses import replace

import pytest

from contractcheck.cassettes import read_run
from contractcheck.measuring import COLUMNS, observe
from contractcheck.metrics import LATENCY
from contractcheck.workflows.gate_nights import (
    find_moves,
    find_nights,
    keep_known_checks,
    tabulate_nights,
)

CHECKS = "[{contains: e}, {contains: o, mode: always}]"
PART = "text, refusal"
"""One that is no text, which is left out, and no time, which a busy machine may lose."""


def tabulate(project, suite, today):
    return tabulate_nights(project.workspace, suite, suite.targets[0], today)


def sorted_values(table, column):
    wanted = table[~table["kind"].isin(["text"])]
    groups = wanted.groupby(["night", "case", "metric"])[column]
    return {key: sorted(values.dropna()) for key, values in groups}


@pytest.fixture
def nights(project):
    project.write(checks="[{contains: e}]", part=PART)
    folders = [project.record(day) for day in (1, 2)]
    project.accept(*folders)
    return folders


def test_the_table_has_the_values_of_the_recordings(project, nights):
    suite = project.suite()
    found = tabulate(project, suite, "2026-03-10")
    assert list(found.columns) == list(COLUMNS)
    recorded = [observe(read_run(folder), suite).table for folder in nights]
    assert set(found["night"]) == {"2026-03-01", "2026-03-02"}
    for column in ("number", "string"):
        told = sorted_values(found, column)
        for table in recorded:
            for key, values in sorted_values(table, column).items():
                if column == "string" and key[2].startswith("contains"):
                    continue  # why a check failed is not kept
                assert told[key] == (
                    pytest.approx(values, rel=1e-6) if column == "number" else values
                )
    planes = dict(zip(found["metric"], found["plane"], strict=True))
    assert {plane for metric, plane in planes.items() if metric in LATENCY} <= {"latency"}
    assert planes["contains:e"] == "conformance"
    assert planes["output_tokens"] == "outputs"


def test_cases_that_were_asked_otherwise_and_expired_nights_are_left_out(project, nights):
    project.write(checks="[{contains: e}]", content="Say something else.", part=PART)
    found = tabulate(project, project.suite(), "2026-03-10")
    assert set(found["case"]) == {"part"}
    folder = project.record(3)
    project.accept(folder, expires="2026-03-20")
    for today, count in (("2026-03-20", 3), ("2026-03-21", 2)):
        found = tabulate(project, project.suite(), today)
        assert found["night"].nunique() == count


def test_nights_before_a_re_base_are_of_another_provider(project, nights):
    suite, store = project.suite(), project.workspace.baselines
    baseline = store.read(suite.name, suite.targets[0])
    store.write(replace(baseline, rebases=("2026-03-02",)), reference_run=None)
    assert set(tabulate(project, suite, "2026-03-10")["night"]) == {"2026-03-02"}
    (night,) = find_nights(project.workspace, suite, suite.targets[0], "2026-03-10")
    assert find_moves([night], night.vantage) == ""
    assert find_moves([night], {**night.vantage, "region": "moon"}) == "region unset → moon"


def test_checks_that_nights_keep_no_rate_of_are_left_out_of_the_new_side(project, nights):
    project.write(checks=CHECKS)
    suite = project.suite()
    table = observe(read_run(nights[0]), suite).table
    found = tabulate(project, suite, "2026-03-10")
    kept = keep_known_checks(table, found)
    assert set(table["metric"]) - set(kept["metric"]) == {"contains:o"}


def test_without_a_baseline_the_table_is_empty(project):
    found = tabulate(project, project.suite(), "2026-03-10")
    assert len(found) == 0
    assert list(found.columns) == list(COLUMNS)

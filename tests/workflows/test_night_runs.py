"""What the history keeps of a recorded night."""

from __future__ import annotations

from contractcheck.cassettes import read_header, read_run
from contractcheck.measuring import observe
from contractcheck.suite.fingerprint import digest_checks
from contractcheck.workflows.night_runs import night_record


def kept(project, day):
    """Checks per case, in the header of a recorded night and in its record."""
    folder, suite = project.record(day), project.suite()
    plans = read_header(folder).cases.items()
    record = night_record(observe(read_run(folder), suite), root=None)
    return {case: plan.checks for case, plan in plans}, record.checks


def test_a_recorded_night_says_which_checks_judge_each_case(project):
    own = {case.id: digest_checks(case) for case in project.suite().cases}
    assert kept(project, 1) == (own, own)
    project.write(checks="[not_empty]")
    edited, record = kept(project, 2)
    assert edited == record
    assert [case for case in own if own[case] != edited[case]] == ["greet"]

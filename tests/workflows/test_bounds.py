"""From options to the bounds of a session, and what a session that they end leaves behind."""

from pathlib import Path

import pytest

from contractcheck.cassettes import is_sealed, read_header
from contractcheck.errors import UsageError
from contractcheck.model.judgement import Verdict
from contractcheck.providers.prices import PriceTable
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.workflows.bounds import find_meeting_place, make_bounds
from contractcheck.workflows.record import RecordOptions, resume

FAST = RetryPolicy(base_s=0.001, longest_s=0.002)


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_RUNTIME_DIR": "/run/user/1", "HOME": "/home/me"}, "/run/user/1/contractcheck/limits"),
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/me"}, "/cache/contractcheck/limits"),
        ({"XDG_RUNTIME_DIR": "run", "HOME": "/home/me"}, "/home/me/.cache/contractcheck/limits"),
        ({}, None),
    ],
)  # fmt: skip
def test_processes_meet_where_the_user_keeps_such_things(environment, place):
    assert find_meeting_place(environment) == (None if place is None else Path(place))


def test_what_was_not_asked_for_is_as_usual():
    assert make_bounds({}) == Bounds()
    raw = make_bounds({}, no_retry=True, attempts=9)
    assert raw.retry.attempts == 1
    assert make_bounds({}, attempts=2, patience_s=5.0, deadline_s=9.0) == Bounds(
        retry=RetryPolicy(attempts=2), patience_s=5.0, deadline_s=9.0
    )


def test_an_outage_ends_the_run_and_the_report_says_so_and_it_can_be_resumed(project):
    bounds = Bounds(retry=FAST, patience_s=0.3)
    folder = project.record(3, error_rate=1.0, bounds=bounds)
    assert not is_sealed(folder)
    header = read_header(folder)
    # By failures in a row, or by a wait that the simulator asks for: both are patience.
    assert header.stopped.startswith(
        ("the provider failed ", "the next request would have to wait ")
    )
    report = project.judge(folder)
    assert report.verdict is Verdict.ERROR
    assert any(header.stopped in note for note in report.notes)
    assert report.next_steps == (f"contractcheck run --resume {header.id}",)
    project.provider.conditions = project.provider.conditions.__class__(
        night="2026-03-03", time_scale=0.0
    )
    options = RecordOptions(base_url=project.provider.base_url, bounds=bounds)
    resume(folder, project.suite(), options)
    assert is_sealed(folder)
    assert read_header(folder).stopped == ""


def test_a_run_that_a_budget_ended_names_it(project):
    folder = project.record(3, max_requests=2)
    assert read_header(folder).stopped == "--max-requests 2 reached"
    report = project.judge(folder)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "(run interrupted: --max-requests 2 reached)" in report.headline


def test_a_bound_on_money_that_cannot_be_kept_is_refused_before_there_is_a_run(project):
    with pytest.raises(UsageError, match=r"no price of .* is known, so --max-usd cannot be kept"):
        project.record(3, max_usd=1.0, prices=PriceTable())
    with pytest.raises(UsageError, match="--max-usd nan bounds nothing"):
        project.record(3, max_usd=float("nan"))
    assert list((project.workspace.root / ".contractcheck").rglob("header.json")) == []

"""Several processes (pytest-xdist): one run, one verdict, no request more."""

import os
import re
import signal
import time

import pytest

from contractcheck.cassettes import read_header, read_run

pytest.importorskip("xdist")


def test_workers_give_the_verdicts_of_one_process_and_ask_no_more(project):
    project.edit(f'["{project.target}"]', f'["{project.target}", "anthropic:second-2026-03-01"]')
    told = []
    for options in ("-n 0", "-n 2", "-n 2 --dist loadfile", "-n 2 --dist loadgroup"):
        asked = project.provider.request_count
        session = project.live(*options.split())
        told.append((session.code, session.outcomes, project.provider.request_count - asked))
        assert session.contracts.count("desk × ") == 2
    assert told[0][2] == 4 * project.samples
    assert told == told[:1] * 4


def test_workers_share_what_went_wrong(project):
    asked = project.provider.request_count
    session = project.pytest("--contract", "--contract-mode=live", "-n", "2")
    assert session.code == 1
    assert len(session.items) == 3
    assert all("set OPENAI_API_KEY" in item.text for item in session.items.values())
    assert project.provider.request_count == asked


def test_workers_share_one_budget(project):
    project.edit(f'["{project.target}"]', f'["{project.target}", "anthropic:second-2026-03-01"]')
    asked = project.provider.request_count
    project.live("-n", "2", "--contract-max-requests=21")
    assert project.provider.request_count - asked == 21


def test_a_session_in_which_nothing_was_measured_fails_with_workers_too(project):
    session = project.replay("-n", "2")
    assert session.code == 1
    assert "no case could be measured" in session.contracts


def test_an_interrupt_of_the_controller_leaves_a_run_that_can_be_read(project):
    project.set_night(time_scale=0.5)
    asked = project.provider.request_count
    process = project.begin(*project.live_options(), "-n", "2")
    deadline = time.monotonic() + 30
    while project.provider.request_count - asked < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    session = project.finish(process)
    assert session.code == 2
    assert "nothing was checked" not in session.output
    (run,) = project.runs()
    assert project.provider.request_count - asked <= 2 * project.samples
    assert read_run(run).exchanges


# Notes which of the workers samples.
_SPY = """\
import os
from pathlib import Path

def pytest_collection_finish(session):
    from contractcheck.workflows import shared_run
    record = shared_run.record_run

    def noted(*arguments):
        Path(os.environ["SAMPLING_PID"]).write_text(str(os.getpid()))
        return record(*arguments)

    shared_run.record_run = noted
"""


@pytest.mark.parametrize("bound", [(), ("--contract-max-requests=16",)])
def test_a_killed_worker_neither_loses_the_run_nor_doubles_it(project, bound):
    (project.root / "conftest.py").write_text(_SPY)
    pid = project.scratch / "pid"
    project.set_night(time_scale=0.5)
    asked = project.provider.request_count
    process = project.begin(*project.live_options(), *bound, "-n", "2", SAMPLING_PID=str(pid))
    deadline = time.monotonic() + 30
    while project.provider.request_count - asked < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    session = project.finish(process)
    assert re.search(r"worker 'gw\d' crashed", session.output)
    assert session.code == 1
    (run,) = project.runs()
    made = {(x.case, x.trial) for x in read_run(run).exchanges if x.ended == "eof"}
    planned = 2 * project.samples
    if bound:
        # What was under way at the kill may have been sent: it counts against the bound.
        assert project.provider.request_count - asked <= planned
        assert made
    else:
        assert read_header(run).status == "complete"
        assert len(made) == planned
        assert project.provider.request_count - asked <= planned + 8
        assert "passed" in session.outcomes.values()

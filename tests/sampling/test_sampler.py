import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from contractcheck.cassettes import read_run, resume_run
from contractcheck.errors import LimitReachedError, RecordingError
from contractcheck.redaction import Scrubber
from contractcheck.sampling import Bounds, RetryPolicy, SilentProgress, plan_trials, sample

ANSWER = (
    b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)
RAW = Bounds(retry=RetryPolicy(attempts=1))


async def fine(_number, _body):
    await asyncio.sleep(0.01)
    return 200, ANSWER


class Watching:
    """Keeps what it was told after each trial."""

    def __init__(self):
        self.told = []

    def update(self, tally):
        self.told.append((tally.done, tally.errors, tally.requests, tally.last_error))


def test_every_planned_trial_is_made_once_and_journalled(serve, make_cases, make_run):
    cases = make_cases(a=4, b=2)
    watching = Watching()
    with serve(fine) as provider:
        run = make_run(cases)
        tally = sample(run, cases, provider.options, watching)
    assert sorted((x.case, x.trial, x.attempt) for x in read_run(run.folder).exchanges) == [
        *(("a", trial, 0) for trial in range(4)),
        *(("b", trial, 0) for trial in range(2)),
    ]
    assert (tally.planned, tally.done, tally.requests, tally.errors) == (6, 6, 6, 0)
    assert [done for done, *_ in watching.told] == [1, 2, 3, 4, 5, 6]


def test_requests_leave_in_the_planned_order(serve, make_cases, make_run):
    cases = make_cases(a=5, b=5, c=5)
    with serve(fine) as provider:
        run = make_run(cases)
        sample(run, cases, replace(provider.options, concurrency=1), SilentProgress())
    asked = [body["messages"][0]["content"].removeprefix("case ") for _, body in provider.asked]
    assert asked == [trial.case for trial in plan_trials(cases, seed=run.header.id)]


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_concurrency_is_a_bound_and_is_used(serve, make_cases, make_run, concurrency):
    cases = make_cases(a=24)

    async def slow(_number, _body):
        await asyncio.sleep(0.05)
        return 200, ANSWER

    with serve(slow) as provider:
        options = replace(provider.options, concurrency=concurrency)
        sample(make_run(cases), cases, options, SilentProgress())
    assert provider.most_at_once == concurrency


@pytest.mark.parametrize("limit", [0, 1, 5, 7])
def test_max_requests_is_exact_and_the_run_can_be_resumed(serve, make_cases, make_run, limit):
    cases = make_cases(a=4, b=4)
    with serve(fine) as provider:
        run = make_run(cases)
        with pytest.raises(LimitReachedError) as reached:
            sample(run, cases, replace(provider.options, max_requests=limit), SilentProgress())
        assert len(provider.asked) == limit
        assert len(read_run(run.folder).exchanges) == limit
        assert str(reached.value) == (
            f"--max-requests {limit} reached with {8 - limit} of 8 trials to go; "
            "resume the run to make them"
        )
        resumed = resume_run(run.folder, Scrubber.for_secrets([]))
        tally = sample(resumed, cases, provider.options, SilentProgress())
    assert (tally.done, tally.requests) == (8, 8 - limit)
    keys = [(x.case, x.trial) for x in read_run(run.folder).exchanges]
    assert sorted(keys) == sorted({(t.case, t.index) for t in plan_trials(cases, seed="")})


def test_a_limit_that_is_just_enough_is_no_limit(serve, make_cases, make_run):
    cases = make_cases(a=3)
    with serve(fine) as provider:
        options = replace(provider.options, max_requests=3)
        assert sample(make_run(cases), cases, options, SilentProgress()).done == 3


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 503, 529])
def test_who_measures_raw_reliability_retries_nothing(serve, make_cases, make_run, status):
    cases = make_cases(a=3)
    watching = Watching()

    async def refuse(_number, _body):
        return status, b'{"error": {"message": "no"}}'

    with serve(refuse) as provider:
        run = make_run(cases)
        tally = sample(run, cases, replace(provider.options, bounds=RAW), watching)
    assert len(provider.asked) == 3
    assert [x.response.status for x in read_run(run.folder).exchanges] == [status] * 3
    assert (tally.errors, tally.last_error) == (3, f"HTTP {status}")


def test_a_provider_that_is_away_is_recorded_too(make_cases, make_run, serve):
    cases = make_cases(a=2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serve(fine) as provider:
        options = replace(provider.options, base_url=f"http://127.0.0.1:{port}", bounds=RAW)
    run = make_run(cases)
    tally = sample(run, cases, options, SilentProgress())
    assert [x.error for x in read_run(run.folder).exchanges] == ["ConnectError"] * 2
    assert (tally.errors, tally.last_error) == (2, "ConnectError")


def test_silence_has_an_end(serve, make_cases, make_run):
    cases = make_cases(a=1)

    async def mute(_number, _body):
        await asyncio.sleep(5)
        return 200, b"{}"

    with serve(mute) as provider:
        run = make_run(cases)
        begun = time.monotonic()
        sample(
            run,
            cases,
            replace(provider.options, bounds=replace(RAW, idle_timeout_s=0.1)),
            SilentProgress(),
        )
        assert time.monotonic() - begun < 3
    assert [x.error for x in read_run(run.folder).exchanges] == ["ReadTimeout"]


def test_the_credential_is_sent_and_compression_is_not_asked_for(serve, make_cases, make_run):
    cases = make_cases(a=1)
    with serve(fine) as provider:
        run = make_run(cases)
        sample(run, cases, provider.options, SilentProgress())
    head = provider.asked[0][0].lower()
    assert b"authorization: bearer test-key\r\n" in head
    assert b"accept-encoding: identity\r\n" in head
    assert all(b"test-key" not in path.read_bytes() for path in run.folder.iterdir())


def test_a_disk_that_refuses_is_said_plainly(serve, make_cases, make_run, monkeypatch):
    cases = make_cases(a=30)
    write = os.write
    written = []

    def full(descriptor, data):
        if b'"res":' in data and len(written) >= 7:
            raise OSError(28, "No space left on device")
        written.extend([data] if b'"res":' in data else [])
        return write(descriptor, data)

    with serve(fine) as provider:
        run = make_run(cases)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(RecordingError) as refused:
                sample(run, cases, provider.options, SilentProgress())
    assert "a.jsonl.part: cannot be written (No space left on device)" in str(refused.value)
    assert "mend the disk, then resume the run" in str(refused.value)
    kept = {x.trial for x in read_run(run.folder).exchanges if x.ended == "eof"}
    assert len(kept) == 7
    with serve(fine) as provider:
        resumed = resume_run(run.folder, Scrubber.for_secrets([]))
        sample(resumed, cases, provider.options, SilentProgress())
    finished = [x.trial for x in read_run(run.folder).exchanges if x.ended == "eof"]
    assert sorted(finished) == list(range(30))


def test_an_error_of_our_own_is_not_a_group(serve, make_cases, make_run):
    class Breaking:
        def update(self, tally):
            raise ZeroDivisionError(tally.done)

    cases = make_cases(a=10)
    with serve(fine) as provider, pytest.raises(ZeroDivisionError):
        sample(make_run(cases), cases, provider.options, Breaking())


def test_what_the_client_dropped_is_asked_again_as_another_attempt(serve, make_cases, make_run):
    """Cut short by us, not by the provider: kept as evidence, and made again."""
    cases = make_cases(a=4)
    blocked = threading.Event()

    async def respond(number, body):
        if number >= 2 and not blocked.is_set():
            blocked.set()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(5)
        return await fine(number, body)

    with serve(respond) as provider:
        run = make_run(cases)
        with pytest.raises(KeyboardInterrupt):
            sample(run, cases, replace(provider.options, concurrency=1), SilentProgress())
        assert [(x.ended, x.attempt) for x in read_run(run.folder).exchanges] == [
            ("eof", 0),
            ("eof", 0),
            ("closed", 0),
        ]
        resumed = resume_run(run.folder, Scrubber.for_secrets([]))
        tally = sample(resumed, cases, provider.options, SilentProgress())
    assert tally.done == 4
    last = read_run(run.folder).last_attempts()
    assert {key: (x.ended, x.attempt) for key, x in last.items()} == {
        ("a", 0): ("eof", 0),
        ("a", 1): ("eof", 0),
        ("a", 2): ("eof", 1),
        ("a", 3): ("eof", 0),
    }


SUITE = Path(__file__).parents[2] / "suites" / "order-tools"
DRIVER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from contractcheck.model.target import Target
    from contractcheck.simulator import Conditions, Simulator
    from contractcheck.workflows.record import RecordOptions, record_run
    from contractcheck.workflows.workspace import Workspace

    class Telling:
        def update(self, tally):
            print(tally.done, flush=True)

    workspace = Workspace(Path(sys.argv[1]))
    (suite,) = workspace.load_suites([Path(sys.argv[2])])
    with Simulator(Conditions(night="2026-03-01", time_scale=0.05)) as simulator:
        target = Target(provider="openai", model="gpt-sim-mini", base_url=simulator.base_url)
        try:
            record_run(workspace, suite, target, RecordOptions(), Telling())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
""")


def test_an_interrupt_keeps_what_was_finished(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(SUITE)], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line == "10\n":
                process.send_signal(signal.SIGINT)
                break
        told = [10, *(line.strip() for line in process.stdout)]
    assert told[-1] == "interrupted"
    assert process.returncode == 0
    (folder,) = (tmp_path / ".contractcheck" / "runs").glob("*/*/*")
    run = read_run(folder)
    finished = [x for x in run.exchanges if x.ended == "eof"]
    assert len(finished) >= len(told) - 1 + 9
    assert len({(x.case, x.trial) for x in finished}) == len(finished)
    assert len(finished) < run.header.planned_trials
    assert run.header.status == "interrupted"

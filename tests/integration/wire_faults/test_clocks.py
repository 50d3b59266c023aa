"""Wall clocks that are set, wrong, far ahead or in another zone: the same verdict, sane times."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contractcheck.cassettes import read_header, read_run
from contractcheck.report.formats import FORMATS

HERE = Path(__file__).parent
HOUR_S = 3600
LONGEST_S = 120
LONGEST_US = LONGEST_S * 1_000_000


@pytest.fixture(scope="session")
def clock(tmp_path_factory, missing_part):
    """The library that lies about the time of day."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing_part("cc", "a clock that is set needs a C compiler")
    library = tmp_path_factory.mktemp("library") / "stepping_clock.so"
    source = HERE / "stepping_clock.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library


def at(text):
    """Seconds from now to a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - time.time())


NIGHTS = {
    "an hour back on the way": ("UTC", 0, -HOUR_S),
    "summer begins in New York": ("America/New_York", at("2038-03-14T06:59:58"), 3),
}
MORE_NIGHTS = {
    "seconds outgrow 32 bits": ("UTC", at("2038-01-19T03:14:06"), 3),
    "an hour on on the way": ("UTC", 0, HOUR_S),
    "a year back on the way": ("UTC", 0, -365 * 24 * HOUR_S),
    "summer ends in Berlin": ("Europe/Berlin", at("2026-10-25T00:59:58"), 3),
    "tomorrow already in Kiritimati": ("Pacific/Kiritimati", at("2026-03-06T23:00:00"), 0),
}
EACH_NIGHT = [
    *(pytest.param(told, id=name) for name, told in NIGHTS.items()),
    *(
        pytest.param(told, id=name, marks=pytest.mark.calibration)
        for name, told in MORE_NIGHTS.items()
    ),
]


@pytest.mark.parametrize("night", EACH_NIGHT)
def test_a_clock_decides_nothing(night, clock, watched, faults, tmp_path):
    zone, ahead_s, step_s = night
    plain = json.loads(FORMATS["json"](watched.judge(watched.record(6))))
    steps = tmp_path / "now"
    stepped = record(
        watched,
        faults,
        steps,
        LD_PRELOAD=str(clock),
        TZ=zone,
        CLOCK_AHEAD_S=str(ahead_s),
        CLOCK_STEP_S=str(step_s),
        CLOCK_STEPS=str(steps),
    )
    assert steps.exists()
    for told in ("verdict", "counts", "findings"):
        assert without_times(stepped[told]) == without_times(plain[told])
    folder = watched.workspace.runs.find(stepped["run_id"])
    header = read_header(folder)
    moments = [header.started_at, header.ended_at]
    for exchange in read_run(folder).exchanges:
        moments.append(exchange.started_at)
        assert 0 <= exchange.waited_us < LONGEST_US
        assert 0 < exchange.headers_us <= exchange.end_us < LONGEST_US
    told = [datetime.fromisoformat(moment) for moment in moments]
    assert {moment.utcoffset() for moment in told} == {timedelta(0)}
    off_s = [moment.timestamp() - time.time() - ahead_s for moment in told]
    assert all(min(0, step_s) - LONGEST_S < off < max(0, step_s) + LONGEST_S for off in off_s)
    assert max(off_s) - min(off_s) > abs(step_s) - LONGEST_S


def record(project, faults, steps, **environment):
    """A real process; half-way through its requests, the clock is set."""

    def step(number, _head):
        if number == len(project.suite.cases) * 25 // 2:
            steps.touch()
        return faults["Fault"]()

    words = ["run", "--base-url", project.proxy.url, "--night", "2026-03-06", "--format", "json"]
    with project.providing(6, step):
        done = subprocess.run(
            [sys.executable, "-m", "contractcheck.cli", *words],
            cwd=project.workspace.root,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_times(told):
    """Findings but for those on times: loopback is as fast as the machine is idle."""
    if not isinstance(told, list):
        return told
    return [finding for finding in told if finding["plane"] != "latency"]

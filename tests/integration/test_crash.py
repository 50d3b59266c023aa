"""A recording that is killed, or whose disk is full, in a process of its own."""

import os
import random
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import orjson
import pytest

from contractcheck.cassettes import is_sealed, read_case_bytes, read_run
from contractcheck.errors import RecordingError
from contractcheck.model.target import Target
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.record import RecordOptions, record_run, resume
from contractcheck.workflows.workspace import Workspace

STRATA = 10
SEED = 20260311
SUITE = """\
suite: crash
version: 1.0.0
targets: [openai:gpt-sim-mini]
defaults: {samples: 8, max_output_tokens: 12}
cases:
  - id: one
    messages: [{role: user, content: Say something about the harbour.}]
    metrics: [text]
  - id: two
    messages: [{role: user, content: Say something about the hills.}]
    metrics: [text]
"""
TRIALS = 16

DRIVER = textwrap.dedent("""
    # Forks one recording per line of its input, "RUN_ID SECONDS", and kills it after that time;
    # SECONDS of "-" waits for its end. Forking keeps the imports out of every recording.
    import os, signal, sys, time
    from pathlib import Path
    from contractcheck.model.target import Target
    from contractcheck.workflows.record import RecordOptions, record_run
    from contractcheck.workflows.workspace import Workspace
    import contractcheck.providers.openai_chat, vcr

    root, base_url = Path(sys.argv[1]), sys.argv[2]
    workspace = Workspace(root)
    (suite,) = workspace.load_suites()
    target = Target(provider="openai", model="gpt-sim-mini", base_url=base_url)

    class Acknowledging:
        def __init__(self, path):
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def update(self, tally):
            os.write(self.file, b"finished\\n")

    for line in sys.stdin:
        run_id, seconds = line.split()
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            options = RecordOptions(run_id=run_id, concurrency=4)
            progress = Acknowledging(root / f"{run_id}.acknowledged")
            try:
                record_run(workspace, suite, target, options, progress)
            finally:
                os._exit(0)
        if seconds != "-":
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(time.monotonic() - begun, flush=True)
""")


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "crash.contract.yaml").write_text(SUITE)
    return Workspace(tmp_path)


@pytest.fixture
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.1)) as running:
        yield running


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_and_resume(workspace, folder, base_url):
    """Check what a kill left behind, resume it, and return what state it was in."""
    (suite,) = workspace.load_suites()
    side_file = workspace.root / f"{folder.name}.acknowledged"
    acknowledged = side_file.read_text().count("finished") if side_file.exists() else 0
    if not folder.exists() or not list(folder.glob("[hm]*.json")):
        assert acknowledged == 0
        return "not begun"
    before = read_run(folder)
    finished = {(x.case, x.trial): x for x in before.exchanges if x.ended == "eof"}
    assert len(finished) == len(before.exchanges) >= acknowledged
    state = "sealed" if is_sealed(folder) else "open"
    if state == "open":
        resume(folder, suite, RecordOptions(base_url=base_url))
    after = read_run(folder)
    assert after.header.status == "complete"
    assert len(after.exchanges) == TRIALS
    kept = {(x.case, x.trial): x for x in after.exchanges}
    assert {key: kept[key] for key in finished} == finished
    if state == "open":
        assert sorted(path.name for path in folder.iterdir()) == [
            "manifest.json",
            "one.jsonl.zst",
            "two.jsonl.zst",
        ]
        return "open, some finished" if finished else "open, none finished"
    return state


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.calibration)])
def test_a_killed_recording_is_never_wrong_and_loses_nothing_finished(workspace, simulator, kills):
    chance = random.Random(SEED)  # noqa: S311 - moments that can be chosen again
    target = Target(provider="openai", model="gpt-sim-mini", base_url=simulator.base_url)
    states = Counter()
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(workspace.root), simulator.base_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        numbers = count()

        def record(seconds):
            number = next(numbers)
            run_id = f"20260301t00{number // 60:02}{number % 60:02}z-kill"
            driver.stdin.write(f"{run_id} {seconds}\n")
            driver.stdin.flush()
            took_s = float(driver.stdout.readline())
            return workspace.runs.folder("crash", target, run_id), took_s

        for number in range(kills):
            if number % STRATA == 0:  # measured anew, because a machine may have other work
                folder, whole_s = record("-")
                assert check_and_resume(workspace, folder, simulator.base_url) == "sealed"
            # One point in each tenth of the time that a whole run takes, and a bit beyond.
            moment_s = whole_s * 1.1 * (number % STRATA + chance.random()) / STRATA
            folder, _ = record(moment_s)
            states[check_and_resume(workspace, folder, simulator.base_url)] += 1
        driver.stdin.close()
    assert driver.returncode == 0
    assert states.total() == kills
    # The kills fell where they can hurt.
    assert states["open, some finished"] >= kills // 5, states


TIMES = {"at", "waited_us", "headers_us", "end_us", "lag_us", "held_us"}
TIMES |= {"chunk_bytes", "chunk_times_us"}


def lines_without_times(folder):
    """Sealed lines, without what a clock or the packets of the day decided."""
    lines = {}
    for name in orjson.loads((folder / "manifest.json").read_bytes())["files"]:
        for number, line in enumerate(read_case_bytes(folder / name).splitlines()):
            document = orjson.loads(line)
            kept = {key: document[key] for key in document.keys() - TIMES}
            kept["headers"] = [h for h in kept.get("headers") or () if h[0] != "date"]
            lines[name, number] = kept
    return lines


@pytest.mark.parametrize("first", [1, 7, 15])
def test_a_run_that_was_interrupted_and_resumed_equals_one_that_was_not(tmp_path, first):
    run_id = "20260301t000000z-resume"
    port, found = 0, []
    for name in ("whole", "resumed"):
        workspace = Workspace(tmp_path / name)
        (tmp_path / name / "suites").mkdir(parents=True)
        (tmp_path / name / "suites" / "crash.contract.yaml").write_text(SUITE)
        (suite,) = workspace.load_suites()
        with Simulator(Conditions(night="2026-03-01", time_scale=0.0), port=port) as simulator:
            port = int(simulator.base_url.rpartition(":")[2].partition("/")[0])
            target = Target(provider="openai", model="gpt-sim-mini", base_url=simulator.base_url)
            options = RecordOptions(run_id=run_id, concurrency=1)
            if name == "whole":
                folder = record_run(workspace, suite, target, options)
            else:
                folder = record_run(workspace, suite, target, replace(options, max_requests=first))
                assert not is_sealed(folder)
                assert len(read_run(folder).exchanges) == first
                resume(folder, suite, replace(options, base_url=simulator.base_url))
        found.append((lines_without_times(folder), read_run(folder)))
    (whole, whole_run), (resumed, resumed_run) = found
    assert resumed == whole
    assert len(whole) == TRIALS + 4
    assert resumed_run.header.cases == whole_run.header.cases
    assert resumed_run.header.status == whole_run.header.status == "complete"


@pytest.fixture(params=["size=250k", "size=280k", "size=310k", "nr_inodes=20", "nr_inodes=23"])
def small_disk(request, tmp_path):
    """A file system with room, or inodes, for two runs or three: the end comes at another step."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a full disk needs the right to mount one: " + mounted.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_costs_no_file_that_was_there(small_disk, tmp_path, simulator):
    workspace = Workspace(small_disk)
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "crash.contract.yaml").write_text(SUITE)
    (suite,) = workspace.load_suites([suites])
    target = Target(provider="openai", model="gpt-sim-mini", base_url=simulator.base_url)
    old = record_run(workspace, suite, target, RecordOptions())
    before = files_of(old)

    def record_until_full():
        for _ in range(20):
            record_run(workspace, suite, target, RecordOptions())

    with pytest.raises(RecordingError) as refused:
        record_until_full()
    assert "No space left on device" in str(refused.value)
    assert str(small_disk) in str(refused.value)
    assert files_of(old) == before
    assert read_run(old).header.status == "complete"

    runs = [folder for folder in workspace.runs.folders("crash", target) if folder != old]
    unfinished = [f for f in runs if not is_sealed(f) and (f / "header.json").exists()]
    kept = {f: {x for x in read_run(f).exchanges if x.ended == "eof"} for f in unfinished}
    assert len(kept) <= 1
    subprocess.run(["mount", "-o", "remount,size=4m,nr_inodes=1000", str(small_disk)], check=True)
    for folder in unfinished:
        resume(folder, suite, RecordOptions(base_url=simulator.base_url))
        after = read_run(folder)
        assert kept[folder] <= set(after.exchanges)
        assert len(after.last_attempts()) == TRIALS
    assert not list(Path(small_disk).rglob("*.tmp"))
    assert os.path.ismount(small_disk)

"""A recording that is killed, or whose disk is full, in a process of its own."""

import os
import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import RecordingError
from contractcheck.model.target import Target
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.record import RecordOptions, record_run, resume
from contractcheck.workflows.workspace import Workspace

KILLS = 20
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


def test_a_killed_recording_is_never_wrong_and_loses_nothing_finished(workspace, simulator):
    chance = random.Random(SEED)  # noqa: S311 - moments that can be chosen again
    target = Target(provider="openai", model="gpt-sim-mini", base_url=simulator.base_url)
    states = Counter()
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(workspace.root), simulator.base_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:

        def record(number, seconds):
            run_id = f"20260301t0000{number:02}z-kill"
            driver.stdin.write(f"{run_id} {seconds}\n")
            driver.stdin.flush()
            took_s = float(driver.stdout.readline())
            return workspace.runs.folder("crash", target, run_id), took_s

        folder, whole_s = record(0, "-")
        assert check_and_resume(workspace, folder, simulator.base_url) == "sealed"
        for number in range(1, KILLS + 1):
            # One point in each twentieth of the time that a whole run takes, and a bit beyond.
            moment_s = whole_s * 1.1 * (number - chance.random()) / KILLS
            folder, _ = record(number, moment_s)
            states[check_and_resume(workspace, folder, simulator.base_url)] += 1
        driver.stdin.close()
    assert driver.returncode == 0
    assert states.total() == KILLS
    # The kills fell where they can hurt.
    assert states["open, some finished"] >= 5, states


@pytest.fixture(params=[250, 280, 310])
def small_disk(request, tmp_path):
    """A file system of so many KiB, room for two runs or three: the end comes at another step."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(folder)],
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
    (unfinished,) = (folder for folder in runs if not is_sealed(folder))
    kept = {x for x in read_run(unfinished).exchanges if x.ended == "eof"}
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    resume(unfinished, suite, RecordOptions(base_url=simulator.base_url))
    after = read_run(unfinished)
    assert kept <= set(after.exchanges)
    assert len(after.last_attempts()) == TRIALS
    assert not list(Path(small_disk).rglob("*.tmp"))
    assert os.path.ismount(small_disk)

"""Every call that a save makes, failing, torn or killed: old or new, never half, never a traceback.

The disk is a library preloaded in front of the C library (faulty_disk.c), so the same calls fail
that a broken disk would refuse, in the order in which the product makes them.
"""

import errno
import random
import shutil
from itertools import count
from pathlib import Path

import pytest

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.model.target import Target
from contractcheck.workflows.workspace import Workspace

SEED = 20261121
ENDED_AT = "2026-03-02T00:00:00+00:00"
SUITE = """\
suite: faults
version: 1.0.0
targets: [openai:gpt-sim-mini]
defaults: {samples: 2, max_output_tokens: 12}
cases:
  - id: one
    messages: [{role: user, content: Say something about the harbour.}]
    metrics: [text]
  - id: two
    messages: [{role: user, content: Say something about the hills.}]
    metrics: [text]
"""
TRIALS = 4
EVERY_CALL = "write,fsync,fdatasync,close,rename,unlink,mkdir,create"
REFUSALS = [
    ("write", errno.EIO),
    ("write", errno.ENOSPC),
    ("write", errno.EFBIG),
    ("fsync,fdatasync", errno.EIO),
    ("rename", errno.EIO),
    ("close", errno.EIO),
    ("create,mkdir", errno.ENOSPC),  # no inode left
]
FAULTS = [(calls, str(number)) for calls, number in REFUSALS]
FAULTS += [(EVERY_CALL, "kill"), (EVERY_CALL, "tear")]
SOME_OR_EVERY = pytest.mark.parametrize(
    "most",
    [
        pytest.param(3, id="some points"),
        pytest.param(None, id="every point", marks=pytest.mark.calibration),
    ],
)


def points(total, most):
    """Which of the calls fails: ``most`` of them, drawn, or (None) each."""
    every = range(1, total + 1)
    if most is None or most >= total:
        return list(every)
    return sorted(random.Random(f"{SEED}/{total}").sample(every, most))  # noqa: S311 - drawn again


class Place:
    """A workspace on the disk that fails, and what is done there."""

    def __init__(self, root, obey, provider):
        self.root = root
        self.obey = obey
        self.base_url = provider.base_url
        self.workspace = Workspace(root)
        self.target = Target(provider="openai", model="gpt-sim-mini", base_url=self.base_url)
        self.numbers = count(1)
        (root / "suites").mkdir(parents=True)
        (root / "suites" / "faults.contract.yaml").write_text(SUITE)

    def order(self, do, faults=None, **arguments):
        below = {"FAULT_ROOT": str(self.root), **(faults or {})}
        return {"do": do, "root": str(self.root), "with": arguments, "env": below if faults else {}}

    def do(self, do, faults=None, **arguments):
        (outcome,) = self.obey(self.order(do, faults, **arguments))
        return outcome

    def calls(self, do, faults, **arguments):
        """How many calls a fault could strike, counted by doing it without one."""
        outcome = self.do(do, {**faults, "FAULT_AT": "1000000"}, **arguments)
        assert outcome["status"] == 0, outcome["words"]
        return outcome["calls"]

    def recording(self, night=None, **more):
        """Arguments of a new run, its folder, and where its finished trials are noted."""
        number = next(self.numbers)
        run_id = f"20260301t00{number // 60:02}{number % 60:02}z-disk"
        acknowledged = self.root.parent / f"{run_id}.acknowledged"
        arguments = {"run_id": run_id, "base_url": self.base_url, "night": night, **more}
        folder = self.workspace.runs.folder("faults", self.target, run_id)
        return {**arguments, "acknowledged": str(acknowledged)}, folder, acknowledged

    def record(self, night=None, **more):
        arguments, folder, _ = self.recording(night, **more)
        assert self.do("record", **arguments) == {"status": 0, "words": "", "calls": 0}
        return folder

    def interrupted(self):
        """An open run with every trial: killed before the first step of sealing."""
        arguments, folder, _ = self.recording()
        faults = {"FAULT_CALLS": "create", "FAULT_AT": "4", "FAULT_DOES": "kill"}
        assert self.do("record", faults, **arguments)["status"] == -9
        assert not is_sealed(folder)
        assert len(read_run(folder).exchanges) == TRIALS
        return folder

    def files(self, below="."):
        return {p: p.read_bytes() for p in (self.root / below).rglob("*") if p.is_file()}

    def check_no_secret(self, secret):
        for data in self.files().values():
            assert secret.encode() not in data


@pytest.fixture
def place(tmp_path, driver, provider, disk_secret):
    made = Place(tmp_path / "disk", driver, provider)
    yield made
    made.check_no_secret(disk_secret)


def check_told(outcome, place):
    """A fault is an error of ours that names the file; or nothing needed the call that failed."""
    assert outcome["status"] in {0, 4}, outcome["words"]
    if outcome["status"]:
        assert str(place.root) in outcome["words"]


def check_recorded(place, folder, acknowledged):
    """Nothing that was finished is lost; and the run can be finished."""
    finished = acknowledged.read_text().count("finished") if acknowledged.exists() else 0
    if not folder.exists() or not list(folder.glob("[hm]*.json")):
        assert finished == 0
        return
    before = read_run(folder)
    assert len(before.exchanges) >= finished
    if not is_sealed(folder):
        done = place.do("go_on", folder=str(folder), base_url=place.base_url)
        assert done == {"status": 0, "words": "", "calls": 0}
    after = read_run(folder)
    assert after.header.status == "complete"
    assert len(after.last_attempts()) == TRIALS
    assert {x for x in before.exchanges if x.ended == "eof"} <= set(after.exchanges)
    # A seal that was interrupted after its moment leaves journals, and the next one removes them.
    assert place.do("seal", folder=str(folder), ended_at=ENDED_AT)["status"] == 0
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".jsonl", ".zst"}


@SOME_OR_EVERY
@pytest.mark.parametrize(("calls", "number"), REFUSALS)
def test_a_recording_on_a_disk_that_refuses(place, calls, number, most):
    faults = {"FAULT_CALLS": calls, "FAULT_DOES": str(number)}
    place.record()  # which makes the folders that the others share
    arguments, *_ = place.recording(fsync="each")
    total = place.calls("record", faults, **arguments)
    assert total >= 3
    for at in points(total, most):
        arguments, folder, acknowledged = place.recording(fsync="each")
        lasting = {"FAULT_LASTING": "1"} if at % 2 else {}
        outcome = place.do("record", {**faults, **lasting, "FAULT_AT": str(at)}, **arguments)
        check_told(outcome, place)
        assert outcome["calls"] >= at
        assert not list(place.root.rglob("*.tmp"))
        check_recorded(place, folder, acknowledged)


@SOME_OR_EVERY
@pytest.mark.parametrize("does", ["kill", "tear"])
def test_a_recording_that_is_killed_at_any_call(place, does, most):
    faults = {"FAULT_CALLS": EVERY_CALL, "FAULT_DOES": does}
    place.record()
    arguments, *_ = place.recording()
    total = place.calls("record", faults, **arguments)
    states = set()
    for at in points(total, most and 3 * most):
        arguments, folder, acknowledged = place.recording()
        outcome = place.do("record", {**faults, "FAULT_AT": str(at)}, **arguments)
        assert outcome["status"] == -9, outcome["words"]
        states.add((folder.exists(), is_sealed(folder)))
        check_recorded(place, folder, acknowledged)
    assert (True, False) in states


def copy_of(folder, number):
    return Path(shutil.copytree(folder, folder.parent / f"20260301t01{number:04}z-copy"))


@SOME_OR_EVERY
@pytest.mark.parametrize(("calls", "does"), FAULTS)
def test_sealing_at_any_call_leaves_an_open_run_or_a_sealed_one(place, calls, does, most):
    original = place.interrupted()
    whole = copy_of(original, 0)
    assert place.do("seal", folder=str(whole), ended_at=ENDED_AT)["status"] == 0
    sealed = {path.name: path.read_bytes() for path in whole.iterdir()}
    faults = {"FAULT_CALLS": calls, "FAULT_DOES": does}
    counted = copy_of(original, 1000)
    total = place.calls("seal", faults, folder=str(counted), ended_at=ENDED_AT)
    assert total >= 3
    for at in points(total, most and 2 * most):
        folder = copy_of(original, at)
        faults["FAULT_AT"] = str(at)
        outcome = place.do("seal", faults, folder=str(folder), ended_at=ENDED_AT)
        if does in {"kill", "tear"}:
            assert outcome["status"] == -9, outcome["words"]
        else:
            check_told(outcome, place)
            assert not list(folder.glob("*.tmp"))
        assert read_run(folder).exchanges == read_run(original).exchanges
        assert place.do("seal", folder=str(folder), ended_at=ENDED_AT)["status"] == 0
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == sealed


@SOME_OR_EVERY
@pytest.mark.parametrize(("calls", "does"), FAULTS)
def test_accepting_at_any_call_leaves_the_old_baseline_or_the_new_one(place, calls, does, most):
    first, second = (str(place.record(f"2026-03-{day:02}")) for day in (1, 2))
    assert place.do("accept", folders=[first])["status"] == 0
    kept = place.root.parent / "kept"
    shutil.copytree(place.root / "cassettes", kept)
    old = place.files("cassettes")
    (line,) = (path for path in old if path.name == "baseline.json")
    night = next(path for path in old if path.parent.name == "nights")
    faults = {"FAULT_CALLS": calls, "FAULT_DOES": does}
    faults["FAULT_ROOT"] = str(place.root / "cassettes")
    total = place.calls("accept", faults, folders=[second])
    assert total >= 3
    for at in points(total, most):
        shutil.rmtree(place.root / "cassettes")
        shutil.copytree(kept, place.root / "cassettes")
        faults["FAULT_AT"] = str(at)
        outcome = place.do("accept", faults, folders=[second])
        if does in {"kill", "tear"}:
            assert outcome["status"] == -9, outcome["words"]
        else:
            check_told(outcome, place)
        baseline = place.workspace.baselines.read("faults", place.target)
        reference = place.workspace.baselines.reference("faults", place.target)
        assert len(baseline.nights) in {1, 2}
        assert (len(baseline.nights) == 1) == (line.read_bytes() == old[line])
        assert night.read_bytes() == old[night]
        assert read_run(reference).root == baseline.nights[-1].run_root
        again = place.do("accept", folders=[second])
        assert again["status"] == 0 or "is accepted already" in again["words"]
        assert len(place.workspace.baselines.read("faults", place.target).nights) == 2


def test_a_file_that_may_not_grow_is_named_and_the_run_goes_on_elsewhere(place):
    arguments, folder, acknowledged = place.recording()
    order = {**place.order("record", **arguments), "fsize_bytes": 1500}
    (outcome,) = place.obey(order)
    assert outcome["status"] == 4, outcome["words"]
    assert "cannot be written (File too large)" in outcome["words"]
    assert not is_sealed(folder)
    check_recorded(place, folder, acknowledged)


def test_of_eight_processes_that_resume_a_run_one_does_and_the_others_are_told(place):
    folder = place.interrupted()
    orders = [place.order("go_on", folder=str(folder), base_url=place.base_url)] * 8
    outcomes = place.obey(*orders)
    losers = [outcome for outcome in outcomes if outcome["status"]]
    assert len(losers) < 8
    assert {outcome["status"] for outcome in losers} <= {2, 4}
    for loser in losers:
        assert "another process" in loser["words"] or "sealed" in loser["words"], loser["words"]
    assert len(read_run(folder).exchanges) == TRIALS


def test_of_eight_processes_that_record_one_run_one_does_and_the_others_are_told(place):
    arguments, folder, _ = place.recording()
    outcomes = place.obey(*[place.order("record", **arguments)] * 8)
    assert sorted(outcome["status"] for outcome in outcomes) == [0] + [4] * 7
    assert all(
        "exists already, and a recording never replaces another" in o["words"]
        for o in outcomes
        if o["status"]
    )
    assert len(read_run(folder).exchanges) == TRIALS


def test_eight_processes_that_record_eight_runs_and_accept_eight_nights_all_land(place):
    nights = [f"2026-03-{day:02}" for day in range(1, 9)]
    made = [place.recording(night) for night in nights]
    outcomes = place.obey(*(place.order("record", **arguments) for arguments, *_ in made))
    assert [outcome["status"] for outcome in outcomes] == [0] * 8, outcomes
    folders = [str(folder) for _, folder, _ in made]
    accepted = place.obey(*(place.order("accept", folders=[folder]) for folder in folders))
    assert [outcome["status"] for outcome in accepted] == [0] * 8, accepted
    baseline = place.workspace.baselines.read("faults", place.target)
    assert [night.statistics.night for night in baseline.nights] == nights


def test_of_eight_processes_that_accept_one_night_one_does_and_the_others_are_told(place):
    folders = [str(place.record("2026-03-01")) for _ in range(8)]
    outcomes = place.obey(*(place.order("accept", folders=[folder]) for folder in folders))
    assert sorted(outcome["status"] for outcome in outcomes) == [0] + [2] * 7, outcomes
    assert all("accepted already" in o["words"] for o in outcomes if o["status"])
    assert len(place.workspace.baselines.read("faults", place.target).nights) == 1

import contextlib
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from contractcheck.errors import RecordingError
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.night import (
    CaseNight,
    NightStatistics,
    NumberCell,
    TextCell,
)
from contractcheck.model.target import Target
from contractcheck.store import BaselineStore

TARGET = Target(provider="openai", model="m")


def accepted(night, run_id=None, numbers=(1.0, 2.0)):
    return AcceptedNight(
        statistics=NightStatistics(
            night=night,
            run_id=run_id or f"{night.replace('-', '')}t000000z-a",
            is_complete=True,
            cases={
                "a": CaseNight(
                    request_fingerprint="r",
                    answered=2,
                    planned=2,
                    cells={
                        "total_s": NumberCell(values=tuple(numbers)),
                        "text": TextCell(
                            count=2,
                            mean=tuple(np.array([0.5, 0.25]).tolist()),
                            effective_dimension=1.5,
                        ),
                    },
                )
            },
            models=("m-1",),
        ),
        run_root="root",
        acceptance=Acceptance(
            accepted_by="ada", accepted_at="2026-01-01T00:00:00+00:00", reason="good", ticket="T-1"
        ),
        parts={"a": {"messages": "m"}},
        vantage={"python": "3.11"},
    )


def baseline(*nights):
    return Baseline(
        suite="demo", target=TARGET, nights=nights, reference_night=nights[-1].statistics.night
    )


@pytest.fixture
def store(tmp_path):
    return BaselineStore(tmp_path / "cassettes")


@pytest.fixture
def make_reference(tmp_path):
    def make(night, content=b"sealed"):
        folder = tmp_path / "runs" / f"{night.replace('-', '')}t000000z-a"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_bytes(content)
        (folder / "a.jsonl").write_bytes(content * 10)
        return folder

    return make


@pytest.fixture
def old(store, make_reference):
    """One accepted night."""
    store.write(baseline(accepted("2026-01-01")), make_reference("2026-01-01"))
    return store.folder("demo", TARGET)


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(function, *arguments):
    with pytest.raises(RecordingError) as error:
        function(*arguments)
    return str(error.value)


def test_a_baseline_comes_back_as_it_was_written(store, make_reference):
    written = baseline(accepted("2026-01-01"), accepted("2026-01-02", numbers=(0.1, 0.2)))
    store.write(written, make_reference("2026-01-02"))
    assert store.read("demo", TARGET) == written
    reference = store.reference("demo", TARGET)
    assert (reference / "manifest.json").read_bytes() == b"sealed"


def test_there_may_be_none(store):
    assert store.read("demo", TARGET) is None
    assert store.reference("demo", TARGET) is None


def test_writing_the_same_again_changes_no_byte(store, old):
    before = files_of(old)
    store.write(store.read("demo", TARGET), None)
    assert files_of(old) == before


def test_the_reference_keeps_its_runs_name_wherever_it_was_copied_from(store, make_reference):
    anywhere = make_reference("2026-01-01").rename(store.root.parent / "downloaded run")
    store.write(baseline(accepted("2026-01-01")), anywhere)
    assert store.reference("demo", TARGET).name == "reference-20260101t000000z-a"
    assert (store.reference("demo", TARGET) / "a.jsonl").is_file()


def test_what_is_no_longer_named_is_swept_away(store, old, make_reference):
    (old / "nights" / "2026-01-09.json.77.tmp").write_bytes(b"half")
    (old / "baseline.json.77.tmp").write_bytes(b"half")
    (old / "reference-20260101t000000z-z.tmp").mkdir()
    store.write(baseline(accepted("2026-01-02")), make_reference("2026-01-02"))
    assert sorted(files_of(old)) == [
        "baseline.json",
        "nights/2026-01-02.json",
        "reference-20260102t000000z-a/a.jsonl",
        "reference-20260102t000000z-a/manifest.json",
    ]
    assert len(list(old.glob("reference-*"))) == 1


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_write_that_stops_at_any_step_leaves_the_old_baseline_whole(
    store, old, make_reference, monkeypatch, is_killed
):
    class KilledError(BaseException):
        """Stands for SIGKILL: no handler of ours may tidy up."""

    was = store.read("demo", TARGET)
    wanted = baseline(*was.nights, accepted("2026-01-02"), accepted("2026-01-03"))
    reference = make_reference("2026-01-03")
    pristine = store.root.parent / "pristine"
    shutil.copytree(old, pristine)
    stopped, steps = True, 0
    while stopped:
        left = steps

        def stepping(function):
            def step(*arguments, **options):
                nonlocal left
                left -= options.get("mode") != "rb"  # reading is no step of a write
                if left < 0 and options.get("mode") != "rb":
                    raise KilledError if is_killed else OSError(28, "No space left on device")
                return function(*arguments, **options)

            return step

        with monkeypatch.context() as patch:
            for name in ("replace", "open", "unlink"):
                patch.setattr(Path, name, stepping(getattr(Path, name)))
            patch.setattr(os, "fsync", stepping(os.fsync))
            patch.setattr(shutil, "copytree", stepping(shutil.copytree))
            stopped = False
            try:
                store.write(wanted, reference)
            except (RecordingError, KilledError):
                stopped = True
        now = store.read("demo", TARGET)
        assert now in (was, wanted)
        if now == was:
            assert (store.reference("demo", TARGET) / "a.jsonl").is_file()
        store.write(wanted, reference)
        assert store.read("demo", TARGET) == wanted
        assert not [name for name in files_of(old) if ".tmp" in name]
        shutil.rmtree(old)
        shutil.copytree(pristine, old)
        steps += 1
    assert steps > 10


def test_an_accepted_night_does_not_change(store, old):
    before = files_of(old)
    message = refused(store.write, baseline(accepted("2026-01-01", numbers=(9.0,))), None)
    assert message == (
        "night 2026-01-01 of demo × openai:m was accepted with other statistics; "
        "an accepted night does not change"
    )
    assert files_of(old) == before


@pytest.mark.parametrize("night", ["../../escaped", "2026-01-01/../../x", "", "2026-1-1"])
def test_a_night_from_a_recording_never_becomes_a_path(store, tmp_path, night):
    strange = accepted("2026-01-01")
    strange = replace(strange, statistics=replace(strange.statistics, night=night))
    assert "is not the date of a night" in refused(store.write, baseline(strange), None)
    assert not store.root.exists()


def test_a_run_id_from_a_recording_never_becomes_a_path(store, make_reference):
    strange = baseline(accepted("2026-01-01", run_id="../../escaped"))
    assert "is not a run id" in refused(store.write, strange, make_reference("2026-01-01"))


def edit(path, change):
    document = orjson.loads(path.read_bytes())
    change(document)
    path.write_bytes(orjson.dumps(document))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b" "), "was edited after it was acc"),
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"{"), "not JSON"),
        (lambda path: path.write_bytes(b"<<<<<<< ours\n{}"), "holds a merge conflict"),
    ],
)
def test_a_night_file_that_was_touched_is_named(store, old, harm, words):
    path = old / "nights" / "2026-01-01.json"
    harm(path)
    message = refused(store.read, "demo", TARGET)
    assert message.startswith(f"{path}: {words}")


@pytest.mark.parametrize(
    "name", [".", "nights", "..", "baseline.json", "nights/2026-01-01.json"], ids=str
)
def test_nothing_is_read_through_a_link(store, old, name):
    place = (old / name).resolve()
    elsewhere = store.root.parent / "elsewhere"
    shutil.move(place, elsewhere)
    place.symlink_to(elsewhere)
    message = refused(store.read, "demo", TARGET)
    assert message == (
        f"{place}: is a symbolic link; a baseline is plain files in plain folders; "
        "restore it from version control"
    )


@pytest.mark.parametrize("name", ["baseline.json", "nights/2026-01-01.json"])
def test_a_file_that_cannot_be_one_is_refused_before_it_is_read(store, old, name):
    with (old / name).open("wb") as file:
        file.truncate((64 << 20) + 1)
    assert refused(store.read, "demo", TARGET).startswith(f"{old / name}: is larger than 64 MiB")
    (old / name).unlink()
    (old / name).mkdir()
    assert "cannot be read (Is a directory)" in refused(store.read, "demo", TARGET)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format=4), "format 4; this version reads up to 3: upgrade contractch"),
        (lambda d: d.pop("format"), "format None; this version reads up to 3"),
        (lambda d: d.pop("nights"), "damaged (KeyError: 'nights'); restore it from version"),
        (lambda d: d.update(nights=[5]), "damaged (TypeError"),
        (lambda d: d.update(nights=d["nights"] * 2), "damaged (ValueError: night 2026-01-01 stan"),
        (lambda d: d.update(parts={}), "damaged (KeyError"),
        (lambda d: d.pop("reference_night"), "damaged (KeyError: 'reference_night')"),
        (lambda d: d["nights"][0].update(night="../x"), "damaged (ValueError: '../x' is not a da"),
        (lambda d: d["nights"][0].update(acceptance=[]), "damaged ("),
        (lambda d: d["nights"][0]["acceptance"].update(expires=7), "damaged (TypeError: 7 is no t"),
        (lambda d: d["nights"][0]["acceptance"].update(expires="x"), "damaged (ValueError: Invali"),
        (lambda d: d["nights"][0]["acceptance"].update(ticket=[]), "damaged (TypeError: [] is no"),
        (lambda d: d["nights"][0].update(vantage={"python": 3}), "damaged (TypeError: 3 is no te"),
        (lambda d: d["nights"][0].update(vantage=None), "damaged (TypeError: None is no object"),
        (lambda d: d["nights"][0].update(parts=None), "damaged (TypeError: None is no object"),
        (lambda d: d["nights"][0].update(parts={"a": "m"}), "damaged (TypeError: 'm' is no obje"),
        (lambda d: d.update(parts=dict.fromkeys(d["parts"])), "damaged (TypeError: None is no o"),
    ],
)
def test_a_baseline_file_that_was_touched_is_named(store, old, change, words):
    edit(old / "baseline.json", change)
    message = refused(store.read, "demo", TARGET)
    assert message.startswith(f"{old / 'baseline.json'}: {words}")


def test_an_expiry_that_was_accepted_without_dashes_is_the_same_date(store, old):
    path = old / "baseline.json"
    document = orjson.loads(path.read_bytes())
    document["nights"][0]["acceptance"]["expires"] = "20270131"
    path.write_bytes(orjson.dumps(document))
    assert store.read("demo", TARGET).nights[0].acceptance.expires == "2027-01-31"


def test_a_reference_cannot_lie_elsewhere(store, old):
    edit(old / "baseline.json", lambda document: document.update(reference_run="../../etc"))
    message = refused(store.reference, "demo", TARGET)
    assert message.startswith(f"{old / 'baseline.json'}: '../../etc' is not a run id")


def accept_one(root, locks, night, barrier):
    store = BaselineStore(Path(root))
    barrier.wait()
    with store.locked("demo", TARGET, locks=Path(locks)):
        now = store.read("demo", TARGET)
        time.sleep(0.02)  # long enough for another writer to have read the same
        store.write(baseline(*(now.nights if now else ()), accepted(night)), None)


def test_processes_that_accept_at_once_all_land(store, tmp_path):
    nights = [f"2026-02-0{number}" for number in range(1, 5)]
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(nights))
    arguments = (str(store.root), str(tmp_path / "locks"))
    processes = [
        context.Process(target=accept_one, args=(*arguments, night, barrier)) for night in nights
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(nights)
    found = [night.statistics.night for night in store.read("demo", TARGET).nights]
    assert sorted(found) == nights


def test_a_killed_holder_lets_go_of_the_lock(store, tmp_path):
    def hold_and_die():
        with store.locked("demo", TARGET, locks=tmp_path / "locks"):
            os._exit(9)

    process = multiprocessing.get_context("fork").Process(target=hold_and_die)
    process.start()
    process.join()
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.locked("demo", TARGET, locks=tmp_path / "locks"))
        store.write(baseline(accepted("2026-01-01")), None)
    assert store.read("demo", TARGET) is not None

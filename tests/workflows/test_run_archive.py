"""A run comes back from the archive as it was sealed, or it does not come at all."""

import errno
import os
import secrets
import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from contractcheck.cassettes import read_run
from contractcheck.errors import RecordingError, UsageError
from contractcheck.store.remote import open_remote
from contractcheck.workflows import run_archive
from contractcheck.workflows.run_archive import open_archive


@pytest.fixture(params=["folder", "memory", "s3"])
def archive(request, tmp_path_factory):
    if request.param == "folder":
        return open_archive(str(tmp_path_factory.mktemp("archive")))
    if request.param == "memory":
        return open_archive(f"memory://{secrets.token_hex(4)}")
    return open_archive(request.getfixturevalue("s3_url") + "/runs")


@pytest.fixture
def local(tmp_path_factory):
    return open_archive(str(tmp_path_factory.mktemp("archive")))


def of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_comes_back_to_the_last_byte(project, archive, tmp_path):
    folder = project.record(1)
    pushed = archive.push(folder)
    assert (pushed.run_id, pushed.night, pushed.suite) == (folder.name, "2026-03-01", "hello")
    assert pushed.root == read_run(folder).root
    assert archive.list() == [pushed]
    back = archive.fetch(pushed, tmp_path / "elsewhere")
    assert back.relative_to(tmp_path / "elsewhere") == folder.relative_to(
        project.workspace.runs.root
    )
    assert of(back) == of(folder)
    assert [path.name for path in back.parent.iterdir()] == [folder.name]


def test_what_is_pushed_twice_is_there_once(project, archive):
    folder = project.record(1)
    first = archive.push(folder)
    assert archive.push(folder) == first
    assert archive.list() == [first]


def test_runs_are_listed_oldest_first_and_by_suite_and_target(project, local):
    folders = [project.record(day) for day in (1, 2, 3)]
    for folder in reversed(folders):
        local.push(folder)
    suite, target = project.suite(), project.suite().targets[0]
    assert [run.night for run in local.list("hello", target)] == [
        read_run(folder).header.night for folder in sorted(folders)
    ]
    assert local.list("other") == []
    assert local.has(suite.name, target, folders[0].name)
    assert not local.has(suite.name, target, "20260301t000000z-none")
    assert not local.has(suite.name, replace(target, model="other"), folders[0].name)


def test_a_run_that_is_here_already_is_only_compared(project, local):
    folder = project.record(1)
    pushed, root = local.push(folder), project.workspace.runs.root
    assert local.fetch(pushed, root) == folder
    with pytest.raises(RecordingError, match="another run lies here"):
        local.fetch(replace(pushed, root="0" * 64), root)


def test_an_open_run_and_a_damaged_one_are_not_pushed(project, local):
    folder = project.record(1)
    (folder / "greet.jsonl.zst").write_bytes(b"damaged")
    with pytest.raises(RecordingError, match=r"greet\.jsonl\.zst"):
        local.push(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UsageError, match="is not sealed"):
        local.push(folder)
    assert local.list() == []


def file_of(archive, run):
    return Path(archive.files.base) / run.name


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "renamed night", "gone"])
def test_what_was_changed_in_the_archive_is_named_and_not_taken(project, local, tmp_path, damage):
    run, other = (local.push(project.record(day)) for day in (1, 2))
    file = file_of(local, run)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif damage == "other":
        shutil.copy(file_of(local, other), file)
    elif damage == "renamed night":
        run = replace(run, night="2026-03-09")
        file.rename(file_of(local, run))
    else:
        file.unlink()
    with pytest.raises(RecordingError) as told:
        local.fetch(run, tmp_path / "elsewhere")
    assert run.run_id in str(told.value)
    assert [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()] == []
    assert not list((tmp_path / "elsewhere").rglob(".fetch-*"))


def test_a_full_disk_leaves_nothing_of_a_run(project, local, tmp_path, monkeypatch):
    run = local.push(project.record(1))
    calls = count()

    def refuse(descriptor, fsync=os.fsync):
        if next(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("contractcheck.store.bundle.os.fsync", refuse)
    with pytest.raises(RecordingError, match="No space left on device"):
        local.fetch(run, tmp_path / "elsewhere")
    assert [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()] == []
    assert local.fetch(run, tmp_path / "elsewhere").name == run.run_id


def test_what_a_kill_left_of_a_fetch_is_swept_a_day_later(project, local, tmp_path):
    run = local.push(project.record(1))
    parent = tmp_path / "elsewhere" / run.suite / run.folder
    for name in (".fetch-old", ".fetch-new"):
        (parent / name).mkdir(parents=True)
    os.utime(parent / ".fetch-old", (1, 1))
    local.fetch(run, tmp_path / "elsewhere")
    assert {path.name for path in parent.iterdir()} == {".fetch-new", run.run_id}


def test_two_that_fetch_the_same_run_at_once_both_have_it(project, local, tmp_path, monkeypatch):
    run = local.push(project.record(1))
    into = tmp_path / "elsewhere"
    unpack = run_archive.unpack_bundle

    def unpack_as_another_does(path, folder, place):
        monkeypatch.setattr(run_archive, "unpack_bundle", unpack)
        local.fetch(run, into)
        unpack(path, folder, place)

    monkeypatch.setattr(run_archive, "unpack_bundle", unpack_as_another_does)
    folder = local.fetch(run, into)
    assert read_run(folder).root == run.root
    assert [path.name for path in folder.parent.iterdir()] == [run.run_id]


def test_what_another_fetch_clears_away_meanwhile_is_no_trouble(
    project, local, tmp_path, monkeypatch
):
    run = local.push(project.record(1))
    parent = tmp_path / "elsewhere" / run.suite / run.folder
    (parent / ".fetch-other").mkdir(parents=True)
    stat = Path.stat

    def stat_of_what_goes(self, **options):
        if self.name == ".fetch-other":
            shutil.rmtree(self, ignore_errors=True)
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", stat_of_what_goes)
    assert local.fetch(run, tmp_path / "elsewhere").name == run.run_id


def test_a_file_that_is_larger_than_was_listed_is_not_taken(project, local, tmp_path):
    run = local.push(project.record(1))
    with file_of(local, run).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(RecordingError, match=f"larger than the {run.size_bytes} bytes"):
        local.fetch(run, tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere" / run.suite / run.folder).iterdir()) == []
    (listed,) = local.list()
    with pytest.raises(RecordingError, match="is larger than 4 GiB"):
        local.fetch(listed, tmp_path / "elsewhere")


def test_files_of_others_in_the_archive_are_passed_over(project, local):
    run = local.push(project.record(1))
    base = Path(local.files.base)
    for name in ("readme.txt", "hello/x.tar", f"{run.name}.1234.part", f"deep/{run.name}"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(b"not ours")
    assert local.list() == [run]


def test_an_archive_that_is_not_there_holds_nothing(tmp_path):
    assert open_archive(str(tmp_path / "none")).list() == []


def test_two_that_push_the_same_run_at_once_leave_it_once(project, local, monkeypatch):
    folder = project.record(1)
    remote = open_remote(str(local.files.base))
    put = type(remote).put

    def put_twice(self, source, name):
        put(self, source, name)
        put(self, source, name)

    monkeypatch.setattr(type(remote), "put", put_twice)
    run = local.push(folder)
    assert local.list() == [run]
    assert list(open_remote(str(local.files.base)).names()) == [run.name]

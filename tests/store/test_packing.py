"""Packing changes neither what a run says nor what a kill can lose."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import RecordingError
from contractcheck.store import pack_run
from contractcheck.store.packing import copy_plain

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CASES = {"a.jsonl": b'{"line":1}\n' * 500, "b-2.v1.jsonl": b"\x00\xff plain bytes\n"}
MANIFEST = b'{"root":"abc"}'


class KilledError(BaseException):
    """Stands for SIGKILL: no handler of ours may tidy up."""


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(MANIFEST)
    for name, data in CASES.items():
        (folder / name).write_bytes(data)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def plain_bytes(folder, name):
    """What a reader sees: the plain file, or else what the packed one holds."""
    path = folder / name
    return (
        path.read_bytes()
        if path.exists()
        else zstd.decompress((folder / f"{name}.zst").read_bytes())
    )


def test_cases_are_packed_and_the_manifest_stays_readable(run):
    pack_run(run)
    assert names(run) == ["a.jsonl.zst", "b-2.v1.jsonl.zst", "manifest.json"]
    assert (run / "manifest.json").read_bytes() == MANIFEST
    assert {name: plain_bytes(run, name) for name in CASES} == CASES
    assert (run / "a.jsonl.zst").stat().st_size < len(CASES["a.jsonl"]) / 10


def test_packing_again_changes_nothing(run):
    pack_run(run)
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    pack_run(run)
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_packing_that_stops_at_any_step_loses_nothing(run, monkeypatch, is_killed):
    stopped, steps = True, 0
    while stopped:
        left = steps
        for path in run.iterdir():
            path.unlink()
        for name, data in {"manifest.json": MANIFEST, **CASES}.items():
            (run / name).write_bytes(data)

        def stepping(function):
            def step(*arguments, **options):
                nonlocal left
                left -= 1
                if left < 0:
                    raise KilledError if is_killed else OSError(28, "No space left on device")
                return function(*arguments, **options)

            return step

        with monkeypatch.context() as patch:
            for name in ("replace", "open", "unlink"):
                patch.setattr(Path, name, stepping(getattr(Path, name)))
            patch.setattr(os, "fsync", stepping(os.fsync))
            stopped = False
            try:
                pack_run(run)
            except (RecordingError, KilledError):
                stopped = True
        assert {name: plain_bytes(run, name) for name in CASES} == CASES
        pack_run(run)
        assert names(run) == ["a.jsonl.zst", "b-2.v1.jsonl.zst", "manifest.json"]
        assert {name: plain_bytes(run, name) for name in CASES} == CASES
        steps += 1
    assert steps > 8


def test_a_full_disk_is_named_and_leaves_the_plain_file(run, monkeypatch):
    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RecordingError) as refused:
        pack_run(run)
    assert str(refused.value).startswith(f"{run / 'a.jsonl.zst'}: cannot be written (No space")
    assert names(run) == ["a.jsonl", "b-2.v1.jsonl", "manifest.json"]


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_copy_is_plain_whatever_the_source(run, tmp_path, is_packed):
    if is_packed:
        pack_run(run)
    copy_plain(run, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["a.jsonl", "b-2.v1.jsonl", "manifest.json"]
    assert {name: (tmp_path / "copy" / name).read_bytes() for name in CASES} == CASES


def test_of_a_case_that_lies_there_twice_the_plain_file_counts(run, tmp_path):
    (run / "a.jsonl.zst").write_bytes(zstd.compress(b"older"))
    copy_plain(run, tmp_path / "copy")
    assert (tmp_path / "copy" / "a.jsonl").read_bytes() == CASES["a.jsonl"]


def test_only_a_run_is_copied_and_nothing_through_a_link(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"key")
    (run / "c.jsonl").symlink_to(secret)
    (run / "notes.txt").write_bytes(b"mine")
    (run / "folder").mkdir()
    copy_plain(run, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["a.jsonl", "b-2.v1.jsonl", "manifest.json"]


@pytest.mark.parametrize("damage", [b"no zstd at all", zstd.compress(b"x" * 999)[:-3]])
def test_a_packed_case_that_cannot_be_unpacked_leaves_no_copy(run, tmp_path, damage):
    (run / "a.jsonl").unlink()
    (run / "a.jsonl.zst").write_bytes(damage)
    with pytest.raises(RecordingError) as refused:
        copy_plain(run, tmp_path / "copy")
    assert f"{run / 'a.jsonl.zst'} cannot be unpacked" in str(refused.value)
    assert names(tmp_path) == ["run"]


@settings(max_examples=25)
@given(data=st.binary(max_size=4000))
def test_any_bytes_come_back(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("run")
    (folder / "a.jsonl").write_bytes(data)
    pack_run(folder)
    copy_plain(folder, folder / "copy")
    assert (folder / "copy" / "a.jsonl").read_bytes() == data

"""Runs lie packed in the store and plain in version control, and are the same runs."""

from __future__ import annotations

import shutil

import pytest

from contractcheck.cassettes import case_files, read_run
from contractcheck.store import pack_run, packing
from contractcheck.store.packing import copy_plain
from contractcheck.workflows.record import RecordOptions, resume
from contractcheck.workflows.replay import open_replay

PACKED = ["greet.jsonl.zst", "manifest.json", "part.jsonl.zst"]
PLAIN = ["greet.jsonl", "manifest.json", "part.jsonl"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def unpack(folder):
    """What a kill between sealing and packing leaves behind."""
    copy_plain(folder, folder.with_name("plain"))
    shutil.rmtree(folder)
    folder.with_name("plain").rename(folder)


def test_a_run_is_packed_once_it_is_sealed(project):
    assert names(project.record(1)) == PACKED


def test_a_resumed_run_is_packed_too(project):
    folder = project.record(1, max_requests=2)
    assert "header.json" in names(folder)
    resume(folder, project.suite(), RecordOptions(base_url=project.provider.base_url))
    assert names(folder) == PACKED


def test_packing_changes_nothing_that_a_run_says(project):
    folder = project.record(1)
    packed = read_run(folder)
    unpack(folder)
    assert names(folder) == PLAIN
    assert read_run(folder) == packed


def test_what_a_kill_left_plain_is_packed_after_the_next_run(project):
    first = project.record(1)
    before = read_run(first)
    unpack(first)
    project.record(2)
    assert names(first) == PACKED
    assert read_run(first) == before


def test_a_run_that_is_still_open_is_left_alone(project):
    folder = project.record(1, max_requests=2)
    before = names(folder)
    project.record(2)
    assert names(folder) == before


def test_a_disk_that_refuses_leaves_a_sealed_readable_run(project, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "write_atomically", refuse)
    folder = project.record(1)
    assert names(folder) == PLAIN
    assert read_run(folder).header.status == "complete"


def test_a_run_that_is_packed_while_it_is_read_is_read(project, monkeypatch):
    folder = project.record(1)
    before = read_run(folder)
    unpack(folder)
    really_open = case_files.open_plain

    def open_too_late(path):
        if path.suffix == ".jsonl":
            pack_run(folder)
        return really_open(path)

    monkeypatch.setattr(case_files, "open_plain", open_too_late)
    assert read_run(folder) == before
    assert names(folder) == PACKED


@pytest.mark.parametrize("is_packed", [True, False])
def test_what_is_accepted_lies_plain_in_version_control(project, is_packed):
    folder = project.record(1)
    if not is_packed:
        unpack(folder)
    (baseline,) = project.accept(folder)
    reference = project.workspace.baselines.reference("hello", baseline.target)
    assert names(reference) == PLAIN
    assert read_run(reference) == read_run(folder)
    shutil.rmtree(project.workspace.runs.root)
    replayed = open_replay(project.workspace, project.suite(), baseline.target)
    assert replayed.run.statistics.run_id == folder.name


def test_an_accepted_run_that_links_elsewhere_takes_nothing_along(project, tmp_path):
    folder = project.record(1)
    (tmp_path / "key").write_text("not yours")
    (folder / "key.jsonl").symlink_to(tmp_path / "key")
    (baseline,) = project.accept(folder)
    assert names(project.workspace.baselines.reference("hello", baseline.target)) == PLAIN

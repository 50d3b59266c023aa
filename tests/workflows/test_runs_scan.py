"""Searching what others recorded: where and of what kind, never which."""

from __future__ import annotations

import gzip

import pytest

from contractcheck.workflows.runs_scan import scan_paths

KEY = "sk-proj-Zq81nVtR5mPx0aLwKd93Bv7Yc2Xh"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "clean.yaml").write_text("body: hello\n")
    (tmp_path / "sub" / "leaky.yaml").write_text(f"one: 1\nbody: {KEY}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "object").write_text(KEY)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "sub" / "leaky.yaml")
    return tmp_path


def test_every_file_below_a_folder_is_searched_once(folder):
    found = scan_paths([folder], environment={})
    assert [(leak.file.name, leak.line) for leak in found.leaks] == [("leaky.yaml", 2)]
    assert found.files == 2
    assert KEY not in repr(found)


def test_a_file_is_searched_whatever_its_name(folder):
    (leak,) = scan_paths([folder / ".git" / "object"], environment={}).leaks
    assert leak.line == 1


def test_values_of_this_process_are_known(folder):
    path = folder / "own.txt"
    path.write_text("\n\nplain words, of a kind\n")
    assert scan_paths([path], environment={}).leaks == ()
    (leak,) = scan_paths([path], environment={"MY_SECRET": "of a kind"}).leaks
    assert leak.line == 3


def test_packed_files_are_searched_unpacked(folder):
    path = folder / "packed.jsonl.gz"
    path.write_bytes(gzip.compress(f"\n\n{KEY}\n".encode()))
    (leak,) = scan_paths([path], environment={}).leaks
    assert leak.line == 3


def test_runs_of_the_store_are_searched(project):
    assert scan_paths([project.record(1)], environment={}).leaks == ()


def test_what_could_not_be_searched_is_said(folder):
    path = folder / "broken.gz"
    path.write_bytes(b"\x1f\x8b not gzip")
    found = scan_paths([path, folder / "clean.yaml"], environment={})
    assert found.files == 1
    assert str(path) in found.unread[0]

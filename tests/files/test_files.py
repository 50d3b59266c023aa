import os
import stat
from pathlib import Path

import pytest

from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, sync_folder, write_atomically


def refuse(*_arguments):
    raise OSError(28, "No space left on device")


def test_what_is_written_is_there_whole_and_alone(tmp_path):
    path = tmp_path / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_is_what_the_umask_says(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    owner = os if step == "fsync" else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, refuse)
        with pytest.raises(RecordingError) as refused:
            write_atomically(path, b"new")
    assert str(refused.value) == (
        f"{path}: cannot be written (No space left on device); what was there before is untouched"
    )
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_durable_is_named(tmp_path):
    with pytest.raises(RecordingError, match="the disk did not confirm a new file"):
        sync_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "expected a JSON object"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======\n', "holds a merge conflict; take one side whole"),
        (b'{"a": 1}\n>>>>>>> theirs\n', "holds a merge conflict; take one side whole"),
    ],
)
def test_what_is_not_an_object_of_ours_is_named(data, words):
    with pytest.raises(RecordingError) as refused:
        parse_json_object(data, "place:3")
    assert str(refused.value).startswith(f"place:3: {words}")


def test_a_string_may_hold_what_looks_like_a_conflict():
    assert parse_json_object(b'{"a": "<<<<<<< HEAD"}', "place") == {"a": "<<<<<<< HEAD"}

"""Files at a URL are whole or absent, on a disk, in memory, and at a real S3 server."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest

from contractcheck.errors import RecordingError, UsageError
from contractcheck.store.remote import open_remote


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "archive")
    if request.param == "memory":
        return f"memory://{secrets.token_hex(4)}"
    return request.getfixturevalue("s3_url") + "/some/folder"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(os.urandom(200_000))
    return path


def test_files_come_back_as_they_were_put(url, source, tmp_path):
    remote = open_remote(url)
    assert remote.names() == {}
    remote.put(source, "a/b/one.tar")
    remote.put(source, "a/two.tar")
    remote.put(source, "a/b-2/one.tar")
    sizes_bytes = dict.fromkeys(["a/b-2/one.tar", "a/b/one.tar", "a/two.tar"], 200_000)
    assert list(remote.names().items()) == list(sizes_bytes.items())
    assert remote.names("a/b") == {"a/b/one.tar": 200_000}
    assert remote.names("c") == {}
    remote.get("a/b/one.tar", tmp_path / "back", 200_000)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert open_remote(url).names("a/b") == {"a/b/one.tar": 200_000}


def test_the_same_file_again_is_the_same_file(url, source):
    remote = open_remote(url)
    for _ in range(2):
        remote.put(source, "a/one.tar")
    assert remote.names() == {"a/one.tar": 200_000}


def test_what_is_removed_is_gone_and_may_be_gone_already(url, source, tmp_path):
    remote = open_remote(url)
    remote.put(source, "a/one.tar")
    for _ in range(2):
        remote.remove("a/one.tar")
    assert remote.names() == {}
    with pytest.raises(RecordingError, match=r"a/one\.tar: "):
        remote.get("a/one.tar", tmp_path / "back", 200_000)


def test_no_more_is_copied_than_was_expected(url, source, tmp_path):
    remote = open_remote(url)
    remote.put(source, "a/one.tar")
    with pytest.raises(RecordingError, match=r"a/one\.tar: is larger than the 199999 bytes"):
        remote.get("a/one.tar", tmp_path / "back", 199_999)
    assert (tmp_path / "back").stat().st_size < 199_999


def test_a_disk_here_that_is_full_is_not_taken_for_the_place(url, source, tmp_path):
    remote = open_remote(url)
    remote.put(source, "a/one.tar")
    full = Path("/dev/full")
    with pytest.raises(RecordingError, match=r"^/dev/full: cannot be written .No space left"):
        remote.get("a/one.tar", full, 200_000)


def test_a_file_without_an_end_does_not_fill_the_disk(tmp_path):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "one.tar").symlink_to("/dev/zero")
    with pytest.raises(RecordingError, match="is larger than the 10000000 bytes"):
        open_remote(str(tmp_path / "archive")).get("one.tar", tmp_path / "back", 10_000_000)
    assert (tmp_path / "back").stat().st_size <= 10_000_000


def test_a_wrong_key_is_told_and_not_shown(s3_url, source, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
    remote = open_remote(s3_url)
    for act in (remote.names, lambda: remote.put(source, "a/one.tar")):
        with pytest.raises(RecordingError) as told:
            act()
        assert s3_url in str(told.value)
        assert "hunter2" not in str(told.value)


def test_a_server_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RecordingError, match="s3://bucket/x: "):
        open_remote("s3://bucket/x").names()


@pytest.mark.parametrize(
    "url", ["nonsense://a:hunter2@b/c", "s3://", "memory://", "/", "nonsense://h/c?key=hunter2"]
)
def test_what_is_no_place_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as told:
        open_remote(url)
    assert "--store" in str(told.value)
    assert "hunter2" not in str(told.value)


def test_a_full_disk_leaves_nothing(tmp_path, source, monkeypatch):
    remote = open_remote(str(tmp_path / "archive"))
    remote.put(source, "a/one.tar")

    def refuse(_self, _source, path, **_options):
        with open(path, "wb") as half:  # noqa: PTH123 - as the library does
            half.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(remote.system), "put_file", refuse)
    with pytest.raises(RecordingError, match="No space left on device"):
        remote.put(source, "a/two.tar")
    assert remote.names() == {"a/one.tar": 200_000}


KILLED = """\
import os, signal, sys
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from contractcheck.store.remote import open_remote

def put_file(self, source, path, **options):
    Path(path).write_bytes(Path(source).read_bytes()[:1000])
    os.kill(os.getpid(), signal.SIGKILL)

LocalFileSystem.put_file = put_file
open_remote(sys.argv[1]).put(Path(sys.argv[2]), "a/one.tar")
"""


def test_a_kill_in_the_middle_leaves_no_file_of_that_name(tmp_path, source):
    url = str(tmp_path / "archive")
    killed = subprocess.run([sys.executable, "-c", KILLED, url, source], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = open_remote(url).names()
    assert left.endswith(".part")
    open_remote(url).put(source, "a/one.tar")
    assert open_remote(url).names()["a/one.tar"] == 200_000


def test_what_kills_left_is_swept_a_day_later_and_nothing_else(tmp_path, source):
    folder = tmp_path / "archive" / "a"
    folder.mkdir(parents=True)
    old_s, young_s = time.time() - 25 * 3600, time.time() - 23 * 3600
    ages_s = {
        "two.tar.0a1b2c3d.part": old_s,
        "three.tar.0a1b2c3e.part": young_s,
        "of somebody.part": old_s,
        "two.tar": old_s,
    }
    for name, at_s in ages_s.items():
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (at_s, at_s))
    (folder / "four.tar.0a1b2c3f.part").mkdir()
    os.utime(folder / "four.tar.0a1b2c3f.part", (old_s, old_s))
    open_remote(str(tmp_path / "archive")).put(source, "a/one.tar")
    kept = {*ages_s, "one.tar", "four.tar.0a1b2c3f.part"} - {"two.tar.0a1b2c3d.part"}
    assert {path.name for path in folder.iterdir()} == kept


def test_a_protocol_that_shows_halves_is_written_beside(source, tmp_path):
    from fsspec.implementations.memory import MemoryFileSystem

    seen = []

    class Plain(MemoryFileSystem):
        protocol = "plainmemory"

        def put_file(self, lpath, rpath, **options):
            seen.append(rpath)
            super().put_file(lpath, rpath, **options)

    fsspec.register_implementation("plainmemory", Plain, clobber=True)
    remote = open_remote("plainmemory://here")
    remote.put(source, "a/one.tar")
    assert seen
    assert all(path.endswith(".part") for path in seen)
    assert list(remote.names()) == ["a/one.tar"]

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contractcheck.cassettes.line_source import FileSource, RecentFiles, state_of
from contractcheck.errors import RecordingError

LARGE = 6 << 20


def make_source(path, data, files):
    path.write_bytes(data)
    with path.open("rb") as file:
        return FileSource(path=path, state=state_of(file.fileno()), files=files)


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=[1_000, LARGE], ids=["small", "large"])
def size_bytes(request):
    return request.param


def test_reads_any_piece_of_any_file(tmp_path, size_bytes):
    files = RecentFiles()
    contents = [bytes([number]) * size_bytes + b"end" for number in range(20)]
    sources = [make_source(tmp_path / str(n), data, files) for n, data in enumerate(contents)]
    for _ in range(2):
        for source, data in zip(sources, contents, strict=True):
            assert source.read(size_bytes - 1, size_bytes + 3) == data[-4:]
            assert source.read(0, 5) == data[:5]


def test_threads_read_each_their_own(tmp_path):
    files = RecentFiles()
    contents = [bytes([number]) * LARGE for number in range(12)]
    sources = [make_source(tmp_path / str(n), data, files) for n, data in enumerate(contents)]

    def read(number):
        place = number % 12
        return sources[place].read(number, number + 3) == bytes([place]) * 3

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(600)))


def test_refuses_a_file_that_changed_before_it_was_first_read(tmp_path, size_bytes):
    source = make_source(tmp_path / "x", b"a" * size_bytes, RecentFiles())
    os.utime(tmp_path / "x", ns=(1, 1))
    with pytest.raises(RecordingError, match="changed after it was verified"):
        source.read(0, 1)


def test_gives_what_was_verified_or_refuses_when_it_changes_later(tmp_path, size_bytes):
    source = make_source(tmp_path / "x", b"a" * size_bytes, RecentFiles())
    assert source.read(0, 1) == b"a"
    (tmp_path / "x").write_bytes(b"b" * (size_bytes + 1))
    try:
        assert source.read(1, 2) == b"a"
    except RecordingError as error:
        assert "changed after it was verified" in str(error)  # noqa: PT017 - either is right


def test_refuses_a_link_in_place_of_the_file(tmp_path):
    source = make_source(tmp_path / "x", b"a", RecentFiles())
    (tmp_path / "x").rename(tmp_path / "y")
    (tmp_path / "x").symlink_to(tmp_path / "y")
    with pytest.raises(RecordingError, match="symbolic link"):
        source.read(0, 1)


def test_holds_few_descriptors_and_lets_go_of_all(tmp_path):
    before = open_descriptors()
    files = RecentFiles()
    sources = [make_source(tmp_path / str(n), b"a" * LARGE, files) for n in range(20)]
    for source in sources:
        source.read(0, 1)
    assert before < open_descriptors() <= before + 8
    del files, source, sources
    assert open_descriptors() == before

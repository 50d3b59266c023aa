"""A bundle is what was put in, or it is refused: nothing else comes out of an archive."""

import io
import os
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.errors import RecordingError
from contractcheck.store import bundle
from contractcheck.store.bundle import unpack_bundle, write_bundle

FILES = {"manifest.json": b'{"root":"abc"}', "a.jsonl.zst": os.urandom(70_000), "b.jsonl": b""}


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unpack(data, tmp_path):
    path, out = tmp_path / "bundle.tar", tmp_path / "out"
    path.write_bytes(data)
    out.mkdir(exist_ok=True)
    for file in out.iterdir():
        file.unlink()
    unpack_bundle(path, out, "s3://there/x.tar")
    return contents(out)


def test_what_was_bundled_comes_out(run, tmp_path):
    write_bundle(run, tmp_path / "one.tar")
    assert unpack((tmp_path / "one.tar").read_bytes(), tmp_path) == FILES


def test_the_same_run_gives_the_same_bytes_and_any_tar_reads_them(run, tmp_path):
    write_bundle(run, tmp_path / "one.tar")
    os.utime(run / "b.jsonl", (1, 1))
    (run / "a.jsonl.zst").chmod(0o600)
    (run / "notes.txt").write_text("no part of a run")
    (run / "c.jsonl").symlink_to("/etc/passwd")
    write_bundle(run, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        names = archive.getnames()
        assert archive.extractfile("a.jsonl.zst").read() == FILES["a.jsonl.zst"]
    assert names == sorted(FILES)


def test_a_torn_bundle_is_refused_wherever_it_ends(run, tmp_path):
    write_bundle(run, tmp_path / "one.tar")
    whole = (tmp_path / "one.tar").read_bytes()
    for size in (0, 1, 511, 512, 600, len(whole) // 2, len(whole) - 1024):
        with pytest.raises(RecordingError, match=r"s3://there/x\.tar: was torn"):
            unpack(whole[:size], tmp_path)


def entry(name, data=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()[: 512 + len(data) + -len(data) % 512]


END = bytes(1024)
MANIFEST = entry("manifest.json", b"{}")


@pytest.mark.parametrize(
    "bad",
    [
        entry("../manifest.json", b"x"),
        entry("/etc/cron.d/x.jsonl", b"x"),
        entry("sub/a.jsonl", b"x"),
        entry("a.jsonl", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("a.jsonl", type=tarfile.LNKTYPE, linkname="manifest.json"),
        entry("a.jsonl", type=tarfile.DIRTYPE),
        entry("a.jsonl", type=tarfile.FIFOTYPE),
        entry("a.jsonl", type=tarfile.CHRTYPE),
        entry("a.jsonl", type=tarfile.GNUTYPE_SPARSE),
        entry("a.jsonl", b"x", mode=0o4755),
        entry("a.jsonl", b"x", uname="root"),
        entry("header.json", b"{}"),
        entry("A.jsonl", b"x"),
        entry("." * 5 + ".jsonl", b"x"),
        entry("x" * 200 + ".jsonl", b"x"),
    ],
)
def test_an_entry_that_is_not_of_a_run_is_refused(tmp_path, bad):
    with pytest.raises(RecordingError, match="is no recording of ours"):
        unpack(MANIFEST + bad + END, tmp_path)
    assert set(os.listdir(tmp_path)) <= {"bundle.tar", "out"}  # noqa: PTH208 - names only
    assert contents(tmp_path / "out") == {"manifest.json": b"{}"}


def test_a_file_twice_and_a_bundle_without_manifest_are_refused(tmp_path):
    with pytest.raises(RecordingError, match="holds a file twice"):
        unpack(MANIFEST + MANIFEST + END, tmp_path)
    with pytest.raises(RecordingError, match="has no manifest"):
        unpack(entry("a.jsonl", b"x") + END, tmp_path)


def test_a_size_that_is_a_lie_writes_no_more_than_there_is(tmp_path):
    info = tarfile.TarInfo("a.jsonl")
    info.size, info.mode = 1 << 30, 0o644
    with pytest.raises(RecordingError, match="was torn"):
        unpack(info.tobuf(format=tarfile.USTAR_FORMAT) + b"x" * 5000, tmp_path)


def test_what_is_too_large_or_too_many_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MOST_FILES", 2)
    three = MANIFEST + entry("a.jsonl") + entry("b.jsonl") + entry("c.jsonl")
    with pytest.raises(RecordingError, match="more than 2 files"):
        unpack(three + END, tmp_path)
    monkeypatch.setattr(bundle, "MOST_MANIFEST_BYTES", 1)
    with pytest.raises(RecordingError, match="its manifest is larger than"):
        unpack(MANIFEST + END, tmp_path)
    monkeypatch.setattr(bundle, "MOST_BYTES", 1024)
    with pytest.raises(RecordingError, match=r"x\.tar: is larger than"):
        unpack(MANIFEST + END, tmp_path)


def test_what_could_not_be_read_again_is_not_written(run, tmp_path, monkeypatch):
    write_bundle(run, tmp_path / "fits.tar")
    size_bytes = (tmp_path / "fits.tar").stat().st_size
    for limit, fits, words in (
        ("MOST_FILES", len(FILES), "holds more than 2 files"),
        ("MOST_MANIFEST_BYTES", len(FILES["manifest.json"]), "its manifest is larger than"),
        ("MOST_BYTES", size_bytes, "is larger than"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(bundle, limit, fits)
            write_bundle(run, tmp_path / f"{limit}.tar")
            assert unpack((tmp_path / f"{limit}.tar").read_bytes(), tmp_path) == FILES
            patch.setattr(bundle, limit, fits - 1)
            with pytest.raises(RecordingError, match=words):
                write_bundle(run, tmp_path / "over.tar")
    (run / "Odd name.jsonl").touch()
    with pytest.raises(RecordingError, match="is no file of a recording"):
        write_bundle(run, tmp_path / "over.tar")
    assert not (tmp_path / "over.tar").exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_changed_byte_never_lets_another_name_out(tmp_path, at, byte):
    whole = bytearray(MANIFEST + entry("a.jsonl", b"line\n" * 100) + END)
    whole[at % len(whole)] = byte
    try:
        found = unpack(bytes(whole), tmp_path)
    except RecordingError:
        found = contents(tmp_path / "out")
    assert set(found) <= {"manifest.json", "a.jsonl"} | {
        name for name in found if bundle._NAME.fullmatch(name)
    }
    assert {path.name for path in tmp_path.iterdir()} <= {"bundle.tar", "out"}

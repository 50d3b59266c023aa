"""One file of a recording: plain or packed, in its place, and never too large."""

import os
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes import open_tape, read_case_bytes, read_run
from contractcheck.cassettes.case_files import read_plain
from contractcheck.errors import RecordingError

if sys.version_info >= (3, 14):
    from compression.zstd import compress
else:
    from backports.zstd import compress


def refused(function, *arguments, **options):
    with pytest.raises(RecordingError) as error:
        function(*arguments, **options)
    return str(error.value)


def pack(path):
    """What the run store does with a sealed case."""
    data = compress(path.read_bytes())
    path.unlink()
    packed = path.with_name(path.name + ".zst")
    packed.write_bytes(data)
    return packed


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=2))
def test_packed_bytes_come_back_however_many_frames_they_are_in(tmp_path_factory, data, cuts):
    path = tmp_path_factory.mktemp("case") / "a.jsonl"
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    frames = [compress(data[a:b]) for a, b in pairwise(bounds)]
    path.with_name("a.jsonl.zst").write_bytes(b"".join(frames))
    assert read_case_bytes(path) == data


def test_a_packed_run_reads_as_the_plain_one_with_the_same_root(sealed_run):
    run = read_run(sealed_run)
    pack(sealed_run / "a.jsonl")
    assert read_run(sealed_run) == run
    tape = open_tape(sealed_run)
    assert tape.root == run.root
    assert [tape.find(x.case, x.request.digest, x.trial, x.attempt) for x in run.exchanges] == list(
        run.exchanges
    )


def test_the_plain_file_is_read_when_both_are_there(sealed_run):
    """What a kill in the middle of packing leaves."""
    run = read_run(sealed_run)
    (sealed_run / "a.jsonl.zst").write_bytes(b"half")
    assert read_run(sealed_run) == run


@pytest.mark.parametrize("read", [read_run, open_tape])
def test_a_packed_file_that_was_touched_is_named(sealed_run, read):
    packed = pack(sealed_run / "a.jsonl")
    good = packed.read_bytes()
    packed.write_bytes(good[:-3])
    assert refused(read, sealed_run).startswith(f"{packed}: was torn (its packing does not end)")
    packed.write_bytes(b"x" + good)
    assert refused(read, sealed_run).startswith(f"{packed}: cannot be unpacked (")
    packed.write_bytes(good + b"x")
    assert refused(read, sealed_run).startswith(f"{packed}: ")
    packed.write_bytes(compress(b"{}\n"))
    assert "a.jsonl: was edited or torn after sealing" in refused(read, sealed_run)
    packed.write_bytes(b"")
    assert "a.jsonl: was edited or torn after sealing" in refused(read, sealed_run)


def test_a_bomb_costs_no_more_than_the_cap(tmp_path):
    packed = tmp_path / "a.jsonl.zst"
    packed.write_bytes(compress(b"0" * 50_000_000))
    assert packed.stat().st_size < 10_000
    message = refused(read_case_bytes, tmp_path / "a.jsonl", most_bytes=1 << 20)
    assert message.startswith(f"{packed}: is larger than 1 MiB, as no recording is; ")
    assert len(read_case_bytes(tmp_path / "a.jsonl", most_bytes=50_000_000)) == 50_000_000


def test_a_plain_file_beyond_the_cap_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.touch()
    os.truncate(path, 1 << 40)  # a file with a hole: nothing on the disk, too much for a memory
    assert "is larger than 1,024 MiB" in refused(read_plain, path)


def test_a_named_pipe_is_refused_and_nobody_waits(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    assert "is no plain file" in refused(read_case_bytes, tmp_path / "a.jsonl")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst"])
def test_nothing_is_read_through_a_symbolic_link(tmp_path, name):
    (tmp_path / "elsewhere").write_bytes(b"secret")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link; recordings are plain files" in refused(
        read_case_bytes, tmp_path / "a.jsonl"
    )

"""Any byte or line of a recording, changed in any way: named, or the very same exchanges."""

import os
import shutil
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import (
    create_run,
    open_tape,
    read_header,
    read_run,
    resume_run,
    seal_run,
)
from contractcheck.cassettes.headers import encode_header
from contractcheck.errors import RecordingError
from contractcheck.model.run import RunHeader
from contractcheck.redaction import Scrubber

NOBODY = Scrubber.for_secrets([])
ENDED_AT = "2026-01-01T00:01:00+00:00"
OPEN_FILES = ["a.jsonl.part", "b.jsonl.part"]
SEALED_FILES = ["a.jsonl", "b.jsonl", "manifest.json"]
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)


@pytest.fixture(autouse=True, scope="module")
def quick_disk():
    """Hundreds of runs are written below, and none of them needs to outlive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


def insert_line(data, where, line):
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:where], line, *lines[where:]])


def drop_line(data, where):
    lines = data.splitlines(keepends=True)
    return b"".join(lines[:where] + lines[where + 1 :])


def move_line(data, source, target):
    lines = data.splitlines(keepends=True)
    line = lines.pop(source % len(lines))
    return b"".join([*lines[:target], line, *lines[target:]])


LINES = st.integers(0, 9)
FOREIGN = st.sampled_from(
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"<<<<<<< ours\n",
        b"=======\n",
        b"\xff\xfe\n",
        b'{"req":1}\n',
    ]
) | st.binary(max_size=30).map(lambda data: data + b"\n")


def at(data, place):
    return int(place * len(data))


def flip(data, place, mask):
    spot = at(data, place)
    return data[:spot] + bytes([data[spot] ^ mask]) + data[spot + 1 :]


PLACES = st.floats(0, 1, exclude_max=True)
DAMAGES = st.one_of(
    st.builds(lambda place, mask: lambda d: flip(d, place, mask), PLACES, st.integers(1, 255)),
    st.builds(lambda p, n: lambda d: d[: at(d, p)] + d[at(d, p) + n :], PLACES, st.integers(1, 200)),
    st.builds(lambda p, new: lambda d: d[: at(d, p)] + new + d[at(d, p) :], PLACES, st.binary(min_size=1, max_size=20)),
    st.builds(lambda place: lambda d: d[: at(d, place)], PLACES),
    st.builds(lambda where, line: lambda d: insert_line(d, where, line), LINES, FOREIGN),
    st.builds(lambda where: lambda d: drop_line(d, where), LINES),
    st.builds(lambda one, other: lambda d: move_line(d, one, other), LINES, LINES),
    st.builds(lambda one, other: lambda d: insert_line(d, other, (d.splitlines(keepends=True) * 10)[one]), LINES, LINES),
)  # fmt: skip
"""Bytes flipped, cut, inserted; the end torn off; lines put in, cut, moved, doubled."""


def outcome(read):
    """What a reader returned, or the words with which it refused; no other error passes."""
    try:
        return read(), None
    except RecordingError as error:
        return None, str(error)


def by_tape(folder):
    tape = open_tape(folder)
    return tuple(tape.find(case, *key) for case in tape.cases for key in tape.keys(case))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """An open and a sealed run, and what they hold."""
    return tmp_path_factory.mktemp("originals")


@pytest.fixture
def runs(originals, make_header, make_exchange):
    if not list(originals.iterdir()):
        for name in ("open", "sealed"):
            run = create_run(originals / name, make_header(), NOBODY)
            for case in "ab":
                for trial in range(3):
                    run.append(make_exchange(case, trial, b'{"answer": "%d \xc3\xa4"}' % trial))
            run.append(make_exchange("b", 3, b"\xff\x00\r\n"))
            run.close()
        seal_run(originals / "sealed", status="complete", ended_at=ENDED_AT)
    return originals


def harmed(scratch, folder, name, damage):
    copy = Path(shutil.copytree(folder, Path(scratch) / "run"))
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(damage(data))
    return copy, (copy / name).read_bytes() == data


@SETTINGS
@given(name=st.sampled_from(SEALED_FILES), damage=DAMAGES)
def test_no_damage_to_a_sealed_run_goes_unseen(runs, name, damage):
    whole = read_run(runs / "sealed")
    with tempfile.TemporaryDirectory() as scratch:
        copy, is_same = harmed(scratch, runs / "sealed", name, damage)
        for read in (lambda: read_run(copy).exchanges, lambda: by_tape(copy)):
            found, refusal = outcome(read)
            if refusal is not None:
                assert refusal.startswith(str(copy))
                assert not is_same
            else:
                # Of the manifest, JSON leaves the blanks and the order free.
                assert is_same or name == "manifest.json"
                assert set(found) == set(whole.exchanges)
                assert read_run(copy).header == whole.header


@SETTINGS
@given(name=st.sampled_from(OPEN_FILES), damage=DAMAGES)
def test_of_a_damaged_journal_only_whole_lines_at_the_end_may_be_missing(runs, name, damage):
    case = name[0]
    mine = [x for x in read_run(runs / "open").exchanges if x.case == case]
    with tempfile.TemporaryDirectory() as scratch:
        copy, _ = harmed(scratch, runs / "open", name, damage)

        def resumed():
            run = resume_run(copy, NOBODY)
            run.close()
            return run.done

        def sealed():
            seal_run(copy, status="complete", ended_at=ENDED_AT)
            return read_run(copy).exchanges

        for read in (lambda: read_run(copy).exchanges, lambda: by_tape(copy), resumed, sealed):
            found, refusal = outcome(read)
            if refusal is not None:
                assert refusal.startswith(str(copy / name))
            else:
                kept = [x for x in found if x.case == case]
                assert kept == mine[: len(kept)]


@SETTINGS
@given(damage=DAMAGES)
def test_a_damaged_plan_is_named_or_still_one(runs, damage):
    with tempfile.TemporaryDirectory() as scratch:
        copy, is_same = harmed(scratch, runs / "open", "header.json", damage)
        for read in (read_header, lambda folder: open_tape(folder).header):
            header, refusal = outcome(lambda read=read: read(copy))
            if refusal is not None:
                assert refusal.startswith(str(copy))
                assert not is_same
            else:
                assert isinstance(header, RunHeader)
                assert (
                    encode_header(header).keys()
                    <= orjson.loads((copy / "header.json").read_bytes()).keys()
                )

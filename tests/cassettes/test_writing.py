"""Several threads, either promise of the disk, and bytes that depend on nothing but the answers."""

import collections
import contextlib
import errno
import fcntl
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from contractcheck.cassettes import caps, create_run, read_run, resume_run, seal_run
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber

NOBODY = Scrubber.for_secrets([])
ENDED_AT = "2026-01-01T00:01:00+00:00"


@pytest.mark.parametrize("cases", ["a", "abcdefgh"], ids=["one journal", "a journal each"])
def test_threads_may_write_to_one_run(tmp_path, make_header, make_exchange, cases):
    threads, each = 8, 40
    run = create_run(tmp_path / "run", make_header(tuple(cases)), NOBODY)
    exchanges = [
        [make_exchange(cases[i % len(cases)], i * each + n, b"%d" % n) for n in range(each)]
        for i in range(threads)
    ]
    begin = threading.Barrier(threads)

    def work(mine):
        begin.wait()
        for exchange in mine:
            run.append(exchange)

    workers = [threading.Thread(target=work, args=(mine,)) for mine in exchanges]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(switch)
    run.close()
    expected = {x for mine in exchanges for x in mine}
    assert set(read_run(run.folder).exchanges) == expected
    seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert set(read_run(run.folder).exchanges) == expected


@pytest.fixture
def calls(monkeypatch):
    """What is asked of the disk, in order."""
    made = []

    def noting(name):
        function = getattr(os, name)

        def noted(*arguments):
            made.append(name)
            return function(*arguments)

        return noted

    for name in ("write", "fsync", "fdatasync"):
        monkeypatch.setattr(os, name, noting(name))
    return made


def test_with_close_each_exchange_is_one_write_and_the_end_is_confirmed(
    tmp_path, make_header, make_exchange, calls
):
    run = create_run(tmp_path / "run", make_header(), NOBODY, fsync="close")
    calls.clear()
    for trial in range(3):
        run.append(make_exchange("a", trial))
    assert calls == ["write"] * 4  # the first line, then one per exchange, the request with it
    run.close()
    assert calls[4:] == ["fsync", "fsync"]  # the journal, and the folder that names it


def test_with_each_every_exchange_is_confirmed_before_append_returns(
    tmp_path, make_header, make_exchange, calls
):
    run = create_run(tmp_path / "run", make_header(), NOBODY, fsync="each")
    calls.clear()
    run.append(make_exchange("a", 0))
    assert calls == ["write", "fdatasync", "fsync", "write", "fdatasync"]
    calls.clear()
    run.close()
    resumed = resume_run(run.folder, NOBODY, fsync="each")
    calls.clear()
    resumed.append(make_exchange("a", 1))
    assert calls == ["write", "fdatasync"]
    resumed.close()


def test_what_is_appended_can_be_read_by_another_at_once(tmp_path, make_header, make_exchange):
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    for trial in range(3):
        run.append(make_exchange("a", trial))
        assert [x.trial for x in read_run(run.folder).exchanges] == list(range(trial + 1))
    run.close()


def test_a_disk_that_does_not_confirm_is_named_and_keeps_what_it_has(
    tmp_path, make_header, make_exchange, monkeypatch
):
    def refuse(_descriptor):
        raise OSError(5, "Input/output error")

    run = create_run(tmp_path / "run", make_header(), NOBODY, fsync="each")
    run.append(make_exchange("a", 0))
    run.append(make_exchange("b", 0))
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, refuse)
    with pytest.raises(RecordingError, match=r"a\.jsonl\.part: cannot be written \(Input/output"):
        run.append(make_exchange("a", 1))
    with pytest.raises(RecordingError, match=r"a\.jsonl\.part: cannot be written \(Input/output"):
        run.close()
    monkeypatch.undo()
    resumed = resume_run(run.folder, NOBODY)  # so every journal and the lock were let go
    resumed.close()
    assert [(x.case, x.trial) for x in resumed.done] == [("a", 0), ("a", 1), ("b", 0)]


def test_leftovers_of_a_killed_writer_are_swept_when_the_run_goes_on(
    tmp_path, make_header, make_exchange
):
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(make_exchange("a", 0))
    run.close()
    for name in ("a.jsonl.4711.tmp", "b.jsonl.part.4711.tmp", "manifest.json.4711.tmp"):
        (run.folder / name).write_bytes(b"half")
    resume_run(run.folder, NOBODY).close()
    assert sorted(path.name for path in run.folder.iterdir()) == ["a.jsonl.part", "header.json"]


def test_nothing_is_written_through_a_symbolic_link(tmp_path, make_header, make_exchange):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    (run.folder / "a.jsonl.part").symlink_to(elsewhere)
    (run.folder / f"b.jsonl.part.{os.getpid()}.tmp").symlink_to(elsewhere)
    for case in "ab":
        with pytest.raises(RecordingError):
            run.append(make_exchange(case, 0))
    run.close()
    (run.folder / "a.jsonl.part").unlink()
    for name in ("a.jsonl", f"manifest.json.{os.getpid()}.tmp"):
        (run.folder / name).symlink_to(elsewhere)
    resumed = resume_run(run.folder, NOBODY)
    resumed.append(make_exchange("a", 0))
    resumed.close()
    seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert len(read_run(run.folder).exchanges) == 1
    assert elsewhere.read_bytes() == b"precious"
    header = tmp_path / "other" / "header.json"
    header.parent.mkdir()
    header.symlink_to(elsewhere)
    for use in (read_run, lambda folder: resume_run(folder, NOBODY)):
        with pytest.raises(RecordingError, match="is a symbolic link"):
            use(header.parent)
    link = tmp_path / "link"
    link.symlink_to(run.folder)
    with pytest.raises(RecordingError, match="link: is a symbolic link"):
        read_run(link)


SCRIPT = textwrap.dedent("""
    import sys
    from pathlib import Path
    from contractcheck.cassettes import create_run, read_run, seal_run
    from contractcheck.redaction import Scrubber
    source = read_run(Path(sys.argv[1]))
    run = create_run(Path(sys.argv[2]), source.header, Scrubber.for_secrets(["secret-1234"]))
    for exchange in {exchange: None for exchange in set(source.exchanges)}:
        run.append(exchange)
    run.close()
    seal_run(run.folder, status="complete", ended_at="2026-03-01T02:16:00+00:00")
""")


def test_the_same_answers_give_the_same_bytes_wherever_they_are_written(tmp_path):
    source = Path(__file__).parent / "formats" / "format-2" / "open"
    written = set()
    for number, surroundings in enumerate(
        (
            {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C"},
            {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "PYTHONUTF8": "0", "LC_ALL": "POSIX"},
        )
    ):
        folder = tmp_path / f"run-{number}"
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(source), str(folder)],
            env={**os.environ, **surroundings},
            check=True,
        )
        files = sorted(folder.iterdir())
        written.add(tuple((path.name, path.read_bytes()) for path in files))
    assert len(written) == 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_that_gives_no_locks_is_said_before_anybody_is_asked(
    tmp_path, make_header, make_exchange, monkeypatch, number
):
    def refuse(_descriptor, _operation):
        raise OSError(number, os.strerror(number))

    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(make_exchange("a", 0))
    run.close()
    monkeypatch.setattr(fcntl, "flock", refuse)
    for use in (
        lambda: create_run(tmp_path / "other", make_header(), NOBODY),
        lambda: resume_run(run.folder, NOBODY),
        lambda: seal_run(run.folder, status="complete", ended_at=ENDED_AT),
    ):
        with pytest.raises(RecordingError, match=r"header\.json: cannot be locked \(.*\); record"):
            use()
    assert len(read_run(run.folder).exchanges) == 1


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_manifest_that_does_not_verify_costs_no_journal(tmp_path, make_header, make_exchange):
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(make_exchange("a", 0))
    run.close()
    manifest = run.folder / "manifest.json"
    manifest.write_bytes(b"<<<<<<< HEAD\n")
    before = contents(run.folder)
    with pytest.raises(RecordingError, match=r"journals are kept; .* remove .*manifest\.json and"):
        seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert contents(run.folder) == before
    manifest.unlink()
    seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert [x.trial for x in read_run(run.folder).exchanges] == [0]


@pytest.mark.parametrize("damage", ["torn", "missing", "unnamed"])
def test_a_journal_is_removed_only_when_its_case_is_sealed(
    tmp_path, make_header, make_exchange, damage
):
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(make_exchange("a", 0))
    run.close()
    journal = run.folder / "a.jsonl.part"
    kept = journal.read_bytes()
    seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    sealed = run.folder / "a.jsonl"
    if damage == "torn":
        sealed.write_bytes(sealed.read_bytes()[:-9])
    elif damage == "missing":
        sealed.unlink()
    else:
        journal = run.folder / "b.jsonl.part"
    journal.write_bytes(kept)
    before = contents(run.folder)
    with pytest.raises(RecordingError, match="Its journals are kept"):
        seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert contents(run.folder) == before


def test_a_journal_never_outgrows_what_can_be_read_and_sealed(
    tmp_path, make_header, make_exchange, monkeypatch
):
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(make_exchange("a", 0))
    most_bytes = (run.folder / "a.jsonl.part").stat().st_size * 2
    monkeypatch.setattr(caps, "MOST_CASE_BYTES", most_bytes)
    refused = r"a\.jsonl\.part: would be larger than .* seal the run"
    with pytest.raises(RecordingError, match=refused), contextlib.closing(run):
        collections.deque((run.append(make_exchange("a", trial)) for trial in range(1, 9)), 0)
    kept = [x.trial for x in read_run(run.folder).exchanges]
    assert kept[:2] == [0, 1]
    resumed = resume_run(run.folder, NOBODY)
    resumed.append(make_exchange("b", 0))  # another case has room
    resumed.close()
    sizes = {path.name: path.stat().st_size for path in run.folder.glob("*.part")}
    assert sizes["a.jsonl.part"] <= most_bytes
    seal_run(run.folder, status="complete", ended_at=ENDED_AT)
    assert [(x.case, x.trial) for x in read_run(run.folder).exchanges] == [
        *(("a", trial) for trial in kept),
        ("b", 0),
    ]
    assert (run.folder / "a.jsonl").stat().st_size <= sizes["a.jsonl.part"]

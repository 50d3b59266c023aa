"""Every way in which a file on disk is not what was written: named, with what to do."""

import fcntl
import hashlib
import os
import re
from dataclasses import replace

import orjson
import pytest

from contractcheck.cassettes import (
    create_run,
    is_being_recorded,
    is_sealed,
    open_tape,
    read_header,
    read_run,
    resume_run,
    run_lock,
)
from contractcheck.cassettes import seal_run as seal
from contractcheck.cassettes.sealing import root_digest
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber

NOBODY = Scrubber.for_secrets([])
ENDED = {"status": "complete", "ended_at": "2026-01-01T00:01:00+00:00"}


def refused(function, *arguments, **options):
    with pytest.raises(RecordingError) as error:
        function(*arguments, **options)
    return str(error.value)


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


EDITS = {
    "edited": (lambda lines: [*lines[:3], lines[3].replace(b"a1", b"a9"), *lines[4:]], 4),
    "deleted": (lambda lines: [*lines[:2], *lines[3:]], 3),
    "first line deleted": (lambda lines: lines[1:], 1),
    "swapped": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3),
    "repeated": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
    "inserted": (lambda lines: [*lines[:2], b'{"x":1}\n', *lines[2:]], 3),
    "torn in the middle": (lambda lines: [*lines[:2], lines[2][:-9] + b"\n", *lines[3:]], 3),
    "chain recut": (lambda lines: [*lines[:2], lines[2][:-4] + b'0"}\n', *lines[3:]], 3),
    "conflict": (lambda lines: [*lines[:2], b"<<<<<<< HEAD\n", *lines[2:]], 3),
}


@pytest.mark.parametrize("use", [read_run, lambda f: resume_run(f, NOBODY), "seal"])
@pytest.mark.parametrize("edit", EDITS)
def test_an_open_journal_names_the_line_that_was_touched(open_run, edit, use):
    change, line = EDITS[edit]
    part = open_run / "a.jsonl.part"
    part.write_bytes(b"".join(change(lines_of(part))))
    before = part.read_bytes()
    if use == "seal":
        message = refused(seal, open_run, status="complete", ended_at="x")
    else:
        message = refused(use, open_run)
    assert message.startswith(f"{part}:{line}: ")
    assert re.search(r"restore the file, or delete the run|take one side whole", message)
    assert part.read_bytes() == before
    assert not is_sealed(open_run)


def test_a_torn_last_line_is_dropped_and_the_file_goes_on(open_run, make_exchange):
    part = open_run / "a.jsonl.part"
    part.write_bytes(part.read_bytes()[:-7])
    assert [x.trial for x in read_run(open_run, cases=["a"]).exchanges] == [0, 1]
    run = resume_run(open_run, NOBODY)
    assert sorted((x.case, x.trial) for x in run.done) == [
        ("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2),
    ]  # fmt: skip
    run.append(make_exchange("a", 2))
    run.close()
    assert [x.trial for x in read_run(open_run, cases=["a"]).exchanges] == [0, 1, 2]


@pytest.mark.parametrize("use", [read_run, open_tape, lambda f: resume_run(f, NOBODY), "seal"])
@pytest.mark.parametrize("kept_bytes", [0, 20])
def test_an_empty_journal_is_never_one_in_which_nothing_was_recorded(open_run, use, kept_bytes):
    part = open_run / "a.jsonl.part"
    part.write_bytes(part.read_bytes()[:kept_bytes])
    if use == "seal":
        message = refused(seal, open_run, status="complete", ended_at="x")
    else:
        message = refused(use, open_run)
    assert message.startswith(f"{part}:1: is empty or cut before the end of its first line")
    assert message.endswith("restore it, or delete it to record its case again")
    assert part.stat().st_size == kept_bytes
    assert [x.case for x in read_run(open_run, cases=["b"]).exchanges] == ["b"] * 3


def test_a_journal_moved_to_another_case_or_run_is_named(open_run, tmp_path, make_header):
    (open_run / "b.jsonl.part").rename(open_run / "c.jsonl.part")
    assert "does not belong to case 'c'" in refused(read_run, open_run)
    other = create_run(tmp_path / "other", make_header(id="20260102t000000z-test"), NOBODY)
    other.close()
    (open_run / "a.jsonl.part").rename(other.folder / "a.jsonl.part")
    assert "the file was moved" in refused(resume_run, other.folder, NOBODY)


def test_whoever_only_looks_stops_no_recording(open_run, monkeypatch):
    """Looking takes a shared lock for a moment; a recording that begins meanwhile waits for it."""
    looks = os.open(open_run / "header.json", os.O_RDONLY)
    fcntl.flock(looks, fcntl.LOCK_SH)
    # The look is over when the recording waits, however busy the machine is.
    monkeypatch.setattr(run_lock.time, "sleep", lambda _seconds: os.close(looks))
    run = resume_run(open_run, NOBODY)
    assert is_being_recorded(open_run)
    run.close()
    assert not is_being_recorded(open_run)


def test_a_folder_without_an_open_run_is_not_being_recorded(open_run):
    seal(open_run, **ENDED)
    assert not is_being_recorded(open_run)
    assert not is_being_recorded(open_run / "nothing")


def test_a_second_writer_is_told_and_the_first_goes_on(open_run, make_exchange):
    first = resume_run(open_run, NOBODY)
    first.append(make_exchange("a", 7))
    for use in (lambda: resume_run(open_run, NOBODY), lambda: seal(open_run, **ENDED)):
        message = refused(use)
        assert message.endswith("another process is recording this run; wait for it, then resume")
    first.append(make_exchange("a", 9))
    first.close()
    assert [x.trial for x in read_run(open_run, cases=["a"]).exchanges] == [0, 1, 2, 7, 9]
    assert not is_sealed(open_run)


def test_a_writer_that_comes_back_sees_that_another_was_there(open_run, make_exchange):
    first = resume_run(open_run, NOBODY)
    first.append(make_exchange("a", 7))
    first.close()
    second = resume_run(open_run, NOBODY)
    second.append(make_exchange("a", 8))
    second.close()
    assert "is not as this process left it: another process writes to it" in refused(
        first.append, make_exchange("a", 9)
    )
    first.close()
    assert [x.trial for x in read_run(open_run, cases=["a"]).exchanges] == [0, 1, 2, 7, 8]


def test_a_journal_that_is_removed_while_it_is_written_is_missed(open_run, make_exchange):
    run = resume_run(open_run, NOBODY)
    run.append(make_exchange("a", 7))
    (open_run / "a.jsonl.part").unlink()
    assert "is not as this process left it" in refused(run.append, make_exchange("a", 8))
    run.close()


def test_what_is_recorded_is_not_recorded_again(open_run, make_exchange):
    before = (open_run / "a.jsonl.part").read_bytes()
    run = resume_run(open_run, NOBODY)
    message = refused(run.append, make_exchange("a", 1))
    assert "trial 1, attempt 0 of this request is recorded already" in message
    run.close()
    assert (open_run / "a.jsonl.part").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"error": "\ud800"}, "surrogates"),
        ({"end_us": 2**70}, "64-bit"),
        ({"response": "short"}, "the chunks do not add up to the body"),
    ],
)
def test_what_could_not_be_read_again_is_never_written(open_run, make_exchange, change, words):
    if "response" in change:
        change = {"response": replace(make_exchange().response, chunk_bytes=(1,))}
    before = (open_run / "a.jsonl.part").read_bytes()
    run = resume_run(open_run, NOBODY)
    message = refused(run.append, make_exchange("a", 5, **change))
    assert words in message
    assert message.endswith("please report this")
    run.close()
    assert (open_run / "a.jsonl.part").read_bytes() == before


@pytest.mark.parametrize("break_truncate", [False, True])
def test_half_a_line_on_a_full_disk_never_has_a_successor(
    open_run, make_exchange, monkeypatch, break_truncate
):
    run = resume_run(open_run, NOBODY)
    write = os.write
    left_bytes = 30

    def fill(descriptor, data):
        nonlocal left_bytes
        if not left_bytes:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[:left_bytes])
        left_bytes -= written
        return written

    def refuse(_descriptor, _length):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill)
        if break_truncate:
            patch.setattr(os, "ftruncate", refuse)
        message = refused(run.append, make_exchange("a", 5))
    assert message.startswith(f"{open_run / 'a.jsonl.part'}: cannot be written (")
    assert message.endswith("mend the disk, then resume the run")
    if break_truncate:
        refused(run.append, make_exchange("a", 6))
    else:
        run.append(make_exchange("a", 6))
    run.close()
    kept = [0, 1, 2] if break_truncate else [0, 1, 2, 6]
    assert [x.trial for x in read_run(open_run, cases=["a"]).exchanges] == kept


SEALED = {
    "edited": (lambda p: p.write_bytes(p.read_bytes().replace(b"a1", b"a9")), "was edited or torn"),
    "dropped tail": (lambda p: p.write_bytes(b"".join(lines_of(p)[:-1])), "was edited or torn"),
    "torn": (lambda p: p.write_bytes(p.read_bytes()[:-3]), "was edited or torn"),
    "empty": (lambda p: p.write_bytes(b""), "was edited or torn"),
    "removed": (lambda p: p.unlink(), "is missing"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "is no plain file"),
    "conflict": (
        lambda p: p.write_bytes(b"<<<<<<< ours\n" + p.read_bytes()),
        "holds a merge conflict; take one side whole",
    ),
}


@pytest.mark.parametrize("damage", SEALED)
def test_a_sealed_file_that_was_touched_is_named_with_the_remedy(sealed_run, damage):
    harm, words = SEALED[damage]
    path = sealed_run / "a.jsonl"
    harm(path)
    message = refused(read_run, sealed_run)
    assert message.startswith(f"{path}: {words}")
    if damage != "conflict":
        assert "restore it from another copy" in message
        assert message.endswith("the run store is not), or delete its run and record again")
    assert read_run(sealed_run, cases=["b"]).exchanges


@pytest.mark.parametrize("name", ["a.jsonl", "manifest.json"])
def test_a_symbolic_link_is_refused(sealed_run, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (sealed_run / name).rename(elsewhere)
    (sealed_run / name).symlink_to(elsewhere)
    assert "is a symbolic link; recordings are plain files" in refused(read_run, sealed_run)


def rewrite_manifest(folder, change, *, with_root):
    path = folder / "manifest.json"
    document = orjson.loads(path.read_bytes())
    change(document)
    if with_root:
        document["root"] = root_digest(document["header"], document["files"])
    path.write_bytes(orjson.dumps(document))
    return path


@pytest.mark.parametrize(
    "name",
    ["../a.jsonl", "/etc/hostname", "..", "a\\b.jsonl", "nights/a.jsonl", "A.jsonl", "a.json", ""],
)
def test_a_manifest_cannot_name_files_elsewhere(sealed_run, name):
    def change(document):
        document["files"][name] = "0" * 64

    path = rewrite_manifest(sealed_run, change, with_root=True)
    assert refused(read_run, sealed_run).startswith(
        f"{path}: {name!r} is not the name of a recording"
    )


@pytest.mark.parametrize(
    ("change", "with_root", "words"),
    [
        (lambda d: d["files"].pop("a.jsonl"), False, "was edited after sealing (root digest"),
        (lambda d: d["header"].update(night="2027-01-01"), False, "was edited after sealing"),
        (lambda d: d.pop("header"), False, "header or files are missing"),
        (lambda d: d.update(format=4), False, "format 4; this version reads up to 3: upgrade"),
        (lambda d: d.update(format=None), False, "format None; this version reads up to 3"),
        (lambda d: d["header"].pop("suite"), True, "the run header is damaged (KeyError: 'suite')"),
        (lambda d: d["header"].update(status="ok"), True, "'ok' is no status of a run"),
        (lambda d: d["header"].update(cases=[]), True, "the run header is damaged"),
    ],
)
def test_a_manifest_that_was_touched_is_named(sealed_run, change, with_root, words):
    path = rewrite_manifest(sealed_run, change, with_root=with_root)
    for read in (read_run, read_header):
        assert refused(read, sealed_run).startswith(f"{path}: ")
        assert words in refused(read, sealed_run)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b'{"format": 1', "not JSON"),
        (b"[]", "expected a JSON object"),
        (b"{\n<<<<<<< ours\n}", "holds a merge conflict; take one side whole"),
    ],
)
@pytest.mark.parametrize("name", ["manifest.json", "header.json"])
def test_a_torn_header_or_manifest_is_named(request, data, words, name):
    folder = request.getfixturevalue("sealed_run" if name == "manifest.json" else "open_run")
    (folder / name).write_bytes(data)
    assert refused(read_run, folder).startswith(f"{folder / name}: {words}")


def test_a_run_without_its_manifest_says_which_file_to_restore(sealed_run, tmp_path):
    (sealed_run / "manifest.json").unlink()
    message = refused(read_run, sealed_run)
    assert message.startswith(f"{sealed_run}: no run here (neither manifest.json nor header.json)")
    assert "restore it from another copy" in message
    assert "no run here" in refused(read_header, tmp_path / "nowhere")


def reseal(folder, case, change):
    """Edit a line and every digest with it, as somebody who knows the format would."""
    path = folder / f"{case}.jsonl"
    lines = [orjson.loads(line) for line in lines_of(path)]
    change(lines)
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    path.write_bytes(data)

    def update(document):
        document["files"][path.name] = hashlib.sha256(data).hexdigest()

    rewrite_manifest(folder, update, with_root=True)
    return path


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda rows: rows[0].update(format=9), 1, "format 9; this version reads up to 3"),
        (lambda rows: rows[0].update(case="z"), 1, "does not belong to case 'a' of run"),
        (lambda rows: rows[2].update(trial="x"), 3, "expected an integer, got 'x'"),
        (lambda rows: rows[2].pop("ended"), 3, "'ended' is missing"),
        (lambda rows: rows[2].update(ended="well"), 3, "'well' is no way in which a body ends"),
        (lambda rows: rows[2].update(res="unknown"), 3, "exchange of an unknown request 'unknown'"),
        (lambda rows: rows[2].update(chunk_bytes=[1]), 3, "the chunks do not add up to the body"),
        (lambda rows: rows[2].update(body={"b64": "?"}), 3, "damaged line"),
        (lambda rows: rows[2].update(body=5), 3, "a body is neither text nor base64"),
        (lambda rows: rows[2].update(trial=True), 3, "expected an integer, got True"),
        (lambda rows: rows[2].update(via=None), 3, "expected a text, got None"),
        (lambda rows: rows[2].update(note=[]), 3, "expected a text, got a list"),
        (lambda rows: rows[2].update(headers=["ab"]), 3, "a header is not a pair of name"),
        (lambda rows: rows[2].update(headers=[["a", 7]]), 3, "a header is not a pair of name"),
        (lambda rows: rows[2].update(headers=5), 3, "expected a list of headers"),
        (lambda rows: rows[1].pop("url"), 2, "'url' is missing"),
        (lambda rows: rows.insert(3, {}), 4, "'res' is missing"),
    ],
)
def test_lines_that_make_no_sense_are_named_even_with_true_digests(sealed_run, change, line, words):
    path = reseal(sealed_run, "a", change)
    message = refused(read_run, sealed_run)
    assert message.startswith(f"{path}:{line}: ")
    assert words in message


def test_an_answer_may_talk_of_merge_conflicts(tmp_path, make_header, make_exchange):
    body = b"You see <<<<<<< HEAD and\n<<<<<<< ours\n>>>>>>> theirs\n"
    exchange = make_exchange("a", 0, body)
    run = create_run(tmp_path / "run", make_header(), NOBODY)
    run.append(exchange)
    run.close()
    assert read_run(run.folder).exchanges == (exchange,)
    seal(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    assert read_run(run.folder).exchanges == (exchange,)


def test_a_run_is_never_started_over_another_nor_resumed_when_sealed(sealed_run, make_header):
    assert "exists already" in refused(create_run, sealed_run, make_header(), NOBODY)
    assert "does not change any more" in refused(resume_run, sealed_run, NOBODY)
    (sealed_run.parent / "file").write_bytes(b"")
    assert "cannot be made" in refused(
        create_run, sealed_run.parent / "file" / "run", make_header(), NOBODY
    )

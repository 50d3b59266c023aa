"""A tape holds where lines begin, and gives what a reader of the whole run would."""

import hashlib
from dataclasses import replace

import orjson
import pytest

from contractcheck.cassettes import create_run, open_tape, read_run, seal_run
from contractcheck.cassettes.sealing import root_digest
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber


def refused(function, *arguments):
    with pytest.raises(RecordingError) as error:
        function(*arguments)
    return str(error.value)


def reseal(folder, data):
    """Put other bytes in the place of case ``a``, with true digests."""
    (folder / "a.jsonl").write_bytes(data)
    path = folder / "manifest.json"
    manifest = orjson.loads(path.read_bytes())
    manifest["files"]["a.jsonl"] = hashlib.sha256(data).hexdigest()
    manifest["root"] = root_digest(manifest["header"], manifest["files"])
    path.write_bytes(orjson.dumps(manifest))


@pytest.mark.parametrize("state", ["open_run", "sealed_run"])
def test_only_the_cases_asked_for_are_read(request, state):
    folder = request.getfixturevalue(state)
    (part,) = folder.glob("a.jsonl*")
    part.write_bytes(b"damaged")
    tape = open_tape(folder, cases=["b"])
    assert tape.cases == ("b",)
    assert list(tape.keys("b")) == [("digest-b", trial, 0) for trial in range(3)]
    assert list(tape.keys("a")) == []
    assert tape.requests("a") == {}


def test_bodies_are_decoded_when_they_are_asked_for_and_not_before(sealed_run):
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines(keepends=True)
    broken = lines[3].replace(b'"ended":"eof"', b'"ended":"odd"')
    reseal(sealed_run, b"".join([*lines[:3], broken, *lines[4:]]))
    tape = open_tape(sealed_run)
    assert tape.find("a", "digest-a", 0, 0).response.body == b'{"answer": "a0"}'
    assert refused(tape.find, "a", "digest-a", 1, 0) == (
        f"{sealed_run / 'a.jsonl'}:4: damaged line: 'odd' is no way in which a body ends"
    )
    assert tape.find("a", "digest-a", 2, 0) is not None


@pytest.mark.parametrize("state", ["open_run", "sealed_run"])
def test_a_case_of_ordinary_size_is_decoded_as_a_whole_when_it_is_first_asked_for(request, state):
    folder = request.getfixturevalue(state)
    exchanges = [x for x in read_run(folder).exchanges if x.case == "a"]
    tape = open_tape(folder)
    assert tape.find("a", "digest-a", 2, 0) == exchanges[2]
    assert tape.find("a", "digest-a", 2, 0) == exchanges[2]
    (path,) = folder.glob("a.jsonl*")
    path.rename(path.with_name("moved"))
    assert [tape.find("a", "digest-a", trial, 0) for trial in (0, 1)] == exchanges[:2]


def test_a_case_that_was_played_makes_room_for_the_next_one(sealed_run):
    tape = open_tape(sealed_run)
    shared = tape._reels["a"].shared
    most_bytes = shared.ahead_bytes
    for case in ("a", "b"):
        left_bytes = []
        for key in tape.keys(case):
            assert tape.find(case, *key) is not None
            left_bytes.append(shared.ahead_bytes)
        size_bytes = sum(len(x.response.body) for x in read_run(sealed_run, cases=[case]).exchanges)
        assert left_bytes == [most_bytes - size_bytes, most_bytes - size_bytes, most_bytes]
    assert tape.find("a", "digest-a", 0, 0) is not None  # once more, and counted once
    assert shared.ahead_bytes == most_bytes


def test_a_case_of_damaged_lines_takes_no_room(sealed_run):
    data = (sealed_run / "a.jsonl").read_bytes()
    reseal(sealed_run, data.replace(b'"ended":"eof"', b'"ended":"odd"'))
    tape = open_tape(sealed_run)
    shared = tape._reels["a"].shared
    most_bytes = shared.ahead_bytes
    assert "'odd' is no way in which a body ends" in refused(tape.find, "a", "digest-a", 1, 0)
    assert shared.ahead_bytes == most_bytes


def test_a_recorded_request_is_not_read_when_an_equal_one_is_at_hand(sealed_run):
    recorded = open_tape(sealed_run).find("a", "digest-a", 1, 0)
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines(keepends=True)
    broken = lines[1].replace(b'"method":"POST"', b'"method":7')
    assert broken != lines[1]
    reseal(sealed_run, b"".join([lines[0], broken, *lines[2:]]))
    tape = open_tape(sealed_run)
    sent = replace(recorded.request, digest="of-another-rule")
    assert tape.find("a", "digest-a", 1, 0, sent) == replace(recorded, request=sent)
    for read in (tape.find, lambda case, *_: tape.requests(case)):
        assert refused(read, "a", "digest-a", 1, 0) == (
            f"{sealed_run / 'a.jsonl'}:2: damaged line: expected a text, got 7"
        )


def test_a_line_that_names_two_requests_is_no_exchange_of_either(sealed_run):
    first = open_tape(sealed_run).requests("a")["digest-a"]
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines(keepends=True)
    other = lines[1].replace(b"digest-a", b"digest-x")
    double = lines[3].replace(b'"ended":', b'"res":"digest-x","ended":')
    reseal(sealed_run, b"".join([*lines[:2], other, lines[2], double, *lines[4:]]))
    for sent in (None, first):
        text = refused(open_tape(sealed_run).find, "a", "digest-a", 1, 0, sent)
        assert "exchange of an unknown request 'digest-x'" in text


def test_lines_spelt_otherwise_are_found_too(sealed_run):
    """Whoever writes recordings with another tool may order members as they like."""
    run = read_run(sealed_run)
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines()
    turned = [orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS) for line in lines]
    reseal(sealed_run, b"\n".join(turned) + b"\n")
    tape = open_tape(sealed_run)
    mine = [x for x in run.exchanges if x.case == "a"]
    assert [tape.find("a", *key) for key in tape.keys("a")] == mine


def test_a_line_that_says_twice_what_it_is_is_no_other_exchange(sealed_run):
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines(keepends=True)
    double = lines[3].replace(b'"ended":', b'"trial":7,"ended":')
    reseal(sealed_run, b"".join([*lines[:3], double, *lines[4:]]))
    tape = open_tape(sealed_run)
    assert refused(tape.find, "a", "digest-a", 1, 0) == (
        f"{sealed_run / 'a.jsonl'}:4: damaged line: a member stands there twice"
    )


@pytest.mark.parametrize("prefix", ["", " "])
def test_the_same_exchange_twice_is_refused_by_every_reader(sealed_run, prefix):
    data = (sealed_run / "a.jsonl").read_bytes()
    line = data.splitlines()[2]
    reseal(sealed_run, data + prefix.encode() + line + b"\n")
    for read in (read_run, open_tape):
        assert refused(read, sealed_run) == (
            f"{sealed_run / 'a.jsonl'}:6: damaged line: trial 0, attempt 0 of this request stands "
            "in the file already"
        )


@pytest.mark.parametrize("line", [b"{}", b'{"res":5}', b'{"res":"d","trial":"x"}', b"[" * 2000])
def test_a_line_that_is_nothing_is_named_when_the_tape_is_opened(sealed_run, line):
    data = (sealed_run / "a.jsonl").read_bytes()
    reseal(sealed_run, data + line + b"\n")
    for read in (read_run, open_tape):
        assert refused(read, sealed_run).startswith(f"{sealed_run / 'a.jsonl'}:6: ")


def test_an_exchange_without_its_request_is_named(sealed_run):
    lines = (sealed_run / "a.jsonl").read_bytes().splitlines(keepends=True)
    reseal(sealed_run, b"".join([lines[0], *lines[2:]]))
    tape = open_tape(sealed_run)
    assert "exchange of an unknown request 'digest-a'" in refused(tape.find, "a", "digest-a", 0, 0)


@pytest.mark.parametrize("state", ["open_run", "sealed_run"])
def test_a_file_that_changes_after_it_was_verified_is_not_read(request, state):
    folder = request.getfixturevalue(state)
    (path,) = folder.glob("a.jsonl*")
    tape = open_tape(folder)
    path.write_bytes(path.read_bytes().replace(b"a1", b"a9"))
    assert refused(tape.find, "a", "digest-a", 1, 0) == (
        f"{path}: changed after it was verified; open the recording again"
    )
    path.unlink()
    assert f"{path}: is missing" in refused(tape.find, "a", "digest-a", 1, 0)
    assert tape.find("b", "digest-b", 1, 0) is not None


def test_a_tape_of_a_linked_folder_is_refused(sealed_run, open_run, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(sealed_run)
    for read in (read_run, open_tape):
        assert "link: is a symbolic link; name the folder it leads to" in refused(read, link)


def test_a_tape_holds_little_of_what_it_can_give(tmp_path, make_header, make_exchange):
    import tracemalloc

    count, body = 1000, b"x" * 4000
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([]))
    for trial in range(count):
        run.append(make_exchange("a", trial, body))
    run.close()
    seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    tracemalloc.start()
    try:
        tape = open_tape(run.folder)
        held_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(tape.keys("a")) == count
    assert held_bytes < 0.1 * count * len(body)
    assert peak_bytes < 0.4 * count * len(body)

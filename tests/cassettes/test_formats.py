"""Every format that was ever released loads for ever, and the present one never wavers."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from contractcheck.cassettes import (
    create_run,
    open_tape,
    read_header,
    read_run,
    resume_run,
    seal_run,
)
from contractcheck.cassettes.upgrade import FORMAT, upgraded
from contractcheck.redaction import Scrubber

FORMATS = Path(__file__).parent / "formats"
CASSETTES = Path(__file__).parents[2] / "cassettes"
NOBODY = Scrubber.for_secrets([])
ENDED_AT = "2026-03-01T02:16:00+00:00"
FIRST_ROOT = "63298fc48839d18e455a73bc6592f7341c0670f2e199a23a3595645ef3acb9f3"
SECOND_ROOT = "0bead5f4617e9d8ef0791ed6309e8201599ebe744db90b738ea750dcccb09a41"


@pytest.fixture
def first(tmp_path):
    """Runs as the first format wrote them, to be worked on."""
    return Path(shutil.copytree(FORMATS / "format-1", tmp_path / "format-1"))


def rows(exchanges):
    """What distinguishes the exchanges of the fixtures."""
    return [
        (x.case, x.trial, x.attempt, x.ended, x.error, x.response and len(x.response.body))
        for x in exchanges
    ]


FIRST_ROWS = [
    ("refund", 0, 0, "eof", None, 33),
    ("refund", 0, 1, "eof", None, 18),
    ("refund", 1, 0, "eof", None, 34),
    ("refund", 2, 0, "error", "ConnectError", None),
    ("stream-1.v2", 0, 0, "eof", None, 23),
    ("stream-1.v2", 1, 0, "closed", None, 9),
    ("stream-1.v2", 2, 0, "error", "RemoteProtocolError", 256),
]


@pytest.mark.parametrize("state", ["sealed", "open"])
def test_the_first_format_loads_as_it_was_recorded(state):
    run = read_run(FORMATS / "format-1" / state)
    assert rows(run.exchanges) == FIRST_ROWS
    assert run.header.target.id == "openai:gpt-sim-mini-2026-03-01"
    assert run.header.cases["stream-1.v2"].parts == {"messages": "m-stream-1.v2"}
    second = run.exchanges[1]
    assert second.request.body == (
        '{"messages":[{"role":"user","content":"Wo ist mein Geld? €"}],"model":"m"}'.encode()
    )
    assert second.response.headers == (
        ("Content-Type", "application/json"),
        ("x-request-id", "req_1"),
        ("X-Request-Id", "req_2"),
    )
    assert list(second.response.chunks()) == [b'{"priorit', b'y":"low"}']
    assert second.response.chunk_times_us == (214377, 215377)
    assert (second.waited_us, second.headers_us, second.end_us) == (812, 214003, 655120)
    assert run.exchanges[-1].response.body == bytes(range(256))
    assert {
        (x.held_us, x.via, x.note, x.response and x.response.reason) for x in run.exchanges
    } == {
        (0, "", "", ""),
        (0, "", "", None),
    }


@pytest.mark.parametrize("state", ["sealed", "open"])
def test_a_tape_plays_the_first_format(state):
    folder = FORMATS / "format-1" / state
    tape = open_tape(folder)
    run = read_run(folder)
    assert tape.root == run.root
    assert [tape.find(x.case, x.request.digest, x.trial, x.attempt) for x in run.exchanges] == list(
        run.exchanges
    )


def test_the_root_of_the_first_format_stays_what_was_accepted():
    folder = FORMATS / "format-1" / "sealed"
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert read_run(folder).root == FIRST_ROOT
    assert set(files) == {"manifest.json", "refund.jsonl", "stream-1.v2.jsonl"}


def test_an_interrupted_run_of_the_first_format_goes_on_in_the_present_one(first):
    folder = first / "open"
    before = read_run(folder).exchanges
    run = resume_run(folder, NOBODY)
    assert set(run.done) == set(before)
    added = replace(before[0], trial=3, via="httpx2", held_us=5)
    run.append(added)
    run.close()
    assert b'"format":3' in (folder / "refund.jsonl.part").read_bytes()
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    assert set(read_run(folder).exchanges) == {*before, added}


def test_sealing_a_run_of_the_first_format_writes_the_present_one(first):
    folder = first / "open"
    before = read_run(folder).exchanges
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    assert (
        (folder / "refund.jsonl")
        .read_bytes()
        .startswith(b'{"contractcheck":"cassette","format":3,')
    )
    assert read_run(folder).exchanges == before


def test_every_reference_night_that_is_shipped_loads():
    folders = sorted(CASSETTES.glob("*/*/reference-*"))
    assert len(folders) >= 4
    for folder in folders:
        run = read_run(folder)
        assert run.header == read_header(folder)
        tape = open_tape(folder)
        assert len(run.exchanges) == sum(len(tape.keys(case)) for case in tape.cases) > 0


def test_an_upgrade_changes_nothing_that_was_there():
    line = {"res": "d", "status": 200, "trial": 1}
    assert upgraded(line, FORMAT) is line
    assert line.items() <= upgraded(line, 1).items()
    request = {"req": "d", "url": "u"}
    assert upgraded(request, 1) == request


def record_again(folder, source):
    """Write what a run holds with the writer of today."""
    run = create_run(folder, replace(source.header, status="interrupted", ended_at=None), NOBODY)
    for exchange in source.exchanges:
        run.append(exchange)
    run.close()
    return folder


def test_the_present_format_is_written_byte_for_byte_as_ever(tmp_path):
    """Fails when a change moves a byte: that is a new format, with an upgrade and a fixture."""
    kept = FORMATS / f"format-{FORMAT}"
    again = record_again(tmp_path / "open", read_run(kept / "open"))
    for path in (kept / "open").iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()
    seal_run(again, status="complete", ended_at=ENDED_AT)
    assert sorted(p.name for p in again.iterdir()) == sorted(
        p.name for p in (kept / "sealed").iterdir()
    )
    for path in (kept / "sealed").iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_the_second_format_keeps_what_the_first_did_not():
    exchanges = read_run(FORMATS / "format-2" / "sealed").exchanges
    assert rows(exchanges) == FIRST_ROWS
    assert {x.via for x in exchanges} == {"httpx2", "aiohttp"}
    assert [x.held_us for x in exchanges] == [0, 10, 10, 20, 0, 10, 20]
    assert [x.response.reason for x in exchanges if x.response] == [
        "Too Many Requests", "OK", "OK", "OK", "", "Grüße",
    ]  # fmt: skip
    assert exchanges[-1].note == "body left out"


@pytest.mark.parametrize("state", ["sealed", "open"])
def test_the_second_format_loads_as_it_was_recorded(state):
    before, after = (read_run(FORMATS / f"format-{n}" / state).exchanges for n in (2, 3))
    assert rows(before) == FIRST_ROWS
    assert before == tuple(x for x in after if x.trial < 3)
    assert open_tape(FORMATS / "format-2" / "sealed").root == SECOND_ROOT


@pytest.mark.parametrize("state", ["sealed", "open"])
def test_the_third_format_spells_a_stream_in_parts(state):
    folder = FORMATS / "format-3" / state
    (path,) = folder.glob("stream-1.v2.jsonl*")
    line = path.read_bytes().splitlines()[-1]
    assert b'"," refund"," of"," 5"," \xe2\x82\xac"," is",' in line
    assert line.count(b"chat.completion.chunk") == 3  # the first event, the joint, the last one
    streamed = read_run(folder).exchanges[-1]
    assert streamed == open_tape(folder).find(
        streamed.case, streamed.request.digest, streamed.trial, streamed.attempt
    )
    events = list(streamed.response.chunks())
    assert [event[:6] for event in events] == [b"data: "] * 13
    told = [json.loads(event[6:])["choices"][0]["delta"] for event in events[:-1]]
    assert (
        "".join(delta.get("content", "") for delta in told) == "Your refund of 5 € is on its way."
    )
    assert events[-1] == b"data: [DONE]\n\n"

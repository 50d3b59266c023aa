import os
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

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
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.redaction import Scrubber

ENDED_AT = "2026-01-01T00:01:00+00:00"
NO_SECRETS = Scrubber.for_secrets([])

# Wire header values are ISO 8859-1; whatever looks like a key is redaction's business.
LATIN = st.text(st.characters(max_codepoint=255), max_size=12)
HEADERS = st.lists(st.tuples(LATIN, LATIN), max_size=3).map(tuple)
MICROSECONDS = st.integers(0, 10**12)
STREAMS = st.lists(st.text('ab "é\n', max_size=4), min_size=5, max_size=12).map(
    lambda words: "".join(f'data: {{"id": "c-1", "text": "{word}"}}\n\n' for word in words)
)
BODIES = st.binary(max_size=80) | (st.text(max_size=40) | STREAMS).map(
    lambda text: text.encode(errors="replace")
)


@pytest.fixture(autouse=True, scope="module")
def quick_disk():
    """Hundreds of runs are written below, and none of them needs to outlive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@st.composite
def responses(draw):
    body = draw(BODIES)
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    bounds = [0, *cuts, len(body)]
    lengths = tuple(end - start for start, end in pairwise(bounds))
    times = draw(st.lists(MICROSECONDS, min_size=len(lengths), max_size=len(lengths)))
    return Response(
        status=draw(st.integers(100, 599)),
        reason=draw(LATIN),
        http_version=draw(st.sampled_from(["HTTP/1.1", "HTTP/2"])),
        headers=draw(HEADERS),
        body=body,
        chunk_bytes=lengths,
        chunk_times_us=tuple(sorted(times)),
    )


@st.composite
def runs(draw):
    requests = [
        Request(
            method="POST",
            url=draw(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)),
            headers=draw(HEADERS),
            body=draw(BODIES),
            digest=f"{number:032x}",
        )
        for number in range(2)
    ]
    exchanges = []
    keys = st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2))
    for case, trial, attempt in draw(st.lists(keys, max_size=6, unique=True)):
        response = draw(st.none() | responses())
        exchanges.append(
            Exchange(
                case=case,
                trial=trial,
                attempt=attempt,
                request=draw(st.sampled_from(requests)),
                response=response,
                started_at="2026-01-01T00:00:00+00:00",
                waited_us=draw(MICROSECONDS),
                headers_us=None if response is None else draw(MICROSECONDS),
                end_us=draw(MICROSECONDS),
                ended=draw(st.sampled_from(["eof", "closed", "error"])),
                error=draw(st.none() | st.just("ReadTimeout")),
                lag_us=draw(MICROSECONDS),
                held_us=draw(MICROSECONDS),
                via=draw(st.sampled_from(["", "httpx2", "aiohttp"])),
                note=draw(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)),
            )
        )
    return exchanges


def on_tape(folder):
    """All that a tape holds, found one by one."""
    tape = open_tape(folder)
    found = [tape.find(case, *key) for case in tape.cases for key in tape.keys(case)]
    named = {(case, digest) for case in tape.cases for digest in tape.requests(case)}
    assert named == {(x.case, x.request.digest) for x in found}
    assert all(tape.requests(x.case)[x.request.digest] == x.request for x in found)
    assert tape.find("a", "0" * 32, 9, 9) is None
    assert tape.find("none", "0" * 32, 0, 0) is None
    return in_order(found)


def in_order(exchanges):
    return tuple(sorted(exchanges, key=lambda x: (x.case, x.trial, x.attempt)))


def record(folder, header, exchanges):
    run = create_run(folder, header, NO_SECRETS)
    for exchange in exchanges:
        run.append(exchange)
    run.close()


def sealed_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@SETTINGS
@given(exchanges=runs())
def test_any_exchange_comes_back_from_the_journal_and_from_the_seal(make_header, exchanges):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        header = make_header()
        record(folder, header, exchanges)
        assert read_run(folder).exchanges == in_order(exchanges)
        assert read_run(folder).root is None
        assert on_tape(folder) == in_order(exchanges)
        assert open_tape(folder).root is None
        root = seal_run(folder, status="complete", ended_at=ENDED_AT)
        run = read_run(folder)
        assert run.exchanges == in_order(exchanges)
        assert run.header == replace(header, status="complete", ended_at=ENDED_AT)
        assert read_header(folder) == run.header
        assert run.root == root
        assert on_tape(folder) == in_order(exchanges)
        assert open_tape(folder).header == run.header
        assert open_tape(folder).root == root


@SETTINGS
@given(exchanges=runs(), data=st.data())
def test_sealed_bytes_do_not_depend_on_the_order_of_arrival(make_header, exchanges, data):
    shuffled = data.draw(st.permutations(exchanges))
    with tempfile.TemporaryDirectory() as scratch:
        roots = []
        for name, order in (("one", exchanges), ("two", shuffled)):
            folder = Path(scratch) / name
            record(folder, make_header(), order)
            seal_run(folder, status="complete", ended_at=ENDED_AT)
            roots.append(sealed_bytes(folder))
        assert roots[0] == roots[1]


@SETTINGS
@given(exchanges=runs(), cut=st.floats(0, 1))
def test_a_journal_cut_anywhere_keeps_whole_lines_and_goes_on(make_header, exchanges, cut):
    """What a kill leaves: resumed and completed, the run is the uninterrupted one."""
    with tempfile.TemporaryDirectory() as scratch:
        whole, torn = Path(scratch) / "whole", Path(scratch) / "torn"
        record(whole, make_header(), exchanges)
        record(torn, make_header(), exchanges)
        for part in torn.glob("*.part"):
            data = part.read_bytes()
            first = data.index(b"\n") + 1  # put there in one piece, so no kill cuts it
            part.write_bytes(data[: first + int(cut * (len(data) - first))])
        resumed = resume_run(torn, NO_SECRETS)
        assert set(resumed.done) <= set(exchanges)
        for exchange in exchanges:
            if exchange not in resumed.done:
                resumed.append(exchange)
        resumed.close()
        for folder in (whole, torn):
            seal_run(folder, status="complete", ended_at=ENDED_AT)
        assert sealed_bytes(whole) == sealed_bytes(torn)


def test_only_the_cases_asked_for_are_read(tmp_path, make_header, make_exchange):
    folder = tmp_path / "run"
    record(folder, make_header(), [make_exchange("a"), make_exchange("b")])
    assert [x.case for x in read_run(folder, cases=["b"]).exchanges] == ["b"]
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    (folder / "a.jsonl").unlink()
    assert [x.case for x in read_run(folder, cases=["b"]).exchanges] == ["b"]


def test_exchanges_are_in_the_order_of_case_names_open_or_sealed(
    tmp_path, make_header, make_exchange
):
    folder = tmp_path / "run"
    cases = ["a", "a-b", "a.b"]
    record(folder, make_header(cases), [make_exchange(case) for case in reversed(cases)])
    assert [x.case for x in read_run(folder).exchanges] == cases
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    assert [x.case for x in read_run(folder).exchanges] == cases


def test_each_distinct_request_is_written_once(tmp_path, make_header, make_exchange):
    folder = tmp_path / "run"
    record(folder, make_header(), [make_exchange(trial=trial) for trial in range(5)])
    resumed = resume_run(folder, NO_SECRETS)
    resumed.append(make_exchange(trial=5))
    resumed.close()
    assert (folder / "a.jsonl.part").read_bytes().count(b'"req"') == 1
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    assert (folder / "a.jsonl").read_bytes().count(b'"req"') == 1


STEPS_OF_SEALING = 12
"""Of two cases: three files (sync, rename, sync of the folder), three removals."""


@pytest.mark.parametrize("killed_at", range(STEPS_OF_SEALING + 1))
def test_sealing_survives_a_kill_between_any_two_steps(
    tmp_path, make_header, make_exchange, monkeypatch, killed_at
):
    class KilledError(Exception):
        """Stands for SIGKILL: nothing after it runs."""

    folder, plain = tmp_path / "run", tmp_path / "plain"
    exchanges = [make_exchange(case, trial) for case in "ab" for trial in range(3)]
    for one in (folder, plain):
        record(one, make_header(), exchanges)
    seal_run(plain, status="complete", ended_at=ENDED_AT)

    steps = 0

    def stepping(function):
        def step(*arguments, **options):
            nonlocal steps
            if steps == killed_at:
                raise KilledError
            steps += 1
            return function(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, stepping(getattr(Path, name)))
        patch.setattr(os, "fsync", stepping(os.fsync))
        try:
            seal_run(folder, status="complete", ended_at=ENDED_AT)
        except KilledError:
            pass
        else:
            assert killed_at == steps == STEPS_OF_SEALING

    assert read_run(folder).exchanges == tuple(exchanges)
    seal_run(folder, status="complete", ended_at=ENDED_AT)
    assert sealed_bytes(folder) == sealed_bytes(plain)


def test_sealing_twice_changes_nothing(tmp_path, make_header, make_exchange):
    folder = tmp_path / "run"
    record(folder, make_header(), [make_exchange()])
    root = seal_run(folder, status="complete", ended_at=ENDED_AT)
    before = sealed_bytes(folder)
    assert seal_run(folder, status="partial", ended_at="2027-01-01T00:00:00+00:00") == root
    assert sealed_bytes(folder) == before
    assert set(before) == {"a.jsonl", "manifest.json"}

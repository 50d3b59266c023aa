"""Any exchanges: journal, seal, replay, export, import, replay again: the client sees the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import (
    MemoryTape,
    create_run,
    in_trial,
    open_tape,
    read_run,
    replaying,
    seal_run,
)
from contractcheck.cassettes.canonical import canonical_request
from contractcheck.cassettes.vcr_exchanges import VcrImporter
from contractcheck.cassettes.vcr_export import write_cassette
from contractcheck.cassettes.vcr_files import read_cassette
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber

URL = "http://127.0.0.1:9/v1/chat"
SCRUBBER = Scrubber.for_secrets([])
HEADER = RunHeader(
    id="20260101t000000z-test",
    suite="demo",
    suite_version="1.0.0",
    suite_fingerprint="f",
    target=Target(provider="openai", model="m"),
    night=None,
    started_at="2026-01-01T00:00:00+00:00",
    ended_at=None,
    status="partial",
    cases={"a": CasePlan(samples=4, request_fingerprint="r", parts={})},
    vantage={},
)


EVENTS = st.lists(st.text("ab é", max_size=4), min_size=5, max_size=9).map(
    lambda words: [b'data: {"id": "c-1", "text": "%s"}\n\n' % word.encode() for word in words]
)


@st.composite
def exchanges(draw):
    """Trials of one case: each sends one of two bodies and gets any bytes in any chunks."""
    sent = draw(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=2, unique=True))
    made = []
    for body_sent in sent:
        digest = canonical_request("POST", URL, (), body_sent, scrubber=SCRUBBER).digest()
        if digest in {one.request.digest for one in made}:
            continue  # equal as JSON: one request to us
        request = Request(method="POST", url=URL, headers=(), body=body_sent, digest=digest)
        for trial in range(draw(st.integers(1, 3))):
            chunks = draw(st.lists(st.binary(min_size=1, max_size=30), max_size=3) | EVENTS)
            response = Response(
                status=draw(st.sampled_from([200, 201, 400, 404])),
                http_version="HTTP/1.1",
                headers=(("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("x-request-id", f"r{trial}")),
                body=b"".join(chunks),
                chunk_bytes=tuple(map(len, chunks)),
                chunk_times_us=tuple(range(len(chunks))),
                reason="Odd",
            )
            one = Exchange(
                case="a",
                trial=trial,
                attempt=0,
                request=request,
                response=response,
                started_at="2026-01-01T00:00:01+00:00",
                waited_us=1,
                headers_us=2,
                end_us=3,
                ended="eof",
                error=None,
                via="httpx2",
            )
            made.append(one)
    return made


def seen_by_a_client(tape, asked):
    """What a client gets for each request of each trial."""
    seen = []
    with replaying(tape, SCRUBBER), httpx2.Client(trust_env=False) as client:
        for one in asked:
            with in_trial(one.case, one.trial):
                answer = client.post(URL, content=one.request.body)
            seen.append((answer.status_code, answer.headers["x-request-id"], answer.content))
    return seen


@settings(deadline=None, max_examples=30)
@given(made=exchanges())
def test_the_client_sees_the_same_after_any_number_of_ways(made):
    expected = [(one.response.status, f"r{one.trial}", one.response.body) for one in made]
    with tempfile.TemporaryDirectory() as folder:
        run = create_run(Path(folder) / "run", HEADER, SCRUBBER)
        for one in made:
            run.append(one)
        run.close()
        seal_run(run.folder, status="partial", ended_at="2026-01-01T00:00:02+00:00")
        assert seen_by_a_client(open_tape(run.folder), made) == expected
        recorded = read_run(run.folder).exchanges
    data = write_cassette(recorded, style="yaml")
    importer = VcrImporter(scrubber=SCRUBBER, imported_at="2026-01-01T00:00:01+00:00")
    imported = importer.take_all(read_cassette(data, "a.yaml"), "a")
    assert seen_by_a_client(MemoryTape.of(imported), made) == expected
    again = write_cassette([replace(one, via="httpx2") for one in imported], style="yaml")
    assert read_cassette(again, "a.yaml") == read_cassette(data, "a.yaml")

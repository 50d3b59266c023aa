"""Imported interactions as exchanges: redacted, counted, without times."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from contractcheck.cassettes import MemoryTape, in_trial, replaying
from contractcheck.cassettes.vcr_exchanges import VcrImporter
from contractcheck.cassettes.vcr_files import Interaction, read_cassette
from contractcheck.redaction import Scrubber

CORPUS = Path(__file__).parent / "vcr_corpus"
KEY = "sk-proj-Zq81nVtR5mPx0aLwKd93"
PLAIN = Interaction(
    method="POST",
    url="http://example.com/ask",
    request_headers=(),
    request_body=b"{}",
    status=200,
    reason="OK",
    response_headers=(("content-type", "text/plain"),),
    response_body=b"hello",
)


@pytest.fixture
def importer():
    return VcrImporter(
        scrubber=Scrubber.for_secrets([KEY]), imported_at="2026-01-01T00:00:00+00:00"
    )


def take(importer, *interactions):
    return importer.take_all(interactions, "a")


def test_equal_requests_become_trials_in_file_order(importer):
    other = replace(PLAIN, request_body=b'{"n": 1}')
    found = take(importer, PLAIN, other, PLAIN, PLAIN, other)
    assert [(x.trial, x.attempt) for x in found] == [(0, 0), (0, 0), (1, 0), (2, 0), (1, 0)]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_follows_an_answer_that_clients_retry_is_an_attempt(importer, status):
    found = take(importer, replace(PLAIN, status=status), PLAIN, PLAIN)
    assert [(x.trial, x.attempt) for x in found] == [(0, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize("status", [200, 204, 400, 401, 404])
def test_other_answers_settle_their_trial(importer, status):
    found = take(importer, replace(PLAIN, status=status), PLAIN)
    assert [(x.trial, x.attempt) for x in found] == [(0, 0), (1, 0)]


def test_cases_count_by_themselves(importer):
    assert importer.take(PLAIN, "a").trial == 0
    assert importer.take(PLAIN, "b").trial == 0


def test_no_secret_is_kept_wherever_it_stood(importer):
    (found,) = take(
        importer,
        replace(
            PLAIN,
            url=f"http://example.com/ask?key={KEY}",
            request_headers=(("Authorization", f"Bearer {KEY}"), ("accept", KEY)),
            request_body=KEY.encode(),
            response_headers=(("x-request-id", KEY), ("set-cookie", "session=1")),
            response_body=f"your key is {KEY}".encode(),
            reason=KEY,
        ),
    )
    assert KEY not in repr(found)
    assert [name for name, _ in found.response.headers] == ["x-request-id"]
    assert found.response.body.startswith(b"your key is ****")


def test_a_secret_inside_a_compressed_body_is_found(importer):
    coded = replace(
        PLAIN,
        response_headers=(("content-encoding", "gzip"), ("content-length", "1")),
        response_body=gzip.compress(KEY.encode() * 3),
    )
    (found,) = take(importer, coded)
    assert gzip.decompress(found.response.body) == b"*" * len(KEY) * 3
    assert found.note == "coded anew"
    size = len(found.response.body)
    assert found.response.chunk_bytes == (size,)
    assert found.response.header("content-length") == str(size)


def test_a_clean_compressed_body_is_kept_byte_for_byte(importer):
    interactions = read_cassette((CORPUS / "binary_gzip.yaml").read_bytes(), "x.yaml")
    (found,) = importer.take_all(interactions, "a")
    assert found.response.body == interactions[0].response_body
    assert found.response.header("content-encoding") == "gzip"
    assert found.note == ""


def test_a_body_that_vcrpy_decoded_loses_the_header_of_its_coding(importer):
    interactions = read_cassette((CORPUS / "requests_decoded.yaml").read_bytes(), "x.yaml")
    (found,) = importer.take_all(interactions, "a")
    assert found.response.body == b'{"decoded": true}'
    assert found.response.headers == (("Content-Type", "application/json"),)


def test_a_body_that_nobody_can_look_into_is_not_kept(importer):
    odd = replace(
        PLAIN,
        response_headers=(("content-encoding", "x-unheard-of"),),
        response_body=b"\xff\xfe secret",
    )
    (found,) = take(importer, odd)
    assert set(found.response.body) == {ord("*")}
    assert found.note.startswith("not kept: ")


def test_an_imported_exchange_says_that_nobody_measured_it(importer):
    (found,) = take(importer, PLAIN)
    assert found.via == "vcrpy"
    assert (found.waited_us, found.headers_us, found.end_us) == (0, 0, 0)
    assert found.response.chunk_times_us == (0,)


def test_what_was_imported_replays(importer):
    interactions = read_cassette((CORPUS / "repeated_with_aliases.yaml").read_bytes(), "x.yaml")
    tape = MemoryTape.of(importer.take_all(interactions, "a"))
    url = "https://api.openai.com/v1/chat/completions"
    answers = []
    with replaying(tape, Scrubber.for_secrets([])), httpx2.Client() as client:
        for trial in range(2):
            with in_trial("a", trial):
                answers.append(client.post(url, json={"model": "gpt-sim"}).text)
    assert answers == ["second", "third"]

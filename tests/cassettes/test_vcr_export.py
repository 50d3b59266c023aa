"""Exported cassettes: stock vcrpy replays them, and they import as what they were."""

from __future__ import annotations

import gzip
import urllib.request
from dataclasses import replace

import httpx2
import pytest
import requests  # noqa: TID251 - a client that stock vcrpy replays
import vcr
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes.vcr_exchanges import VcrImporter
from contractcheck.cassettes.vcr_export import write_cassette
from contractcheck.cassettes.vcr_files import read_cassette
from contractcheck.errors import UsageError
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.redaction import Scrubber

URL = "http://127.0.0.1:9/v1/chat?stream=no"


def make(trial=0, body=b'{"ok": true}', *, sent=b'{"model": "m"}', attempt=0, **changes):
    response = {
        "status": 200,
        "http_version": "HTTP/1.1",
        "headers": (("Content-Type", "application/json"), ("x-request-id", f"r{trial}")),
        "body": body,
        "chunk_bytes": (len(body),) if body else (),
        "chunk_times_us": (900,) if body else (),
        "reason": "OK",
    }
    names = {"status", "headers", "reason"}
    response |= {name: value for name, value in changes.items() if name in names}
    fields = {name: value for name, value in changes.items() if name not in names}
    exchange = Exchange(
        case="a",
        trial=trial,
        attempt=attempt,
        request=Request(
            method="POST",
            url=URL,
            headers=(("content-type", "application/json"),),
            body=sent,
            digest="d",
        ),
        response=Response(**response),
        started_at="2026-01-01T00:00:01+00:00",
        waited_us=10,
        headers_us=500,
        end_us=1000,
        ended="eof",
        error=None,
    )
    return replace(exchange, **fields)


def export(tmp_path, *exchanges, style="yaml"):
    path = tmp_path / f"a.{style}"
    path.write_bytes(write_cassette(exchanges, style=style))
    return vcr.VCR(record_mode="none", match_on=["method", "uri", "body"]).use_cassette(
        str(path), serializer=style
    )


def import_again(data, style="yaml"):
    importer = VcrImporter(
        scrubber=Scrubber.for_secrets([]), imported_at="2026-01-01T00:00:01+00:00"
    )
    return importer.take_all(read_cassette(data, f"a.{style}"), "a")


def ask_httpx2():
    with httpx2.Client(trust_env=False) as client:
        answer = client.post(URL, json={"model": "m"})
    return answer.status_code, answer.content, answer.headers["x-request-id"]


def ask_requests():
    answer = requests.post(URL, json={"model": "m"}, timeout=5)
    return answer.status_code, answer.content, answer.headers["x-request-id"]


def ask_urllib():
    asked = urllib.request.Request(
        URL, data=b'{"model": "m"}', headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - as above
        return answer.status, answer.read(), answer.headers["x-request-id"]


@pytest.mark.parametrize("style", ["yaml", "json"])
@pytest.mark.parametrize("ask", [ask_httpx2, ask_requests, ask_urllib])
def test_stock_vcrpy_replays_every_trial_in_order(tmp_path, ask, style):
    exchanges = [make(trial, b'{"n": %d}' % trial) for trial in range(3)]
    with export(tmp_path, *exchanges, style=style) as cassette:
        answers = [ask() for _ in exchanges]
        assert cassette.all_played
    assert answers == [(200, b'{"n": %d}' % trial, f"r{trial}") for trial in range(3)]


@pytest.mark.parametrize(("ask", "via"), [(ask_httpx2, "httpx2"), (ask_requests, "urllib3")])
def test_stock_vcrpy_replays_a_compressed_body_to_the_client_that_got_it(tmp_path, ask, via):
    headers = (("content-encoding", "gzip"), ("x-request-id", "r"))
    exchange = make(body=gzip.compress(b'{"packed": 1}'), headers=headers, via=via)
    with export(tmp_path, exchange):
        assert ask() == (200, b'{"packed": 1}', "r")


def test_attempts_without_a_whole_response_are_left_out():
    broken = make(0, b"half", ended="error", error="ReadError")
    nothing = make(1, response=None, headers_us=None, ended="error", error="ConnectError")
    dropped = make(2, b"enough", ended="closed")
    (found,) = import_again(write_cassette([broken, nothing, dropped], style="yaml"))
    assert found.response.body == b"enough"


def test_json_says_which_body_it_cannot_hold():
    with pytest.raises(UsageError) as caught:
        write_cassette([make(), make(1, b"\xff")], style="json")
    assert str(caught.value) == (
        "a, trial 1: response body is not UTF-8 (byte 0), which vcrpy's JSON cannot hold; "
        "export as yaml"
    )


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)
kept_names = st.sampled_from(["Content-Type", "Date", "x-request-id", "X-RateLimit-Left"])
any_text = st.text(max_size=80).map(str.encode)
recorded = st.builds(
    make,
    trial=st.just(0),
    body=any_text | st.binary(max_size=80),
    sent=any_text | st.binary(max_size=80),
    status=st.sampled_from([200, 201, 400, 404]),
    reason=texts,
    headers=st.lists(st.tuples(kept_names, texts), max_size=4).map(tuple),
)


def held(exchange):
    """What a cassette can hold of an exchange."""
    request, response = exchange.request, exchange.response
    return (
        (request.method, request.url, request.headers, request.body),
        (response.status, response.reason, sorted(response.headers, key=lambda h: h[0])),
        response.body,
        (exchange.case, exchange.trial, exchange.attempt, exchange.ended),
    )


def numbered(exchanges):
    """Trials as an import counts them: per request, in file order."""
    seen = {}
    for one in exchanges:
        number = seen[one.request.body] = seen.get(one.request.body, -1) + 1
        yield replace(one, trial=number)


def spelled_once(exchange):
    """Whether no two header names differ by case alone."""
    names = {name for name, _ in exchange.response.headers}
    return len(names) == len({name.lower() for name in names})


@settings(deadline=None)
@given(
    exchanges=st.lists(
        recorded.filter(spelled_once), min_size=1, max_size=4, unique_by=lambda x: x.request.body
    ),
    repeats=st.integers(1, 3),
)
def test_a_round_trip_keeps_all_that_a_cassette_can_hold(exchanges, repeats):
    whole = list(numbered(exchanges * repeats))
    found = import_again(write_cassette(whole, style="yaml"))
    assert [held(one) for one in found] == [held(one) for one in whole]


@settings(deadline=None)
@given(body=any_text, sent=any_text)
def test_json_keeps_every_text(body, sent):
    (found,) = import_again(write_cassette([make(body=body, sent=sent)], style="json"), "json")
    assert (found.response.body, found.request.body) == (body, sent)


def test_retries_come_back_as_attempts():
    whole = [make(0, status=429), make(0, attempt=1), make(1), make(2, status=500)]
    found = import_again(write_cassette(whole, style="yaml"))
    assert [(x.trial, x.attempt) for x in found] == [(0, 0), (0, 1), (1, 0), (2, 0)]

import json
import zlib
from dataclasses import replace

import brotli
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.simulator import (
    FAULTS,
    Conditions,
    Faults,
    Simulator,
    anthropic_wire,
    cohere_wire,
    gemini_wire,
    openai_wire,
    parse_faults,
)
from contractcheck.simulator.compression import (
    CODINGS,
    accepts_coding,
    compress_parts,
    make_compressor,
    zstd,
)
from contractcheck.simulator.service import Service
from contractcheck.simulator.transport import read_attempt

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
KEY = {"authorization": "Bearer k"}
BODY = {"model": "sim", "messages": [{"role": "user", "content": "Explain the refund."}]}
STREAM = {**BODY, "stream": True}
ALL_CUT = replace(QUIET, faults=Faults(cut_stream=1.0, cut_body=1))
DECODERS = {
    "gzip": lambda: zlib.decompressobj(wbits=31).decompress,
    "deflate": lambda: zlib.decompressobj().decompress,
    "br": lambda: brotli.Decompressor().process,
    "zstd": lambda: zstd.ZstdDecompressor().decompress,
}


def ask(service, *, wire=openai_wire, body=BODY, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.reply(wire, {**KEY, **named}, json.dumps(body).encode())


def content(reply):
    return b"".join(data for _, data in reply.parts)


def test_each_of_many_equal_requests_is_refused_once_whatever_the_order():
    service = Service(replace(QUIET, faults=Faults(rate_limited=1)))
    untouched = Service(QUIET)
    order = [0, 0, 1, 0, 1, 0, 1, 1]
    replies = [ask(service, x_stainless_retry_count=str(attempt)) for attempt in order]
    assert [reply.status for reply in replies] == [429 if a == 0 else 200 for a in order]
    answers = [content(reply) for reply in replies if reply.status == 200]
    assert answers == [content(ask(untouched)) for _ in answers]


def test_clients_that_do_not_count_are_refused_on_first_sight():
    service = Service(replace(QUIET, faults=Faults(rate_limited=2, overloaded=1)))
    other = {**BODY, "seed": 1}
    assert [ask(service).status for _ in range(5)] == [429, 429, 503, 200, 200]
    assert ask(service, body=other).status == 429
    assert ask(service, wire=cohere_wire).status == 429
    service.conditions = replace(service.conditions, night="2026-03-02")
    assert ask(service).status == 429


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [
        ({}, 7),
        ({"x-stainless-retry-count": "2"}, 2),
        ({"x-stainless-retry-count": "many"}, 7),
        ({"x-stainless-retry-count": "9" * 5000}, 7),
        ({"amz-sdk-request": "ttl=20260301T000000Z; attempt=3; max=5"}, 2),
        ({"amz-sdk-request": "attempt=0"}, 0),
    ],
)
def test_attempts_are_read_from_what_the_client_says(headers, attempt):
    assert read_attempt(headers, 7) == attempt


def test_a_429_tells_when_to_retry_in_the_words_of_the_provider():
    limited = replace(QUIET, faults=Faults(rate_limited=9))
    in_real_time = replace(limited, time_scale=1.0)
    openai, claude = ask(Service(limited)), {**BODY, "max_tokens": 9}
    assert openai.headers["retry-after-ms"] == "1"
    assert ask(Service(in_real_time)).headers["retry-after"] == "1"
    assert "retry-after-ms" not in ask(Service(in_real_time)).headers
    reply = ask(Service(limited), wire=anthropic_wire, body=claude)
    assert reply.headers["retry-after"] == "0.001"
    asked = {"model": "sim", "contents": [{"parts": [{"text": "Hello"}]}]}
    gemini = ask(Service(in_real_time), wire=gemini_wire, body=asked)
    error = json.loads(content(gemini))["error"]
    assert (error["status"], error["details"][0]["retryDelay"]) == ("RESOURCE_EXHAUSTED", "1s")
    assert "retry-after" not in gemini.headers


@pytest.mark.parametrize("coding", CODINGS)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=8))
def test_every_part_of_a_coded_body_decodes_at_once(coding, parts):
    decode = DECODERS[coding]()
    coded = compress_parts(parts, coding)
    assert [decode(data) for data in coded] == parts


@pytest.mark.parametrize("coding", CODINGS)
def test_the_end_of_a_coded_body_is_marked(coding):
    compressor = make_compressor(coding)
    assert compressor.add(b"hello")
    assert compressor.finish()


@pytest.mark.parametrize(
    ("accept", "is_accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_coding_is_used_only_where_it_is_accepted(accept, is_accepted):
    assert accepts_coding(accept, "gzip") is is_accepted
    service = Service(replace(QUIET, faults=Faults(compressed="gzip")))
    reply = ask(service, accept_encoding=accept)
    assert ("content-encoding" in reply.headers) is is_accepted
    assert content(reply).startswith(b"\x1f\x8b" if is_accepted else b"{")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("body", [BODY, STREAM], ids=["plain", "stream"])
def test_http_clients_read_coded_answers(coding, body):
    plain = content(ask(Service(QUIET), body=body))
    conditions = replace(QUIET, faults=Faults(compressed=coding))
    with Simulator(conditions) as simulator, httpx2.Client(headers=KEY) as client:
        url = f"{simulator.base_url}/v1/chat/completions"
        reply = client.post(url, json=body, headers={"accept-encoding": coding})
        assert reply.headers["content-encoding"] == coding
        raw = client.post(url, json=body, headers={"accept-encoding": "identity"})
    assert reply.content == plain
    assert "content-encoding" not in raw.headers


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["plain", "stream"])
def test_a_cut_answer_ends_at_half_of_its_bytes_and_the_connection_with_it(body):
    whole = content(ask(Service(QUIET), body=body))
    got = []
    with Simulator(ALL_CUT) as simulator:
        url = f"{simulator.base_url}/v1/chat/completions"
        with (
            httpx2.stream("POST", url, json=body, headers=KEY) as reply,
            pytest.raises(httpx2.RemoteProtocolError, match="peer closed connection"),
        ):
            got.extend(reply.iter_raw())
        assert reply.status_code == 200
        assert b"".join(got) == whole[: len(whole) // 2]


def test_cuts_hit_their_share_of_their_kind():
    service = Service(replace(QUIET, faults=Faults(cut_stream=0.3)))
    streams = [ask(service, body=STREAM) for _ in range(200)]
    assert 40 < sum(reply.missing_bytes > 0 for reply in streams) < 80
    assert all(ask(service).missing_bytes == 0 for _ in range(20))
    again = Service(service.conditions)
    assert [ask(again, body=STREAM).parts for _ in range(200)] == [r.parts for r in streams]


def test_an_error_event_ends_a_stream_half_way_and_nothing_follows():
    whole = ask(Service(QUIET), body=STREAM).parts
    conditions = replace(QUIET, faults=Faults(error_in_stream=1.0))
    broken = ask(Service(conditions), body=STREAM)
    *kept, (_, last) = broken.parts
    assert broken.status == 200
    assert tuple(kept) == whole[: len(whole) // 2]
    assert json.loads(last.removeprefix(b"data: "))["error"]["type"] == "server_error"
    assert ask(Service(conditions)).parts == ask(Service(QUIET)).parts


def test_refusals_and_cuts_take_the_attempts_in_turn():
    service = Service(replace(QUIET, faults=Faults(rate_limited=1, overloaded=1, cut_body=1)))
    replies = [ask(service, x_stainless_retry_count=str(attempt)) for attempt in range(4)]
    assert [reply.status for reply in replies] == [429, 503, 200, 200]
    assert [reply.missing_bytes > 0 for reply in replies] == [False, False, True, False]


def test_faults_are_parsed_to_their_documented_defaults():
    assert parse_faults([]) == Faults()
    assert parse_faults(["rate_limited", "overloaded=2", "cut_stream", "cut_body=3"]) == Faults(
        rate_limited=1, overloaded=2, cut_stream=1.0, cut_body=3
    )
    assert parse_faults(["compressed=br"]) == Faults(compressed="br")
    assert set(FAULTS) == set(Faults.__dataclass_fields__)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            ["slow"],
            "unknown fault 'slow'; use one of rate_limited, overloaded, cut_body, cut_stream, error_in_stream, compressed",
        ),
        (["cut_body"] * 2, "fault 'cut_body' is given twice; give each fault once"),
        (
            ["rate_limited=0.5"],
            "fault 'rate_limited': '0.5' is no whole number; write it like rate_limited=2",
        ),
        (["overloaded=101"], "fault 'overloaded': 101 attempts; use 0 to 100"),
        (
            ["cut_stream=x"],
            "fault 'cut_stream': 'x' is not a number; write it like cut_stream=0.1",
        ),
        (["cut_stream=nan"], "fault 'cut_stream': nan is not a share of answers; use 0 to 1"),
        (
            ["compressed"],
            "fault 'compressed': '' is no content coding of the simulator; use one of gzip, deflate, br, zstd",
        ),
    ],
)
def test_wrong_faults_are_explained(texts, message):
    with pytest.raises(UsageError) as caught:
        parse_faults(texts)
    assert str(caught.value) == message

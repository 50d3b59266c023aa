"""Bodies of recordings in which one passage repeats."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import Tape, create_run, open_tape, read_run, seal_run
from contractcheck.cassettes.chain import chained
from contractcheck.cassettes.lines import decode_exchange, exchange_line
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber

NO_SECRETS = Scrubber.for_secrets([])


def event(word, **changes):
    delta = {"content": word}
    return "data: " + json.dumps({"id": "chatcmpl-7", "choices": [{"delta": delta}], **changes})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(max_size=6), max_size=30), tail=st.text(max_size=9))
def test_any_body_comes_back_from_its_line(make_exchange, words, tail):
    text = "".join(event(word) + "\n\n" for word in words) + tail
    exchange = make_exchange(body=text.encode())
    line = orjson.loads(exchange_line(exchange))
    requests = {exchange.request.digest: exchange.request}
    assert decode_exchange(line, "a", requests) == exchange


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"join": "x" * 385, "parts": ["", ""]}, "a joint of more than 384 bytes"),
        ({"join": "\u00e9" * 193, "parts": ["", ""]}, "a joint of more than 384 bytes"),
        ({"join": "x", "parts": []}, "a body in no parts"),
        ({"join": "x", "parts": ["a", 1]}, "a part of a body is no text"),
        ({"join": "x", "parts": "ab"}, "a body in no parts"),
        ({"join": 1, "parts": ["a"]}, "expected a text, got 1"),
        ({"join": "x"}, "'parts' is missing"),
    ],
)
def test_parts_that_are_none_are_named(tmp_path, make_header, make_exchange, body, words):
    folder = tmp_path / "run"
    run = create_run(folder, make_header(), NO_SECRETS)
    run.append(make_exchange())
    run.close()
    path = folder / "a.jsonl.part"
    line = orjson.loads(path.read_bytes().splitlines()[-1]) | {"body": body}
    rewrite_last_line(path, line)
    with pytest.raises(RecordingError) as error:
        read_run(folder)
    assert f"{path}:3: damaged line: {words}" in str(error.value)


def rewrite_last_line(path, line):
    """Write another last line with a chain that is true."""
    *before, _ = path.read_bytes().splitlines()
    line.pop("chain")
    linked, _ = chained(orjson.dumps(line), orjson.loads(before[-1])["chain"])
    path.write_bytes(b"\n".join([*before, linked, b""]))


def test_what_is_decoded_ahead_is_bounded_by_the_answers_not_by_the_file(
    tmp_path, make_header, make_exchange
):
    """Sixty answers of 200 KB make a file of less than 2 MB, and twelve in memory."""
    body = "".join(event(f"{n}", padding="x" * 150) + "\n\n" for n in range(700)).encode()
    folder = tmp_path / "run"
    run = create_run(folder, make_header(samples=60), NO_SECRETS)
    exchanges = [make_exchange("a", trial, body + b"%d" % trial) for trial in range(60)]
    for exchange in exchanges:
        run.append(exchange)
    run.close()
    seal_run(folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    assert (folder / "a.jsonl").stat().st_size < 2 << 20
    tape = open_tape(folder)
    assert tape.find("a", "digest-a", 0, 0) == exchanges[0]
    assert 0 < held_bytes(tape) <= 4 << 20
    for exchange in exchanges:
        assert tape.find("a", "digest-a", exchange.trial, 0) == exchange
    assert held_bytes(tape) == 0


def held_bytes(tape: Tape) -> int:
    """What a tape counts as held; its cases share the count."""
    (shared,) = {id(reel.shared): reel.shared for reel in tape._reels.values()}.values()
    return (24 << 20) - shared.ahead_bytes

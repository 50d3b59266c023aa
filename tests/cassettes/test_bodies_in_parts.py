"""Bodies of recordings in which one passage repeats."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import Tape, create_run, open_tape, read_run, resume_run, seal_run
from contractcheck.cassettes.chain import chained
from contractcheck.cassettes.lines import decode_exchange, exchange_line
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber

FORMATS = Path(__file__).parent / "formats"
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


@pytest.mark.parametrize("version", [1, 2])
def test_parts_in_a_format_that_has_none_are_named(tmp_path, version):
    folder = tmp_path / "run"
    shutil.copytree(FORMATS / f"format-{version}" / "open", folder)
    path = folder / "refund.jsonl.part"
    line = orjson.loads(path.read_bytes().splitlines()[-2])
    rewrite_last_line(path, line | {"body": {"join": "x", "parts": ["a", "b"]}})
    with pytest.raises(RecordingError, match=f"a body in parts, as format {version} has none"):
        read_run(folder)


def test_a_request_is_kept_in_one_piece_and_in_no_other(tmp_path, make_header, make_exchange):
    folder = tmp_path / "run"
    run = create_run(folder, make_header(), NO_SECRETS)
    exchange = make_exchange()
    repeated = "".join(event(f"w{n}") + "\n\n" for n in range(30)).encode()
    asked = replace(exchange.request, body=repeated)
    run.append(replace(exchange, request=asked))
    run.close()
    assert read_run(folder).exchanges[0].request == asked
    path = folder / "a.jsonl.part"
    line = orjson.loads(path.read_bytes().splitlines()[1])
    assert line["body"] == repeated.decode()
    path.write_bytes(b"\n".join([*path.read_bytes().splitlines()[:2], b""]))
    rewrite_last_line(path, line | {"body": {"join": "x", "parts": ["a", "b"]}})
    with pytest.raises(RecordingError, match="damaged line: 'b64' is missing"):
        read_run(folder)


def test_answers_that_short_lines_spell_are_bounded_too(
    tmp_path, make_header, make_exchange, monkeypatch
):
    body = "".join(event(f"w{n}") + "\n\n" for n in range(300)).encode()
    monkeypatch.setattr("contractcheck.cassettes.caps.MOST_CASE_BYTES", 2 * len(body))
    folder = tmp_path / "run"
    run = create_run(folder, make_header(), NO_SECRETS)
    exchanges = [make_exchange("a", trial, body) for trial in range(3)]
    for exchange in exchanges[:2]:
        run.append(exchange)
    with pytest.raises(RecordingError, match="everything before is kept"):
        run.append(exchanges[2])
    run.close()
    assert (folder / "a.jsonl.part").stat().st_size < len(body)
    assert read_run(folder).exchanges == tuple(exchanges[:2])
    again = resume_run(folder, NO_SECRETS)
    with pytest.raises(RecordingError, match="everything before is kept"):
        again.append(exchanges[2])
    again.close()
    monkeypatch.setattr("contractcheck.cassettes.caps.MOST_CASE_BYTES", 2 * len(body) - 1)
    with pytest.raises(
        RecordingError, match=r"a\.jsonl\.part:4: the answers until here are larger"
    ):
        read_run(folder)


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

"""docs/reference/ tells the truth about what is written."""

import json
import re
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from contractcheck.cassettes import create_run, seal_run
from contractcheck.cassettes.sealing import root_digest
from contractcheck.cassettes.upgrade import FORMAT
from contractcheck.redaction import Scrubber

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((REFERENCE / "journal.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=Registry())


def failures(validator, lines):
    return [error.message for line in lines for error in validator.iter_errors(orjson.loads(line))]


def test_every_line_that_is_written_is_as_described(
    tmp_path, validator, make_header, make_exchange
):
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([]))
    whole = make_exchange("a", 0)
    silent = make_exchange("a", 1, response=None, headers_us=None, ended="error", error="X")
    binary = make_exchange("a", 2, b"\xff\xfe")
    streamed = make_exchange("a", 3, b"".join(b'data: {"text": "%d"}\n\n' % n for n in range(9)))
    for exchange in (whole, silent, binary, streamed):
        run.append(exchange)
    run.close()
    open_lines = (run.folder / "a.jsonl.part").read_bytes().splitlines()
    assert all(b'"chain":' in line for line in open_lines)
    assert [b'"parts":' in line for line in open_lines] == [False] * 5 + [True]
    assert failures(validator, open_lines) == []
    seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    sealed_lines = (run.folder / "a.jsonl").read_bytes().splitlines()
    assert not any(b'"chain":' in line for line in sealed_lines)
    assert failures(validator, sealed_lines) == []
    assert len(open_lines) == len(sealed_lines) == 6


def test_lines_that_are_not_as_described_are_refused(validator):
    body = '{"res":"d","trial":0,"attempt":0,"at":"t","waited_us":0,"headers_us":null,"end_us":1,'
    good = body + '"lag_us":0,"ended":"eof","error":null}'
    head = '"error":null,"status":200,"http":"","headers":[],"chunk_bytes":[],"chunk_times_us":[],'
    whole = good.replace('"error":null', head + '"body":{"join":"x","parts":["a"]}')
    assert failures(validator, [good, whole]) == []
    for bad in (
        good.replace('"eof"', '"well"'),
        good.replace('"trial":0', '"trial":-1'),
        good.replace('"error":null', '"error":null,"status":200'),
        good.replace('"error":null', '"error":null,"extra":1'),
        good.replace('"error":null', '"error":null,"via":"httpx2"'),
        good.replace('"error":null', '"error":null,"reason":"OK"'),
        whole.replace('"parts":["a"]', '"parts":[]'),
        whole.replace('"parts":["a"]', '"parts":["a", 1]'),
        whole.replace('"join":"x",', ""),
        whole.replace('"join":"x"', f'"join":"{"x" * 385}"'),
        '{"contractcheck":"cassette","format":4,"run":"r","case":"c"}',
    ):
        assert failures(validator, [bad]), bad


def test_the_page_shows_lines_as_they_are(validator):
    page = (REFERENCE / "recording-format.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    lines = example.splitlines()
    assert failures(validator, lines) == []
    assert [next(iter(orjson.loads(line))) for line in lines] == ["contractcheck", "req"] + [
        "res"
    ] * 2
    exchange = orjson.loads(lines[2])
    assert sum(exchange["chunk_bytes"]) == len(exchange["body"])
    assert f"format {FORMAT};" in page


def test_the_manifest_is_as_the_page_says(tmp_path, make_header, make_exchange):
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([]))
    run.append(make_exchange())
    run.close()
    root = seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert list(manifest) == ["contractcheck", "format", "root", "header", "files"]
    assert manifest["root"] == root == root_digest(manifest["header"], manifest["files"])


def test_recordings_that_are_shipped_are_as_described(validator):
    files = sorted((ROOT / "cassettes").glob("*/*/reference-*/*.jsonl"))
    lines = [line for path in files for line in path.read_bytes().splitlines()]
    assert failures(validator, lines[:200]) == []

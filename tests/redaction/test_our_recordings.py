"""What is already recorded holds no secret, so nothing in it may be taken for one."""

import json
from pathlib import Path

import pytest

from contractcheck.redaction import Scrubber, find_leak, scan_file

ROOT = Path(__file__).parents[2]
RECORDINGS = sorted(ROOT.glob("cassettes/**/*.json*"))
SUITES = sorted(path for path in ROOT.glob("suites/**/*") if path.is_file())
PAGES = sorted(ROOT.glob("docs/**/*.md"))
scrubber = Scrubber.for_secrets(["azure0123456789abcdef0123456789ab"])


def test_there_is_something_to_look_at():
    assert len(RECORDINGS) > 40
    assert SUITES


@pytest.mark.parametrize("path", RECORDINGS + SUITES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_in_it_would_be_changed(path):
    data = path.read_bytes()
    assert scrubber.scrub(data) == data
    assert scrubber.scrub_for_identity(data) == data
    assert find_leak(data, scrubber) is None
    assert list(scan_file(data, scrubber)) == []


def bodies():
    for path in RECORDINGS:
        if path.suffix == ".jsonl":
            for line in path.read_text().splitlines():
                body = json.loads(line).get("body")
                if isinstance(body, str):
                    yield body.encode()


def test_no_body_in_it_would_be_changed():
    seen = list(bodies())
    assert len(seen) > 100
    assert [body for body in seen if scrubber.scrub(body) != body] == []

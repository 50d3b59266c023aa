"""Files that others recorded: what is found, where, and what is passed over."""

import base64
import gzip
import json
import zlib

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, scan_file

SECRET = "azure0123456789abcdef0123456789ab"  # noqa: S105 - made up, to be found
SHAPED = "sk-proj-aB3dE5gH7jK9mN1pQ3rS5"
scrubber = Scrubber.for_secrets([SECRET])
KNOWN = "a credential this process uses"
OPENAI = "an OpenAI, Anthropic or OpenRouter key"
CASSETTE = """\
interactions:
- request:
    body: '{"api_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "x": 1}'
    headers:
      accept:
      - application/json
      authorization:
      - Bearer opaque-token-of-somebody
      X-Api-Key:
      - REDACTED
      Set-Cookie:
      - __cf_bm=hgfaisgdfiu; path=/
      - theme=dark; path=/
      openai-organization:
      - acme-corp
    uri: https://x/v1beta/models?key=AIzaSyA0123456789012345678901234567890123
  response:
    body:
      string: !!binary |
BLOB
    headers:
      content-type:
      - application/json
version: 1
"""


def folded(data, width=76):
    text = base64.b64encode(data).decode()
    return "\n".join("        " + text[at : at + width] for at in range(0, len(text), width))


def lines_and_kinds(data):
    return [(leak.line, leak.kind) for leak in scan_file(data, scrubber)]


def test_a_cassette_of_another_tool_is_searched_to_the_bottom():
    blob = folded(gzip.compress(json.dumps({"echo": SHAPED, "more": SECRET}).encode(), mtime=0))
    data = CASSETTE.replace("BLOB", blob).encode()
    assert lines_and_kinds(data) == [
        (3, "the value of a credential's field"),
        (8, "a credential in a header"),
        (12, "a credential in a header"),
        (13, "a credential in a header"),
        (15, "a credential in a header"),
        (16, "a Google API key"),
        (
            20,
            f"{KNOWN} and {OPENAI}, inside gzip in base64",
        ),
    ]
    for leak in scan_file(data, scrubber):
        assert data.count(b"\n", 0, leak.offset) + 1 == leak.line
        assert all(secret not in repr(leak) for secret in (SHAPED, SECRET, "acme", "opaque"))


def squeeze(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("width", [60, 76, 10_000])
@pytest.mark.parametrize("tail", range(4))
@pytest.mark.parametrize("encode", [bytes, gzip.compress, zlib.compress, zstd.compress])
def test_a_secret_is_found_inside_base64_however_it_is_folded(encode, tail, width):
    inner = json.dumps({"n": list(range(50)), "echo": SHAPED}).encode() + b"x" * tail
    data = b"key: !!binary |\n" + folded(encode(inner), width).encode() + b"\nheaders: {}\n"
    (leak,) = scan_file(data, scrubber)
    assert leak.kind.startswith(f"{OPENAI}, inside ")
    assert leak.line == 2


def test_base64_inside_base64_is_opened_and_then_no_more():
    data = b"echo " + SHAPED.encode() + b" and some more words"
    for depth in range(5):
        found = lines_and_kinds(data)
        assert bool(found) == (depth <= 3), depth
        data = base64.b64encode(data)


PLACEHOLDERS = [
    "REDACTED",
    "<API_KEY>",
    "[FILTERED]",
    "Bearer REDACTED",
    "${API_KEY}",
    "{{ key }}",
    "dummy-key-1",
    "fake_key_123",
    "test-key-000",
    "your-key-here-1",
    "xxxxxxxxxxxx",
    "Bearer XXXXXXXX",
    "000000000000",
    "************",
    "sk-...",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders_are_no_secrets(value):
    for data in (
        json.dumps({"headers": {"authorization": [value]}}).encode(),
        f"headers:\n  authorization:\n  - {value}\n  X-Api-Key:\n  - '{value}'\n".encode(),
        f"https://x/y?api_key={value}".encode(),
    ):
        assert lines_and_kinds(data) == []


def test_a_shape_is_a_leak_even_in_the_word_example():
    assert lines_and_kinds(b'{"api_key": "AKIAIOSFODNN7EXAMPLE"}') == [(1, "an AWS access key id")]


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_can_be_scanned_and_a_known_secret_is_always_found(before, after):
    data = before + SECRET.encode() + after
    leaks = list(scan_file(data, scrubber))
    assert leaks
    assert [leak.offset for leak in leaks] == sorted(leak.offset for leak in leaks)
    assert all(data.count(b"\n", 0, leak.offset) + 1 == leak.line for leak in leaks)
    assert list(scan_file(scrubber.scrub(data), scrubber)) == []

"""The last look, and what it need not look at again."""

import copy
import dataclasses
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes.lines import envelope, exchange_line, request_line
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.redaction import Scrubber, Searched, find_leak, is_searched, redact_body
from contractcheck.redaction.known import spellings

PLAIN = "azure/32+hex=0123456789abcdef"
OTHER = "k-1:ü~%2F'&<0123456789>"
ESCAPED = 'say "open\\nsesame"'
KEYS = [
    PLAIN,
    OTHER,
    *(PLAIN[:17], PLAIN[-17:], PLAIN.encode().hex(), PLAIN.replace("/", "\\/")),
    *("".join(f"{mark}u{ord(c):04x}" for c in PLAIN) for mark in ("\\", "\\\\")),
    "sk-proj-aB3dE5gH7jK9mN1pQ3rS5",
    "AKIAABCDEFGHIJKLMNOP",
    "-----BEGIN PRIVATE KEY-----",
    "https://bob:hunter2@host/",
    "https:\\/\\/bob@host",
    "https%3A%2F%2Fbob%3Ahunter2%40host",
]
MARKS = ['"', "\\", "/", ":", "@", "\n", "\t", "\x01", "\x7f", "n", "u00", "\\n", "\\u0001", "*"]
MORE = [',"body":"', '"}', "data: ", '{"content": "', "%40", "é", " ", "xn--"]
TEXT = st.lists(
    st.sampled_from([*KEYS, *MARKS, *MORE]) | st.sampled_from(KEYS).map(lambda key: key[:9]),
    max_size=12,
).map("".join)

scrubber = Scrubber.for_secrets([PLAIN, OTHER])


def searched(body, scrubber):
    """A body as the recorder hands it on."""
    redacted = redact_body(body, "", scrubber)
    return (
        Searched.by(scrubber, redacted.body, redacted.repeats)
        if redacted.is_clean
        else redacted.body
    )


def exchange_of(body, note=""):
    request = Request(method="POST", url="https://x/", headers=(), body=b"{}", digest="0" * 32)
    response = Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("date", '",\\"body":"x'),),
        body=body,
        chunk_bytes=(len(body),),
        chunk_times_us=(1,),
    )
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=request,
        response=response,
        started_at="2026-11-01T00:00:00+00:00",
        waited_us=0,
        headers_us=1,
        end_us=1,
        ended="eof",
        error=None,
        via="httpx2",
        note=note,
    )


@settings(deadline=None, max_examples=100)
@given(TEXT, TEXT)
@example("\nsk-proj-aB3dE5gH7jK9mN1pQ3rS5", "")
@example(":\\/\\/bob@", "")
def test_a_searched_body_has_no_leak_however_json_writes_it(text, note):
    body = searched(text.encode(), scrubber)
    if not is_searched(body, scrubber):
        return
    line = exchange_line(exchange_of(body, scrubber.scrub_text(note)))
    assert json.loads(line)["body"] == text
    assert find_leak(line, scrubber) is None


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=6, max_size=30), st.data())
def test_no_secret_without_escapes_comes_to_be_when_json_is_written(secret, data):
    knowing = Scrubber.for_secrets([secret])
    drawn = data.draw(st.sampled_from([*spellings(secret)]))
    forms = [data.draw(st.sampled_from(place)).decode() for place in drawn]
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(forms) - 1))
        forms[at] = data.draw(st.sampled_from([*MARKS, ""])) + forms[at][data.draw(st.booleans()) :]
    body = searched("".join(forms).encode(), knowing)
    if is_searched(body, knowing):
        line = exchange_line(exchange_of(body))
        assert find_leak(line, knowing) == find_leak(envelope(line), knowing)


@settings(deadline=None, max_examples=30)
@given(TEXT, TEXT)
def test_the_envelope_is_all_but_the_body(text, note):
    line = exchange_line(exchange_of(text.encode(), note))
    rest = json.loads(envelope(line) + b"}")
    assert {**rest, "body": text} == json.loads(line)


def test_what_is_made_of_a_searched_body_is_not_searched():
    body = searched(b"nothing to find here", scrubber)
    assert is_searched(body, scrubber)
    for other in (bytes(body), body[:5], body + b"!", body.replace(b"e", b"a"), body.upper()):
        assert not is_searched(other, scrubber)
    for copied in (copy.copy(body), copy.deepcopy(body)):
        assert copied == body
        assert type(copied) is bytes


def test_who_knows_other_secrets_searches_again():
    body = searched(b"nothing to find here", scrubber)
    assert not is_searched(body, Scrubber.for_secrets(["something"]))


def test_a_starred_a_coded_and_a_broken_body_are_not_clean():
    for body, coding in ((PLAIN.encode(), ""), (b"x" * 9, "gzip"), (b"x", "rot13")):
        assert not redact_body(body, coding, scrubber).is_clean


@pytest.mark.parametrize("secret", ["open\\nsesame", 'open"sesame', "open\tsesame", ESCAPED])
def test_a_secret_that_json_may_write_in_a_new_way_is_looked_for_again(secret):
    """``open\\nsesame`` is in no body of two lines, and in the line that holds such a body."""
    knowing = Scrubber.for_secrets([secret])
    body = searched(b"open\nsesame", knowing)
    assert not is_searched(body, knowing)


def test_the_line_of_a_body_that_is_no_text_is_its_own_envelope():
    for line in (exchange_line(exchange_of(b"\xff")), exchange_line(without_response())):
        assert envelope(line) == line
    request = exchange_of(b"").request
    assert envelope(request_line(request)) + b',"body":"{}"}' == request_line(request)


def without_response():
    return dataclasses.replace(exchange_of(b""), response=None)

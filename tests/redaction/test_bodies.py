import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.content_coding import decode_body, encode_body
from contractcheck.redaction import Scrubber, find_leak, redact_body

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
CODINGS = ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, br", "identity, zstd"]
CLEAN = json.dumps({"text": "nothing to see " * 40}).encode()
ECHO = json.dumps({"text": "you sent " * 40, "key": SECRET}).encode()
STARRED = ECHO.replace(SECRET.encode(), b"*" * len(SECRET))
scrubber = Scrubber.for_secrets([SECRET])


def quote_everything(text):
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)


def json_escape(text):
    return "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text)


@pytest.mark.parametrize("coding", ["", "identity", *CODINGS])
def test_a_body_without_a_secret_is_kept_byte_for_byte(coding):
    body = encode_body(CLEAN, coding)
    redacted = redact_body(body, coding, scrubber)
    assert (redacted.body, redacted.is_recoded, redacted.note) == (body, False, "")


def test_a_plain_body_with_a_secret_keeps_its_length():
    redacted = redact_body(ECHO, "", scrubber)
    assert (redacted.body, redacted.is_recoded, redacted.note) == (STARRED, False, "")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_secret_inside_a_coded_body_is_starred_and_the_body_coded_anew(coding):
    redacted = redact_body(encode_body(ECHO, coding), coding, scrubber)
    assert redacted.is_recoded
    assert redacted.note == ""
    assert decode_body(redacted.body, coding) == STARRED


@pytest.mark.parametrize(
    ("body", "coding", "why"),
    [
        (b"abc" + ECHO, "compress", "'compress' is not known"),
        (b"abc" + ECHO, "gzip", "not what its coding says"),
        (encode_body(bytes(9 * 2**20), "gzip"), "gzip", "decompression bomb"),
    ],
)
def test_nothing_is_kept_of_a_body_that_cannot_be_looked_into(body, coding, why):
    redacted = redact_body(body, coding, scrubber)
    assert redacted.body == b"*" * len(body)
    assert not redacted.is_recoded
    assert redacted.note.startswith("not kept: ")
    assert why in redacted.note


@settings(deadline=None)
@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.data())
def test_a_coded_body_that_was_cut_off_keeps_what_can_be_seen(coding, data):
    plain = data.draw(st.sampled_from([CLEAN, ECHO]))
    body = encode_body(plain, coding)
    cut = data.draw(st.integers(1, len(body) - 1))
    redacted = redact_body(body[:cut], coding, scrubber)
    assert redacted.note == ""
    assert find_leak(redacted.body, scrubber) is None
    if redacted.is_recoded:
        kept = decode_body(redacted.body, coding)
        assert find_leak(kept, scrubber) is None
        assert STARRED.startswith(kept) or plain.startswith(kept)
    else:
        assert redacted.body == body[:cut]
        assert coding in ("gzip", "deflate")


def test_a_secret_beside_the_coded_bytes_is_found_too():
    """A gzip member may carry a file name; decoders pass over it."""
    name = SECRET.encode() + b"\0"
    member = encode_body(CLEAN, "gzip")
    assert member[3] == 0
    named = member[:3] + b"\x08" + member[4:10] + name + member[10:]
    assert decode_body(named, "gzip") == CLEAN
    redacted = redact_body(named, "gzip", scrubber)
    assert redacted.is_recoded
    assert decode_body(redacted.body, "gzip") == CLEAN
    assert SECRET.encode() not in redacted.body


def test_the_note_does_not_quote_a_secret():
    redacted = redact_body(b"body", f"gzip,{SECRET}", scrubber)
    stars = "*" * len(SECRET)
    assert redacted.note.startswith(f"not kept: the content coding '{stars}' is not known; ")


@given(st.integers(0, len(ECHO)), st.sampled_from([str, quote_everything, json_escape]))
def test_a_body_that_breaks_off_inside_a_secret_keeps_at_most_five_of_its_characters(cut, spell):
    whole = ECHO.replace(SECRET.encode(), spell(SECRET).encode())
    body = whole[:cut]
    redacted = redact_body(body, "", scrubber)
    start = whole.index(spell(SECRET).encode())
    assert len(redacted.body) == len(body)
    assert redacted.body[:start] == body[:start]
    kept = redacted.body[start : start + len(spell(SECRET))].replace(b"*", b"")
    assert len(kept) < len(spell(SECRET[:6]))
    assert redact_body(redacted.body, "", scrubber).body == redacted.body


def test_the_beginning_of_a_secret_elsewhere_is_left_alone():
    body = json.dumps({"text": SECRET[:15]}).encode()
    assert redact_body(body, "", scrubber).body == body

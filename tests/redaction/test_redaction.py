import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, allowed_headers, find_leak

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found

KEY_SHAPED = [
    "sk-ant-api03-abcdefghijklmnop1234",
    "sk-proj-Abc_def-ghijklmnopqrstuv",
    "AIza" + "a" * 35,
    "AKIAIOSFODNN7EXAMPLE",
    "gsk_" + "a1B2" * 6,
    "hf_" + "abcDEF" * 5,
    "ghp_" + "a" * 36,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
]


@pytest.mark.parametrize("key", KEY_SHAPED)
@pytest.mark.parametrize("place", ['{"echo": "KEY"}', "https://x/v1?key=KEY&a=1", "said KEY."])
def test_anything_shaped_like_a_key_is_starred_at_the_same_length(key, place):
    before = place.replace("KEY", key).encode()
    after = Scrubber.for_secrets([]).scrub(before)
    assert key.encode() not in after
    assert len(after) == len(before)
    assert find_leak(before, Scrubber.for_secrets([])) is not None
    assert find_leak(after, Scrubber.for_secrets([])) is None


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: quote(text, safe=""),
        lambda text: json.dumps({"k": text}),
    ],
)
def test_a_known_secret_is_found_in_every_encoding(encode, shift):
    data = encode("x" * shift + SECRET + "tail").encode()
    scrubber = Scrubber.for_secrets([SECRET])
    cleaned = scrubber.scrub(data)
    assert cleaned != data
    assert encode(SECRET).encode()[4:-6] not in cleaned
    assert find_leak(cleaned, scrubber) is None


@given(st.binary(max_size=400), st.integers(0, 400))
def test_scrubbing_is_idempotent_and_keeps_the_length(noise, at):
    data = noise[:at] + SECRET.encode() + noise[at:]
    scrubber = Scrubber.for_secrets([SECRET])
    once = scrubber.scrub(data)
    assert scrubber.scrub(once) == once
    assert len(once) == len(data)
    assert SECRET.encode() not in once


def test_a_credential_field_is_starred_whatever_its_value_looks_like():
    data = b'{"Api_Key": "0123456789abcdef0123456789abcdef", "note": "0123456789abcdef"}'
    assert (
        Scrubber.for_secrets([]).scrub(data)
        == b'{"Api_Key": "********************************", "note": "0123456789abcdef"}'
    )


def test_only_headers_on_the_allow_list_are_kept_in_order_with_case_and_duplicates():
    headers = [
        ("Set-Cookie", "a=b"),
        ("X-RateLimit-Limit-Tokens", "10"),
        ("openai-organization", "acme"),
        ("Date", "now"),
        ("date", "later"),
        ("x-goog-api-key", "k"),
    ]
    assert allowed_headers(headers) == (
        ("X-RateLimit-Limit-Tokens", "10"),
        ("Date", "now"),
        ("date", "later"),
    )


def test_short_values_are_not_taken_for_secrets():
    assert Scrubber.for_secrets(["none"]).scrub(b"none of it") == b"none of it"


PEM = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow-IBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


def test_a_private_key_is_starred_whole_and_so_is_one_that_was_cut_off():
    scrub = Scrubber.for_secrets([]).scrub
    assert scrub(b"<" + PEM + b">") == b"<" + b"*" * len(PEM) + b">"
    cut = PEM[:50]
    assert scrub(cut) == b"*" * len(cut)
    assert find_leak(scrub(PEM), Scrubber.for_secrets([])) is None


def test_many_begin_marks_cost_time_in_proportion_to_their_number():
    mark = b"-----BEGIN PRIVATE KEY-----x"
    scrub = Scrubber.for_secrets([]).scrub
    steps = [len(scrub(mark * count)) for count in (1_000, 8_000)]
    # A quadratic search needs minutes for what follows; this is 2 MB in well under a second.
    assert len(scrub(mark * 75_000)) == len(mark) * 75_000
    assert steps == [1_000 * len(mark), 8_000 * len(mark)]


def test_a_number_behind_a_credentials_name_stays_json():
    data = b'{"password": 12345678, "n": 1}'
    assert json.loads(Scrubber.for_secrets([]).scrub(data)) == {"password": 12345678, "n": 1}

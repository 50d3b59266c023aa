"""What the scrubber promises whatever it is given."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, find_leak

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
KEYS = [
    "sk-ant-api03-abcdefghijklmnop1234",
    "sk-proj-Abc_def-ghijklmnopqrstuv",
    "AIza" + "a" * 35,
    "ya29.abcdefghijklmnop1234",
    "org-abcdefghijklmnop1234",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    SECRET,
    SECRET[-16:],
    SECRET[:20],
    "Bearer abcdefgh12345678901",
]
NAMES = ["api_key", "Authorization", "password", "Set-Cookie", "note", "key", "accessToken"]
MARKS = [
    '"',
    "\\",
    "'",
    '\\"',
    '\\\\"',
    "\\n",
    ":",
    "=",
    "&",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    "*",
    "********",
    "-----",
    "@",
    "', b'",
    "%40",
    "https%3A%2F%2F",
    "://",
    "sk-",
    "abc123",
    "__cf_bm=",
    "projects/",
    "/locations",
    "Bearer",
    "Cookie:",
    "%2F",
    "\\u002f",
    "<ApiKey>",
    "</ApiKey>",
    "data:",
    "-----BEGIN",
    "-----END",
]
BLOCKS = [
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    'data: {"content": "',
    '"}\n\n',
    "\n",
    "\r\n\r\n",
    'name="api_key"',
    "arn:aws:iam::123456789012:",
    " ",
]
FRAGMENTS = [*KEYS, *NAMES, *MARKS, *BLOCKS]
TEXT = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=20).map("".join)

scrubber = Scrubber.for_secrets([SECRET])


def encoded(text):
    return text.encode("utf-8", "surrogatepass")


@settings(deadline=None)
@given(TEXT.map(encoded) | st.binary(max_size=300))
def test_scrubbing_keeps_the_length_only_stars_and_comes_to_an_end(data):
    once = scrubber.scrub(data)
    assert len(once) == len(data)
    assert all(after in (before, ord("*")) for before, after in zip(data, once, strict=True))
    assert scrubber.scrub(once) == once
    assert find_leak(once, scrubber) is None
    assert SECRET.encode() not in once


@settings(deadline=None)
@given(TEXT.map(encoded))
def test_a_scrubbed_request_has_the_identity_of_the_true_one(data):
    assert scrubber.scrub_for_identity(scrubber.scrub(data)) == scrubber.scrub_for_identity(data)


@settings(deadline=None, max_examples=40)
@given(
    st.text("abcdef0123456789", min_size=16, max_size=80),
    st.sampled_from(["?key=", '"api_key": "', ""]),
)
def test_another_key_of_another_length_is_the_same_request(key, before):
    data = b"https://x/v1/%s%s%s & more" % (before.encode(), b"%s", b'"')
    mine = Scrubber.for_secrets([SECRET]).scrub_for_identity(data % SECRET.encode())
    other = Scrubber.for_secrets([key]).scrub_for_identity(data % key.encode())
    assert mine == other
    assert mine != scrubber.scrub_for_identity(b"https://x/v2/")


def shape_of(value):
    """A document without its texts."""
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    if isinstance(value, Pairs):
        return Pairs(shape_of(item) for item in value)
    return str if isinstance(value, str) else value


class Pairs(tuple):
    """An object of JSON by the order of its members: a starred name is still a member."""

    __slots__ = ()


def parse(data):
    return json.loads(data, object_pairs_hook=lambda pairs: Pairs(value for _, value in pairs))


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | TEXT, inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 2]))
def test_json_stays_json_of_the_same_shape(document, indent):
    data = json.dumps(document, indent=indent).encode()
    assert shape_of(parse(scrubber.scrub(data))) == shape_of(parse(data))


def test_nothing_of_a_secret_is_shown():
    known = Scrubber.for_secrets([SECRET])
    assert repr(known) == "Scrubber()"
    assert repr(known.known) == "KnownSecrets()"


@pytest.mark.parametrize("secret", ["none", "", "******", "**********"])
def test_short_values_and_stars_are_not_taken_for_secrets(secret):
    text = b"none of it ****** or ************"
    plain = Scrubber.for_secrets([secret])
    assert plain.scrub(text) == text
    assert find_leak(text, plain) is None


def test_text_is_scrubbed_as_bytes_are():
    assert scrubber.scrub_text(f"é {SECRET} ü") == f"é {'*' * len(SECRET)} ü"


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(), max_size=5), max_size=20))
def test_text_stays_text(parts):
    text = "".join(parts)
    once = scrubber.scrub_text(text)
    assert scrubber.scrub_text(once) == once
    assert len(once.encode(errors="surrogatepass")) == len(text.encode(errors="surrogatepass"))


def test_a_number_behind_a_credentials_name_stays_json():
    data = b'{"password": 12345678, "n": 1}'
    assert json.loads(scrubber.scrub(data)) == {"password": 12345678, "n": 1}


def test_a_star_that_ends_a_word_may_show_another_secret():
    data = SECRET.encode() + b"sk-ant-api03-abcdefghijklmnop1234"
    assert scrubber.scrub(data) == b"*" * len(data)

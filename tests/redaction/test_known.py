import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, find_leak

SECRET = 'A/b+C=d&e"f\\g h~i-j_k.l<m>0123456789éü'  # noqa: S105 - every character that is escaped
PLAIN = "0123456789abcdefghijklmnopqrstuvwxyzABCD"


def escaped_for_web_pages(text):
    """As Go and .NET write JSON."""
    escaped = json.dumps(text)[1:-1]
    return "".join(f"\\u{ord(c):04X}" if c in "&<>+'" else c for c in escaped)


SPELLINGS = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in a query": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64 in PHP": lambda text: base64.b64encode(text.encode()).decode().replace("/", "\\/"),
    "path": quote,
    "query": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "lower case query": lambda text: re.sub(
        "%..", lambda mark: mark.group().lower(), quote(text, safe="")
    ),
    "query in a query": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "json in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json for web pages": escaped_for_web_pages,
    "html": html.escape,
    "hex": lambda text: text.encode().hex(),
    "upper case hex": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize(
    "secret", [SECRET, PLAIN, "short6", "sixteen-letters!", "seventeen-letters"]
)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_known_secret_is_found_in_every_spelling(spelling, secret, shift):
    """Base64 mixes the ends of a secret with its neighbours: those characters may stay."""
    spell = SPELLINGS[spelling]
    data = spell("x" * shift + secret + "tail").encode()
    scrubber = Scrubber.for_secrets([secret])
    cleaned = scrubber.scrub(data)
    assert len(cleaned) == len(data)
    assert find_leak(data, scrubber).kind == "a credential this process uses"
    assert find_leak(cleaned, scrubber) is None
    left = cleaned.replace(b"*", b"")
    around = spell("x" * shift + "tail").encode()
    spare = 12 if "base64" in spelling else 0
    assert len(left) <= len(around) + spare


LETTERS = st.characters(codec="utf-8", exclude_characters="*<>:")


@settings(deadline=None, max_examples=40)
@given(st.lists(LETTERS, min_size=17, max_size=60, unique=True), st.data())
def test_sixteen_characters_of_either_end_are_found(letters, data):
    secret = "".join(letters)
    length = data.draw(st.integers(16, len(secret)))
    part = data.draw(st.sampled_from([secret[:length], secret[-length:]])).encode()
    cleaned = Scrubber.for_secrets([secret]).scrub(b"<" + part + b">")
    assert cleaned == b"<" + b"*" * len(part) + b">"


def test_fifteen_characters_are_not():
    assert Scrubber.for_secrets([PLAIN]).scrub(PLAIN[:15].encode()) == PLAIN[:15].encode()
    assert Scrubber.for_secrets([PLAIN]).scrub(PLAIN[-15:].encode()) == PLAIN[-15:].encode()


def test_the_beginning_of_an_address_is_no_secret_its_end_is():
    scrubber = Scrubber.for_secrets(["https://hooks.example/T012345678/abcdefghijklmnopqrst"])
    assert scrubber.scrub(b"https://hooks.example/") == b"https://hooks.example/"
    assert scrubber.scrub(b"...45678/abcdefghijklmnopqrst") == b"..." + b"*" * 26


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(min_size=6, max_size=30), max_size=4), st.binary(max_size=200), st.data())
def test_any_text_may_be_a_secret(secrets, noise, data):
    scrubber = Scrubber.for_secrets(secrets)
    inside = noise + (data.draw(st.sampled_from(secrets)).encode() if secrets else b"") + noise
    once = scrubber.scrub(inside)
    assert scrubber.scrub(once) == once
    assert all(secret.encode() not in once for secret in secrets if secret.strip("*"))


def test_a_secret_that_is_not_utf_8_is_found():
    secret = b"pass\xff\xfe-word".decode(errors="surrogateescape")
    scrubber = Scrubber.for_secrets([secret])
    assert scrubber.scrub(b"<pass\xff\xfe-word>") == b"<***********>"
    assert scrubber.scrub(b"<pass%FF%fe-word>") == b"<" + b"*" * 15 + b">"
    encoded = base64.b64encode(b"x:pass\xff\xfe-word")
    assert scrubber.scrub(encoded).count(b"*") >= len(encoded) - 6


def test_many_secrets_are_looked_for_at_once():
    secrets = [f"secret-{number:04}-{number * 7919:012}" for number in range(60)]
    scrubber = Scrubber.for_secrets(secrets)
    data = " ".join(secrets).encode()
    assert set(scrubber.scrub(data).split()) == {b"*" * len(secrets[0])}

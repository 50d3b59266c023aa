"""OAuth 2.0 client credentials against a token server on loopback."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs, unquote_plus

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.auth import ClientCredentials
from contractcheck.errors import MeasurementError

SECRET = "client:secret/0123456789+&="  # noqa: S105 - made up
GRANTED = {"access_token": "granted-token-1", "token_type": "Bearer", "expires_in": 3600}


def client(server, **more):
    fields = {"pause": lambda _s: None, **more}
    return ClientCredentials(
        token_url=f"{server.url}/token", client_id="night ly", client_secret=SECRET, **fields
    )


def granting(**more):
    return lambda _request: (200, GRANTED | more, {})


def test_id_and_secret_go_in_a_header_each_written_as_in_a_form(server):
    server.answer = granting()
    token = client(server, scope="a b").fetch()
    assert (token.value, token.lifetime_s) == ("granted-token-1", 3600)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/token")
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
    }
    scheme, _, pair = asked.headers["authorization"].partition(" ")
    name, _, secret = b64decode(pair).decode().partition(":")
    assert (scheme, unquote_plus(name), unquote_plus(secret)) == ("Basic", "night ly", SECRET)


def test_or_they_go_in_the_form(server):
    server.answer = granting()
    client(server, method="post", audience="https://api.example").fetch()
    (asked,) = server.asked
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["night ly"],
        "client_secret": [SECRET],
        "audience": ["https://api.example"],
    }


@pytest.mark.parametrize(
    ("expires_in", "lifetime_s"),
    [
        (60, 60),
        ("60", 60),
        (0.5, 0.5),
        (None, None),
        (0, None),
        (-1, None),
        (True, None),
        ("x", None),
    ],
)
def test_the_life_of_a_token_is_what_the_server_says_if_it_says_something(
    server, expires_in, lifetime_s
):
    server.answer = granting(expires_in=expires_in)
    assert client(server).fetch().lifetime_s == lifetime_s


@pytest.mark.parametrize("kind", ["bearer", "BEARER"])
def test_the_case_of_its_type_does_not_matter(server, kind):
    server.answer = granting(token_type=kind)
    assert client(server).fetch().value == "granted-token-1"


@pytest.mark.parametrize(
    ("status", "value", "words"),
    [
        (401, {"error": "invalid_client", "error_description": SECRET}, "401 (invalid_client)"),
        (400, {"error": SECRET}, "400 (no known error)"),
        (403, SECRET.encode(), "403 (no JSON)"),
        (200, b"<html>" + SECRET.encode(), "200 (no JSON)"),
        (200, [SECRET], "200 (no JSON)"),
        (200, {}, "has no access_token"),
        (200, {"access_token": 7, "token_type": "bearer"}, "has no access_token"),
        (200, GRANTED | {"token_type": "mac"}, "no bearer token"),
        (200, {"access_token": "x"}, "no bearer token"),
        (200, GRANTED | {"access_token": "a\r\nx: 1"}, "cannot be sent"),
        (200, b"[" * (1 << 20) + b"[", "more than 1 MiB"),
    ],
)
def test_what_is_no_token_is_told_in_words_of_ours(server, status, value, words):
    server.answer = lambda _request: (status, value, {})
    with pytest.raises(MeasurementError) as caught:
        client(server).fetch()
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_busy_server_is_asked_again(server):
    answers = iter([(503, b"", {}), (429, b"", {}), (200, GRANTED, {})])
    server.answer = lambda _request: next(answers)
    paused = []
    assert client(server, pause=paused.append).fetch().value == "granted-token-1"
    assert len(server.asked) == 3
    assert paused == sorted(paused)


def test_a_server_that_stays_busy_is_given_up(server):
    server.answer = lambda _request: (503, b"", {})
    with pytest.raises(MeasurementError, match=r"answered 503"):
        client(server).fetch()
    assert len(server.asked) == 3


def test_a_redirect_is_not_followed(server):
    server.answer = lambda _request: (307, b"", {"location": f"{server.url}/elsewhere"})
    with pytest.raises(MeasurementError, match="answered 307"):
        client(server).fetch()
    assert [asked.path for asked in server.asked] == ["/token"]


def test_a_proxy_of_the_environment_is_not_used(server, monkeypatch):
    server.answer = granting()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client(server).fetch().value == "granted-token-1"


def test_nothing_secret_is_in_a_traceback_that_shows_variables(server, shown, monkeypatch):
    def explode(*_args, **_kwargs):
        raise httpx2.ConnectError("refused")

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", explode)
    with pytest.raises(MeasurementError) as caught:
        client(server).fetch()
    text = shown(caught.value)
    assert "could not be asked (ConnectError)" in text
    assert SECRET not in text
    assert "Basic " not in text


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["access_token", "token_type", "expires_in", "error"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_whatever_a_server_says_is_a_token_or_a_measurement_that_failed(document):
    source = ClientCredentials(token_url="http://127.0.0.1", client_id="a", client_secret="b")  # noqa: S106 - made up
    try:
        token = source._token(document)
    except MeasurementError:
        return
    assert token.value == document["access_token"]
    assert token.lifetime_s is None or token.lifetime_s > 0

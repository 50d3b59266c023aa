"""Google's application default credentials against a token server on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from contractcheck.auth import RenewingAuthorizer, find_google
from contractcheck.errors import MeasurementError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture(scope="module")
def private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(server, private_key, tmp_path, monkeypatch):
    """A service account's file, as GOOGLE_APPLICATION_CREDENTIALS names it."""
    pem = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    document = {
        "type": "service_account",
        "project_id": "my-project-1",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "nightly@my-project-1.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{server.url}/token",
    }
    return use(monkeypatch, tmp_path, document)


def use(monkeypatch, folder, document):
    file = folder / "account.json"
    file.write_text(json.dumps(document))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return file


def decoded(part):
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def granting(server, **more):
    answer = {
        "access_token": f"granted-{len(server.asked)}",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    return 200, answer | more, {}


@pytest.mark.usefixtures("account")
def test_a_service_account_gets_a_token_for_what_it_signs(server, private_key):
    server.answer = lambda _request: granting(server)
    token = find_google(SCOPE).fetch()
    assert token.value == "granted-1"
    assert 3500 < token.lifetime_s <= 3600
    (asked,) = server.asked
    form = parse_qs(asked.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]  # RFC 7523
    head, claims, signature = form["assertion"][0].split(".")
    private_key.public_key().verify(
        decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    said = json.loads(decoded(claims))
    assert (said["scope"], said["iss"]) == (SCOPE, "nightly@my-project-1.iam.gserviceaccount.com")
    assert abs(said["iat"] - time.time()) < 600


@pytest.mark.usefixtures("account")
def test_each_fetch_is_another_token(server, request_of):
    server.answer = lambda _request: granting(server)
    authorizer = RenewingAuthorizer(source=find_google(SCOPE))

    async def talk():
        used = await authorizer.authorize(request_of(), "https://x.googleapis.com")
        assert await authorizer.renew(used)
        return dict(await authorizer.authorize(request_of(), "https://x.googleapis.com"))

    assert asyncio.run(talk())["authorization"] == "Bearer granted-2"
    assert {"granted-1", "granted-2"} <= set(authorizer.secrets)


def test_a_persons_login_is_paid_by_a_project_and_keeps_its_secrets(
    server, tmp_path, monkeypatch, request_of
):
    document = {
        "type": "authorized_user",
        "client_id": "me",
        "client_secret": "client-secret-0123",
        "refresh_token": "refresh-token-4567",
        "quota_project_id": "paying-project",
        "token_uri": f"{server.url}/token",
    }
    use(monkeypatch, tmp_path, document)
    found = find_google(SCOPE)
    assert {"client-secret-0123", "refresh-token-4567"} <= set(found.secrets)
    # Where a person's login is renewed is not read from the file, so it is told here.
    found.credentials._token_uri = f"{server.url}/token"
    server.answer = lambda _request: granting(server)
    authorizer = RenewingAuthorizer(source=found)
    sent = dict(asyncio.run(authorizer.authorize(request_of(), "https://x.googleapis.com")))
    assert sent["x-goog-user-project"] == "paying-project"
    assert sent["authorization"] == "Bearer granted-1"


@pytest.mark.parametrize(
    ("status", "value", "words"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "SECRET"},
            "RefreshError (invalid_grant)",
        ),
        (401, b"SECRET", "RefreshError"),
        (200, {"SECRET": 1}, "RefreshError"),
    ],
)
@pytest.mark.usefixtures("account")
def test_what_is_refused_is_told_in_words_of_ours(server, shown, status, value, words):
    server.answer = lambda _request: (status, value, {})
    with pytest.raises(MeasurementError) as caught:
        find_google(SCOPE).fetch()
    assert str(caught.value) == f"no token of Google's default credentials: {words}"
    assert "SECRET" not in shown(caught.value)


def test_a_server_that_cannot_be_reached_is_said_to_be(account, monkeypatch):
    import google.auth._exponential_backoff as backoff

    monkeypatch.setattr(backoff.time, "sleep", lambda _s: None)
    document = json.loads(account.read_text())
    account.write_text(json.dumps(document | {"token_uri": "http://127.0.0.1:1/token"}))
    with pytest.raises(MeasurementError, match=r"could not be asked \(ConnectError\)"):
        find_google(SCOPE).fetch()


def test_who_is_not_logged_in_has_none(monkeypatch, tmp_path):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert find_google(SCOPE) is None


@pytest.mark.usefixtures("account")
def test_nothing_secret_is_shown(server):
    server.answer = lambda _request: granting(server)
    source = find_google(SCOPE)
    source.fetch()
    assert repr(source) == "GoogleSource()"

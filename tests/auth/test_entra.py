"""Entra ID, by a machine's identity endpoint on loopback (as App Service has it)."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from contractcheck.auth import RenewingAuthorizer, find_entra
from contractcheck.errors import MeasurementError

SCOPE = "https://cognitiveservices.azure.com/.default"
HEADER = "identity-header-0123456789"
ECHO = "what-a-server-echoes"


@pytest.fixture(autouse=True)
def machine(server, monkeypatch):
    """This process runs on a machine with an identity, and has no other.

    https://learn.microsoft.com/azure/app-service/overview-managed-identity
    """
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "managedidentitycredential")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)


def granting(server):
    answer = {
        "access_token": f"granted-{len(server.asked)}",
        "token_type": "Bearer",
        "resource": "https://cognitiveservices.azure.com",
        "expires_on": str(int(time.time()) + 86_400),
    }
    return 200, answer, {}


def test_a_machine_gets_a_token_for_the_scope(server):
    server.answer = lambda _request: granting(server)
    token = find_entra(SCOPE).fetch()
    assert token.value == "granted-1"
    assert 86_000 < token.lifetime_s <= 86_400
    (asked,) = server.asked
    assert asked.headers["x-identity-header"] == HEADER
    assert parse_qs(urlsplit(asked.path).query)["resource"] == [
        "https://cognitiveservices.azure.com"
    ]


def test_a_token_that_was_refused_is_not_given_again(server, request_of):
    server.answer = lambda _request: granting(server)
    authorizer = RenewingAuthorizer(source=find_entra(SCOPE))

    async def talk():
        used = await authorizer.authorize(request_of(), "https://x.openai.azure.com")
        assert await authorizer.renew(used)
        return dict(await authorizer.authorize(request_of(), "https://x.openai.azure.com"))

    assert asyncio.run(talk())["authorization"] == "Bearer granted-2"
    assert authorizer.secrets == ("granted-1", "granted-2")


def test_who_cannot_log_in_is_told_how(server, shown):
    server.answer = lambda _request: (400, {"error": ECHO, "error_description": ECHO}, {})
    with pytest.raises(MeasurementError) as caught:
        find_entra(SCOPE).fetch()
    assert "az login" in str(caught.value)
    assert ECHO not in shown(caught.value)

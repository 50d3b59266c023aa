from __future__ import annotations

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.target import Target
from contractcheck.workflows.endpoint import find_secrets, resolve_endpoint

KEYS = {"OPENAI_API_KEY": "sk-1234567", "ANTHROPIC_API_KEY": "sk-ant-7654321"}


def resolve(suite_url=None, base_url=None, provider="openai", **more):
    target = Target(provider=provider, model="m", base_url=suite_url)
    return resolve_endpoint(target, base_url=base_url, environment=KEYS | more)


@pytest.mark.parametrize(
    ("provider", "url", "key"),
    [
        ("openai", "https://api.openai.com", "sk-1234567"),
        ("anthropic", "https://api.anthropic.com", "sk-ant-7654321"),
    ],
)
def test_each_provider_has_its_host_and_its_key(provider, url, key):
    endpoint = resolve(provider=provider)
    assert (endpoint.base_url, endpoint.authorizer.secrets) == (url, (key,))
    assert set(KEYS.values()) <= set(endpoint.secrets)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://api.openai.com.evil.example",
        "https://evil.example/api.openai.com",
        "https://evil.example#@api.openai.com",
        "https://evil.example\\@api.openai.com",
        "https://127.0.0.1.evil.example",
        "https://api.anthropic.com",
    ],
)
def test_a_suite_may_not_direct_a_key_to_a_foreign_host(url):
    with pytest.raises(UsageError) as caught:
        resolve(url)
    assert "sk-1234567" not in str(caught.value)


def test_the_refusal_says_where_the_key_would_have_gone_and_what_to_do():
    with pytest.raises(UsageError) as caught:
        resolve("https://evil.example")
    assert str(caught.value) == (
        "the suite sends openai:m to evil.example, which is not api.openai.com: a suite file "
        "alone may not direct a credential there; add --base-url, or list the host in "
        "CONTRACTCHECK_TRUSTED_HOSTS"
    )


@pytest.mark.parametrize("listed", ["gw.example", "other.example, gw.example", "GW.Example"])
def test_a_listed_host_is_trusted(listed):
    endpoint = resolve("https://gw.example/v1/", CONTRACTCHECK_TRUSTED_HOSTS=listed)
    assert endpoint.base_url == "https://gw.example"


@pytest.mark.parametrize("listed", ["example", "ww.gw.example", ""])
def test_a_host_that_is_not_listed_is_not(listed):
    with pytest.raises(UsageError, match="may not direct"):
        resolve("https://gw.example", CONTRACTCHECK_TRUSTED_HOSTS=listed)


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1:1", "http://127.0.0.2:1", "http://[::1]:1"]
)
def test_this_machine_needs_no_key(url):
    target = Target(provider="openai", model="m", base_url=url)
    assert resolve_endpoint(target, base_url=None, environment={}).authorizer.secrets


@pytest.mark.parametrize("url", ["http://gw.example", "HTTP://gw.example", "http://127.1"])
def test_plain_http_never_carries_a_key_whoever_named_it(url):
    with pytest.raises(UsageError, match="never sent over plain http"):
        resolve(base_url=url)


@pytest.mark.parametrize("where", ["suite_url", "base_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://gw.example/v1?api_key=topsecret",
        "https://gw.example/v1#topsecret",
        "http://127.0.0.1:1?key=topsecret",
        "https://user:topsecret@gw.example",
        "https://user:topsecret@[gw.example",
        "user:topsecret@gw.example",
    ],
)
def test_what_an_endpoint_may_hold_of_a_credential_is_refused_and_not_shown(url, where):
    with pytest.raises(UsageError) as caught:
        resolve(**{where: url})
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_person_at_the_keyboard_may_name_any_host():
    assert resolve("https://evil.example", "https://gw.example").base_url == "https://gw.example"


def test_a_missing_key_is_named():
    target = Target(provider="anthropic", model="m")
    with pytest.raises(UsageError) as caught:
        resolve_endpoint(target, base_url=None, environment={})
    assert str(caught.value) == "anthropic:m: set ANTHROPIC_API_KEY to a key for api.anthropic.com"


def test_secrets_are_what_the_names_of_variables_say():
    named = {
        "A_KEY": "value-1",
        "B_TOKEN": "value-2",
        "D_PASSWORD": "value-3",
        "GCP_CREDENTIALS": "value-4",
        "OPENAI_APIKEY": "value-5",
        "PGPASSWORD": "value-6",
        "SSH_PASSPHRASE": "value-7",
        "TOKEN": "value-8",
        "c_secret": "value-9",
        "mysql_passwd": "value-x",
    }
    others = {"KEYS": "a", "TOKENIZER": "b", "SSH_AUTH_SOCK": "/run/agent", "EMPTY_KEY": ""}
    assert find_secrets(named | others) == tuple(named.values())


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "Enabled",
        "production",
        "password",
        "5432",
        "1234567",
        "/etc/keys/account.json",
        "~/.config/key.pem",
        r"C:\keys\account.json",
    ],
)
def test_what_only_says_how_something_is_set_is_no_secret(value):
    assert find_secrets({"SOME_KEY": value}) == ()


@pytest.mark.parametrize(
    "value",
    [
        "hunterzwei",
        "correct horse",
        "12345678",
        "/9j/4AAQSkZJRg+/=",
        "productionX9",
        "/abc.def/ghi",
    ],
)
def test_what_may_be_a_password_is_one(value):
    assert find_secrets({"SOME_KEY": value}) == (value,)

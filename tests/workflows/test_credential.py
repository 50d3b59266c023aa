"""Which credential a target gets, and what a suite may do about it."""

from __future__ import annotations

import dataclasses
import logging
import sys

import pytest

from contractcheck.auth import AwsAuthorizer, ClientCredentials, KeyAuthorizer, RenewingAuthorizer
from contractcheck.errors import MeasurementError, SuiteError, UsageError
from contractcheck.model.credential import ClientLogin, SchemeChoice, Variable
from contractcheck.model.target import Target
from contractcheck.workflows import credential
from contractcheck.workflows.endpoint import resolve_endpoint

KEY = "sk-0123456789-of-a-provider"
SECRET = "client-secret-0123456789"  # noqa: S105 - made up
AZURE = "https://team.openai.azure.com"
PLACE = {"file": "suites/mail.contract.yaml", "line": 4}


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch, tmp_path):
    """No credential of this machine's own is found, whoever it belongs to."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-0123456789")


def choose(method, variable=None):
    return SchemeChoice(method=method, variable=variable and Variable(name=variable), **PLACE)


def login(**more):
    fields = {
        "token_url": "https://gw.example/token",
        "client_id": "nightly",
        "client_secret": Variable(name="GATEWAY_SECRET"),
    }
    return ClientLogin(**fields | more, **PLACE)


def resolve(provider="openai", auth=None, *, suite_url=None, base_url=None, region=None, **more):
    target = Target(provider=provider, model="m", base_url=suite_url, region=region, auth=auth)
    return resolve_endpoint(target, base_url=base_url, environment=more)


def at_gateway(auth, **more):
    listed = {"CONTRACTCHECK_ALLOWED_VARIABLES": "GATEWAY_KEY, GATEWAY_SECRET GATEWAY_ID"}
    return resolve("openai", auth, base_url="https://gw.example", **listed | more)


def test_a_wire_that_aws_signs_is_signed_in_its_region(aws):
    endpoint = resolve("bedrock", region="eu-central-1")
    assert endpoint.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert isinstance(endpoint.authorizer, AwsAuthorizer)
    assert (endpoint.authorizer.service, endpoint.authorizer.region) == ("bedrock", "eu-central-1")
    assert "aws-secret-0123456789" in endpoint.secrets


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_or_in_the_region_that_every_aws_tool_reads(aws, name):
    endpoint = resolve("bedrock", **{name: "us-west-2"})
    assert endpoint.base_url == "https://bedrock-runtime.us-west-2.amazonaws.com"
    assert endpoint.authorizer.region == "us-west-2"


@pytest.mark.parametrize("region", ["", "evil.example/x", "EU"])
def test_without_a_region_nobody_can_be_asked(aws, region):
    with pytest.raises(UsageError, match="needs a region"):
        resolve("bedrock", AWS_REGION=region)


def test_a_key_that_the_user_keeps_comes_before_what_a_cloud_finds(aws):
    endpoint = resolve("bedrock", region="eu-central-1", AWS_BEARER_TOKEN_BEDROCK=KEY)
    assert endpoint.authorizer == KeyAuthorizer(key=KEY)


def test_unless_the_suite_chose_otherwise(aws):
    endpoint = resolve(
        "bedrock", choose("aws"), region="eu-central-1", AWS_BEARER_TOKEN_BEDROCK=KEY
    )
    assert isinstance(endpoint.authorizer, AwsAuthorizer)


def test_the_google_wire_is_shown_googles_token(monkeypatch):
    found = []

    class Source:
        secrets = ("refresh-token",)

    monkeypatch.setattr(credential, "find_google", lambda scope: found.append(scope) or Source())
    endpoint = resolve("vertex", region="europe-west4")
    assert found == ["https://www.googleapis.com/auth/cloud-platform"]
    assert isinstance(endpoint.authorizer, RenewingAuthorizer)
    assert "refresh-token" in endpoint.secrets


def test_the_location_without_a_place_is_at_the_host_without_one(monkeypatch):
    monkeypatch.setattr(credential, "find_google", lambda _scope: type("S", (), {"secrets": ()})())
    assert resolve("vertex", region="global").base_url == "https://aiplatform.googleapis.com"


def test_azure_is_shown_a_key_or_a_token():
    keyed = resolve("azure", base_url=AZURE, AZURE_OPENAI_API_KEY=KEY).authorizer
    assert (keyed.header, keyed.prefix, keyed.key) == ("api-key", "", KEY)
    assert isinstance(resolve("azure", base_url=AZURE).authorizer, RenewingAuthorizer)


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (
            "bedrock",
            (
                "bedrock:m: set AWS_BEARER_TOKEN_BEDROCK to a key for bedrock-runtime.eu-central-1."
                "amazonaws.com, or give AWS credentials (aws configure)"
            ),
        ),
        ("vertex", "vertex:m: log in with `gcloud auth application-default login`"),
        (
            "cohere",
            "cohere:m: set CO_API_KEY or COHERE_API_KEY to a key for api.cohere.com",
        ),
    ],
)
def test_who_has_none_is_told_of_every_way(provider, words):
    with pytest.raises(UsageError) as caught:
        resolve(provider, region="eu-central-1")
    assert str(caught.value) == words


def test_this_machine_gets_a_clouds_credential_only_when_the_suite_chose_it(aws):
    here = "http://127.0.0.1:1"
    assert (
        "aws-secret-0123456789"
        not in resolve("bedrock", suite_url=here, region="eu-central-1").authorizer.secrets
    )
    chosen = resolve("bedrock", choose("aws"), suite_url=here, region="eu-central-1")
    assert "aws-secret-0123456789" in chosen.authorizer.secrets


def test_this_machine_is_not_shown_nothing_when_the_suite_chose_a_way():
    with pytest.raises(UsageError, match="set OPENAI_API_KEY"):
        resolve("openai", choose("key"), suite_url="http://127.0.0.1:1")


def test_a_way_that_the_wire_does_not_know_is_refused_with_its_line():
    with pytest.raises(SuiteError) as caught:
        resolve("openai", choose("aws"), OPENAI_API_KEY=KEY)
    assert str(caught.value) == (
        "suites/mail.contract.yaml:4: auth: openai does not know 'aws'; it knows: key"
    )


def test_a_suite_may_name_the_providers_own_variable():
    assert resolve("openai", choose("key", "OPENAI_API_KEY"), OPENAI_API_KEY=KEY).authorizer == (
        KeyAuthorizer(key=KEY)
    )


def test_a_listed_variable_is_read_and_takes_the_providers_header():
    found = at_gateway(choose("key", "GATEWAY_KEY"), GATEWAY_KEY=KEY, OPENAI_API_KEY="other-key")
    assert found.authorizer == KeyAuthorizer(key=KEY)
    assert KEY in found.secrets
    azure = resolve(
        "azure",
        choose("key", "GATEWAY_KEY"),
        base_url=AZURE,
        GATEWAY_KEY=KEY,
        CONTRACTCHECK_ALLOWED_VARIABLES="GATEWAY_KEY",
    )
    assert azure.authorizer.header == "api-key"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PATH", "GATEWAY_KEY_2"])
def test_any_other_variable_is_refused_and_not_shown(name):
    with pytest.raises(SuiteError) as caught:
        at_gateway(choose("key", name), **{name: SECRET})
    assert str(caught.value) == (
        f"suites/mail.contract.yaml:4: auth: a suite may not send ${{{name}}} to gw.example: if it "
        f"is meant for that host, list {name}@gw.example in CONTRACTCHECK_ALLOWED_VARIABLES"
    )


@pytest.mark.parametrize(
    ("listed", "is_allowed"),
    [
        ("GATEWAY_KEY@gw.example", True),
        ("GATEWAY_KEY@else.example, GATEWAY_KEY@gw.example", True),
        ("GATEWAY_KEY@else.example", False),
        ("GATEWAY_KEY@gw.example.evil.example", False),
        ("@gw.example", False),
    ],
)
def test_a_variable_may_be_listed_for_one_host(listed, is_allowed):
    more = {"GATEWAY_KEY": KEY, "CONTRACTCHECK_ALLOWED_VARIABLES": listed}
    if is_allowed:
        assert KEY in at_gateway(choose("key", "GATEWAY_KEY"), **more).secrets
        return
    with pytest.raises(SuiteError, match="may not send"):
        at_gateway(choose("key", "GATEWAY_KEY"), **more)


def test_what_is_listed_for_the_gateway_is_not_sent_to_a_token_server():
    more = {
        "GATEWAY_SECRET": SECRET,
        "CONTRACTCHECK_ALLOWED_VARIABLES": "GATEWAY_SECRET@gw.example",
        "CONTRACTCHECK_TRUSTED_HOSTS": "login.example",
    }
    with pytest.raises(SuiteError, match=r"may not send .* to login\.example"):
        at_gateway(login(token_url="https://login.example/token"), **more)  # noqa: S106 - an address


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_listed_variable_that_is_not_set_is_named(value):
    more = {} if value is None else {"GATEWAY_SECRET": value}
    with pytest.raises(SuiteError, match=r"the variable GATEWAY_SECRET is not set"):
        at_gateway(login(), **more)


def test_a_clients_login_asks_where_the_suite_says():
    more = {
        "scope": "a b",
        "audience": "x",
        "method": "post",
        "client_id": Variable(name="GATEWAY_ID"),
    }
    endpoint = at_gateway(login(**more), GATEWAY_SECRET=SECRET, GATEWAY_ID="me")
    source = endpoint.authorizer.source
    assert dataclasses.replace(source, pause=print) == ClientCredentials(
        token_url="https://gw.example/token",  # noqa: S106 - an address
        client_id="me",
        client_secret=SECRET,
        scope="a b",
        audience="x",
        method="post",
        pause=print,
    )
    assert SECRET in endpoint.secrets


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://login.example/token", "login.example"),
        ("https://gw.example:8443/token", ""),
        ("http://127.0.0.1:1/token", ""),
    ],
)
def test_a_clients_secret_goes_to_who_is_trusted(url, trusted):
    more = {"GATEWAY_SECRET": SECRET, "CONTRACTCHECK_TRUSTED_HOSTS": trusted}
    assert at_gateway(login(token_url=url), **more).authorizer.source.token_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/token",
        "https://gw.example.evil.example/token",
        "https://127.0.0.1.evil.example/token",
    ],
)
def test_and_to_nobody_else(url):
    with pytest.raises(SuiteError, match="would show a client's secret to") as caught:
        at_gateway(login(token_url=url), GATEWAY_SECRET=SECRET)
    assert SECRET not in str(caught.value)


def test_a_login_follows_no_suite_to_a_host_that_nobody_trusts():
    with pytest.raises(UsageError, match="may not direct a credential there"):
        resolve(
            "openai",
            login(token_url="https://evil.example/token"),  # noqa: S106 - an address
            suite_url="https://evil.example",
            GATEWAY_SECRET=SECRET,
            CONTRACTCHECK_ALLOWED_VARIABLES="GATEWAY_SECRET",
        )


def test_a_login_that_is_there_and_cannot_be_had_is_a_measurement_that_failed(
    monkeypatch, tmp_path
):
    failing = f"[default]\ncredential_process = {sys.executable} -c 1/0\n"
    (tmp_path / "config").write_text(failing)
    with pytest.raises(MeasurementError) as caught:
        resolve("bedrock", region="eu-central-1")
    assert str(caught.value).startswith("no AWS credentials: ")


def test_a_key_with_a_line_break_inside_is_refused_by_name():
    with pytest.raises(UsageError) as caught:
        resolve(OPENAI_API_KEY=f"{KEY}\n{KEY}")
    assert str(caught.value) == "OPENAI_API_KEY holds no key: it is no one line of visible ASCII"


def test_what_a_clouds_library_logs_is_scrubbed(monkeypatch, caplog):
    def find(_service, _region):
        body = b"<SecretAccessKey>" + SECRET.encode() + b"</SecretAccessKey>"
        logging.getLogger("botocore.parsers").debug("Response body:\n%r", body)

    monkeypatch.setattr(credential, "find_aws", find)
    with caplog.at_level(logging.DEBUG), pytest.raises(UsageError):
        resolve("bedrock", region="eu-central-1")
    assert "SecretAccessKey" in caplog.text
    assert SECRET not in caplog.text

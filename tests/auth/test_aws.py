"""AWS Signature Version 4, held against the specification and AWS's published examples."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import threading
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

import botocore.auth
import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.auth import AwsAuthorizer
from contractcheck.cassettes import read_run
from contractcheck.errors import MeasurementError
from contractcheck.model.wire import WireRequest
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

# Of AWS's documentation and test suite, known to everybody.
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "session-token-0123456789/+="  # noqa: S105 - made up

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def encode(text):
    return quote(text, safe="-_.~")


def sign(method, url, headers, body, *, date, region, service, signed):
    """Sign by the letter of the specification; ``headers`` by lower-case name.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    parts = urlsplit(url)
    pairs = [pair.partition("=")[::2] for pair in parts.query.split("&") if pair]
    query = sorted((encode(unquote(a)), encode(unquote(b))) for a, b in pairs)
    request = "\n".join(
        (
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{re.sub(' +', ' ', headers[name].strip())}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, text.encode(), "sha256").hexdigest()


# Method, URL, headers, service, signature. The first is worked out in the IAM user guide, the
# others are of AWS's Signature Version 4 test suite (get-vanilla, get-vanilla-query-order-key-case,
# post-vanilla); all of 2015-08-30, us-east-1.
FORM = "application/x-www-form-urlencoded; charset=utf-8"
EXAMPLES = {
    "user guide": (
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"content-type": FORM},
        "iam",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
    "get-vanilla": (
        "GET",
        "https://example.amazonaws.com/",
        {},
        "service",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "query order": (
        "GET",
        "https://example.amazonaws.com/?Param2=value2&Param1=value1",
        {},
        "service",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-vanilla": (
        "POST",
        "https://example.amazonaws.com/",
        {},
        "service",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_verifier_agrees_with_what_aws_published(name):
    method, url, headers, service, expected = EXAMPLES[name]
    headers = {**headers, "host": urlsplit(url).netloc, "x-amz-date": "20150830T123600Z"}
    place = {"date": "20150830", "region": "us-east-1", "service": service}
    assert sign(method, url, headers, b"", signed=sorted(headers), **place) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_and_so_do_we(name, monkeypatch):
    method, url, headers, service, expected = EXAMPLES[name]
    then = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
    parts = urlsplit(url)
    path = url.removeprefix(f"https://{parts.netloc}")
    request = WireRequest(method=method, path=path, headers=tuple(headers.items()), body=b"")
    authorizer = AwsAuthorizer(Credentials(KEY_ID, SECRET), service, "us-east-1")
    sent = asyncio.run(authorizer.authorize(request, f"https://{parts.netloc}"))
    assert AUTHORIZATION.fullmatch(dict(sent)["authorization"])["signature"] == expected


SAFE = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-._~", min_size=1, max_size=12)
SEGMENTS = st.lists(
    SAFE | st.just("anthropic.claude-3-5:0") | st.just("a%3A0"), min_size=1, max_size=4
)


@settings(deadline=None, max_examples=100)
@given(
    segments=SEGMENTS.filter(lambda found: not {".", ".."} & set(found)),
    query=st.lists(st.tuples(SAFE, SAFE), max_size=3),
    body=st.binary(max_size=200),
    port=st.sampled_from(["", ":8443", ":443"]),
    token=st.sampled_from([None, TOKEN]),
)
def test_every_request_verifies_as_it_is_sent(segments, query, body, port, token):
    path = "/" + "/".join(segments) + ("?" if query else "")
    path += "&".join(f"{name}={value}" for name, value in query)
    own = (("content-type", "application/json"), ("accept", "*/*"), ("x-request", "a  b"))
    request = WireRequest(method="POST", path=path, headers=own, body=body)
    authorizer = AwsAuthorizer(Credentials(KEY_ID, SECRET, token), "bedrock", "eu-central-1")
    base_url = f"https://bedrock.example{port}"
    sent = asyncio.run(authorizer.authorize(request, base_url))
    assert sent[: len(own)] == own
    added = dict(sent[len(own) :])
    assert added.keys() == {"authorization", "x-amz-date"} | (
        {"x-amz-security-token"} if token else set()
    )
    found = AUTHORIZATION.fullmatch(added["authorization"])
    assert (found["id"], found["region"], found["service"]) == (KEY_ID, "eu-central-1", "bedrock")
    # A client leaves out the port that is the scheme's own (RFC 9110, section 4.2).
    headers = {**dict(sent), "host": "bedrock.example" + port.removesuffix(":443")}
    signed = found["headers"].split(";")
    assert set(signed) == {"content-type", "host"} | added.keys() - {"authorization"}
    place = {name: found[name] for name in ("date", "region", "service")}
    assert found["signature"] == sign(
        "POST", base_url + path, headers, body, signed=signed, **place
    )


class Refreshing:
    """A source of temporary keys, as botocore asks one."""

    def __init__(self, life_s):
        self.life_s, self.granted = life_s, 0

    def __call__(self):
        self.granted += 1
        end = datetime.now(UTC).timestamp() + self.life_s
        return {
            "access_key": f"ASIA{self.granted:016}",
            "secret_key": f"secret-key-{self.granted}-0123456789",
            "token": f"session-token-{self.granted}",
            "expiry_time": datetime.fromtimestamp(end, UTC).isoformat(),
        }


def temporary(life_s):
    source = Refreshing(life_s)
    credentials = RefreshableCredentials.create_from_metadata(source(), source, "test")
    return source, AwsAuthorizer(credentials, "bedrock", "eu-central-1")


def test_keys_about_to_expire_are_replaced_and_known_before_they_sign(request_of, caplog):
    source, authorizer = temporary(60)
    told, caught = [], []
    authorizer.tell(told.extend)

    class Watch(logging.Handler):
        def emit(self, record):
            caught.append((record.getMessage(), tuple(told)))

    async def talk():
        return dict(await authorizer.authorize(request_of(), "https://bedrock.example"))

    watch = Watch()
    logger = logging.getLogger("botocore.auth")
    logger.addHandler(watch)
    try:
        with caplog.at_level(logging.DEBUG, "botocore.auth"):
            sent = asyncio.run(talk())
    finally:
        logger.removeHandler(watch)
    assert source.granted == 2
    assert sent["x-amz-security-token"] == "session-token-2"
    logged = [known for message, known in caught if "session-token-2" in message]
    assert logged, "botocore logs what it signs"
    assert all("session-token-2" in known for known in logged)
    assert {"secret-key-2-0123456789", f"ASIA{2:016}"} <= set(authorizer.secrets)


def test_keys_that_last_are_fetched_once(request_of):
    source, authorizer = temporary(36_000)
    authorizer.again_after_s = 0.0

    async def talk():
        for _ in range(3):
            used = await authorizer.authorize(request_of(), "https://bedrock.example")
        return await authorizer.renew(used)

    assert asyncio.run(talk()) is False
    assert source.granted == 1


def test_keys_that_cannot_be_refreshed_are_a_measurement_that_failed(request_of):
    _, authorizer = temporary(60)
    authorizer.credentials._refresh_using = lambda: {"access_key": SECRET}
    authorizer.credentials._expiry_time = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(MeasurementError) as caught:
        asyncio.run(authorizer.authorize(request_of(), "https://bedrock.example"))
    assert str(caught.value).startswith("no AWS credentials: they could not be refreshed")
    assert SECRET not in str(caught.value)


def test_keys_that_expired_while_they_were_refreshed_are_a_measurement_that_failed(request_of):
    source, authorizer = temporary(60)
    source.life_s = -60
    with pytest.raises(MeasurementError, match=r"could not be refreshed \(RuntimeError\)"):
        asyncio.run(authorizer.authorize(request_of(), "https://bedrock.example"))


SUITE = """\
suite: mail
version: 1.0.0
targets:
  - {target: "bedrock:anthropic.claude-3-5-sonnet-20241022-v2:0", base_url: "URL", region: eu-central-1, auth: aws}
cases:
  - id: greet
    samples: 3
    messages: [{role: user, content: "Say hello: é, 你好."}]
"""


def test_what_arrives_at_a_server_verifies_there(server, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    # Servers of AWS answer a signature that is wrong with what they would have signed.
    server.answer = lambda asked: (403, {"message": f"canonical: {asked.headers}"}, {})
    path = tmp_path / "mail.contract.yaml"
    path.write_text(SUITE.replace("URL", server.url))
    workspace = Workspace(tmp_path)
    (suite,) = workspace.load_suites([path])
    once = RecordOptions(bounds=Bounds(retry=RetryPolicy(attempts=1)))
    folder = record_run(workspace, suite, suite.targets[0], once)
    assert len(server.asked) == 3
    for asked in server.asked:
        found = AUTHORIZATION.fullmatch(asked.headers["authorization"])
        signed = found["headers"].split(";")
        assert {"host", "content-type", "x-amz-date", "x-amz-security-token"} == set(signed)
        place = {name: found[name] for name in ("date", "region", "service")}
        url = f"{server.url}{asked.path}"
        expected = sign(asked.method, url, asked.headers, asked.body, signed=signed, **place)
        assert found["signature"] == expected
    said = b"".join(exchange.response.body for exchange in read_run(folder).exchanges)
    assert b"canonical: " in said
    assert TOKEN.encode() not in said
    assert KEY_ID.encode() not in said


def test_keys_that_expire_within_a_run_are_read_again_where_they_were_found(
    server, no_aws, monkeypatch
):
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    written = no_aws / "credentials"

    def write(key_id, token):
        text = f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {SECRET}\n"
        fresh = no_aws / "fresh"
        fresh.write_text(f"{text}aws_session_token = {token}\n")
        fresh.replace(written)

    at_once = threading.Barrier(3, action=lambda: write("ASIAFRESH", "fresh-token-0123456789"))

    def answer(asked):
        if asked.headers["x-amz-security-token"] == TOKEN:
            at_once.wait(10)  # until a login helper has written others
            expired = {"message": f"The security token {TOKEN} is expired"}
            return 403, expired, {"x-amzn-errortype": "ExpiredTokenException:http://aws"}
        return 200, ANSWER, {}

    write(KEY_ID, TOKEN)
    server.answer = answer
    path = no_aws / "mail.contract.yaml"
    path.write_text(SUITE.replace("URL", server.url))
    workspace = Workspace(no_aws)
    (suite,) = workspace.load_suites([path])
    folder = record_run(workspace, suite, suite.targets[0], RecordOptions())
    run = read_run(folder)
    statuses = [exchange.response.status for exchange in run.exchanges]
    assert sorted(statuses) == [200] * 3 + [403] * 3
    text = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert b"is expired" in b"".join(exchange.response.body for exchange in run.exchanges)
    assert not any(word in text for word in (b"fresh-token", TOKEN.encode(), b"ASIAFRESH"))


ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4},
    "metrics": {"latencyMs": 5},
}
"""An answer of Converse, as the API reference shows it."""

"""Keys of AWS are found where every AWS tool finds them, and looked for again when refused."""

from __future__ import annotations

import asyncio
import threading

import pytest
from botocore.credentials import Credentials

from contractcheck.auth import AwsAuthorizer, find_aws
from contractcheck.errors import MeasurementError

# Of AWS's documentation, known to everybody.
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "session-token-0123456789/+="  # noqa: S105 - made up


def test_many_that_are_refused_at_once_look_for_other_keys_once(request_of):
    looked, told = [], []

    def find():
        looked.append(threading.current_thread())
        return Credentials("ASIAOTHER", "other-secret-key", "other-token")

    old = Credentials(KEY_ID, SECRET, TOKEN)
    authorizer = AwsAuthorizer(old, "bedrock", "eu-central-1", find=find)
    authorizer.tell(told.extend)

    async def talk():
        used = await authorizer.authorize(request_of(), "https://bedrock.example")
        worth = await asyncio.gather(*(authorizer.renew(used) for _ in range(16)))
        # Whoever hears late that the old ones were refused needs no others either.
        worth.append(await authorizer.renew(used))
        return worth, dict(await authorizer.authorize(request_of(), "https://bedrock.example"))

    worth, sent = asyncio.run(talk())
    assert worth == [True] * 17
    assert len(looked) == 1
    assert looked != [threading.current_thread()]
    assert sent["x-amz-security-token"] == "other-token"
    assert "Credential=ASIAOTHER/" in sent["authorization"]
    assert {"ASIAOTHER", "other-secret-key", "other-token"} <= set(told)


@pytest.mark.parametrize("found", [None, Credentials(KEY_ID, SECRET, TOKEN)])
def test_to_find_no_other_keys_is_worth_no_other_attempt(request_of, found):
    old = Credentials(KEY_ID, SECRET, TOKEN)
    authorizer = AwsAuthorizer(
        old, "bedrock", "eu-central-1", find=lambda: found, again_after_s=0.0
    )

    async def talk():
        used = await authorizer.authorize(request_of(), "https://bedrock.example")
        return await authorizer.renew(used)

    assert asyncio.run(talk()) is False


def test_keys_are_found_where_every_aws_tool_finds_them(no_aws, monkeypatch):
    assert find_aws("bedrock", "eu-central-1") is None
    (no_aws / "credentials").write_text(
        f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    )
    assert find_aws("bedrock", "eu-central-1").secrets == (KEY_ID, SECRET)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    assert find_aws("bedrock", "eu-central-1").secrets == ("AKIDOTHER", "other-secret", TOKEN)


@pytest.mark.parametrize(
    "half", ["[default]\naws_access_key_id = AKIANEW\n", "[default\naws_a", ""]
)
def test_a_file_that_is_being_written_holds_no_other_keys_yet(no_aws, request_of, half):
    def write(key_id, secret):
        return f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"

    file = no_aws / "credentials"
    file.write_text(write(KEY_ID, SECRET))
    authorizer = find_aws("bedrock", "eu-central-1")

    async def talk():
        used = await authorizer.authorize(request_of(), "https://bedrock.example")
        file.write_text(half)
        authorizer.again_after_s = 0.0
        assert not await authorizer.renew(used)
        file.write_text(write("AKIDOTHER", "other-secret"))
        return await authorizer.renew(used)

    assert asyncio.run(talk())
    assert authorizer.secrets == (KEY_ID, SECRET, "AKIDOTHER", "other-secret")


def test_a_file_that_is_whole_a_moment_later_is_worth_another_attempt(request_of):
    other = Credentials("ASIAOTHER", "other-secret-key", "other-token")
    looked = []

    def find():
        looked.append("")
        if len(looked) == 1:
            raise MeasurementError("no AWS credentials: PartialCredentialsError")
        return other

    old = Credentials(KEY_ID, SECRET, TOKEN)
    authorizer = AwsAuthorizer(old, "bedrock", "eu-central-1", find=find, again_after_s=0.0)

    async def talk():
        used = await authorizer.authorize(request_of(), "https://bedrock.example")
        return await authorizer.renew(used)

    assert asyncio.run(talk())
    assert len(looked) == 2


def test_nothing_secret_is_shown(no_aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    found = repr(find_aws("bedrock", "eu-central-1"))
    assert found == "AwsAuthorizer(service='bedrock', region='eu-central-1')"

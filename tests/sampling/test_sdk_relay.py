"""An official SDK in a child process, and what the relay makes of what it sends and gets."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from contractcheck.auth import KeyAuthorizer, RenewingAuthorizer, Token
from contractcheck.cassettes import read_run
from contractcheck.errors import MeasurementError, UsageError
from contractcheck.providers import dialect
from contractcheck.sampling import (
    Bounds,
    Pace,
    SdkEnvironment,
    Side,
    SilentProgress,
    Tally,
    find_sdk,
    plan_blocks,
    sample_sides,
)
from contractcheck.sampling.hearing import MOST_ANSWER_BYTES, Ear
from contractcheck.sampling.sdk_relay import SdkRelay, SdkTrial

HERE = SdkEnvironment(python=Path(sys.executable), provider="openai")
ANSWER = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Granting:
    """Grants one token after another; can be made to have none."""

    secrets = ()

    def __init__(self, tokens):
        self.tokens = iter(tokens)

    def fetch(self):
        token = next(self.tokens, None)
        if token is None:
            raise MeasurementError("no token to be had")
        return Token(value=token)


def ask(
    serve, make_cases, make_run, respond, *, samples=2, authorizer=None, at_once=2, bounds=None
):
    cases = make_cases(a=samples)
    unread = []
    with serve(respond) as provider:
        options = provider.options
        run = make_run(cases)
        side = Side(
            run=run,
            cases=cases,
            base_url=options.base_url,
            authorizer=authorizer or KeyAuthorizer(key="sk-true"),
            sdk=HERE,
        )
        side = replace(side, tell_unread=lambda trial, words: unread.append((trial.index, words)))
        tally = Tally(planned=samples)
        plan = plan_blocks([cases], samples, seed="x")
        pace = Pace(concurrency=at_once, bounds=bounds or Bounds())
        sample_sides([side], plan, pace, SilentProgress(), tally=tally)
        run.close()
    return provider, tally, read_run(run.folder).exchanges, unread


def test_what_the_sdk_sends_arrives_with_the_credential_and_is_recorded(
    serve, make_cases, make_run
):
    async def respond(_number, _body):
        return 200, json.dumps(ANSWER).encode()

    provider, tally, exchanges, unread = ask(serve, make_cases, make_run, respond)
    assert (tally.done, tally.errors, unread) == (2, 0, [])
    for head, body in provider.asked:
        text = head.decode().lower()
        assert "authorization: bearer sk-true\r\n" in text
        assert "user-agent: openai/python" in text
        assert "x-stainless-package-version" in text
        assert "accept-encoding: identity" in text
        assert body["stream"] is True
    assert [(x.case, x.trial, x.attempt) for x in exchanges] == [("a", 0, 0), ("a", 1, 0)]
    assert all(
        x.ended == "eof" and x.request.url.endswith("/v1/chat/completions") for x in exchanges
    )


@pytest.mark.parametrize("status", [401, 429])
def test_an_error_is_recorded_once_and_told(serve, make_cases, make_run, status):
    async def respond(_number, _body):
        return status, b'{"error": {"message": "no"}}'

    _, tally, exchanges, unread = ask(serve, make_cases, make_run, respond)
    assert [x.response.status for x in exchanges] == [status] * 2
    assert (tally.done, tally.errors) == (2, 2)
    assert f"Error: Error code: {status} - no" in tally.last_error
    assert unread == []


@pytest.mark.parametrize("status", [401, 403])
def test_after_a_refusal_the_calls_to_come_have_another_token(serve, make_cases, make_run, status):
    async def respond(number, _body):
        return (status, refused) if number == 0 else (200, whole)

    refused = b'{"error": {"message": "expired", "code": "token_expired"}}'

    whole = json.dumps(ANSWER).encode()
    authorizer = RenewingAuthorizer(source=Granting(["token-1", "token-2"]))
    provider, _, exchanges, _ = ask(
        serve, make_cases, make_run, respond, samples=3, authorizer=authorizer, at_once=1
    )
    assert sorted(x.response.status for x in exchanges) == [200, 200, status]
    shown = [
        head.decode().lower().partition("bearer ")[2].split("\r\n")[0] for head, _ in provider.asked
    ]
    assert shown == ["token-1", "token-2", "token-2"]


def test_a_credential_that_cannot_be_had_ends_the_session(serve, make_cases, make_run):
    async def respond(_number, _body):
        return 401, b'{"error": {"message": "expired"}}'

    authorizer = RenewingAuthorizer(source=Granting([]))
    with pytest.raises(MeasurementError, match="no token to be had"):
        ask(serve, make_cases, make_run, respond, authorizer=authorizer, at_once=1)


def test_an_answer_that_the_sdk_cannot_read_is_told_apart(serve, make_cases, make_run):
    async def respond(number, _body):
        return 200, b"data: {broken\n\n" if number == 0 else json.dumps(ANSWER).encode()

    _, tally, exchanges, unread = ask(serve, make_cases, make_run, respond)
    assert (tally.done, tally.errors) == (2, 1)
    assert [x.response.status for x in exchanges] == [200, 200]
    ((trial, words),) = unread
    assert b"broken" in exchanges[trial].response.body
    assert words.startswith("JSONDecodeError: ")


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        (Bounds(request_timeout_s=0.3), "RequestTimeout"),
        (Bounds(first_token_timeout_s=0.3), "FirstTokenTimeout"),
    ],
)
def test_an_answer_that_takes_too_long_is_cut_off(serve, make_cases, make_run, bounds, why):
    async def respond(_number, _body):
        await asyncio.sleep(20)
        return 200, b"{}"

    _, tally, exchanges, unread = ask(serve, make_cases, make_run, respond, bounds=bounds)
    assert {(x.ended, x.error) for x in exchanges} == {("error", why)}
    assert (tally.done, tally.errors) == (2, 2)
    assert unread == []


def test_an_answer_without_end_is_cut_off(serve, make_cases, make_run):
    async def respond(_number, _body):
        return 200, b" " * (MOST_ANSWER_BYTES + 2)

    _, _, exchanges, unread = ask(serve, make_cases, make_run, respond, samples=1)
    assert [(x.ended, x.error) for x in exchanges] == [("error", "AnswerTooLarge")]
    assert len(unread) == 1


def test_a_call_that_the_sdk_refuses_could_not_be_measured(serve, make_cases, make_run):
    async def run():
        async with (
            httpx2.AsyncClient() as client,
            SdkRelay(
                environment=HERE,
                base_url="http://127.0.0.1:1",
                authorizer=KeyAuthorizer(key="k"),
                ear=Ear(client=client, dialect=dialect("openai"), bounds=Bounds()),
                at_once=1,
            ) as relay,
        ):
            trial = SdkTrial(case="a", number=0, first_attempt=0)
            with pytest.raises(
                MeasurementError, match=r"sent nothing for a: TypeError: Missing required"
            ):
                await relay.ask(trial, b'{"nonsense": 1}')
            status = (await client.post(f"http://127.0.0.1:{relay._port}/0123/v1/x")).status_code
            assert status == 404
            relay._child.kill()
            with pytest.raises(MeasurementError, match="ended by itself"):
                await relay.ask(trial, b'{"nonsense": 1}')

    asyncio.run(run())


def test_the_version_of_an_sdk_is_known_before_anything_is_asked():
    assert find_sdk(HERE).startswith("openai ")
    with pytest.raises(UsageError, match="cannot be run"):
        find_sdk(replace(HERE, python=Path("/nowhere/python")))
    with pytest.raises(UsageError, match="cannot use the SDK 'nobody'"):
        find_sdk(replace(HERE, provider="nobody"))

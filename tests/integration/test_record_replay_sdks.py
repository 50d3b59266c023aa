"""The official SDKs, unchanged, are recorded and then replayed with the provider gone."""

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import anthropic
import openai
import pytest

from contractcheck.cassettes import (
    create_run,
    in_trial,
    open_tape,
    read_run,
    recording,
    replaying,
    seal_run,
)
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Simulator

NOWHERE = "http://127.0.0.1:9"
KEY = "sk-recorded-0123456789abcdef"
OTHER_KEY = "sk-replayed-fedcba9876543210-and-longer"
MESSAGES = [{"role": "user", "content": "Please look up order ORD-77 and say what it cost."}]
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string", "pattern": "^ORD-\\d+$"}},
    "required": ["order_id"],
    "additionalProperties": False,
}
TOOL = {"name": "lookup_order", "description": "Look up what an order cost"}


class OpenAIChat:
    sync, asynchronous = openai.OpenAI, openai.AsyncOpenAI

    @staticmethod
    def options(url, key):
        return {"base_url": f"{url}/v1", "api_key": key, "max_retries": 0}

    @staticmethod
    def ask(client, *, stream, tools):
        function = {**TOOL, "parameters": SCHEMA}
        asked = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
        options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return client.chat.completions.create(
            model="sim-mini", messages=MESSAGES, **(asked if tools else {}), **options
        )


class AnthropicMessages:
    sync, asynchronous = anthropic.Anthropic, anthropic.AsyncAnthropic

    @staticmethod
    def options(url, key):
        return {"base_url": url, "api_key": key, "max_retries": 0}

    @staticmethod
    def ask(client, *, stream, tools):
        asked = {
            "tools": [{**TOOL, "input_schema": SCHEMA}],
            "tool_choice": {"type": "any"},
        }
        return client.messages.create(
            model="claude-sim",
            messages=MESSAGES,
            max_tokens=400,
            stream=stream,
            **(asked if tools else {}),
        )


SDKS = {"openai chat": OpenAIChat, "anthropic": AnthropicMessages}
WAYS = [(False, False), (False, True), (True, False), (True, True)]


def ask_sync(sdk, url, key, *, stream, tools=False, **more):
    with sdk.sync(**{**sdk.options(url, key), **more}) as client:
        reply = sdk.ask(client, stream=stream, tools=tools)
        return [one.model_dump() for one in reply] if stream else reply.model_dump()


async def ask_async(sdk, url, key, *, stream, tools=False, **more):
    async with sdk.asynchronous(**{**sdk.options(url, key), **more}) as client:
        reply = await sdk.ask(client, stream=stream, tools=tools)
        return [one.model_dump() async for one in reply] if stream else reply.model_dump()


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "run")


class Store:
    """A run on disk: record into it, seal it, replay from it."""

    def __init__(self, folder):
        self.folder = folder

    @contextmanager
    def recorded(self):
        header = RunHeader(
            id="20260301t000000z-test",
            suite="sdk",
            suite_version="1.0.0",
            suite_fingerprint="f",
            target=Target(provider="sdk", model="sim", base_url=None),
            night=None,
            started_at="2026-03-01T00:00:00+00:00",
            ended_at=None,
            status="interrupted",
            cases={"case": CasePlan(samples=1, request_fingerprint="r", parts={})},
            vantage={},
            label="",
        )
        run = create_run(self.folder, header, Scrubber.for_secrets([KEY]))
        with recording(run, run.scrubber, strict=True):
            yield
        run.close()
        seal_run(self.folder, status="complete", ended_at="2026-03-01T00:01:00+00:00")

    @contextmanager
    def replayed(self, **options):
        with replaying(open_tape(self.folder), Scrubber.for_secrets([OTHER_KEY]), **options):
            yield

    def exchanges(self):
        return read_run(self.folder).exchanges


@pytest.mark.parametrize("tools", [False, True], ids=["text", "tools"])
@pytest.mark.parametrize("name", SDKS)
def test_every_way_of_asking_gets_the_same_answer_again(simulator, store, name, tools):
    sdk = SDKS[name]

    def ask_all(url, key):
        answers = []
        for trial, (asynchronous, stream) in enumerate(WAYS):
            with in_trial("case", trial):
                if asynchronous:
                    work = ask_async(sdk, url, key, stream=stream, tools=tools)
                    answers.append(asyncio.run(work))
                else:
                    answers.append(ask_sync(sdk, url, key, stream=stream, tools=tools))
        return answers

    with store.recorded():
        live = ask_all(simulator.base_url, KEY)
    asked = simulator.request_count
    with store.replayed():
        assert ask_all(NOWHERE, OTHER_KEY) == live
    assert simulator.request_count == asked
    # Some SDKs stop reading at the last event instead of the end: "closed" is whole for them.
    assert [(x.trial, x.attempt, x.response.status) for x in store.exchanges()] == [
        (trial, 0, 200) for trial in range(len(WAYS))
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", SDKS)
def test_fifty_at_once_get_their_own_answers_whatever_the_order(simulator, store, name, stream):
    sdk = SDKS[name]

    async def ask_all(url, key, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again

        async def one(client, trial):
            with in_trial("case", trial):
                await asyncio.sleep(waits.random() / 20)
                reply = await sdk.ask(client, stream=stream, tools=False)
                return [x.model_dump() async for x in reply] if stream else reply.model_dump()

        async with sdk.asynchronous(**sdk.options(url, key)) as client:
            return await asyncio.gather(*(one(client, trial) for trial in range(50)))

    with store.recorded():
        live = asyncio.run(ask_all(simulator.base_url, KEY, 1))
    with store.replayed():
        assert asyncio.run(ask_all(NOWHERE, OTHER_KEY, 2)) == live
    assert len({repr(answer) for answer in live}) == 50
    assert len({x.request.digest for x in store.exchanges()}) == 1


@pytest.mark.parametrize("name", SDKS)
def test_eight_threads_get_their_own_answers(simulator, store, name):
    sdk = SDKS[name]

    def ask_all(url, key, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again

        def one(trial):
            with in_trial("case", trial):
                time.sleep(waits.random() / 50)
                reply = sdk.ask(client, stream=True, tools=False)
                return [x.model_dump() for x in reply]

        with (
            sdk.sync(**sdk.options(url, key)) as client,
            ThreadPoolExecutor(max_workers=8) as pool,
        ):
            return list(pool.map(one, range(24)))

    with store.recorded():
        live = ask_all(simulator.base_url, KEY, 1)
    with store.replayed():
        assert ask_all(NOWHERE, OTHER_KEY, 2) == live
    assert len({repr(answer) for answer in live}) == 24

"""The SDKs on their optional aiohttp transport: recorded once, not by both libraries."""

import asyncio

import anthropic
import openai
import pytest

from contractcheck.cassettes import in_trial, recording, replaying
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Simulator

ANYTHING = Scrubber.for_secrets(())
MESSAGES = [{"role": "user", "content": "Please say what order ORD-77 cost."}]


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as running:
        yield running


def open_openai(url):
    http_client = openai.DefaultAioHttpClient()
    return openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="sk-made-up", max_retries=0, http_client=http_client
    )


def open_anthropic(url):
    http_client = anthropic.DefaultAioHttpClient()
    return anthropic.AsyncAnthropic(
        base_url=url, api_key="sk-made-up", max_retries=0, http_client=http_client
    )


def ask_openai(client, **options):
    return client.chat.completions.create(model="sim-mini", messages=MESSAGES, **options)


def ask_anthropic(client, **options):
    return client.messages.create(model="claude-sim", messages=MESSAGES, max_tokens=300, **options)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("connect", "ask"), [(open_openai, ask_openai), (open_anthropic, ask_anthropic)]
)
def test_ten_at_once_are_recorded_once_each_and_replayed(simulator, sink, connect, ask, stream):
    async def one(client, trial):
        with in_trial("a", trial):
            reply = await ask(client, stream=stream)
            return [part.model_dump() async for part in reply] if stream else reply.model_dump()

    async def ask_all(url):
        async with connect(url) as client:
            return await asyncio.gather(*(one(client, trial) for trial in range(10)))

    with recording(sink, ANYTHING, strict=True):
        live = asyncio.run(ask_all(simulator.base_url))
    asked = simulator.request_count
    with replaying(sink.tape, ANYTHING):
        assert asyncio.run(ask_all("http://127.0.0.1:9")) == live
    assert simulator.request_count == asked
    assert sorted(one.trial for one in sink) == list(range(10))
    assert {one.via for one in sink} == {"aiohttp"}

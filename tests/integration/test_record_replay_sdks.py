"""The official SDKs, unchanged, are recorded and then replayed with the provider gone."""

import asyncio
import inspect
import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import anthropic
import cohere
import openai
import pytest
from google import genai
from google.genai import types as gemini
from mistralai import client as mistralai
from mistralai.client.utils import BackoffStrategy, RetryConfig

from contractcheck.cassettes import (
    create_run,
    in_trial,
    open_tape,
    read_run,
    recording,
    replaying,
    seal_run,
)
from contractcheck.errors import UnmatchedRequestError
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Faults, Simulator

# google-genai's own doing, on its own dependency.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

NOWHERE = "http://127.0.0.1:9"
KEY = "sk-recorded-0123456789abcdef"
OTHER_KEY = "sk-replayed-fedcba9876543210-and-longer"
PROMPT = "Please look up order ORD-77 and say what it cost."
MESSAGES = [{"role": "user", "content": PROMPT}]
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string", "pattern": "^ORD-\\d+$"}},
    "required": ["order_id"],
    "additionalProperties": False,
}
TOOL = {"name": "lookup_order", "description": "Look up what an order cost"}
FUNCTION = {**TOOL, "parameters": SCHEMA}


class Chat:
    """OpenAI Chat Completions."""

    tools = {  # noqa: RUF012 - never changed
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": "required",
    }

    def open(self, url, key, retries=0):
        return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries)

    def open_async(self, url, key, retries=0):
        return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries)

    def ask(self, client, *, stream=False, **options):
        return client.chat.completions.create(
            model="sim-mini", messages=MESSAGES, stream=stream, **options
        )

    def dump(self, reply):
        return reply.model_dump()


class Responses(Chat):
    """OpenAI Responses."""

    tools = {  # noqa: RUF012 - never changed
        "tools": [{"type": "function", "strict": True, **FUNCTION}],
        "tool_choice": "required",
    }

    def ask(self, client, *, stream=False, **options):
        return client.responses.create(model="sim-mini", input=MESSAGES, stream=stream, **options)


class Claude(Chat):
    """Anthropic Messages."""

    tools = {  # noqa: RUF012 - never changed
        "tools": [{**TOOL, "input_schema": SCHEMA}],
        "tool_choice": {"type": "any"},
    }

    def open(self, url, key, retries=0):
        return anthropic.Anthropic(base_url=url, api_key=key, max_retries=retries)

    def open_async(self, url, key, retries=0):
        return anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=retries)

    def ask(self, client, *, stream=False, **options):
        return client.messages.create(
            model="claude-sim", messages=MESSAGES, max_tokens=400, stream=stream, **options
        )


class Gemini:
    """Google generateContent; its asynchronous client runs on aiohttp."""

    tools = {  # noqa: RUF012 - never changed
        "tools": [{"function_declarations": [{**TOOL, "parameters_json_schema": SCHEMA}]}],
        "tool_config": {"function_calling_config": {"mode": "ANY"}},
        "automatic_function_calling": {"disable": True},
    }

    def client(self, url, key, retries):
        patience = gemini.HttpRetryOptions(attempts=retries + 1, initial_delay=0.01, max_delay=0.02)
        options = gemini.HttpOptions(base_url=url, retry_options=patience)
        return genai.Client(api_key=key, http_options=options)

    def open(self, url, key, retries=0):
        return closing(self.client(url, key, retries))

    def open_async(self, url, key, retries=0):
        return self.client(url, key, retries).aio

    def ask(self, client, *, stream=False, **options):
        models = client.models
        ask = models.generate_content_stream if stream else models.generate_content
        return ask(model="gemini-sim", contents=PROMPT, config=options)

    def dump(self, reply):
        # Of the headers, those are kept that may be stored.
        return reply.model_dump(exclude={"sdk_http_response"})


class Cohere(Chat):
    """Cohere chat, version 2; its clients run on httpx."""

    tools = {  # noqa: RUF012 - never changed
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": "REQUIRED",
    }

    def open(self, url, key, retries=0, kind=cohere.ClientV2):
        return kind(key, base_url=url, max_retries=retries, log_warning_experimental_features=False)

    def open_async(self, url, key, retries=0):
        return self.open(url, key, retries, cohere.AsyncClientV2)

    def ask(self, client, *, stream=False, **options):
        ask = client.chat_stream if stream else client.chat
        return ask(model="sim", messages=MESSAGES, **options)


class Mistral(Chat):
    """Mistral chat: one client for both ways."""

    tools = {**Chat.tools, "tool_choice": "any"}  # noqa: RUF012 - never changed

    def open(self, url, key, retries=0):
        patience = RetryConfig(
            "backoff", BackoffStrategy(1, 10, 1.5, 1000), retry_connection_errors=False
        )
        return mistralai.Mistral(
            api_key=key,
            server_url=f"{url}/mistral",
            retry_config=patience if retries else None,
        )

    def open_async(self, url, key, retries=0):
        return AsyncMistral(self.open(url, key, retries))

    def ask(self, client, *, stream=False, **options):
        ask = client.chat.stream if stream else client.chat.complete
        return ask(model="sim", messages=MESSAGES, **options)


class AsyncMistral:
    """The asynchronous methods of the client, under the names of the others."""

    def __init__(self, client):
        self.client = client
        self.chat = SimpleNamespace(
            stream=client.chat.stream_async, complete=client.chat.complete_async
        )

    async def __aenter__(self):
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.client.__aexit__(*error)


SDKS = {sdk.__name__.lower(): sdk() for sdk in (Chat, Responses, Claude, Gemini, Cohere, Mistral)}
WAYS = [(False, False), (False, True), (True, False), (True, True)]


def ask_sync(sdk, client, *, stream, **options):
    reply = sdk.ask(client, stream=stream, **options)
    return [sdk.dump(one) for one in reply] if stream else sdk.dump(reply)


async def ask_async(sdk, client, *, stream, **options):
    reply = sdk.ask(client, stream=stream, **options)
    reply = await reply if inspect.isawaitable(reply) else reply
    return [sdk.dump(one) async for one in reply] if stream else sdk.dump(reply)


def ask_every_way(sdk, url, key, *, retries=0, **options):
    """One trial for each of sync and async, plain and stream."""

    async def work(stream):
        async with sdk.open_async(url, key, retries) as client:
            return await ask_async(sdk, client, stream=stream, **options)

    answers = []
    for trial, (asynchronous, stream) in enumerate(WAYS):
        with in_trial("case", trial):
            if asynchronous:
                answers.append(asyncio.run(work(stream)))
                continue
            with sdk.open(url, key, retries) as client:
                answers.append(ask_sync(sdk, client, stream=stream, **options))
    return answers


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
    options = sdk.tools if tools else {}
    with store.recorded():
        live = ask_every_way(sdk, simulator.base_url, KEY, **options)
    asked = simulator.request_count
    with store.replayed():
        assert ask_every_way(sdk, NOWHERE, OTHER_KEY, **options) == live
    assert simulator.request_count == asked
    # Some SDKs stop reading at the last event instead of the end: "closed" is whole for them.
    assert [(x.trial, x.attempt, x.response.status) for x in store.exchanges()] == [
        (trial, 0, 200) for trial in range(len(WAYS))
    ]


def test_they_are_replayed_where_there_is_no_network(simulator, tmp_path):
    cut = ["unshare", "-rn", "--"]
    if not shutil.which("unshare") or subprocess.run([*cut, "true"], check=False).returncode:
        pytest.skip("this user may not cut a process off the network (unshare -rn)")
    live = {}
    for name, sdk in SDKS.items():
        with Store(tmp_path / name).recorded():
            live[name] = repr(ask_every_way(sdk, simulator.base_url, KEY))
    done = subprocess.run(
        [*cut, sys.executable, __file__, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == live


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", SDKS)
def test_fifty_at_once_get_their_own_answers_whatever_the_order(simulator, store, name, stream):
    sdk = SDKS[name]

    async def ask_all(url, key, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again

        async def one(client, trial):
            with in_trial("case", trial):
                await asyncio.sleep(waits.random() / 20)
                return await ask_async(sdk, client, stream=stream)

        async with sdk.open_async(url, key) as client:
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
                return ask_sync(sdk, client, stream=True)

        with sdk.open(url, key) as client, ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(one, range(24)))

    with store.recorded():
        live = ask_all(simulator.base_url, KEY, 1)
    with store.replayed():
        assert ask_all(NOWHERE, OTHER_KEY, 2) == live
    assert len({repr(answer) for answer in live}) == 24


@pytest.mark.parametrize("name", SDKS)
def test_retries_of_the_sdk_are_kept_and_not_waited_for_again(store, name):
    sdk = SDKS[name]
    busy = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=2))
    with Simulator(busy) as simulator, store.recorded():
        live = ask_every_way(sdk, simulator.base_url, KEY, retries=3)
    exchanges = store.exchanges()
    for trial in range(len(WAYS)):
        made = [(x.attempt, x.response.status) for x in exchanges if x.trial == trial]
        assert [status for _, status in made][-1] == 200
        assert [attempt for attempt, _ in made] == list(range(len(made)))
    statuses = [x.response.status for x in exchanges]
    assert statuses.count(429) >= 1
    assert statuses.count(200) == len(WAYS)
    with store.replayed():
        assert ask_every_way(sdk, NOWHERE, OTHER_KEY, retries=0) == live
    with store.replayed(attempts="all"):
        assert ask_every_way(sdk, NOWHERE, OTHER_KEY, retries=3) == live


@pytest.mark.parametrize("name", ["chat", "responses", "claude"])
def test_retries_of_many_at_once_stay_with_their_trial(store, name):
    """These SDKs number their retries, so that the simulator refuses each trial once."""
    sdk = SDKS[name]

    async def ask_all(url, key, retries):
        async def one(client, trial):
            with in_trial("case", trial):
                return await ask_async(sdk, client, stream=True)

        async with sdk.open_async(url, key, retries) as client:
            return await asyncio.gather(*(one(client, trial) for trial in range(24)))

    busy = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=1))
    with Simulator(busy) as simulator, store.recorded():
        live = asyncio.run(ask_all(simulator.base_url, KEY, 2))
    made = [(x.trial, x.attempt, x.response.status) for x in store.exchanges()]
    assert made == [(trial, n, status) for trial in range(24) for n, status in ((0, 429), (1, 200))]
    with store.replayed():
        assert asyncio.run(ask_all(NOWHERE, OTHER_KEY, 0)) == live


@pytest.mark.parametrize(
    ("name", "coding"), list(zip(SDKS, itertools.cycle(["gzip", "br", "zstd", "deflate"])))
)
def test_compressed_answers_are_kept_as_they_came(store, name, coding):
    sdk = SDKS[name]
    packed = Conditions(night="n", time_scale=0.0, faults=Faults(compressed=coding))
    with Simulator(packed) as simulator, store.recorded():
        live = ask_every_way(sdk, simulator.base_url, KEY)
    with store.replayed():
        assert ask_every_way(sdk, NOWHERE, OTHER_KEY) == live
    assert {x.note for x in store.exchanges()} == {""}
    codings = [x.response.header("content-encoding") for x in store.exchanges()]
    assert coding in codings


@pytest.mark.parametrize("name", SDKS)
def test_a_stream_that_was_cut_is_cut_again(store, name):
    sdk = SDKS[name]
    cut = Conditions(night="n", time_scale=0.0, faults=Faults(cut_stream=1.0))

    def listen(url, key):
        heard = []
        with sdk.open(url, key) as client, in_trial("case", 0):
            try:
                heard.extend(sdk.dump(one) for one in sdk.ask(client, stream=True))
            except Exception as error:  # noqa: BLE001 - whatever the SDK makes of it
                heard.append(type(error))
        return heard

    with Simulator(cut) as simulator, store.recorded():
        live = listen(simulator.base_url, KEY)
    with store.replayed():
        assert listen(NOWHERE, OTHER_KEY) == live
    assert issubclass(live[-1], Exception)
    assert [x.ended for x in store.exchanges()] == ["error"]


@pytest.mark.parametrize("name", SDKS)
def test_a_request_that_was_never_recorded_is_told_through_the_sdk(simulator, store, name):
    sdk = SDKS[name]
    with store.recorded(), in_trial("case", 0), sdk.open(simulator.base_url, KEY) as client:
        ask_sync(sdk, client, stream=False)

    def ask_another():
        with sdk.open(NOWHERE, KEY) as client, pytest.raises(Exception, match=r".") as swallowed:
            ask_sync(sdk, client, stream=False, **sdk.tools)
        return swallowed

    # Whatever the SDK made of it, the session tells it at its end.
    with (
        pytest.raises(UnmatchedRequestError, match=r"(?s)the nearest .*tools.*: recorded nothing"),
        store.replayed(strict=False),
        in_trial("case", 0),
    ):
        ask_another()


def main(folder):
    """Replay every recording in a folder, and print what the SDKs made of it."""
    answers = {}
    for name, sdk in SDKS.items():
        with Store(Path(folder) / name).replayed():
            answers[name] = repr(ask_every_way(sdk, NOWHERE, OTHER_KEY))
    print(json.dumps(answers))  # noqa: T201 - this is the other process


if __name__ == "__main__":
    main(sys.argv[1])

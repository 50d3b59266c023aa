"""litellm, unchanged, is recorded against the simulator and replayed with it gone.

It pins an older openai than the other SDKs need, so it has an environment of its own:
``make test-litellm``.
"""

import asyncio
import os
import random
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from contractcheck.cassettes import MemoryTape, in_trial, recording, replaying
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Faults, Simulator

# What litellm and its dependencies warn of is not this project's to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

NOWHERE = "http://127.0.0.1:9"
KEY = "sk-recorded-0123456789abcdef"
MESSAGES = [{"role": "user", "content": "Please look up order ORD-77 and say what it cost."}]
TOOLS = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "lookup_order",
                "description": "Look up what an order cost",
                "parameters": {
                    "type": "object",
                    "properties": {"order_id": {"type": "string", "pattern": "^ORD-\\d+$"}},
                    "required": ["order_id"],
                    "additionalProperties": False,
                },
            },
        }
    ],
    "tool_choice": "required",
}
PROVIDERS = {"openai": "openai/sim-mini", "anthropic": "anthropic/claude-sim"}


@pytest.fixture(scope="module")
def litellm():
    if find_spec("litellm") is None:
        if os.environ.get("CONTRACTCHECK_REQUIRE") == "litellm":
            pytest.fail("litellm is not installed, but required here")
        pytest.skip("litellm pins openai<3, so it is not installed here: make test-litellm")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Otherwise it downloads a price list while it is imported.
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm

        litellm.suppress_debug_info = True
        yield litellm


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as running:
        yield running


def arguments(provider, url, *, stream, **options):
    return {
        "model": PROVIDERS[provider],
        "api_base": f"{url}/v1" if provider == "openai" else url,
        "api_key": KEY,
        "messages": MESSAGES,
        "max_tokens": 400,
        "num_retries": 0,
        "stream": stream,
        **options,
    }


def plain(reply):
    """An answer without what litellm makes up by itself each time."""
    document = reply.model_dump(exclude={"id", "created"})
    for choice in document["choices"]:
        for call in choice.get("message", {}).get("tool_calls") or ():
            call["id"] = ""
    return document


def ask(litellm, given):
    reply = litellm.completion(**given)
    return [plain(chunk) for chunk in reply] if given["stream"] else plain(reply)


async def ask_async(litellm, given):
    reply = await litellm.acompletion(**given)
    return [plain(chunk) async for chunk in reply] if given["stream"] else plain(reply)


@contextmanager
def recorded():
    sink = []
    with recording(sink, Scrubber.for_secrets([KEY]), strict=True):
        yield sink


@contextmanager
def replayed(exchanges, **options):
    with replaying(MemoryTape.of(exchanges), Scrubber.for_secrets([KEY]), **options):
        yield


@pytest.mark.parametrize("options", [{}, TOOLS], ids=["text", "tools"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_is_the_same_again(litellm, simulator, provider, stream, options):
    def both(url):
        given = arguments(provider, url, stream=stream, **options)
        with in_trial("a", 0):
            first = ask(litellm, given)
        with in_trial("a", 1):
            return first, asyncio.run(ask_async(litellm, given))

    with recorded() as sink:
        live = both(simulator.base_url)
    asked = simulator.request_count
    with replayed(sink):
        assert both(NOWHERE) == live
    assert simulator.request_count == asked
    # It never closes a stream that it read as far as it wants: that trial ends as "closed".
    assert [(x.trial, x.response.status) for x in sink] == [(0, 200), (1, 200)]
    assert {x.ended for x in sink} <= {"eof", "closed"}
    assert [x.via for x in sink] == ["httpx", "aiohttp"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fifty_at_once_get_their_own_answers(litellm, simulator, provider):
    async def ask_all(url, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again

        async def one(trial):
            with in_trial("a", trial):
                await asyncio.sleep(waits.random() / 20)
                return await ask_async(litellm, arguments(provider, url, stream=True))

        return await asyncio.gather(*(one(trial) for trial in range(50)))

    with recorded() as sink:
        live = asyncio.run(ask_all(simulator.base_url, 1))
    with replayed(sink):
        assert asyncio.run(ask_all(NOWHERE, 2)) == live
    assert len({repr(answer) for answer in live}) > 25  # short ones may be equal by chance
    assert len({exchange.request.digest for exchange in sink}) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_eight_threads_get_their_own_answers(litellm, simulator, provider):
    def ask_all(url, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again

        def one(trial):
            with in_trial("a", trial):
                time.sleep(waits.random() / 50)
                return ask(litellm, arguments(provider, url, stream=True))

        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(one, range(24)))

    with recorded() as sink:
        live = ask_all(simulator.base_url, 1)
    with replayed(sink):
        assert ask_all(NOWHERE, 2) == live
    assert len({repr(answer) for answer in live}) > 12  # short ones may be equal by chance


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refusal_is_raised_as_the_same_error_again(litellm, provider):
    def fail(url):
        with in_trial("a", 0), pytest.raises(litellm.RateLimitError) as failed:
            ask(litellm, arguments(provider, url, stream=False, max_retries=0))
        return failed.value.status_code

    busy = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=5))
    with Simulator(busy) as simulator, recorded() as sink:
        assert fail(simulator.base_url) == 429
    with replayed(sink, attempts="all"):
        assert fail(NOWHERE) == 429

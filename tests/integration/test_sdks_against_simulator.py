"""The official SDKs, unchanged, are the judge of what the simulator puts on the wire."""

import asyncio
import json

import anthropic
import jsonschema
import openai
import pytest

from contractcheck.simulator import Change, Conditions, Simulator

MESSAGES = [{"role": "user", "content": "Please look up order ORD-77 and say what it cost."}]
SCHEMA = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "pattern": "^ORD-\\d+$"},
        "priority": {"type": "string", "enum": ["low", "high"]},
        "days": {"type": "integer", "minimum": 1},
    },
    "required": ["order_id", "priority", "days"],
    "additionalProperties": False,
}
DESCRIPTION = "Look up what an order cost"
OPENAI_TOOLS = [
    {
        "type": "function",
        "function": {"name": "lookup_order", "description": DESCRIPTION, "parameters": SCHEMA},
    }
]
ANTHROPIC_TOOLS = [{"name": "lookup_order", "description": DESCRIPTION, "input_schema": SCHEMA}]
OPENAI_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "ticket", "strict": True, "schema": SCHEMA},
}
ANTHROPIC_FORMAT = {"format": {"type": "json_schema", "schema": SCHEMA}}


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.02)) as running:
        yield running


def run_async(make_client, work):
    async def main():
        async with make_client() as client:
            return await work(client)

    return asyncio.run(main())


class OpenAI:
    """Asks the simulator through the OpenAI SDK."""

    def __init__(self, url, *, asynchronous):
        self.url, self.asynchronous = url, asynchronous

    def ask(self, *, stream=False, **extra):
        """Return (text, tool arguments, finish reason, usage, chunks)."""
        options = {"model": "sim-mini", "messages": MESSAGES, "temperature": 0.7, **extra}
        if stream:
            options |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.asynchronous:
            chunks = run_async(
                lambda: openai_client(self.url, openai.AsyncOpenAI), self._work(options)
            )
        else:
            with openai_client(self.url, openai.OpenAI) as client:
                reply = client.chat.completions.create(**options)
                chunks = list(reply) if stream else [reply]
        return read_openai_stream(chunks) if stream else read_openai(chunks[0])

    @staticmethod
    def _work(options):
        async def work(client):
            reply = await client.chat.completions.create(**options)
            return [chunk async for chunk in reply] if options.get("stream") else [reply]

        return work


def openai_client(url, kind, key="sk-test"):
    return kind(base_url=f"{url}/v1", api_key=key, max_retries=0)


def anthropic_client(url, kind, key="sk-test"):
    return kind(base_url=url, api_key=key, max_retries=0)


def read_openai(reply):
    choice = reply.choices[0]
    calls = choice.message.tool_calls or []
    arguments = calls[0].function.arguments if calls else None
    return choice.message.content, arguments, choice.finish_reason, reply.usage


def read_openai_stream(chunks):
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    calls = [c.delta.tool_calls[0] for c in choices if c.delta.tool_calls]
    text = "".join(c.delta.content or "" for c in choices)
    arguments = "".join(call.function.arguments for call in calls) if calls else None
    assert not calls or calls[0].function.name == "lookup_order"
    return text or None, arguments, choices[-1].finish_reason, chunks[-1].usage


def ask_anthropic(url, *, asynchronous, stream, **extra):
    options = {"model": "claude-sim", "messages": MESSAGES, "max_tokens": 400, **extra}

    async def work(client):
        if not stream:
            return await client.messages.create(**options)
        async with client.messages.stream(**options) as events:
            return await events.get_final_message()

    if asynchronous:
        return run_async(lambda: anthropic_client(url, anthropic.AsyncAnthropic), work)
    with anthropic_client(url, anthropic.Anthropic) as client:
        if not stream:
            return client.messages.create(**options)
        with client.messages.stream(**options) as events:
            return events.get_final_message()


both_ways = [
    pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"]),
    pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"]),
]


def in_all_ways(test):
    for mark in both_ways:
        test = mark(test)
    return test


@in_all_ways
def test_openai_text(simulator, asynchronous, stream):
    text, arguments, finish, usage = OpenAI(simulator.base_url, asynchronous=asynchronous).ask(
        stream=stream
    )
    assert len(text.split()) >= 3
    assert text[0].isupper()
    assert arguments is None
    assert finish == "stop"
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


@in_all_ways
def test_openai_tool_call(simulator, asynchronous, stream):
    text, arguments, finish, _ = OpenAI(simulator.base_url, asynchronous=asynchronous).ask(
        stream=stream, tools=OPENAI_TOOLS, tool_choice="required"
    )
    assert text is None
    assert finish == "tool_calls"
    jsonschema.validate(json.loads(arguments), SCHEMA)
    assert json.loads(arguments)["order_id"] == "ORD-77"


@in_all_ways
def test_openai_structured_output(simulator, asynchronous, stream):
    text, _, finish, _ = OpenAI(simulator.base_url, asynchronous=asynchronous).ask(
        stream=stream, response_format=OPENAI_FORMAT
    )
    jsonschema.validate(json.loads(text), SCHEMA)
    assert finish == "stop"


@in_all_ways
def test_openai_token_limit(simulator, asynchronous, stream):
    _, _, finish, usage = OpenAI(simulator.base_url, asynchronous=asynchronous).ask(
        stream=stream, max_completion_tokens=2
    )
    assert (finish, usage.completion_tokens) == ("length", 2)


@in_all_ways
def test_anthropic_text(simulator, asynchronous, stream):
    message = ask_anthropic(simulator.base_url, asynchronous=asynchronous, stream=stream)
    assert message.stop_reason == "end_turn"
    assert message.model == "claude-sim-20260301"
    assert len(message.content[0].text.split()) >= 3
    assert message.usage.output_tokens > 0


@in_all_ways
def test_anthropic_tool_use(simulator, asynchronous, stream):
    message = ask_anthropic(
        simulator.base_url,
        asynchronous=asynchronous,
        stream=stream,
        tools=ANTHROPIC_TOOLS,
        tool_choice={"type": "any"},
    )
    assert message.stop_reason == "tool_use"
    assert message.content[0].name == "lookup_order"
    jsonschema.validate(message.content[0].input, SCHEMA)


@in_all_ways
def test_anthropic_structured_output(simulator, asynchronous, stream):
    message = ask_anthropic(
        simulator.base_url,
        asynchronous=asynchronous,
        stream=stream,
        output_config=ANTHROPIC_FORMAT,
    )
    jsonschema.validate(json.loads(message.content[0].text), SCHEMA)


@in_all_ways
def test_anthropic_stop_sequence(simulator, asynchronous, stream):
    message = ask_anthropic(
        simulator.base_url, asynchronous=asynchronous, stream=stream, stop_sequences=["."]
    )
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", ".")
    assert "." not in message.content[0].text


def test_openai_answers_a_tool_result_in_words(simulator):
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "lookup_order", "arguments": "{}"},
    }
    with openai_client(simulator.base_url, openai.OpenAI) as client:
        reply = client.chat.completions.create(
            model="sim-mini",
            tools=OPENAI_TOOLS,
            messages=[
                *MESSAGES,
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "49.90 EUR"},
            ],
        )
    assert reply.choices[0].message.content
    assert reply.choices[0].message.tool_calls is None


def test_raw_headers_reach_the_sdks(simulator):
    with openai_client(simulator.base_url, openai.OpenAI) as client:
        reply = client.chat.completions.create(model="sim-mini", messages=MESSAGES)
    assert reply._request_id.startswith("req_")
    message = ask_anthropic(simulator.base_url, asynchronous=False, stream=False)
    assert message._request_id.startswith("req_")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_errors_become_the_sdks_own_exceptions(simulator, stream):
    ask_openai = {"messages": MESSAGES, "stream": stream}
    ask_claude = {"messages": MESSAGES, "max_tokens": 9, "stream": stream}
    url = simulator.base_url
    with (
        openai_client(url, openai.OpenAI) as gpt,
        anthropic_client(url, anthropic.Anthropic) as claude,
    ):
        with pytest.raises(openai.NotFoundError) as missing:
            gpt.chat.completions.create(model="does-not-exist", **ask_openai)
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError):
            gpt.chat.completions.create(model="sim", temperature=9, **ask_openai)
        with pytest.raises(anthropic.NotFoundError):
            claude.messages.create(model="does-not-exist", **ask_claude)
        with pytest.raises(anthropic.BadRequestError):
            claude.messages.create(model="sim", extra_body={"temperature": 9}, **ask_claude)
        with pytest.raises(openai.AuthenticationError):
            gpt.chat.completions.create(
                model="sim", extra_headers={"Authorization": "Bearer"}, **ask_openai
            )
        with pytest.raises(anthropic.AuthenticationError):
            claude.messages.create(
                model="sim", extra_headers={"Authorization": "Bearer"}, **ask_claude
            )


def test_an_outage_raises_overload_and_rate_limit_errors():
    down = Conditions(night="2026-03-01", time_scale=0.0, error_rate=1.0)
    seen = set()
    with (
        Simulator(down) as simulator,
        openai_client(simulator.base_url, openai.OpenAI) as gpt,
        anthropic_client(simulator.base_url, anthropic.Anthropic) as claude,
    ):
        for _ in range(20):
            with pytest.raises(openai.APIStatusError) as refused:
                gpt.chat.completions.create(model="sim", messages=MESSAGES)
            seen.add(("openai", type(refused.value), refused.value.status_code))
            with pytest.raises(anthropic.APIStatusError) as overloaded:
                claude.messages.create(model="sim", messages=MESSAGES, max_tokens=9)
            seen.add(("anthropic", overloaded.value.status_code))
        assert simulator.request_count == 40
    assert seen == {
        ("openai", openai.InternalServerError, 503),
        ("openai", openai.RateLimitError, 429),
        ("anthropic", 529),
        ("anthropic", 429),
    }


def test_a_renamed_field_reaches_the_client_as_a_hole_not_as_an_error():
    changed = Conditions(night="n", time_scale=0.0, changes=(Change(name="renamed_field"),))
    with (
        Simulator(changed) as simulator,
        openai_client(simulator.base_url, openai.OpenAI) as client,
    ):
        reply = client.chat.completions.create(model="sim", messages=MESSAGES)
    choice = reply.choices[0].model_dump()
    assert choice.get("message") is None
    assert choice["output"]["content"]

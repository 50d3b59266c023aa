"""The official SDKs, unchanged, are the judge of what the simulator puts on the wire.

Every SDK is asked for the same four things, in every way it can ask: synchronously and not,
in one piece and as a stream.
"""

import asyncio
import inspect
import json
from contextlib import closing
from dataclasses import replace
from typing import ClassVar, NamedTuple

import anthropic
import boto3
import cohere
import httpx2
import jsonschema
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from google import genai
from google.genai import errors as gemini_errors
from google.genai import types as gemini
from mistralai import client as mistralai
from mistralai.client import errors as mistral_errors
from mistralai.client.utils import BackoffStrategy, RetryConfig

from contractcheck.simulator import Change, Conditions, Faults, Simulator
from contractcheck.simulator.compression import CODINGS

# google-genai's own doing, on its own dependency.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

PROMPT = "Please look up order ORD-77 and say what it cost."
MESSAGES = [{"role": "user", "content": PROMPT}]
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
FUNCTION = {"name": "lookup_order", "description": DESCRIPTION, "parameters": SCHEMA}


class Said(NamedTuple):
    """What an SDK made of an answer."""

    text: str
    tool: str | None
    arguments: dict | None
    finish: str
    output_tokens: int


class Chat:
    """OpenAI chat completions."""

    finishes: ClassVar = {"text": "stop", "tool": "tool_calls", "schema": "stop", "limit": "length"}
    wants: ClassVar = {
        "text": {},
        "tool": {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"},
        "schema": {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "ticket", "strict": True, "schema": SCHEMA},
            }
        },
        "limit": {"max_completion_tokens": 2},
    }
    kinds = (openai.OpenAI, openai.AsyncOpenAI)

    def open(self, kind, url, retries=0):
        return kind(base_url=f"{url}/v1", api_key="sk-test", max_retries=retries)

    def ask(self, client, options, *, stream):
        if stream:
            options = {**options, "stream": True, "stream_options": {"include_usage": True}}
        return client.chat.completions.create(**{"model": "sim", "messages": MESSAGES, **options})

    def read(self, reply):
        choice = reply.choices[0]
        calls = choice.message.tool_calls or []
        tool = calls[0].function if calls else None
        return Said(
            choice.message.content or "",
            tool and tool.name,
            tool and json.loads(tool.arguments),
            choice.finish_reason,
            reply.usage.completion_tokens,
        )

    def fold(self, events):
        choices = [event.choices[0] for event in events if event.choices]
        calls = [c.delta.tool_calls[0].function for c in choices if c.delta.tool_calls]
        return Said(
            "".join(c.delta.content or "" for c in choices),
            calls[0].name if calls else None,
            json.loads("".join(call.arguments for call in calls)) if calls else None,
            choices[-1].finish_reason,
            events[-1].usage.completion_tokens,
        )


class Responses(Chat):
    """OpenAI Responses."""

    finishes: ClassVar = dict.fromkeys(("text", "tool", "schema"), "completed") | {
        "limit": "incomplete"
    }
    wants: ClassVar = {
        "text": {},
        "tool": {"tools": [{"type": "function", **FUNCTION}], "tool_choice": "required"},
        "schema": {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "ticket",
                    "strict": True,
                    "schema": SCHEMA,
                }
            }
        },
        "limit": {"max_output_tokens": 2},
    }

    def ask(self, client, options, *, stream):
        return client.responses.create(input=MESSAGES, stream=stream, **{"model": "sim", **options})

    def read(self, reply):
        calls = [item for item in reply.output if item.type == "function_call"]
        return Said(
            reply.output_text,
            calls[0].name if calls else None,
            json.loads(calls[0].arguments) if calls else None,
            reply.status,
            reply.usage.output_tokens,
        )

    def fold(self, events):
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created"
        said = self.read(events[-1].response)
        pieces = "".join(event.delta for event in events if event.type.endswith(".delta"))
        if said.tool:
            assert json.loads(pieces) == said.arguments
        else:
            assert pieces == said.text
        return said


class Claude:
    """Anthropic messages."""

    finishes: ClassVar = {
        "text": "end_turn",
        "tool": "tool_use",
        "schema": "end_turn",
        "limit": "max_tokens",
    }
    wants: ClassVar = {
        "text": {},
        "tool": {
            "tools": [{"name": "lookup_order", "description": DESCRIPTION, "input_schema": SCHEMA}],
            "tool_choice": {"type": "any"},
        },
        "schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "limit": {"max_tokens": 2},
    }
    kinds = (anthropic.Anthropic, anthropic.AsyncAnthropic)

    def open(self, kind, url, retries=0):
        return kind(base_url=url, api_key="sk-test", max_retries=retries)

    def ask(self, client, options, *, stream):
        options = {"model": "claude-sim", "messages": MESSAGES, "max_tokens": 400, **options}
        return client.messages.create(stream=stream, **options)

    def read(self, reply):
        (block,) = reply.content
        is_call = block.type == "tool_use"
        return Said(
            "" if is_call else block.text,
            block.name if is_call else None,
            block.input if is_call else None,
            reply.stop_reason,
            reply.usage.output_tokens,
        )

    def fold(self, events):
        opened = next(e.content_block for e in events if e.type == "content_block_start")
        deltas = [e.delta for e in events if e.type == "content_block_delta"]
        end = next(e for e in events if e.type == "message_delta")
        is_call = opened.type == "tool_use"
        pieces = "".join(d.partial_json if is_call else d.text for d in deltas)
        return Said(
            "" if is_call else pieces,
            opened.name if is_call else None,
            json.loads(pieces) if is_call else None,
            end.delta.stop_reason,
            end.usage.output_tokens,
        )


class Gemini:
    """Gemini generateContent."""

    finishes: ClassVar = {"text": "STOP", "tool": "STOP", "schema": "STOP", "limit": "MAX_TOKENS"}
    wants: ClassVar = {
        "text": {},
        "tool": {
            "tools": [
                {
                    "function_declarations": [
                        {
                            "name": "lookup_order",
                            "description": DESCRIPTION,
                            "parameters_json_schema": SCHEMA,
                        }
                    ]
                }
            ],
            "tool_config": {"function_calling_config": {"mode": "ANY"}},
            "automatic_function_calling": {"disable": True},
        },
        "schema": {"response_mime_type": "application/json", "response_json_schema": SCHEMA},
        "limit": {"max_output_tokens": 2},
    }
    kinds = (False, True)

    def open(self, kind, url, retries=0):
        again = gemini.HttpRetryOptions(attempts=1 + retries, initial_delay=0.01, jitter=0.01)
        options = gemini.HttpOptions(base_url=url, retry_options=again)
        client = genai.Client(api_key="k", http_options=options)
        return client.aio if kind else client

    def ask(self, client, options, *, stream):
        models = client.models
        ask = models.generate_content_stream if stream else models.generate_content
        options = {"model": "sim", **options}
        return ask(model=options.pop("model"), contents=PROMPT, config=options)

    def read(self, reply):
        calls = reply.function_calls or []
        return Said(
            "" if calls else reply.text,
            calls[0].name if calls else None,
            calls[0].args if calls else None,
            reply.candidates[0].finish_reason.value,
            reply.usage_metadata.candidates_token_count,
        )

    def fold(self, events):
        last = self.read(events[-1])
        assert all(event.candidates[0].finish_reason is None for event in events[:-1])
        return last._replace(text="" if last.tool else "".join(event.text for event in events))


class Bedrock:
    """Bedrock Converse through boto3, which has no asynchronous client."""

    finishes: ClassVar = Claude.finishes
    wants: ClassVar = {
        "text": {},
        "tool": {
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": "lookup_order",
                            "description": DESCRIPTION,
                            "inputSchema": {"json": SCHEMA},
                        }
                    }
                ],
                "toolChoice": {"any": {}},
            }
        },
        "schema": {
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": {"name": "ticket", "schema": json.dumps(SCHEMA)}},
                }
            }
        },
        "limit": {"inferenceConfig": {"maxTokens": 2}},
    }
    kinds = (boto3.client, None)

    def open(self, kind, url, retries=0):
        return kind(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="AKIDTEST",
            aws_secret_access_key="test",  # noqa: S106 - signs for the loopback only
            config=Config(retries={"total_max_attempts": 1 + retries}),
        )

    def ask(self, client, options, *, stream):
        messages = [{"role": "user", "content": [{"text": PROMPT}]}]
        options = {"model": "sim.claude-v1:0", "messages": messages, **options}
        options["modelId"] = options.pop("model")
        return client.converse_stream(**options)["stream"] if stream else client.converse(**options)

    def read(self, reply):
        (block,) = reply["output"]["message"]["content"]
        call = block.get("toolUse", {})
        return Said(
            block.get("text", ""),
            call.get("name"),
            call.get("input"),
            reply["stopReason"],
            reply["usage"]["outputTokens"],
        )

    def fold(self, events):
        found = {name: event[name] for event in events for name in event}
        deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
        call = found.get("contentBlockStart", {}).get("start", {}).get("toolUse")
        arguments = "".join(delta["toolUse"]["input"] for delta in deltas) if call else None
        return Said(
            "" if call else "".join(delta["text"] for delta in deltas),
            call and call["name"],
            call and json.loads(arguments),
            found["messageStop"]["stopReason"],
            found["metadata"]["usage"]["outputTokens"],
        )


class Cohere:
    """Cohere chat, version 2."""

    finishes: ClassVar = {
        "text": "COMPLETE",
        "tool": "TOOL_CALL",
        "schema": "COMPLETE",
        "limit": "MAX_TOKENS",
    }
    wants: ClassVar = {
        "text": {},
        "tool": {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "REQUIRED"},
        "schema": {"response_format": {"type": "json_object", "schema": SCHEMA}},
        "limit": {"max_tokens": 2},
    }
    kinds = (cohere.ClientV2, cohere.AsyncClientV2)

    def open(self, kind, url, retries=0):
        client = kind(api_key="k", base_url=url, log_warning_experimental_features=False)
        client.request_options = {"max_retries": retries}
        return client

    def ask(self, client, options, *, stream):
        ask = client.chat_stream if stream else client.chat
        options = {"model": "sim", "messages": MESSAGES, **options}
        return ask(request_options=client.request_options, **options)

    def read(self, reply):
        calls = reply.message.tool_calls or []
        return Said(
            "" if calls else reply.message.content[0].text,
            calls[0].function.name if calls else None,
            json.loads(calls[0].function.arguments) if calls else None,
            reply.finish_reason,
            reply.usage.tokens.output_tokens,
        )

    def fold(self, events):
        texts, calls = [], []
        for event in events:
            if event.type == "content-delta":
                texts.append(event.delta.message.content.text)
            elif event.type in {"tool-call-start", "tool-call-delta"}:
                calls.append(event.delta.message.tool_calls.function)
        end = events[-1].delta
        return Said(
            "".join(texts),
            calls[0].name if calls else None,
            json.loads("".join(call.arguments for call in calls)) if calls else None,
            end.finish_reason,
            end.usage.tokens.output_tokens,
        )


class Mistral(Chat):
    """Mistral chat."""

    wants: ClassVar = {
        **Chat.wants,
        "tool": {**Chat.wants["tool"], "tool_choice": "any"},
        "limit": {"max_tokens": 2},
    }
    kinds = ("", "_async")  # one client for both, with methods that are named apart

    def open(self, kind, url, retries=0):
        again = (
            RetryConfig("backoff", BackoffStrategy(1, 10, 1.5, 1000), retry_connection_errors=False)
            if retries
            else None
        )
        client = mistralai.Mistral(api_key="k", server_url=f"{url}/mistral", retry_config=again)
        client.way = kind
        return client

    def ask(self, client, options, *, stream):
        ask = getattr(client.chat, ("stream" if stream else "complete") + client.way)
        return ask(**{"model": "sim", "messages": MESSAGES, **options})

    def fold(self, events):
        return super().fold([event.data for event in events])


SDKS = {
    sdk.__name__.lower(): sdk()
    for sdk in (Chat, Responses, Claude, Gemini, Bedrock, Cohere, Mistral)
}
WAYS = [(name, way) for name, sdk in SDKS.items() for way in (0, 1) if sdk.kinds[way] is not None]


QUIET = Conditions(night="2026-03-01", time_scale=0.0)


@pytest.fixture(scope="module")
def running():
    with Simulator(QUIET) as simulator:
        yield simulator


@pytest.fixture
def simulator(running):
    running.conditions = QUIET
    return running


def ask(name, url, want, *, asynchronous, stream, retries=0, raw=False, **extra):
    sdk = SDKS[name]
    options = {**sdk.wants[want], **extra}

    async def work():
        async with sdk.open(sdk.kinds[1], url, retries) as client:
            reply = sdk.ask(client, options, stream=stream)
            reply = await reply if inspect.isawaitable(reply) else reply
            return [event async for event in reply] if stream else reply

    if asynchronous:
        reply = asyncio.run(work())
    else:
        client = sdk.open(sdk.kinds[0], url, retries)
        with client if hasattr(client, "__enter__") else closing(client):
            reply = sdk.ask(client, options, stream=stream)
            if name == "bedrock" and stream:
                with closing(reply):  # it keeps the connection, however it ends
                    reply = list(reply)
            else:
                reply = list(reply) if stream else reply
    if raw:
        return reply
    return sdk.fold(reply) if stream else sdk.read(reply)


in_every_way = pytest.mark.parametrize(
    ("name", "asynchronous"),
    WAYS,
    ids=lambda value: ["sync", "async"][value] if isinstance(value, int) else value,
)
plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@plain_and_streamed
@pytest.mark.parametrize("want", ["text", "tool", "schema", "limit"])
@in_every_way
def test_every_sdk_reads_every_kind_of_answer(simulator, name, want, asynchronous, stream):
    said = ask(name, simulator.base_url, want, asynchronous=asynchronous, stream=stream)
    assert said.finish == SDKS[name].finishes[want]
    assert said.output_tokens > 0
    if want == "tool":
        assert (said.tool, said.text) == ("lookup_order", "")
        jsonschema.validate(said.arguments, SCHEMA)
        assert said.arguments["order_id"] == "ORD-77"
        return
    assert said.tool is None
    if want == "schema":
        jsonschema.validate(json.loads(said.text), SCHEMA)
    elif want == "limit":
        assert said.output_tokens == 2
    else:
        assert len(said.text.split()) >= 3
        assert said.text[0].isupper()


def openai_client(url, kind):
    return Chat().open(kind, url)


def anthropic_client(url, kind):
    return Claude().open(kind, url)


def test_anthropic_stop_sequence(simulator):
    with anthropic_client(simulator.base_url, anthropic.Anthropic) as client:
        message = client.messages.create(
            model="claude-sim", messages=MESSAGES, max_tokens=400, stop_sequences=["."]
        )
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", ".")
    assert "." not in message.content[0].text
    assert message.model == "claude-sim-20260301"


def test_openai_answers_a_tool_result_in_words(simulator):
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "lookup_order", "arguments": "{}"},
    }
    with openai_client(simulator.base_url, openai.OpenAI) as client:
        reply = client.chat.completions.create(
            model="sim-mini",
            tools=Chat.wants["tool"]["tools"],
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
    with anthropic_client(simulator.base_url, anthropic.Anthropic) as client:
        message = client.messages.create(model="claude-sim", messages=MESSAGES, max_tokens=9)
    assert message._request_id.startswith("req_")


# A model that does not exist; a wrong field; a rate limit; an overload.
REFUSALS = {
    "chat": (
        (openai.NotFoundError, 404),
        (openai.BadRequestError, 400),
        (openai.RateLimitError, 429),
        (openai.InternalServerError, 503),
    ),
    "claude": (
        (anthropic.NotFoundError, 404),
        (anthropic.BadRequestError, 400),
        (anthropic.RateLimitError, 429),
        (anthropic.InternalServerError, 529),
    ),
    "gemini": (
        (gemini_errors.ClientError, 404),
        (gemini_errors.ClientError, 400),
        (gemini_errors.ClientError, 429),
        (gemini_errors.ServerError, 503),
    ),
    "bedrock": (
        (ClientError, "ResourceNotFoundException"),
        (ClientError, "ValidationException"),
        (ClientError, "ThrottlingException"),
        (ClientError, "ServiceUnavailableException"),
    ),
    "cohere": (
        (cohere.NotFoundError, 404),
        (cohere.BadRequestError, 400),
        (cohere.TooManyRequestsError, 429),
        (cohere.ServiceUnavailableError, 503),
    ),
    "mistral": (
        (mistral_errors.SDKError, 400),
        (mistral_errors.HTTPValidationError, 422),
        (mistral_errors.SDKError, 429),
        (mistral_errors.SDKError, 503),
    ),
}
REFUSALS["responses"] = REFUSALS["chat"]
MANY = 10**9
WRONG = {
    "chat": {"max_tokens": MANY},
    "responses": {"max_output_tokens": MANY},
    "claude": {"extra_body": {"temperature": 9}},
    "gemini": {"max_output_tokens": MANY},
    "bedrock": {"inferenceConfig": {"maxTokens": MANY}},
    "cohere": {"max_tokens": MANY},
    "mistral": {"max_tokens": MANY},
}


def code_of(error):
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return error.code if isinstance(error, gemini_errors.APIError) else error.status_code


@in_every_way
@pytest.mark.parametrize("kind", range(4), ids=["missing", "wrong", "limited", "overloaded"])
def test_refusals_become_the_sdks_own_exceptions(simulator, name, asynchronous, kind):
    faults, extra = (
        (Faults(), {"model": "does-not-exist"}),
        (Faults(), WRONG[name]),
        (Faults(rate_limited=1), {}),
        (Faults(overloaded=1), {}),
    )[kind]
    error, code = REFUSALS[name][kind]
    simulator.conditions = replace(QUIET, night=f"{name} {kind} {asynchronous}", faults=faults)
    url, stream = simulator.base_url, kind % 2 == 1
    with pytest.raises(error) as caught:
        ask(name, url, "text", asynchronous=asynchronous, stream=stream, **extra)
    assert code_of(caught.value) == code


# The SDK of Cohere does not retry streams.
RETRIES = [
    (*way, stream)
    for way in WAYS
    for stream in (False, True)
    if not (stream and way[0] == "cohere")
]


@pytest.mark.parametrize(("name", "asynchronous", "stream"), RETRIES)
def test_sdks_retry_what_was_refused(simulator, name, asynchronous, stream):
    night = f"{name} {asynchronous} {stream}"
    simulator.conditions = replace(QUIET, night=night, faults=Faults(rate_limited=1))
    before = simulator.request_count
    url = simulator.base_url
    said = ask(name, url, "text", asynchronous=asynchronous, stream=stream, retries=1)
    assert said.finish == SDKS[name].finishes["text"]
    assert simulator.request_count == before + 2


@pytest.mark.parametrize("coding", CODINGS)
@in_every_way
def test_sdks_read_coded_streams(simulator, name, asynchronous, coding):
    simulator.conditions = replace(QUIET, faults=Faults(compressed=coding))
    said = ask(name, simulator.base_url, "tool", asynchronous=asynchronous, stream=True)
    assert (said.finish, said.tool) == (SDKS[name].finishes["tool"], "lookup_order")
    jsonschema.validate(said.arguments, SCHEMA)


def test_no_key_is_an_error_of_authentication(simulator):
    empty = {"extra_headers": {"Authorization": "Bearer"}}
    with openai_client(simulator.base_url, openai.OpenAI) as client:
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="sim", messages=MESSAGES, **empty)
        with pytest.raises(openai.NotFoundError) as missing:
            client.chat.completions.create(model="does-not-exist", messages=MESSAGES)
        assert missing.value.code == "model_not_found"
    with (
        anthropic_client(simulator.base_url, anthropic.Anthropic) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model="sim", messages=MESSAGES, max_tokens=9, **empty)


@pytest.mark.parametrize("want", ["text", "tool", "schema"])
@pytest.mark.parametrize("name", ["claude", "responses"])
def test_the_sdks_put_streams_together_as_the_plain_answer(name, want):
    sdk = SDKS[name]
    options = {"model": "sim", **sdk.wants[want]}
    with Simulator(QUIET) as simulator, sdk.open(sdk.kinds[0], simulator.base_url) as client:
        if name == "claude":
            options |= {"messages": MESSAGES, "max_tokens": 400}
            with client.messages.stream(**options) as events:
                folded = events.get_final_message()
        else:
            with client.responses.stream(input=MESSAGES, **options) as events:
                folded = events.get_final_response()
    with Simulator(QUIET) as simulator:
        plain = ask(name, simulator.base_url, want, asynchronous=False, stream=False, model="sim")
    assert sdk.read(folded) == plain


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


def test_retries_of_many_equal_requests_are_each_refused_once_and_hidden_by_the_sdk():
    limited = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=1))

    async def work(url):
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=1) as client:
            asks = (client.responses.create(model="sim", input="Hello") for _ in range(20))
            return await asyncio.gather(*asks)

    with Simulator(limited) as simulator:
        replies = asyncio.run(work(simulator.base_url))
        assert simulator.request_count == 40
    assert len({reply.id for reply in replies}) == 20


@pytest.mark.parametrize("name", ["chat", "claude"])
def test_sdks_retry_an_answer_that_was_cut(simulator, name):
    simulator.conditions = replace(QUIET, night=f"cut {name}", faults=Faults(cut_body=1))
    before = simulator.request_count
    said = ask(name, simulator.base_url, "text", asynchronous=False, stream=False, retries=1)
    assert said.finish == SDKS[name].finishes["text"]
    assert simulator.request_count == before + 2


def test_a_cut_stream_breaks_in_the_hands_of_the_caller():
    cut = Conditions(night="n", time_scale=0.0, faults=Faults(cut_stream=1.0))
    seen = []
    with (
        Simulator(cut) as simulator,
        anthropic_client(simulator.base_url, anthropic.Anthropic) as client,
    ):
        stream = client.messages.create(model="sim", messages=MESSAGES, max_tokens=99, stream=True)
        with pytest.raises(httpx2.RemoteProtocolError):
            seen.extend(event.type for event in stream)
    assert seen[0] == "message_start"
    assert "message_stop" not in seen


IN_STREAM = {
    "chat": openai.APIError,
    "claude": anthropic.APIStatusError,
    "gemini": gemini_errors.ServerError,
    "bedrock": EventStreamError,
    "mistral": mistral_errors.MistralError,
}


@in_every_way
def test_an_error_inside_a_stream_reaches_the_caller(simulator, name, asynchronous):
    night = f"in-band {name} {asynchronous}"
    simulator.conditions = replace(QUIET, night=night, faults=Faults(error_in_stream=1.0))

    def run():
        return ask(
            name, simulator.base_url, "text", asynchronous=asynchronous, stream=True, raw=True
        )

    if name in IN_STREAM:
        with pytest.raises(IN_STREAM[name]):
            run()
    elif name == "responses":
        assert run()[-1].type == "error"
    else:
        assert run()[-1].delta.finish_reason == "ERROR"

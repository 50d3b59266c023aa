"""What is sent is what the providers document; the simulator, which the SDKs judge, answers it."""

import httpx2
import orjson
import pytest

from contractcheck.model.suite import Case, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.simulator import Conditions, Simulator

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
MODELS = {"openai": "gpt-sim-mini", "anthropic": "claude-sim-haiku"}


def make_case(tools=(), response_schema=None, **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="Hi"),
            Message(role="assistant", content="Hello"),
            Message(role="user", content="Go on"),
        ),
        tools=tools,
        response_schema=response_schema,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


FULL = make_case(
    (Tool(name="look_up", description="Looks up", parameters=SCHEMA),),
    temperature=0.5,
    top_p=0.9,
    max_output_tokens=30,
    seed=3,
    stop=("END",),
    tool_choice="look_up",
)


def sent(provider, case):
    return orjson.loads(dialect(provider).build(case, Target(provider=provider, model="m")).body)


def test_openai_gets_every_parameter_under_its_own_name():
    assert sent("openai", FULL) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Go on"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 30,
        "seed": 3,
        "stop": ["END"],
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "look_up",
                    "description": "Looks up",
                    "parameters": SCHEMA,
                },
            }
        ],
    }


def test_anthropic_gets_every_parameter_under_its_own_name():
    # There is no seed on this wire; the system prompt stands beside the messages.
    assert sent("anthropic", FULL) == {
        "model": "m",
        "max_tokens": 30,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Go on"},
        ],
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "tool_choice": {"type": "tool", "name": "look_up"},
        "tools": [{"name": "look_up", "description": "Looks up", "input_schema": SCHEMA}],
    }


@pytest.mark.parametrize("provider", MODELS)
def test_what_a_case_does_not_say_is_not_sent(provider):
    extra = {"openai": {"stream_options"}, "anthropic": {"max_tokens", "system"}}[provider]
    assert set(sent(provider, make_case())) == {"model", "messages", "stream"} | extra


@pytest.mark.parametrize(
    ("provider", "choice", "written"),
    [
        ("openai", "required", "required"),
        ("openai", "none", "none"),
        ("anthropic", "required", {"type": "any"}),
        ("anthropic", "auto", {"type": "auto"}),
    ],
)
def test_the_choice_of_tools_is_translated(provider, choice, written):
    assert sent(provider, make_case(tool_choice=choice))["tool_choice"] == written


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("kind", ["plain", "tools", "schema"])
def test_a_server_of_that_dialect_answers_it(provider, kind):
    case = {
        "plain": make_case(max_output_tokens=8),
        "tools": FULL,
        "schema": make_case(response_schema=SCHEMA, max_output_tokens=40),
    }[kind]
    wire = dialect(provider).build(case, Target(provider=provider, model=MODELS[provider]))
    with Simulator(Conditions(night="2026-03-01", time_scale=0)) as simulator:
        answer = httpx2.request(
            wire.method,
            simulator.base_url + wire.path,
            headers=[*wire.headers, ("authorization", "Bearer key")],
            content=wire.body,
            trust_env=False,
        )
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/event-stream; charset=utf-8",
    )

"""What is sent to Bedrock is what the reference documents, and what boto3 would send."""

import json
from contextlib import closing
from dataclasses import replace
from io import BytesIO

import boto3
import httpx2
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from reading_kit import PLAIN

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Response
from contractcheck.model.suite import Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.simulator import Change, Conditions, Simulator

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
MODEL = "eu.anthropic.claude-sim-v1:0"
PNG = Image(name="a.png", media_type="image/png", data=b"\x89PNG")
FULL = replace(
    PLAIN,
    messages=(
        Message(role="system", content="Be brief."),
        Message(role="user", content="What is it?", images=(PNG,)),
        Message(role="assistant", content="A cat"),
        Message(role="user", content="Go on"),
    ),
    tools=(Tool(name="look_up", description="Looks up", parameters=SCHEMA),),
    response_schema=SCHEMA,
    parameters=Parameters(
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=30,
        seed=3,
        stop=("END",),
        tool_choice="look_up",
        reasoning_effort="low",
    ),
)
TOOL = {"name": "look_up", "description": "Looks up", "inputSchema": {"json": SCHEMA}}
EXPECTED = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}},
                {"text": "What is it?"},
            ],
        },
        {"role": "assistant", "content": [{"text": "A cat"}]},
        {"role": "user", "content": [{"text": "Go on"}]},
    ],
    "system": [{"text": "Be brief."}],
    # There is no seed on this wire.
    "inferenceConfig": {"maxTokens": 30, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    "toolConfig": {"tools": [{"toolSpec": TOOL}], "toolChoice": {"tool": {"name": "look_up"}}},
    "outputConfig": {
        "textFormat": {
            "type": "json_schema",
            "structure": {
                "jsonSchema": {
                    "schema": json.dumps(SCHEMA, separators=(",", ":")),
                    "name": "answer",
                }
            },
        },
        "effort": "low",
    },
}


def build(case, model=MODEL):
    return dialect("bedrock").build(case, Target(provider="bedrock", model=model))


def sent(case):
    return json.loads(build(case).body)


def asked(**parameters):
    return replace(PLAIN, parameters=Parameters(**parameters))


def test_every_parameter_has_its_own_name():
    assert sent(FULL) == EXPECTED


def test_what_a_case_does_not_say_is_not_sent():
    assert sent(PLAIN) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("choice", "written"),
    [("auto", {"auto": {}}), ("required", {"any": {}}), ("look_up", {"tool": {"name": "look_up"}})],
)
def test_the_choice_of_tools_is_translated(choice, written):
    case = replace(asked(tool_choice=choice), tools=FULL.tools)
    assert sent(case)["toolConfig"]["toolChoice"] == written


def test_an_empty_description_is_left_out():
    case = replace(PLAIN, tools=(Tool(name="a", description="", parameters=SCHEMA),))
    (tool,) = sent(case)["toolConfig"]["tools"]
    assert tool == {"toolSpec": {"name": "a", "inputSchema": {"json": SCHEMA}}}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (asked(tool_choice="none"), "'tool_choice: none'"),
        (asked(top_logprobs=3), "log-probabilities"),
        (asked(reasoning_effort="minimal"), "'reasoning_effort: minimal'"),
        (
            replace(
                PLAIN,
                messages=(
                    Message(
                        role="user",
                        content="Hi",
                        images=(PNG, replace(PNG, name="b.bmp", media_type="image/bmp")),
                    ),
                ),
            ),
            r"image/bmp \(b.bmp\)",
        ),
    ],
)
def test_what_the_wire_cannot_say_is_refused(case, words):
    with pytest.raises(UsageError, match=f"case 'a' asks bedrock:{MODEL} for {words}"):
        build(case)


@pytest.mark.parametrize(
    ("model", "written"),
    [
        (MODEL, "eu.anthropic.claude-sim-v1%3A0"),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.x",
            "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.x",
        ),
        ("../a?b#c", "..%2Fa%3Fb%23c"),
    ],
)
def test_the_path_names_model_and_operation(model, written):
    assert build(PLAIN, model).path == f"/model/{written}/converse-stream"
    assert build(asked(stream=False), model).path == f"/model/{written}/converse"


@pytest.mark.parametrize("stream", [True, False])
def test_boto3_sends_the_same(stream):
    seen = []

    def answer(request, **_):
        seen.append(request)
        body = BytesIO(b'{"message": "no"}')
        body.stream = lambda **_: iter([body.read()])
        return AWSResponse(request.url, 400, {}, body)

    config = Config(retries={"total_max_attempts": 1})
    client = boto3.session.Session().client(
        "bedrock-runtime",
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",  # noqa: S106 - made up
        config=config,
    )
    client.meta.events.register("before-send.bedrock-runtime.*", answer)
    question = {**EXPECTED, "modelId": MODEL}
    question["messages"] = [
        {
            "role": "user",
            "content": [
                {"image": {"format": "png", "source": {"bytes": PNG.data}}},
                {"text": "What is it?"},
            ],
        },
        *EXPECTED["messages"][1:],
    ]
    with closing(client), pytest.raises(ClientError, match="no"):
        (client.converse_stream if stream else client.converse)(**question)
    case = replace(FULL, parameters=replace(FULL.parameters, stream=stream))
    own_url = dialect("bedrock").base_url.format(region="eu-west-1")
    assert seen[0].url == own_url + build(case).path
    assert json.loads(seen[0].body) == EXPECTED == sent(case)


@pytest.fixture(scope="module", params=[(), (Change(name="renamed_field"),)])
def simulator(request):
    conditions = Conditions(night="2026-03-01", time_scale=0, changes=request.param)
    with Simulator(conditions) as running:
        yield running


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["plain", "tools", "schema"])
def test_the_simulator_answers_and_a_renamed_field_is_a_break(simulator, stream, kind):
    case = {
        "plain": PLAIN,
        "tools": replace(PLAIN, tools=FULL.tools),
        "schema": replace(PLAIN, response_schema=SCHEMA),
    }[kind]
    choice = "required" if kind == "tools" else None
    wire = build(replace(case, parameters=Parameters(stream=stream, tool_choice=choice)))
    sent = httpx2.request(
        wire.method,
        simulator.base_url + wire.path,
        headers=[*wire.headers, ("authorization", "Bearer k")],
        content=wire.body,
        trust_env=False,
    )
    completion = dialect("bedrock").read(
        Response(
            status=sent.status_code,
            http_version="HTTP/1.1",
            headers=tuple(sent.headers.items()),
            body=sent.content,
            chunk_bytes=(len(sent.content),),
            chunk_times_us=(1,),
        )
    )
    if simulator.conditions.changes:
        assert completion.outcome is Outcome.MALFORMED
        place = "contentBlockDelta.delta" if stream else "output"
        assert completion.detail.startswith(f"{place}: required field is missing")
        return
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert bool(completion.tool_calls) is (kind == "tools")
    assert bool(completion.text) is (kind != "tools")
    assert completion.total_tokens == completion.input_tokens + completion.output_tokens

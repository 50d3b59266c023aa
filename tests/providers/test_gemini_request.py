"""What is sent to Gemini is what the reference documents, and what the official SDK would send."""

import json
import re
from dataclasses import replace

import httpx2
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials
from reading_kit import PLAIN

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Response
from contractcheck.model.suite import Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.simulator import Change, Conditions, Simulator

# google-genai's own doing, on its own dependencies.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
VERTEX = {"provider": "vertex", "project": "shop-1", "region": "europe-west1"}
HOME = "projects/shop-1/locations/"
STREAM = ":streamGenerateContent?alt=sse"
FULL = replace(
    PLAIN,
    messages=(
        Message(role="system", content="Be brief."),
        Message(
            role="user",
            content="What is it?",
            images=(Image(name="a.png", media_type="image/png", data=b"\x89PNG"),),
        ),
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
        top_logprobs=4,
        reasoning_effort="low",
    ),
)
EXPECTED = {
    "contents": [
        {
            "role": "user",
            "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
                {"text": "What is it?"},
            ],
        },
        {"role": "model", "parts": [{"text": "A cat"}]},
        {"role": "user", "parts": [{"text": "Go on"}]},
    ],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "look_up",
                    "description": "Looks up",
                    "parametersJsonSchema": SCHEMA,
                }
            ]
        }
    ],
    "toolConfig": {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look_up"]},
    },
    "generationConfig": {
        "temperature": 0.5,
        "topP": 0.9,
        "maxOutputTokens": 30,
        "stopSequences": ["END"],
        "seed": 3,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "responseLogprobs": True,
        "logprobs": 4,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    },
}


def build(case, **place):
    place = {"provider": "gemini", "model": "gemini-3-flash", **place}
    return dialect(place["provider"]).build(case, Target(**place))


def sent(case, **place):
    return json.loads(build(case, **place).body)


def asked(**parameters):
    return replace(PLAIN, parameters=Parameters(**parameters))


@pytest.mark.parametrize("place", [{}, VERTEX])
def test_every_parameter_has_its_own_name(place):
    assert sent(FULL, **place) == EXPECTED


def test_what_a_case_does_not_say_is_not_sent():
    assert sent(PLAIN) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("look_up", {"mode": "ANY", "allowedFunctionNames": ["look_up"]}),
    ],
)
def test_the_choice_of_tools_is_translated(choice, config):
    assert sent(asked(tool_choice=choice))["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        ("gemini-3-pro", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-pro", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "minimal", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("models/gemini-2.5-pro", "high", {"includeThoughts": True, "thinkingBudget": 24_576}),
    ],
)
def test_effort_is_a_level_or_for_older_models_a_budget(model, effort, config):
    settings = sent(asked(reasoning_effort=effort), model=model)["generationConfig"]
    assert settings == {"thinkingConfig": config}


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ({}, f"/v1/models/gemini-3-flash{STREAM}"),
        (
            {"api_version": "v1beta"},
            f"/v1beta/models/gemini-3-flash{STREAM}",
        ),
        ({"model": "models/a"}, f"/v1/models/a{STREAM}"),
        ({"model": "tunedModels/a"}, f"/v1/tunedModels/a{STREAM}"),
        ({"model": "../x?y#z"}, f"/v1/models/..%2Fx%3Fy%23z{STREAM}"),
        (
            VERTEX,
            f"/v1/{HOME}europe-west1/publishers/google/models/gemini-3-flash{STREAM}",
        ),
        (
            {**VERTEX, "region": "global", "api_version": "v1beta1", "model": "a/b"},
            f"/v1beta1/{HOME}global/publishers/google/models/a%2Fb{STREAM}",
        ),
    ],
)
def test_the_path_names_version_place_and_model(place, path):
    assert build(PLAIN, **place).path == path
    whole = path.replace(STREAM, ":generateContent")
    assert build(asked(stream=False), **place).path == whole


@pytest.mark.parametrize("name", ["project", "region"])
def test_vertex_asks_for_what_its_path_needs(name):
    with pytest.raises(UsageError, match=f"vertex:gemini-3-flash: give the target a {name}"):
        build(PLAIN, **{**VERTEX, name: None})


SDK_CONFIG = types.GenerateContentConfig(
    system_instruction="Be brief.",
    temperature=0.5,
    top_p=0.9,
    max_output_tokens=30,
    stop_sequences=["END"],
    seed=3,
    response_mime_type="application/json",
    response_json_schema=SCHEMA,
    response_logprobs=True,
    logprobs=4,
    thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level="LOW"),
    tools=[
        types.Tool(
            function_declarations=[
                types.FunctionDeclaration(
                    name="look_up", description="Looks up", parameters_json_schema=SCHEMA
                )
            ]
        )
    ],
    tool_config=types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(
            mode="ANY", allowed_function_names=["look_up"]
        )
    ),
)
SDK_CONTENTS = [
    types.Content(
        role="user",
        parts=[
            types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
            types.Part(text="What is it?"),
        ],
    ),
    types.Content(role="model", parts=[types.Part(text="A cat")]),
    types.Content(role="user", parts=[types.Part(text="Go on")]),
]


def in_camel_case(value):
    """The SDK spells a few names with underscores: protobuf's JSON allows both."""
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda found: found[1].upper(), name): in_camel_case(inner)
            for name, inner in value.items()
        }
    return [in_camel_case(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("place", "options"),
    [
        ({}, {"api_key": "k"}),
        (
            {**VERTEX, "api_version": "v1beta1"},
            {
                "vertexai": True,
                "project": "shop-1",
                "location": "europe-west1",
                "credentials": Credentials(token="t"),  # noqa: S106 - made up
            },
        ),
    ],
)
def test_the_official_sdk_sends_the_same(place, options):
    seen = []

    def answer(request):
        seen.append(request)
        return httpx2.Response(200, json={"candidates": []})

    http = types.HttpOptions(client_args={"transport": httpx2.MockTransport(answer)})
    client = genai.Client(http_options=http, **options)
    streamed = client.models.generate_content_stream(
        model="gemini-3-flash", contents=SDK_CONTENTS, config=SDK_CONFIG
    )
    list(streamed)
    (request,) = seen
    ours = build(FULL, **place)
    speaker = dialect(place.get("provider", "gemini"))
    own_url = speaker.base_url.format(region="europe-west1")
    assert str(request.url) == own_url + ours.path
    body = in_camel_case(json.loads(request.content))
    # The SDK gives a role to what has none.
    assert body.pop("systemInstruction") == {**EXPECTED["systemInstruction"], "role": "user"}
    assert body == {k: v for k, v in EXPECTED.items() if k != "systemInstruction"}
    scheme = speaker.schemes[0]
    assert request.headers[getattr(scheme, "header", "authorization")] in ("k", "Bearer t")


@pytest.fixture(scope="module", params=[(), (Change(name="renamed_field"),)])
def simulator(request):
    conditions = Conditions(night="2026-03-01", time_scale=0, changes=request.param)
    with Simulator(conditions) as running:
        yield running


@pytest.mark.parametrize("place", [{}, {"api_version": "v1beta"}, VERTEX])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["plain", "tools", "schema"])
def test_the_simulator_answers_and_a_renamed_field_is_a_break(simulator, place, stream, kind):
    case = {
        "plain": PLAIN,
        "tools": replace(PLAIN, tools=FULL.tools),
        "schema": replace(PLAIN, response_schema=SCHEMA),
    }[kind]
    choice = "required" if kind == "tools" else None
    case = replace(case, parameters=Parameters(stream=stream, tool_choice=choice))
    place = {"model": "gemini-sim", **place}
    wire = build(case, **place)
    sent = httpx2.request(
        wire.method,
        simulator.base_url + wire.path,
        headers=[*wire.headers, ("x-goog-api-key", "k")],
        content=wire.body,
        trust_env=False,
    )
    completion = dialect(place.get("provider", "gemini")).read(
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
        assert completion.detail.startswith("candidates[0].content: required field is missing")
        return
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert bool(completion.tool_calls) is (kind == "tools")
    assert bool(completion.text) is (kind != "tools")
    assert completion.total_tokens == completion.input_tokens + completion.output_tokens

"""Whole answers of the simulated provider, of every wire that it speaks, in process."""

import asyncio
import sys
from pathlib import Path

import httpx2
import pytest

from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.suite import Case, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.simulator.conditions import Conditions
from contractcheck.simulator.server import make_app
from contractcheck.simulator.service import Service

# Lets the files of this folder import each other: with importmode=importlib it is no package.
sys.path.insert(0, str(Path(__file__).parent))

MODELS = {
    "anthropic": "claude-sim-haiku",
    "bedrock": "anthropic.claude-sim-v1:0",
    "cohere": "command-sim",
    "gemini": "gemini-sim",
    "mistral": "mistral-sim-small",
    "openai": "gpt-sim-mini",
    "openai-responses": "gpt-sim-mini",
}
"""Every wire that the simulator speaks, and a model of it."""

PREFIXES = {"mistral": "/mistral"}
KEYS = dict.fromkeys(("authorization", "x-api-key", "x-goog-api-key", "api-key"), "Bearer k")
LOOK_UP = Tool(
    name="lookup_order",
    description="Looks up the state of an order by its number",
    parameters={
        "type": "object",
        "properties": {"order_id": {"type": "string"}},
        "required": ["order_id"],
    },
)
PRIORITY = {
    "type": "object",
    "properties": {"priority": {"enum": ["low", "high"]}, "note": {"type": "string"}},
    "required": ["priority", "note"],
    "additionalProperties": False,
}


def case_asking(content, *, tools=(), schema=None, **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content=content),),
        tools=tools,
        response_schema=schema,
        parameters=Parameters(max_output_tokens=6, **parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


CASES = {
    "prose": case_asking("Say something kind."),
    "call": case_asking("Where is order A-1042?", tools=(LOOK_UP,), tool_choice="required"),
    "json": case_asking("How urgent is a leak?", schema=PRIORITY),
}


@pytest.fixture(scope="session", params=sorted(MODELS))
def wire(request):
    """Each provider whose wire the simulator speaks."""
    return request.param


@pytest.fixture(scope="session")
def simulated():
    """``simulated(provider, kind, streamed=True)``: a response as a client gets it."""
    conditions = Conditions(night="2026-01-01", time_scale=0.0)
    app = make_app(Service(conditions))
    answers = {}

    async def ask(provider, kind, streamed):
        case = CASES[kind]
        if not streamed:
            case = case_asking(
                case.messages[0].content,
                tools=case.tools,
                schema=case.response_schema,
                tool_choice=case.parameters.tool_choice,
                stream=False,
            )
        wire = dialect(provider).build(case, Target(provider=provider, model=MODELS[provider]))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sim") as client:
            return await client.request(
                wire.method,
                PREFIXES.get(provider, "") + wire.path,
                headers=[*wire.headers, *KEYS.items()],
                content=wire.body,
            )

    def get(provider, kind, *, streamed=True):
        key = provider, kind, streamed
        if key not in answers:
            answer = asyncio.run(ask(*key))
            assert answer.status_code == 200, answer.text
            answers[key] = as_response(answer.content, answer.headers["content-type"])
        return answers[key]

    return get


def as_response(body, media_type, sizes=None):
    sizes = (len(body),) if sizes is None else tuple(sizes)
    return Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("content-type", media_type),),
        body=body,
        chunk_bytes=sizes,
        chunk_times_us=tuple(range(1000, 1000 * len(sizes) + 1, 1000)),
    )


@pytest.fixture(scope="session")
def received():
    """``received(body, media_type, sizes, ended)``: the exchange of a body that came in pieces."""

    def make(body, media_type, sizes=None, ended="eof"):
        return Exchange(
            case="a",
            trial=0,
            attempt=0,
            request=Request(method="POST", url="http://sim/", headers=(), body=b"", digest=""),
            response=as_response(body, media_type, sizes),
            started_at="2026-01-01T00:00:00+00:00",
            waited_us=0,
            headers_us=500,
            end_us=10_000_000,
            ended=ended,
            error="RemoteProtocolError" if ended == "error" else None,
        )

    return make

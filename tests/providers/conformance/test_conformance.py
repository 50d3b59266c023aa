"""The providers' own SDKs are the judges: what they read in an answer, we read in it.

Once over answers made up at random, once over what the simulator says to the same question.
"""

from importlib import import_module
from pathlib import Path

import httpx2
import pytest
from conformance_kit import parsed_by_us, response_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.credential import ApiKey
from contractcheck.model.exchange import Response
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.providers import DIALECTS, dialect
from contractcheck.simulator import Conditions, Simulator

# google-genai's own doing, on its own dependency.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("wire_*.py"))
FORMS = ("whole", "stream")


def wire_of(name):
    return import_module(name).WIRE


def read(provider, body, media_type):
    completion = dialect(provider).read(response_of(body, media_type))
    breaks = [p for p in completion.wire_problems if p.severity == "breaking"]
    assert (completion.outcome, breaks) == (Outcome.ANSWERED, [])
    return parsed_by_us(completion)


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_we_read_what_the_sdk_reads(name, data):
    wire = wire_of(name)
    sent = data.draw(wire.sent)
    ours = {}
    for form, media_type in zip(FORMS, ("application/json", wire.stream_type), strict=True):
        body = getattr(sent, form)
        if body is not None:
            ours[form] = read(wire.provider, body, media_type)
            assert ours[form] == wire.parse(body, form == "stream")
    assert ours
    if len(ours) == len(FORMS):
        apart = {field: getattr(ours["stream"], field) for field in wire.apart}
        assert ours["whole"]._replace(**apart) == ours["stream"]


SCHEMA = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string"},
        "priority": {"type": "string", "enum": ["low", "high"]},
    },
    "required": ["order_id", "priority"],
    "additionalProperties": False,
}
TOOLS = tuple(
    Tool(name=name, description=f"Will {name}", parameters=SCHEMA)
    for name in ("lookup_order", "refund_order")
)
PICTURE = Image(name="dot.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\n")


def make_case(tools=(), response_schema=None, images=(), **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="Look up order ORD-77. What did it cost?", images=images),
            Message(role="assistant", content="Which one?"),
            Message(role="user", content="The first. Grüße 😀"),
        ),
        tools=tools,
        response_schema=response_schema,
        parameters=Parameters(**{"max_output_tokens": 200} | parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


CASES = {
    "plain": make_case(),
    "sampling": make_case(temperature=0.5, top_p=0.9, seed=3),
    "tools": make_case(tools=TOOLS, tool_choice="required"),
    "forced tool": make_case(tools=TOOLS, tool_choice="refund_order"),
    "schema": make_case(response_schema=SCHEMA),
    "image": make_case(images=(PICTURE,)),
    "logprobs": make_case(top_logprobs=3),
    "effort": make_case(reasoning_effort="low", max_output_tokens=3000),
    "stop": make_case(stop=(".",)),
    "cut": make_case(max_output_tokens=3),
}


@pytest.fixture(scope="module")
def twins():
    """Two servers of one provider in one night: each is asked once, and both say the same."""
    conditions = Conditions(night="2026-03-01", time_scale=0.0)
    with Simulator(conditions) as ours, Simulator(conditions) as theirs:
        yield ours, theirs


def credential_of(provider):
    schemes = dialect(provider).schemes
    keys = [scheme for scheme in schemes if isinstance(scheme, ApiKey)]
    return {keys[0].header: f"{keys[0].prefix}k"} if keys else {"authorization": "Bearer k"}


def send(wire, url, request):
    answer = httpx2.request(
        request.method,
        url + wire.prefix + request.path,
        headers={
            **dict(request.headers),
            **credential_of(wire.provider),
            "accept-encoding": "identity",
        },
        content=request.body,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return Response(
        status=answer.status_code,
        http_version="HTTP/1.1",
        headers=tuple(answer.headers.multi_items()),
        body=answer.content,
        chunk_bytes=(len(answer.content),),
        chunk_times_us=(1,),
    )


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_gets_the_same_answer_to_the_same_question(twins, name, case, stream):
    wire = wire_of(name)
    ours, theirs = twins
    speaker = dialect(wire.provider)
    asked = CASES[case]
    parameters = {field: getattr(asked.parameters, field) for field in Parameters.__slots__}
    asked = make_case(
        tools=asked.tools,
        response_schema=asked.response_schema,
        images=asked.messages[1].images,
        **parameters | {"stream": stream},
    )
    target = Target(provider=wire.provider, model=wire.model, **wire.place)
    if case in wire.lacks:
        with pytest.raises(UsageError):
            speaker.build(asked, target)
        return
    request = speaker.build(asked, target)
    completion = speaker.read(send(wire, ours.base_url, request))
    assert completion.outcome is Outcome.ANSWERED
    assert parsed_by_us(completion) == wire.ask(theirs.base_url + wire.prefix, request)
    if case == "logprobs" and not completion.embedding:
        assert len(completion.first_token_logprobs) == 3
    if case == "effort" and wire.thinks:
        assert completion.reasoning_text
    if case in ("tools", "forced tool"):
        assert completion.tool_calls
    elif not completion.embedding:
        assert completion.text


def test_every_wire_is_held_against_an_sdk():
    """Servers that speak another provider's wire are of that wire's dialect."""
    held = {type(dialect(wire_of(name).provider)) for name in NAMES}
    assert {name for name in DIALECTS if type(dialect(name)) not in held} == set()

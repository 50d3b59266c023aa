"""Exchanges of an unchanged provider, of every wire format, in process."""

import random
from dataclasses import dataclass, replace
from functools import cache

import orjson
import pytest

from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.providers import DIALECTS, dialect
from contractcheck.providers.answer import read_answer
from contractcheck.simulator import Conditions, azure_wire
from contractcheck.simulator.answering import answer_question
from contractcheck.simulator.aws_events import encode_event
from contractcheck.simulator.question import Question, Tool
from contractcheck.simulator.server import DIALECTS as WIRES
from contractcheck.wire_contracts import examine

WIRE_OF = {wire.FORMAT: wire for wire in reversed(WIRES)} | {"azure-chat": azure_wire}
USUAL = {
    "anthropic-messages": "anthropic",
    "azure-chat": "azure",
    "bedrock": "bedrock",
    "cohere": "cohere",
    "gemini": "gemini",
    "mistral": "mistral",
    "openai-chat": "openai",
    "openai-embeddings": "openai-embeddings",
    "openai-responses": "openai-responses",
}
"""Wire format → the provider whose it is."""

SPOKEN = sorted(name for name, provider in USUAL.items() if provider in DIALECTS)
LOOK_UP = Tool(
    name="lookup_order",
    description="Looks up the state of an order by its number",
    parameters={
        "type": "object",
        "properties": {"order_id": {"type": "string"}, "urgent": {"type": "boolean"}},
        "required": ["order_id", "urgent"],
    },
)
QUESTIONS = {
    "prose": {"prompt": "Say something kind.", "max_tokens": 12},
    "long": {"prompt": "Tell me of the sea and of the ships on it.", "max_tokens": 60},
    "call": {
        "prompt": "Where is order A-1042?",
        "tools": (LOOK_UP,),
        "tool_choice": "named",
        "forced_tool": "lookup_order",
    },
    "logprobs": {"prompt": "Is it calm or angry?", "max_tokens": 5, "top_logprobs": 2},
}
"""What is asked: the same four requests every night."""

ECHOES = {
    "openai-embeddings": {"encoding_format": "float", "dimensions": 24},
    "openai-responses": {
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "tools": [],
        "tool_choice": "auto",
        "metadata": {},
        "text": {"format": {"type": "text"}},
    },
}
"""What the answer repeats of the request."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One exchange and what is needed to look at it."""

    provider: str
    exchange: Exchange

    @property
    def completion(self):
        return read_answer(self.exchange, self.provider).completion

    @property
    def frames(self):
        return dialect(self.provider).frames(self.exchange.response)

    def seen(self):
        return examine(self.exchange, self.provider, self.completion)

    def problems(self, severity=None):
        return {
            one.path: one.what
            for one in self.seen().problems
            if severity is None or one.severity == severity
        }

    def with_headers(self, *headers):
        response = self.exchange.response
        changed = replace(response, headers=(*response.headers, *headers))
        return replace(self, exchange=replace(self.exchange, response=changed))

    def rewritten(self, change):
        """The same with other documents: ``change(documents)`` returns what is sent instead."""
        frames = self.frames
        kinds = [(frame.name, frame.document) for frame in frames]
        body = write(self.provider, change(kinds), streamed=bool(frames[0].name))
        return replace(self, exchange=as_exchange(body, self.exchange.response.headers))


def write(provider, kinds, *, streamed):
    """Put documents back on the wire; a document of None stands for ``[DONE]``."""
    if not streamed:
        return orjson.dumps(kinds[0][1])
    if provider == "bedrock":
        return b"".join(encode_event(kind, orjson.dumps(one)) for kind, one in kinds)
    parts = []
    for kind, document in kinds:
        name = b"" if kind == "message" else b"event: " + kind.encode() + b"\n"
        data = b"[DONE]" if document is None else orjson.dumps(document)
        parts.append(name + b"data: " + data + b"\n\n")
    return b"".join(parts)


@cache
def speak(wire_name, kind, trial, night="2026-03-01", *, streamed=True):
    """One exchange as the simulated provider answers it."""
    wire = WIRE_OF[wire_name]
    streamed = streamed and wire_name != "openai-embeddings"
    question = Question(
        model="sim-2026-03-01",
        key=kind,
        streamed=streamed,
        with_usage_chunk=True,
        **QUESTIONS[kind],
    )
    question = replace(question, echo=ECHOES.get(wire_name, {}))
    answer = answer_question(question, Conditions(night=night), trial)
    request_id = f"{random.Random(f'{kind}{trial}{night}').getrandbits(64):016x}"  # noqa: S311 - a name, not a key
    headers = {"content-type": wire.STREAM_TYPE if streamed else "application/json"}
    headers |= wire.write_headers(request_id, 5, 0.5)
    if streamed:
        body = b"".join(data for _, data in wire.write_frames(question, answer, night))
    else:
        body = orjson.dumps(wire.write_answer(question, answer, night))
    return Spoken(
        provider=USUAL[wire_name], exchange=as_exchange(body, tuple(headers.items()), case=kind)
    )


def as_exchange(body, headers, *, case="a", trial=0, status=200):
    return Exchange(
        case=case,
        trial=trial,
        attempt=0,
        request=Request(method="POST", url="/", headers=(), body=b"{}", digest="d"),
        response=Response(
            status=status,
            http_version="HTTP/1.1",
            headers=headers,
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(1000,),
        ),
        started_at="2026-03-01T02:00:00+00:00",
        waited_us=0,
        headers_us=900,
        end_us=1000,
        ended="eof",
        error=None,
    )


@pytest.fixture(scope="session", name="speak")
def speaking():
    return speak


@pytest.fixture(scope="session")
def questions():
    return tuple(QUESTIONS)


@pytest.fixture(scope="session")
def wire_names():
    return SPOKEN


@pytest.fixture(params=SPOKEN)
def spoken(request):
    """Each wire format that a dialect and the simulator speak."""
    return request.param

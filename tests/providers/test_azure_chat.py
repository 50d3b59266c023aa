"""Azure OpenAI: paths, credentials, and what its content filter adds and refuses."""

import json
from dataclasses import replace

import orjson
import pytest
from reading_kit import PLAIN

from contractcheck.model.completion import Outcome
from contractcheck.model.credential import ApiKey, EntraToken
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.suite import Parameters
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.providers.answer import read_answer
from contractcheck.simulator import Conditions, azure_wire
from contractcheck.simulator.service import Service

CASE = replace(PLAIN, parameters=Parameters(max_output_tokens=9))


def written(model="gpt-5-mini", **place):
    return dialect("azure").build(CASE, Target(provider="azure", model=model, **place))


@pytest.mark.parametrize(
    ("model", "version", "path"),
    [
        ("mini", None, "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
        (
            "mini",
            "2025-04-01-preview",
            "/openai/deployments/mini/chat/completions?api-version=2025-04-01-preview",
        ),
        ("mini", "v1", "/openai/v1/chat/completions"),
        (
            "../a?b/ü",
            None,
            "/openai/deployments/..%2Fa%3Fb%2F%C3%BC/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_the_path_names_deployment_and_version(model, version, path):
    wire = written(model, api_version=version)
    assert (wire.method, wire.path) == ("POST", path)
    assert orjson.loads(wire.body)["model"] == model


def test_the_body_is_that_of_chat_completions():
    same = dialect("openai").build(CASE, Target(provider="openai", model="gpt-5-mini"))
    assert written().body == same.body


def test_a_key_goes_bare_into_its_own_header_and_a_token_is_for_cognitive_services():
    speaker = dialect("azure")
    assert speaker.base_url == ""
    assert speaker.schemes == (
        ApiKey(variable="AZURE_OPENAI_API_KEY", header="api-key", prefix=""),
        EntraToken(scope="https://cognitiveservices.azure.com/.default"),
    )


def exchange(status, body):
    return Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="https://x", headers=(), body=b"", digest="d"),
        response=Response(
            status=status,
            http_version="HTTP/1.1",
            headers=(("content-type", "application/json"),),
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(1,),
        ),
        started_at="2026-11-21T00:00:00Z",
        waited_us=0,
        headers_us=1,
        end_us=2,
        ended="eof",
        error=None,
    )


def test_a_prompt_that_the_filter_refuses_is_an_answer_of_its_own_kind():
    refused = {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's "
            "content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}},
            },
        }
    }
    completion = read_answer(exchange(400, json.dumps(refused).encode()), "azure").completion
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "")
    assert completion.finish_reason == "content_filter"


@pytest.mark.parametrize("streamed", [True, False])
def test_the_simulator_filters_and_says_the_same_as_chat_completions(streamed):
    service = Service(Conditions(night="2026-03-01", time_scale=0.0))
    body = orjson.dumps({"model": "gpt-sim", "messages": [{"role": "user", "content": "Hi"}]})
    if streamed:
        body = body[:-1] + b',"stream":true,"stream_options":{"include_usage":true}}'
    reply = service.reply(azure_wire, {"api-key": "k"}, body)
    content = b"".join(part for _, part in reply.parts)
    completion = dialect("azure").read(
        Response(
            status=reply.status,
            http_version="HTTP/1.1",
            headers=(("content-type", reply.media_type),),
            body=content,
            chunk_bytes=(len(content),),
            chunk_times_us=(1,),
        )
    )
    assert (completion.outcome, completion.wire_problems) == (Outcome.ANSWERED, ())
    assert completion.text
    assert completion.response_id.startswith("chatcmpl-")
    assert content.count(b'"content_filter_results"') > 1
    assert content.startswith(b'data: {"choices":[],') is streamed
    assert reply.headers["x-ratelimit-reset-tokens"] == "1"
    assert "openai-version" not in reply.headers


def test_the_simulator_wants_a_key_in_either_header():
    service = Service(Conditions(night="2026-03-01", time_scale=0.0))
    assert service.reply(azure_wire, {}, b"{}").status == 401
    assert service.reply(azure_wire, {"authorization": "Bearer k"}, b"{}").status == 400

"""Gemini, Vertex AI and Bedrock, from a suite file to a verdict, and when the provider is ill."""

import httpx2
import pytest

from contractcheck.cassettes import read_run
from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.target import Target
from contractcheck.providers import dialect
from contractcheck.providers.answer import read_answer
from contractcheck.simulator import Change, Conditions, Faults, Simulator
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

SUITE = """\
suite: desk
version: 1.0.0
targets:
  - gemini:gemini-sim-2026-03-01
  - {target: "gemini:gemini-old-2026-03-01", api_version: v1beta}
  - {target: "vertex:gemini-sim-2026-03-01", project: shop-1, region: europe-west1}
  - {target: "bedrock:anthropic.claude-sim-20260301-v1:0", region: eu-central-1}
defaults: {samples: 2, max_output_tokens: 60}
cases:
  - id: words
    messages: [{role: user, content: "Say hello."}]
    metrics: [text, output_tokens, ttft_s]
  - id: whole
    stream: false
    messages: [{role: user, content: "Say hello."}]
    metrics: [text]
  - id: tool
    messages: [{role: user, content: "Where is order A-1042?"}]
    tools: [look_up.json]
    tool_choice: look_up
    checks: [conforms, {tool_called: look_up, mode: always}]
"""
LOOK_UP = """\
{"name": "look_up", "description": "Looks up an order", "parameters": {"type": "object",
"properties": {"order": {"type": "string"}}, "required": ["order"], "additionalProperties": false}}
"""


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0)) as running:
        yield running


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "suites" / "desk"
    folder.mkdir(parents=True)
    (folder / "suite.contract.yaml").write_text(SUITE)
    (folder / "look_up.json").write_text(LOOK_UP)
    return Workspace(tmp_path)


def record(workspace, simulator, number):
    (suite,) = workspace.load_suites()
    options = RecordOptions(night="2026-03-01", base_url=simulator.base_url)
    return suite, record_run(workspace, suite, suite.targets[number], options)


@pytest.mark.parametrize("number", range(4))
def test_a_suite_is_recorded_and_judged(workspace, simulator, number):
    simulator.conditions = Conditions(night="2026-03-01", time_scale=0)
    suite, folder = record(workspace, simulator, number)
    run = read_run(folder)
    assert run.header.target == suite.targets[number]
    answers = [read_answer(one, suite.targets[number].provider) for one in run.exchanges]
    assert {answer.completion.outcome for answer in answers} == {Outcome.ANSWERED}
    for exchange, answer in zip(run.exchanges, answers, strict=True):
        assert (answer.timing.ttft_s is None) is (exchange.case == "whole")
        assert bool(answer.completion.tool_calls) is (exchange.case == "tool")
    report = judge_recorded(workspace, suite, folder)
    assert report.verdict.value != "FAIL", report.findings
    assert [f for f in report.findings if f.metric.startswith("wire ")] == []


@pytest.mark.parametrize("number", [0, 3])
def test_a_renamed_field_is_a_breach(workspace, simulator, number):
    changes = (Change(name="renamed_field"),)
    simulator.conditions = Conditions(night="2026-03-01", time_scale=0, changes=changes)
    suite, folder = record(workspace, simulator, number)
    report = judge_recorded(workspace, suite, folder)
    assert report.verdict.value == "FAIL"


WIRES = {
    "gemini": {"model": "gemini-sim"},
    "vertex": {"model": "gemini-sim", "project": "shop-1", "region": "global"},
    "bedrock": {"model": "claude-sim", "region": "eu-central-1"},
}
ILLNESSES = {
    "overload": ({"error_rate": 1.0}, Outcome.INFRA),
    "rate limit": ({"faults": Faults(rate_limited=1)}, Outcome.INFRA),
    "error in the stream": ({"faults": Faults(error_in_stream=1.0)}, Outcome.INFRA),
    "cut": ({"faults": Faults(cut_stream=1.0)}, Outcome.TRUNCATED),
}


def ask(simulator, workspace, provider, model):
    """One question by plain HTTP, without retries: how the first attempt ends."""
    (suite,) = workspace.load_suites()
    target = Target(provider=provider, **{**WIRES[provider], "model": model})
    wire = dialect(provider).build(suite.cases[0], target)
    headers = {**dict(wire.headers), "authorization": "Bearer k", "accept-encoding": "identity"}
    body, ended, error = b"", "eof", None
    url = simulator.base_url + wire.path
    with httpx2.stream("POST", url, headers=headers, content=wire.body, trust_env=False) as answer:
        try:
            for chunk in answer.iter_raw():
                body += chunk
        except httpx2.RemoteProtocolError as broken:
            ended, error = "error", type(broken).__name__
    response = Response(
        status=answer.status_code,
        http_version="HTTP/1.1",
        headers=tuple(answer.headers.items()),
        body=body,
        chunk_bytes=(len(body),),
        chunk_times_us=(1,),
    )
    return Exchange(
        case="words",
        trial=0,
        attempt=0,
        request=Request(method="POST", url=url, headers=(), body=wire.body, digest=""),
        response=response,
        started_at="2026-03-01T00:00:00+00:00",
        waited_us=0,
        headers_us=1,
        end_us=2,
        ended=ended,
        error=error,
    )


@pytest.mark.parametrize("illness", ILLNESSES)
@pytest.mark.parametrize("provider", WIRES)
def test_an_ill_provider_is_no_drift(workspace, simulator, provider, illness):
    how, outcome = ILLNESSES[illness]
    simulator.conditions = Conditions(night="2026-03-02", time_scale=0, **how)
    exchange = ask(simulator, workspace, provider, f"sim-{illness.replace(' ', '-')}")
    completion = read_answer(exchange, provider).completion
    assert (completion.outcome, completion.text) == (outcome, "")
    assert completion.detail


@pytest.mark.parametrize("provider", WIRES)
def test_a_model_that_is_gone_is_retired(workspace, simulator, provider):
    simulator.conditions = Conditions(night="2026-03-01", time_scale=0)
    exchange = ask(simulator, workspace, provider, "does-not-exist")
    assert read_answer(exchange, provider).completion.outcome is Outcome.RETIRED

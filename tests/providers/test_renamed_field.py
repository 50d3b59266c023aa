"""The simulator's renamed field must be seen in both dialects, streamed and whole."""

import httpx2
import pytest

from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Response
from contractcheck.providers import dialect
from contractcheck.simulator import Change, Conditions, Simulator

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
MODELS = {"openai": "gpt-sim-mini", "anthropic": "claude-sim-haiku"}


@pytest.fixture(scope="module", params=[(), (Change(name="renamed_field"),)])
def simulator(request):
    conditions = Conditions(night="2026-03-01", time_scale=0, changes=request.param)
    with Simulator(conditions) as running:
        yield running


@pytest.mark.parametrize(
    ("provider", "is_streamed", "path"),
    [
        ("openai", False, "choices[0].message"),
        ("openai", True, "choices[0].delta"),
        ("anthropic", False, "content"),
        ("anthropic", True, "content_block_delta.delta"),
    ],
)
def test_a_renamed_field_is_a_break_and_names_its_place(simulator, provider, is_streamed, path):
    question = {
        "model": MODELS[provider],
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": is_streamed,
        "max_tokens": 5,
    }
    headers = {"authorization": "Bearer test", "anthropic-version": "2026-10-21"}
    answer = httpx2.post(
        simulator.base_url + PATHS[provider], json=question, headers=headers, trust_env=False
    )
    completion = dialect(provider).read(
        Response(
            status=answer.status_code,
            http_version="HTTP/1.1",
            headers=tuple(answer.headers.items()),
            body=answer.content,
            chunk_bytes=(len(answer.content),),
            chunk_times_us=(1,),
        )
    )
    breaks = {p.path: p.what for p in completion.wire_problems if p.severity == "breaking"}
    if simulator.conditions.changes:
        assert completion.outcome is Outcome.MALFORMED
        assert breaks[path].startswith("required field is missing (present: ")
    else:
        assert (completion.outcome, breaks) == (Outcome.ANSWERED, {})
        assert completion.text

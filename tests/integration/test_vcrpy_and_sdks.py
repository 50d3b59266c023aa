"""What stock vcrpy recorded of an SDK replays here; what is recorded here replays in vcrpy."""

from __future__ import annotations

import anthropic
import openai
import pytest
import vcr

from contractcheck.cassettes import create_run, in_trial, open_tape, recording, replaying, seal_run
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.runs_export import export_run
from contractcheck.workflows.runs_import import ImportOptions, import_cassettes
from contractcheck.workflows.workspace import Workspace

KEY = "sk-recorded-0123456789abcdef"
OTHER_KEY = "sk-replayed-fedcba9876543210-and-longer"
MESSAGES = [{"role": "user", "content": "Please look up order ORD-77 and say what it cost."}]
TARGET = Target(provider="openai", model="sim-mini")
HEADER = RunHeader(
    id="20260301t020000z-sdk",
    suite="sdks",
    suite_version="1.0.0",
    suite_fingerprint="f",
    target=TARGET,
    night=None,
    started_at="2026-03-01T02:00:00+00:00",
    ended_at=None,
    status="partial",
    cases={"chat": CasePlan(samples=3, request_fingerprint="r", parts={})},
    vantage={},
)


def ask_openai(url, key):
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        reply = client.chat.completions.create(model="sim-mini", messages=MESSAGES)
    return reply.model_dump()


def stream_openai(url, key):
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        events = client.chat.completions.create(model="sim-mini", messages=MESSAGES, stream=True)
        return [event.model_dump() for event in events]


def stream_anthropic(url, key):
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as client:
        events = client.messages.create(
            model="sim-haiku", messages=MESSAGES, max_tokens=50, stream=True
        )
        return [event.model_dump() for event in events]


ASKS = [ask_openai, stream_openai, stream_anthropic]


@pytest.mark.parametrize("ask", ASKS)
def test_what_stock_vcrpy_recorded_of_an_sdk_replays_with_another_key(ask, tmp_path):
    path = tmp_path / "chat.yaml"
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as provider:
        url = provider.base_url
        with vcr.VCR(record_mode="all").use_cassette(str(path)):
            live = [ask(url, KEY) for _ in range(3)]
    assert KEY in path.read_text()
    options = ImportOptions(suite="sdks", target=TARGET)
    made = import_cassettes(Workspace(tmp_path), [path], options)
    assert not any(KEY.encode() in file.read_bytes() for file in made.folder.iterdir())
    seen = []
    with replaying(open_tape(made.folder), Scrubber.for_secrets([OTHER_KEY])):
        for trial in range(3):
            with in_trial("chat", trial):
                seen.append(ask(url, OTHER_KEY))
    assert seen == live


@pytest.mark.parametrize("ask", ASKS)
def test_what_is_recorded_here_of_an_sdk_replays_in_stock_vcrpy(ask, tmp_path):
    scrubber = Scrubber.for_secrets([KEY])
    run = create_run(tmp_path / "run", HEADER, scrubber)
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as provider:
        url = provider.base_url
        live = []
        with recording(run, scrubber):
            for trial in range(3):
                with in_trial("chat", trial):
                    live.append(ask(url, KEY))
    run.close()
    seal_run(run.folder, status="partial", ended_at="2026-03-01T03:00:00+00:00")
    (file,) = export_run(run.folder, tmp_path / "out", style="yaml")
    player = vcr.VCR(record_mode="none", match_on=["method", "uri", "body"])
    with player.use_cassette(str(file.path)) as cassette:
        assert [ask(url, OTHER_KEY) for _ in range(3)] == live
        assert cassette.all_played

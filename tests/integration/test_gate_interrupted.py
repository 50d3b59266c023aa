"""A gate that is killed or interrupted, and goes on: real processes over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import AcceptRefusedError, UsageError
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, resume
from contractcheck.workflows.runs_merge import merge_runs
from contractcheck.workflows.workspace import Workspace

TARGET = "openai:gpt-sim-mini-2026-03-01"
SUITE = f"""\
suite: mail
version: 1.0.0
targets: [{TARGET}]
defaults: {{max_output_tokens: 12}}
policy:
  gate: {{slots: 8}}
  margins: {{refusals: +0.25}}
cases:
  - id: greet
    messages: [{{role: user, content: "Say hello."}}]
    metrics: [text]
  - id: part
    messages: [{{role: user, content: "Say goodbye."}}]
    metrics: [text]
  - id: thank
    messages: [{{role: user, content: "Say thank you."}}]
    metrics: [text]
"""


class Project:
    def __init__(self, root, provider):
        self.root = root
        side = f"target={TARGET},base_url={provider.base_url}"
        self.sides = ("--from", side, "--to", side)
        path = root / "suites" / "mail" / "mail.contract.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(SUITE)

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "contractcheck.cli", "gate", *arguments],
            cwd=self.root,
            env=os.environ | {"OPENAI_API_KEY": "sk-live-Zq81nVtR5mPx0aLw"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def folders(self):
        return sorted(self.root.glob(".contractcheck/runs/*/*/*"))

    def gates(self):
        return sorted(self.root.glob(".contractcheck/gates/*.json"))


@pytest.fixture
def provider():
    conditions = Conditions(night="2026-03-01", time_scale=0.02, night_effects=False)
    with Simulator(conditions) as serving:
        yield serving


@pytest.fixture
def project(tmp_path, provider):
    return Project(tmp_path, provider)


def interrupt_after(process, provider, requests, number):
    while provider.request_count < requests and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_a_killed_gate_goes_on_and_ends_as_if_nothing_had_happened(project, provider):
    killed = project.start(*project.sides, "--concurrency", "2")
    code, _, _ = interrupt_after(killed, provider, 20, signal.SIGKILL)
    assert code == -signal.SIGKILL
    (plan,) = project.gates()
    assert not any(map(is_sealed, project.folders()))
    kept = {
        (folder.name, x.case, x.trial): x.response.body
        for folder in project.folders()
        for x in read_run(folder).exchanges
    }
    assert len(kept) >= 15
    code, out, _ = project.call("--resume", plan.stem[:20], "--format", "json")
    assert code == 0
    report = json.loads(out)
    # Requests under way at the kill may have been sent twice, no finished one was.
    assert provider.request_count <= report["gate"]["used_requests"] + 2
    blocks = report["gate"]["blocks"]
    for folder in project.folders():
        run = read_run(folder)
        assert is_sealed(folder)
        assert run.header.planned_trials == 3 * blocks
        assert sorted((x.case, x.trial) for x in run.exchanges) == [
            (case, block) for case in ("greet", "part", "thank") for block in range(blocks)
        ]
    now = {
        (folder.name, x.case, x.trial): x.response.body
        for folder in project.folders()
        for x in read_run(folder).exchanges
    }
    assert {key: now[key] for key in kept} == kept


def test_a_gate_that_is_over_or_was_killed_while_it_ended_is_told_again(project, provider):
    code, out, _ = project.call(*project.sides, "--format", "json")
    before = json.loads(out)
    assert code == 0
    (plan,) = project.gates()
    document = json.loads(plan.read_text())
    assert len(document["outcome"]) == 1
    asked = provider.request_count
    for outcome in (document["outcome"], []):
        plan.write_text(json.dumps(document | {"outcome": outcome}))
        code, out, _ = project.call("--resume", plan.stem, "--format", "json")
        assert code == 0
        assert json.loads(out) == before
        assert json.loads(plan.read_text()) == document
    assert provider.request_count == asked


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_gate_says_what_is_known_and_how_to_go_on(
    project, provider, number, exit_code
):
    started = project.start(*project.sides, "--concurrency", "2")
    code, out, err = interrupt_after(started, provider, 30, number)
    assert code == exit_code
    assert out == ""
    assert "Traceback" not in err
    assert "exception was never retrieved" not in err
    assert "interrupted after " in err
    assert "of at most 8" in err
    assert "at look 1: refusals open: 0.0% → 0.0%" in err
    (plan,) = project.gates()
    assert f"go on with: contractcheck gate --resume {plan.stem}\n" in err
    code, out, _ = project.call("--resume", plan.stem)
    assert code == 0
    assert out.startswith("Safe to upgrade: the share of refusals ")


def test_a_side_of_a_killed_gate_is_finished_by_its_gate_alone(project, provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-Zq81nVtR5mPx0aLw")
    killed = project.start(*project.sides, "--concurrency", "2")
    interrupt_after(killed, provider, 20, signal.SIGKILL)
    asked = provider.request_count
    (plan,) = project.gates()
    workspace = Workspace(project.root)
    (suite,) = workspace.load_suites()
    words = f"is a side of gate {plan.stem}, and no run of its own; go on with: contractcheck gate"
    for folder in project.folders():
        assert read_header(folder).gate == plan.stem
        with pytest.raises(UsageError, match=words):
            resume(folder, suite, RecordOptions())
        with pytest.raises(AcceptRefusedError, match=f"is a side of gate {plan.stem}, and never"):
            accept_runs(workspace, [folder], [suite], AcceptOptions(reason="x", by="me"))
        report = judge_recorded(workspace, suite, folder)
        assert "such as a gate, and never a night" in report.headline
        assert report.next_steps[0] == f"contractcheck gate --resume {plan.stem}"
    with pytest.raises(UsageError, match="a side of a gate, and no shard of a night"):
        merge_runs(workspace, project.folders(), suite)
    assert not any(map(is_sealed, project.folders()))
    assert provider.request_count == asked


def test_a_gate_whose_suite_changed_does_not_go_on(project, provider):
    killed = project.start(*project.sides, "--concurrency", "1")
    interrupt_after(killed, provider, 4, signal.SIGKILL)
    path = project.root / "suites" / "mail" / "mail.contract.yaml"
    path.write_text(SUITE.replace("+0.25", "+0.5"))
    (plan,) = project.gates()
    code, _, err = project.call("--resume", plan.stem)
    assert code == 2
    assert "a gate is decided by the rules it began with: undo the change, or start a new" in err

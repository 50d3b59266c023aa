"""A provider made of plain functions: every answer of every night is what the test says."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, Run, RunHeader
from contractcheck.providers import DIALECTS
from contractcheck.suite import load_suite
from contractcheck.suite.fingerprint import digest_checks

FIRST_NIGHT = date(2026, 3, 1)
SUITE = """\
suite: tickets
version: 1.0.0
targets: [{target}]
defaults: {{samples: {samples}}}
policy: {policy}
cases:
{cases}
"""
CASE = """\
  - id: {id}
    messages: [{{role: user, content: "{content}"}}]
    checks: {checks}
    metrics: {metrics}
"""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer, or what came instead of it."""

    text: str = "calm"
    ttft_s: float = 0.5
    pace_s: float = 0.02
    tokens: int = 20
    status: int = 200
    model: str = "gpt-sim-2026-03-01"
    fingerprint: str = "fp_1"
    raw: bytes | None = None
    lag_s: float = 0.0
    streamed: bool = True


def ordinary(draw, case, trial):
    """Answers, lengths and times of an unchanged model."""
    return Reply(
        text=draw.choice(["calm", "calm", "calm", "angry", "glad"]),
        ttft_s=0.5 * draw.lognormvariate(0, 0.1),
        pace_s=0.02 * draw.lognormvariate(0, 0.1),
        tokens=draw.randint(15, 30),
    )


def accept(runs):
    acceptance = Acceptance(accepted_by="me", accepted_at="2026-03-12T00:00:00Z", reason="good")
    return Baseline(
        suite=runs[0].header.suite,
        target=runs[0].header.target,
        nights=tuple(
            AcceptedNight(
                statistics=run.statistics,
                run_root="",
                acceptance=acceptance,
                parts={case: dict(plan.parts) for case, plan in run.header.cases.items()},
                vantage=dict(run.header.vantage),
            )
            for run in runs
        ),
        reference_night=runs[-1].statistics.night,
    )


class World:
    """One suite, one target and its nights."""

    def __init__(self, suite, behaviour=ordinary, vantage=None):
        self.suite = suite
        self.behaviour = behaviour
        self.vantage = vantage or {"region": "eu", "python": "3.11"}

    def run(
        self, night, behaviour=None, *, suite=None, status="complete", vantage=None, cases=None
    ):
        """Record and measure the night so many days after the first."""
        recorded = self.record(
            night, behaviour, suite=suite, status=status, vantage=vantage, cases=cases
        )
        return observe(recorded, suite or self.suite)

    def record(
        self, night, behaviour=None, *, suite=None, status="complete", vantage=None, cases=None
    ):
        suite = suite or self.suite
        name = (FIRST_NIGHT + timedelta(days=night)).isoformat()
        chosen = [case for case in suite.cases if cases is None or case.id in cases]
        header = RunHeader(
            id=f"{name.replace('-', '')}t020000z-abc{night}",
            suite=suite.name,
            suite_version=suite.version,
            suite_fingerprint=suite.fingerprint,
            target=suite.targets[0],
            night=name,
            started_at=f"{name}T02:00:00+00:00",
            ended_at=f"{name}T02:10:00+00:00",
            status=status,
            cases={
                case.id: CasePlan(
                    samples=case.samples,
                    request_fingerprint=case.request_fingerprint,
                    parts=case.fingerprint_parts,
                    checks=digest_checks(case),
                )
                for case in chosen
            },
            vantage=vantage or self.vantage,
        )
        exchanges = tuple(
            exchange
            for case in chosen
            for trial in range(case.samples)
            if (exchange := ask(behaviour or self.behaviour, night, case.id, trial)) is not None
        )
        return Run(header=header, exchanges=exchanges)

    accept = staticmethod(accept)

    def baseline(self, nights=10, behaviour=None, *, first=0, suite=None, vantage=None):
        runs = [
            self.run(night, behaviour, suite=suite, vantage=vantage)
            for night in range(first, first + nights)
        ]
        return accept(runs)

    def judge(self, run, baseline=None, previous=None, suite=None, reference=None):
        return judge_run(
            Evidence(
                suite=suite or self.suite,
                run=run,
                baseline=baseline,
                previous=previous.statistics if previous else None,
                reference=reference,
            )
        )


def ask(behaviour, night, case, trial):
    draw = random.Random(f"{night} {case} {trial}")  # noqa: S311 - answers, not keys
    reply = behaviour(draw, case, trial)
    if reply is None:
        return None
    request = Request(method="POST", url="/v1/chat/completions", headers=(), body=b"", digest=case)
    base = {"case": case, "trial": trial, "attempt": 0, "request": request, "waited_us": 0}
    base |= {"started_at": "2026-03-01T02:00:00+00:00", "lag_us": round(reply.lag_s * 1e6)}
    if reply.status == 0:
        return Exchange(
            **base, response=None, headers_us=None, end_us=1000, ended="error", error="ConnectError"
        )
    kind, parts, times_us = write(reply)
    response = Response(
        status=reply.status,
        http_version="HTTP/1.1",
        headers=(("content-type", kind),),
        body=b"".join(parts),
        chunk_bytes=tuple(map(len, parts)),
        chunk_times_us=times_us,
    )
    return Exchange(
        **base,
        response=response,
        headers_us=times_us[0],
        end_us=times_us[-1],
        ended="eof",
        error=None,
    )


def write(reply):
    first_us = round(reply.ttft_s * 1e6)
    end_us = first_us + round(reply.pace_s * 1e6 * (reply.tokens - 1))
    if reply.raw is not None:
        return "text/html", (reply.raw,), (end_us,)
    if reply.status != 200:
        body = {"error": {"code": "trouble", "message": "no luck today"}}
        return "application/json", (json.dumps(body).encode(),), (end_us,)
    envelope = {
        "id": "chatcmpl-1",
        "created": 1,
        "model": reply.model,
        "system_fingerprint": reply.fingerprint,
    }
    usage = {"prompt_tokens": 5, "completion_tokens": reply.tokens}
    usage["total_tokens"] = 5 + reply.tokens
    message = {"role": "assistant", "content": reply.text}
    if not reply.streamed:
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {**envelope, "object": "chat.completion", "choices": [choice], "usage": usage}
        return "application/json", (json.dumps(body).encode(),), (end_us,)
    chunk = {**envelope, "object": "chat.completion.chunk"}
    chunks = [
        {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**chunk, "choices": [], "usage": usage},
    ]
    events = [f"data: {json.dumps(one)}\n\n".encode() for one in chunks]
    parts = (events[0], b"".join(events[1:]) + b"data: [DONE]\n\n")
    return "text/event-stream", parts, (first_us, end_us)


def write_suite(
    folder,
    *,
    cases=("one", "two", "three", "four"),
    samples=8,
    target="openai:gpt-sim-2026-03-01",
    policy="{}",
    checks="[]",
    metrics="[{label: '^(.*)$'}, text, output_tokens]",
    content="How does it sound?",
):
    """Write and load a suite; a case is a name, or a pair of a name and what is its own."""
    blocks = []
    for case in cases:
        name, own = case if isinstance(case, tuple) else (case, {})
        values = {"checks": checks, "metrics": metrics, "content": content} | own
        blocks.append(CASE.format(id=name, **values))
    text = SUITE.format(target=target, samples=samples, policy=policy, cases="".join(blocks))
    path = Path(folder) / "suite.contract.yaml"
    path.write_text(text)
    return load_suite(path, providers=tuple(DIALECTS))


def reply_with(only=None, share=1.0, **changes):
    """Behave as usual but for these changes; a function changes the usual value."""

    def behave(draw, case, trial):
        reply = ordinary(draw, case, trial)
        if (only is not None and case not in only) or draw.random() >= share:
            return reply
        new = {k: v(getattr(reply, k)) if callable(v) else v for k, v in changes.items()}
        return replace(reply, **new)

    return behave


@pytest.fixture
def make_suite(tmp_path):
    return partial(write_suite, tmp_path)


@pytest.fixture
def world(make_suite):
    """Four cases of eight answers each, nothing but metrics."""
    return World(make_suite())


@pytest.fixture
def make_world(make_suite):
    return lambda behaviour=ordinary, **options: World(make_suite(**options), behaviour)


@pytest.fixture
def shape():
    return reply_with

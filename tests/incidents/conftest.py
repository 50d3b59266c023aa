"""Nights of simulated providers, in process, on every wire: recorded once, then struck.

The requests are the product's own, the bytes the simulator's, and from the exchange on the code
is the product's. A night with an incident is a quiet night whose recorded exchanges were struck.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.routing import compile_path

from contractcheck.incidents import strike
from contractcheck.incidents.striking import WIRE_CHANGES
from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, Run, RunHeader
from contractcheck.providers import DIALECTS, dialect
from contractcheck.simulator import Conditions
from contractcheck.simulator.server import DIALECTS as WIRES
from contractcheck.simulator.service import Service
from contractcheck.suite import load_suite

if TYPE_CHECKING:
    from contractcheck.judging import Judgement
    from contractcheck.model.suite import Case, Suite

SUITES = Path(__file__).parents[2] / "suites"
FIRST_NIGHT = date(2026, 3, 2)
FEW, MANY = 5, 10
"""Accepted nights: enough to learn a wire, and enough to promise something about drift."""

KEYS = {"authorization": "Bearer simulated", "x-goog-api-key": "simulated"}
TARGETS = {
    "azure": "azure:gpt-sim-mini",
    "anthropic-messages": "anthropic:claude-sim-haiku",
    "bedrock": "bedrock:claude-sim-haiku",
    "gemini": "gemini:gemini-sim-flash",
    "mistral": "mistral:mistral-sim-small",
    "openai-chat": "openai:gpt-sim-mini",
    "openai-embeddings": "openai-embeddings:embed-sim-small",
    "openai-responses": "openai-responses:gpt-sim-mini",
}
"""Wire format, or a server that speaks another's → who is asked: an alias each, so that a new
model behind it is a notice."""

SPOKEN = {"azure": "openai-chat"}
"""Server → the wire format that it speaks."""

CALLED = {"gemini": "[tool_calls, finished]", "openai-responses": "[tool_calls, finished]"}
"""How an answer that calls a tool may end, where the wire has no word of its own for it."""

PREFIXES = {"mistral": "/mistral"}
"""Wire formats that the simulator serves below a prefix, for their paths are another's too."""

CHAT_SUITE = """\
suite: desk
version: 1.0.0
targets: [{target}]
defaults: {{samples: {samples}, temperature: 0.7, max_output_tokens: 48}}
cases:
{cases}
  - id: parcel
    messages: [{{role: user, content: "In which state is order A-1042?"}}]
    tools: [lookup_order.json]
    tool_choice: lookup_order
    checks:
      - conforms
      - tool_choice
      - ending: {called}
        mode: always
    metrics: [tool_calls]
"""
VECTOR_SUITE = """\
suite: search
version: 1.0.0
targets: [{target}]
defaults: {{samples: 8}}
cases:
"""
VECTOR_CASE = """\
  - id: text-{number}
    messages: [{{role: user, content: "{words}"}}]
    metrics: [vector]
"""
TICKET_CASE = """\
  - id: ticket-{number}
    system: Turn the mail into a ticket. Answer with JSON only.
    messages: [{{role: user, content: "{words}"}}]
    response_schema: ticket.json
    checks:
      - conforms
      - ending: [finished, length]
        mode: always
    metrics: [label: $.needs_reply, text, output_tokens, blank_run]
"""
PROSE_CASE = """\
  - id: question-{number}
    messages: [{{role: user, content: "{words}"}}]
    checks:
      - not_empty
      - script: Latin
        mode: always
      - ending: [finished, length]
        mode: always
    metrics: [text, output_tokens]
"""
MAILS = (
    "The lid arrived broken, I want my 24.50 euros back.",
    "Your courier was lovely, please thank her from me.",
)
QUESTIONS = (
    "When is the shop open on Sunday, and how do I get there?",
    "Which knife do you recommend for bread, and why?",
    "How do I keep a wooden board from cracking?",
    "Can you explain how I return a parcel?",
)
TICKET = """\
{"type": "object", "properties": {
  "priority": {"type": "string", "enum": ["low", "normal", "high"]},
  "needs_reply": {"type": "boolean"},
  "summary": {"type": "string", "maxLength": 200}},
 "required": ["priority", "needs_reply", "summary"], "additionalProperties": false}
"""
LOOKUP = """\
{"name": "lookup_order", "description": "Look up an order.", "parameters": {
  "type": "object", "properties": {"order_id": {"type": "string"}},
  "required": ["order_id"], "additionalProperties": false}}
"""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One suite against one provider, with all its quiet nights recorded.

    Attributes:
        wire_format: Which wire.
        suite: The contract.
        runs: Quiet nights: those to be accepted, then two more.
        accepted: Baselines by the incident before which the wire was another, once made.
    """

    wire_format: str
    suite: Suite
    runs: tuple[Run, ...]
    accepted: dict[str, Baseline] = field(default_factory=dict)

    @property
    def quiet_nights(self) -> int:
        """How many nights come before the two that are judged."""
        return len(self.runs) - 2

    def struck(self, night: int, incident: str, share: float | None = None) -> Run:
        """A quiet night as it would have been while an incident lasted."""
        run = self.runs[night]
        exchanges = (
            strike(
                exchange,
                incident,
                wire_format=self.wire_format,
                key=f"{run.header.night}/{exchange.case}/{exchange.trial}",
                share=share,
            )
            for exchange in run.exchanges
        )
        return replace(run, exchanges=tuple(exchanges))

    def baseline(self, incident: str) -> Baseline:
        """Accepted nights as they were before an incident."""
        changed = incident if incident in WIRE_CHANGES and WIRE_CHANGES[incident].before else ""
        if changed not in self.accepted:
            nights = range(self.quiet_nights)
            runs = (self.struck(n, changed, 0.0) if changed else self.runs[n] for n in nights)
            measured = [observe(run, self.suite) for run in runs]
            self.accepted[changed] = accept(self.suite, measured)
        return self.accepted[changed]

    def judge(self, incident: str, share: float | None = None, nights: int = 2) -> list[Judgement]:
        """Judge the nights after the accepted ones, with the incident from the first of them on."""
        baseline = self.baseline(incident)
        previous, judgements = None, []
        for night in range(self.quiet_nights, self.quiet_nights + nights):
            run = observe(self.struck(night, incident, share), self.suite)
            evidence = Evidence(suite=self.suite, run=run, baseline=baseline, previous=previous)
            judgements.append(judge_run(evidence))
            previous = run.statistics
        return judgements


def accept(suite, runs):
    acceptance = Acceptance(accepted_by="me", accepted_at="2026-03-12T00:00:00Z", reason="quiet")
    nights = tuple(
        AcceptedNight(
            statistics=run.statistics,
            run_root="",
            acceptance=acceptance,
            parts={case: dict(plan.parts) for case, plan in run.header.cases.items()},
            vantage=dict(run.header.vantage),
        )
        for run in runs
    )
    return Baseline(
        suite=suite.name,
        target=suite.targets[0],
        nights=nights,
        reference_night=nights[-1].statistics.night,
    )


def write_suite(wire_format: str, *, is_large: bool) -> str:
    if wire_format == "openai-embeddings":
        texts = (VECTOR_CASE.format(number=n, words=words) for n, words in enumerate(QUESTIONS))
        return VECTOR_SUITE.format(target=TARGETS[wire_format]) + "".join(texts)
    mails, questions = (MAILS, QUESTIONS) if is_large else (MAILS[:1], QUESTIONS[:1])
    tickets = (TICKET_CASE.format(number=n, words=words) for n, words in enumerate(mails))
    prose = (PROSE_CASE.format(number=n, words=words) for n, words in enumerate(questions))
    return CHAT_SUITE.format(
        target=TARGETS[wire_format],
        cases="".join((*tickets, *prose)),
        samples=8,
        called=CALLED.get(wire_format, "tool_calls"),
    )


def record(suite: Suite, night: int) -> Run:
    """One night of a suite against its simulated provider, complete."""
    name = (FIRST_NIGHT + timedelta(days=night)).isoformat()
    service = Service(Conditions(night=name, seed=7))
    plan = {
        case.id: CasePlan(
            samples=case.samples,
            request_fingerprint=case.request_fingerprint,
            parts=case.fingerprint_parts,
        )
        for case in suite.cases
    }
    header = RunHeader(
        id=f"{name.replace('-', '')}t020000z-abc{night}",
        suite=suite.name,
        suite_version=suite.version,
        suite_fingerprint=suite.fingerprint,
        target=suite.targets[0],
        night=name,
        started_at=f"{name}T02:00:00+00:00",
        ended_at=f"{name}T02:10:00+00:00",
        status="complete",
        cases=plan,
        vantage={"region": "in process"},
    )
    exchanges = [
        ask(service, suite, case, trial) for case in suite.cases for trial in range(case.samples)
    ]
    return Run(header=header, exchanges=tuple(exchanges))


def ask(service: Service, suite: Suite, case: Case, trial: int) -> Exchange:
    target = suite.targets[0]
    sent = dialect(target.provider).build(case, target)
    wire, address = route(PREFIXES.get(target.provider, "") + sent.path)
    reply = service.reply(wire, {**dict(sent.headers), **KEYS}, sent.body, address)
    times_us = tuple(round(due_s * 1e6) for due_s, _ in reply.parts)
    kind = reply.media_type if reply.streamed else "application/json"
    return Exchange(
        case=case.id,
        trial=trial,
        attempt=0,
        request=Request(method="POST", url=sent.path, headers=(), body=sent.body, digest=case.id),
        response=Response(
            status=reply.status,
            http_version="HTTP/1.1",
            headers=(("content-type", kind), *reply.headers.items()),
            body=b"".join(data for _, data in reply.parts),
            chunk_bytes=tuple(len(data) for _, data in reply.parts),
            chunk_times_us=times_us,
        ),
        started_at=f"{service.conditions.night}T02:00:00+00:00",
        waited_us=0,
        headers_us=times_us[0],
        end_us=times_us[-1],
        ended="eof",
        error=None,
    )


def route(path: str):
    """Find the simulated wire that serves a path, and what the path says."""
    plain = path.partition("?")[0]
    for wire in WIRES:
        for template, fields in wire.PATHS.items():
            pattern, _, converters = compile_path(template)
            if found := pattern.match(plain):
                told = {
                    name: converters[name].convert(text) for name, text in found.groupdict().items()
                }
                return wire, {**fields, **told}
    raise LookupError(path)


@pytest.fixture(scope="session")
def watch_on(tmp_path_factory):
    """From a wire format to its watch; each is recorded once.

    A small suite and few nights are enough for what the wire shows; what the model says takes more.
    """

    @cache
    def watch(wire_format: str, *, is_large: bool = False) -> Watch:
        folder = tmp_path_factory.mktemp(wire_format)
        (folder / "ticket.json").write_text(TICKET)
        (folder / "lookup_order.json").write_text(LOOKUP)
        path = folder / "suite.contract.yaml"
        path.write_text(write_suite(wire_format, is_large=is_large))
        suite = load_suite(path, providers=tuple(DIALECTS))
        count = (MANY if is_large or wire_format == "openai-embeddings" else FEW) + 2
        runs = tuple(record(suite, night) for night in range(count))
        spoken = SPOKEN.get(wire_format, wire_format)
        return Watch(wire_format=spoken, suite=suite, runs=runs)

    return watch


@pytest.fixture(scope="session")
def answers_on(watch_on):
    """From a wire format to a night's exchanges, streamed or whole."""

    @cache
    def answers(wire_format: str, *, is_streamed: bool = True) -> tuple[Exchange, ...]:
        suite = watch_on(wire_format).suite
        cases = tuple(
            replace(case, samples=3, parameters=replace(case.parameters, stream=is_streamed))
            for case in suite.cases
        )
        return record(replace(suite, cases=cases), 0).exchanges

    return answers


@pytest.fixture(scope="session")
def shipped_watch():
    """From a shipped suite, the number of its target and a wire format to a watch of ten nights."""

    @cache
    def watch(name: str, target: int, wire_format: str) -> Watch:
        path = SUITES / name / "suite.contract.yaml"
        suite = load_suite(path, providers=tuple(DIALECTS))
        suite = replace(suite, targets=(suite.targets[target],))
        runs = tuple(record(suite, night) for night in range(MANY + 2))
        return Watch(wire_format=wire_format, suite=suite, runs=runs)

    return watch

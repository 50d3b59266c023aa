"""Nights of the simulated provider, in process: no sockets, no waiting, everything else real.

The request is the provider dialect's own, the answer is what the simulator would have streamed
(the same bytes in the same chunks, stamped with the times they were due), and from there on the
code is the product's: exchange, observation, night statistics, baseline, judgement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import orjson

from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.run import CasePlan, Run, RunHeader
from contractcheck.providers import dialect
from contractcheck.simulator import Conditions, anthropic_wire, openai_wire
from contractcheck.simulator.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.simulator import Change

ACCEPTED_NIGHTS = 10
FIRST_NIGHT = date(2026, 3, 2)
_WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}
_ACCEPTANCE = Acceptance(
    accepted_by="simulation", accepted_at="2026-03-12T00:00:00Z", reason="quiet"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """One provider over time.

    Attributes:
        suite: The contract that is watched.
        target: Who is asked; its provider is a dialect that the simulator speaks.
        seed: Which answers and which nights are played.
    """

    suite: Suite
    target: Target
    seed: int

    def night(self, index: int, changes: Sequence[Change] = ()) -> MeasuredRun:
        """Record and measure the night ``index`` days after the first."""
        name = (FIRST_NIGHT + timedelta(days=index)).isoformat()
        conditions = Conditions(night=name, seed=self.seed, changes=tuple(changes))
        return observe(record_night(self.suite, self.target, conditions), self.suite)

    def accept(self, count: int = ACCEPTED_NIGHTS) -> tuple[Baseline, tuple[MeasuredRun, ...], int]:
        """Record nights from the first on until ``count`` of them could be accepted.

        Returns:
            The baseline, its nights, and how many nights were refused for an open breach.
        """
        runs: list[MeasuredRun] = []
        refused = 0
        while len(runs) < count:
            run = self.night(len(runs) + refused)
            if is_acceptable(self.suite, run):
                runs.append(run)
            else:
                refused += 1
        nights = tuple(_accept_night(run) for run in runs)
        baseline = Baseline(
            suite=self.suite.name,
            target=self.target,
            nights=nights,
            reference_night=nights[-1].statistics.night,
        )
        return baseline, tuple(runs), refused

    def judge(
        self,
        baseline: Baseline,
        *,
        nights: int,
        first: int = ACCEPTED_NIGHTS,
        changes: Sequence[Change] = (),
        reference: MeasuredRun | None = None,
    ) -> Iterator[tuple[MeasuredRun, Judgement]]:
        """Record, measure and judge consecutive nights from the ``first`` one on."""
        previous = None
        for index in range(first, first + nights):
            run = self.night(index, changes)
            evidence = Evidence(
                suite=self.suite,
                run=run,
                baseline=baseline,
                previous=previous,
                reference=reference,
            )
            yield run, judge_run(evidence)
            if run.statistics.is_complete:
                previous = run.statistics


def is_acceptable(suite: Suite, run: MeasuredRun) -> bool:
    """Whether the night could be accepted: measured, and no open breach."""
    judgement = judge_run(Evidence(suite=suite, run=run))
    broken = {FindingKind.BREACH, FindingKind.IDENTITY}
    return judgement.verdict is not Verdict.ERROR and not any(
        finding.kind in broken for finding in judgement.findings
    )


def _accept_night(run: MeasuredRun) -> AcceptedNight:
    return AcceptedNight(
        statistics=run.statistics,
        run_root="",
        acceptance=_ACCEPTANCE,
        parts={case: dict(plan.parts) for case, plan in run.header.cases.items()},
        vantage=dict(run.header.vantage),
    )


def with_samples(suite: Suite, samples: int) -> Suite:
    """Return the suite with this many trials per case and night."""
    return replace(suite, cases=tuple(replace(case, samples=samples) for case in suite.cases))


def record_night(
    suite: Suite, target: Target, conditions: Conditions, *, streamed: bool = True
) -> Run:
    """Return the complete run that a suite would have recorded on one night.

    Args:
        suite: The contract.
        target: Who is asked.
        conditions: State of the provider.
        streamed: False asks for whole answers, as the product itself never does.
    """
    return _record(Service(conditions), suite, target, streamed=streamed)


def start_service(seed: int, index: int) -> Service:
    """The provider ``index`` nights after the first."""
    name = (FIRST_NIGHT + timedelta(days=index)).isoformat()
    return Service(Conditions(night=name, seed=seed, changes=()))


def ask_more(service: Service, suite: Suite, target: Target) -> MeasuredRun:
    """Ask a provider that may have been asked before tonight, and measure its answers."""
    return observe(_record(service, suite, target, streamed=True), suite)


def _record(service: Service, suite: Suite, target: Target, *, streamed: bool) -> Run:
    conditions = service.conditions
    exchanges = tuple(
        exchange
        for case in suite.cases
        for exchange in _ask(service, case, target, streamed=streamed)
    )
    header = RunHeader(
        id=f"{conditions.night}-{conditions.seed}",
        suite=suite.name,
        suite_version=suite.version,
        suite_fingerprint=suite.fingerprint,
        target=target,
        night=conditions.night,
        started_at=f"{conditions.night}T02:00:00+00:00",
        ended_at=f"{conditions.night}T02:10:00+00:00",
        status="complete",
        cases={
            case.id: CasePlan(
                samples=case.samples,
                request_fingerprint=case.request_fingerprint,
                parts=case.fingerprint_parts,
            )
            for case in suite.cases
        },
        vantage={"region": "in process"},
        label="simulated",
    )
    return Run(header=header, exchanges=exchanges)


def _ask(service: Service, case: Case, target: Target, *, streamed: bool) -> Iterator[Exchange]:
    wire = dialect(target.provider).build(case, target)
    body = wire.body if streamed else _unstreamed(wire.body)
    request = Request(method=wire.method, url=wire.path, headers=(), body=body, digest=case.id)
    for trial in range(case.samples):
        reply = service.reply(
            _WIRES[target.provider],
            {**dict(wire.headers), "authorization": "Bearer simulated"},
            body,
        )
        times_us = tuple(round(due_s * 1e6) for due_s, _ in reply.parts)
        kind = "text/event-stream; charset=utf-8" if reply.streamed else "application/json"
        yield Exchange(
            case=case.id,
            trial=trial,
            attempt=0,
            request=request,
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


def _unstreamed(body: bytes) -> bytes:
    asked = {key: value for key, value in orjson.loads(body).items() if key != "stream_options"}
    return orjson.dumps(asked | {"stream": False})

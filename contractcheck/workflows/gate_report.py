"""From how a new side came out to a report that a person can act on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging import exit_code
from contractcheck.judging.examples import pick_example
from contractcheck.judging.gate_blocks import METRIC_OF
from contractcheck.judging.side_accounts import describe_cases
from contractcheck.judging.side_answers import describe_lost, describe_untimed
from contractcheck.judging.side_breaches import BREACHES, NOT_COVERED
from contractcheck.judging.verdict import sort_findings
from contractcheck.model.completion import Outcome
from contractcheck.model.gate import MOST_SLOTS, GateAccount, MarginAccount, SideAccount
from contractcheck.model.judgement import Verdict
from contractcheck.model.report import Report, TrialCounts
from contractcheck.workflows.gate import verdict_of
from contractcheck.workflows.gate_measure import join_sides

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging.gate import MarginJudgement
    from contractcheck.model.gate import CaseAccount
    from contractcheck.model.judgement import Finding
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Margin
    from contractcheck.providers.prices import PriceTable
    from contractcheck.workflows.gate import GateEnd, GateRun
    from contractcheck.workflows.gate_setup import GateOptions, PreparedGate

_PAIRS = 2
"""Before/after pairs of answers for each broken margin."""

_RULE = (
    "cases that moved most; before: the old side's most typical answer, after: the new side's "
    "answer least like those"
)

_PLANES = {
    "conformance": "conformance",
    "refusals": "outputs",
    "error_rate": "limits",
    "ttft": "latency",
    "total": "latency",
    "time_per_token": "latency",
}


def make_gate_report(gate: PreparedGate, end: GateEnd, options: GateOptions) -> Report:
    """Put everything about one new side together."""
    verdict = verdict_of(end)
    decision = end.decision
    cases = _cases(gate, end)
    findings = sort_findings(
        [*end.breaches, *_with_pairs(decision.findings if decision else (), end, cases)]
    )
    old = gate.sides[0]
    return Report(
        verdict=verdict,
        exit_code=exit_code(verdict, "warn" if options.allow_inconclusive else "fail"),
        headline=_headline(gate, end),
        suite=gate.suite.name,
        suite_version=gate.suite.version,
        suite_fingerprint=gate.suite.fingerprint,
        target=f"{old.words} → {end.side.words}",
        source="live",
        run_id=end.new.run.header.id,
        night=None,
        baseline=f"{old.words}, asked at the same time"
        if end.old is not None
        else f"{old.words}; the old side was not asked",
        error_rates=_error_rates(gate, end),
        counts=_counts(end),
        comparisons=decision.comparisons if decision else (),
        findings=findings,
        notes=(*_decision_notes(end), *_notes(gate, end)),
        next_steps=tuple(_next_steps(gate, end, verdict)),
        gate=_account(gate, end, cases, options),
    )


def interim_words(run: GateRun) -> Iterator[str]:
    """What is known of a gate that was interrupted: what its last look saw, and no more.

    A look that was not planned would have to be paid for with a chance of error.
    """
    gate = run.gate
    yield f"interrupted after {run.blocks} finished slots of at most {gate.plan.slots}"
    for index, state in run.states.items():
        side = gate.sides[index]
        if index in run.ends:
            yield f"{side.words}: decided ({verdict_of(run.ends[index]).value})"
        elif not state.looks_taken:
            yield f"{side.words}: not looked at yet; the first look is after {state.next_look}"
        else:
            known = ", ".join(f"{one.name} {one.state}: {one.detail}" for one in state.margins)
            yield f"{side.words}: at look {state.looks_taken}: {known}"
    yield f"every finished answer is kept; go on with: contractcheck gate --resume {gate.plan.id}"


def _headline(gate: PreparedGate, end: GateEnd) -> str:
    if end.decision is None:
        return f"Could not measure: {end.trouble}"
    broken = _broken(end)
    if not broken and end.loses_more and end.decision.outcome == "safe":
        return f"Cannot tell yet: {_lost(gate, end)}; the answers that are left are a selection"
    if not broken:
        return end.decision.headline
    others = f" (and {len(broken) - 1} more breaches)" if len(broken) > 1 else ""
    return f"Do not upgrade: the new side breaks the contract: {broken[0].message}{others}"


def _broken(end: GateEnd) -> list[Finding]:
    """The breaches that alone decided."""
    return [finding for finding in end.breaches if finding.kind in BREACHES]


def _error_rates(gate: PreparedGate, end: GateEnd) -> str:
    if _broken(end):
        return "a breach decided, which no chance of error is promised for"
    return (
        f"at most {gate.suite.policy.alpha:.0%} chance of a false safe, and of a false "
        "do-not-upgrade by margins, over all looks"
    )


def _decision_notes(end: GateEnd) -> tuple[str, ...]:
    if end.decision is None:
        return ()
    rates = NOT_COVERED if _broken(end) else end.decision.rates
    return (rates, *end.decision.notes)


def _cases(gate: PreparedGate, end: GateEnd) -> tuple[CaseAccount, ...]:
    if end.old is None or end.decision is None:
        return ()
    return describe_cases(join_sides(end.old, end.new), gate.rules(end.side), end.blocks)


def _with_pairs(
    findings: Sequence[Finding], end: GateEnd, cases: Sequence[CaseAccount]
) -> Iterator[Finding]:
    """Show answers of the cases in which a broken margin moved most, each pair once."""
    before = end.old.run if end.old else None
    shown: set[str] = set()
    for finding in findings:
        own = [c for c in cases if c.margin == finding.metric and c.effect is not None]
        ordered = sorted(own, key=lambda c: (-abs((c.effect or 0.0) - _still(c)), c.case))
        most = [c.case for c in ordered[:_PAIRS] if c.case not in shown and not finding.examples]
        pairs = [pick_example(before, end.new.run, case) for case in most]
        shown.update(most)
        told = tuple(replace(pair, rule=_RULE) for pair in pairs if pair)
        yield replace(finding, examples=finding.examples or told)


def _still(account: CaseAccount) -> float:
    """The effect of no change."""
    return 1.0 if account.unit == "ratio" else 0.0


def _counts(end: GateEnd) -> TrialCounts:
    runs = [side.run for side in (end.old, end.new) if side is not None]

    def count(*outcomes: Outcome) -> int:
        return sum(run.count(*outcomes) for run in runs)

    return TrialCounts(
        planned=sum(run.header.planned_trials for run in runs),
        answered=count(Outcome.ANSWERED),
        infra=count(Outcome.INFRA, Outcome.TRUNCATED),
        malformed=count(Outcome.MALFORMED),
        config=count(Outcome.CONFIG, Outcome.RETIRED),
        retries=sum(len(run.earlier) for run in runs),
    )


def _lost(gate: PreparedGate, end: GateEnd) -> str:
    old = end.old.run if end.old is not None else None
    return describe_lost(old, end.new.run, gate.suite.policy)


def _notes(gate: PreparedGate, end: GateEnd) -> Iterator[str]:
    if lost := _lost(gate, end):
        yield lost
    if end.moves:
        yield f"our side changed since the accepted nights ({end.moves}): times are not compared"
    margins = end.decision.margins if end.decision else ()
    if any(one.name in METRIC_OF and one.state in ("open", "not measured") for one in margins):
        runs = [side.run for side in (end.old, end.new) if side is not None]
        yield from filter(None, [describe_untimed(runs)])
    if gate.left_out:
        yield f"not compared, because not all sides have them: {', '.join(gate.left_out)}"
    old = {case.id: case.request_fingerprint for case in gate.cases}
    changed = [c.id for c in end.side.suite.cases if old[c.id] != c.request_fingerprint]
    if changed:
        yield (
            f"the sides ask differently in {', '.join(changed)}: the comparison is of request and "
            "model together"
        )
    if end.side.spec.revision or gate.sides[0].spec.revision:
        yield "each side is measured by the checks of its own revision; the margins are today's"
    if len(gate.sides) > 2:  # noqa: PLR2004 - old and new
        yield "each new side is a question of its own; the chances of error are of each alone"


def _next_steps(gate: PreparedGate, end: GateEnd, verdict: Verdict) -> Iterator[str]:
    if end.old is not None:
        yield f"contractcheck runs diff {end.old.run.header.id} {end.new.run.header.id}"
    old, new = gate.sides[0], end.side
    again = f"contractcheck gate --suite {gate.suite.path} --from {{}} --to {new.spec.text}"
    if verdict is Verdict.INCONCLUSIVE and (slots := _settling_slots(end)):
        yield f"{again.format(old.spec.text)} --slots {slots} (a new gate, which starts anew)"
    elif verdict is Verdict.ERROR:
        yield again.format(old.spec.text)
        if end.old is not None and end.old.run.count(Outcome.RETIRED):
            yield f"{again.format(f'accepted={old.target.id}')} (the old side is gone)"


def _settling_slots(end: GateEnd) -> int | None:
    """Slots of a gate that would likely settle every open margin; None where no number does."""
    margins = end.decision.margins if end.decision else ()
    left = [one.more_blocks for one in margins if not one.is_muted and one.state != "inside"]
    known = [more for more in left if more is not None]
    slots = end.blocks + max(known, default=0)
    return slots if known and len(known) == len(left) and slots <= MOST_SLOTS else None


def _account(
    gate: PreparedGate, end: GateEnd, cases: tuple[CaseAccount, ...], options: GateOptions
) -> GateAccount:
    decision = end.decision
    runs = [side.run for side in (end.old, end.new) if side is not None]
    per_slot = len(gate.cases) * len(runs)
    return GateAccount(
        id=gate.plan.id,
        look=decision.look if decision else 0,
        looks=gate.plan.looks,
        blocks=end.blocks,
        used_requests=sum(len(run.answers) for run in runs),
        planned_requests=per_slot * gate.plan.slots,
        spent_usd=_spent_usd(runs, options.prices),
        would_settle=decision.would_settle
        if decision and verdict_of(end) is Verdict.INCONCLUSIVE
        else "",
        sides=tuple(_side_accounts(gate, end)),
        margins=tuple(map(_margin_account, decision.margins)) if decision else (),
        cases=cases,
    )


def _spent_usd(runs: Sequence[MeasuredRun], prices: PriceTable) -> float | None:
    """What the counted answers cost by list price; None when a price is not known."""
    spent_usd = 0.0
    for run in runs:
        price = prices.of(run.header.target.id)
        if price is None:
            return None
        for one in run.answers:
            answer = one.answer.completion
            spent_usd += price.cost_usd(
                input_tokens=answer.input_tokens or 0, output_tokens=answer.output_tokens or 0
            )
    return spent_usd


def _side_accounts(gate: PreparedGate, end: GateEnd) -> Iterator[SideAccount]:
    for side, measured in ((gate.sides[0], end.old), (end.side, end.new)):
        run = measured.run if measured else None
        yield SideAccount(
            name=side.name,
            words=side.words,
            run_id=run.header.id if run else "",
            endpoint=side.endpoint.base_url if side.endpoint else "",
            first_at=measured.first_at if measured else None,
            last_at=measured.last_at if measured else None,
            requests=len(run.answers) if run else 0,
            answered=run.count(Outcome.ANSWERED) if run else 0,
        )


def _margin_account(one: MarginJudgement) -> MarginAccount:
    return MarginAccount(
        name=one.name,
        plane=_PLANES.get(one.name, "outputs"),
        margin=_margin_words(one.margin),
        unit=one.unit,
        effect=one.effect,
        low=one.low,
        high=one.high,
        state=one.state,
        is_critical=one.is_critical,
        is_muted=one.is_muted,
        blocks=one.blocks,
        more_blocks=one.more_blocks,
        detail=one.detail,
    )


def _margin_words(margin: Margin) -> str:
    return f"{margin.value:g}x" if margin.kind == "ratio" else f"{margin.value:+g}"

"""Judge one case of a run by itself: what a test item of this case stands for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.breaches import find_breaches
from contractcheck.judging.budget import budget_share
from contractcheck.judging.gaps import LEAST_ANSWERED
from contractcheck.judging.identity import find_wire_problems
from contractcheck.judging.verdict import has_red, sort_findings
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Finding, FindingKind, Verdict
from contractcheck.model.measurement import MeasuredRun
from contractcheck.model.night import RateCell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.night import CaseNight
    from contractcheck.model.suite import Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseJudgement:
    """One case: a verdict, its findings, and one sentence.

    ``QUIET`` when nothing is broken; drift is judged for the whole suite, never per case.
    """

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = ()


def judge_case(
    run: MeasuredRun,
    suite: Suite,
    case_id: str,
    *,
    accepted: CaseNight | None = None,
    known: frozenset[str] = frozenset(),
) -> CaseJudgement:
    """Judge the answers of one case by its own contract.

    Args:
        run: A live run, or the accepted one for a replay.
        suite: The contract as it is now.
        case_id: The case.
        accepted: In a replay, what these very answers came to when they were accepted: a
            ``no-worse`` check that passes fewer of them now was changed by us.
        known: Problems of the wire that accepted nights had (``find_known_problems``).
    """
    case = suite.case(case_id)
    plan = run.header.cases.get(case_id)
    if plan is None:
        return _inconclusive(f"{case_id} is not in run {run.header.id}; record it first")
    if plan.request_fingerprint != case.request_fingerprint:
        parts = {**plan.parts, **case.fingerprint_parts}
        changed = sorted(
            part for part in parts if plan.parts.get(part) != case.fingerprint_parts.get(part)
        )
        return _inconclusive(
            f"you changed {', '.join(changed) or 'the request'} since run {run.header.id}: its "
            "answers do not speak of the new request; record and accept a night of it"
        )
    own = _only(run, case_id)
    alone = replace(suite, cases=(case,), policy=replace(suite.policy, limits={}))
    findings = [
        *find_wire_problems(own, known=known),
        *find_breaches(own, alone, budget_share=budget_share(suite)),
        *(_worse_than_accepted(own, case_id, accepted) if accepted else ()),
    ]
    ordered = sort_findings(findings)
    if has_red(ordered):
        return CaseJudgement(verdict=Verdict.FAIL, reason=ordered[0].message, findings=ordered)
    answered = own.count(Outcome.ANSWERED)
    if answered < LEAST_ANSWERED * plan.samples or not answered:
        return _inconclusive(f"{answered} of {plan.samples} trials have an answer{_why(own)}")
    reason = f"answered {answered} of {plan.samples} trials, and nothing breaks the contract"
    return CaseJudgement(verdict=Verdict.QUIET, reason=reason, findings=ordered)


def _why(run: MeasuredRun) -> str:
    """Why trials have no answer: the most frequent reason."""
    details = Counter(one.answer.completion.detail for one in run.answers)
    del details[""]
    return f"; most often: {details.most_common(1)[0][0]}" if details else ""


def _inconclusive(reason: str) -> CaseJudgement:
    return CaseJudgement(verdict=Verdict.INCONCLUSIVE, reason=reason)


def _only(run: MeasuredRun, case_id: str) -> MeasuredRun:
    return MeasuredRun(
        header=run.header,
        answers=tuple(one for one in run.answers if one.case == case_id),
        table=run.table[run.table["case"] == case_id],
        statistics=run.statistics,
        earlier=tuple(one for one in run.earlier if one.case == case_id),
    )


def _worse_than_accepted(run: MeasuredRun, case_id: str, accepted: CaseNight) -> Iterator[Finding]:
    statistics = run.statistics.cases.get(case_id)
    cells = statistics.cells if statistics is not None else {}
    for label, before in accepted.cells.items():
        now = cells.get(label)
        if not isinstance(before, RateCell) or not isinstance(now, RateCell):
            continue
        if now.passed < before.passed:
            yield Finding(
                kind=FindingKind.BREACH,
                plane="conformance",
                case=case_id,
                metric=label,
                message=f"{case_id}: {label} passes {now.passed} of the {before.count} accepted "
                f"answers, {before.passed} when they were accepted: the check or the schema was "
                "changed on our side",
            )

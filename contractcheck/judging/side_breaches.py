"""What a new side breaks that the old one keeps: a contract is not a matter of margins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from contractcheck.judging.breaches import find_breaches
from contractcheck.judging.budget import budget_share
from contractcheck.judging.gate_terms import FEWEST_BLOCKS
from contractcheck.judging.identity import find_identity_changes, find_wire_problems
from contractcheck.judging.verdict import sort_findings
from contractcheck.model.judgement import Finding, FindingKind
from contractcheck.model.suite import CheckMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.gate import UnreadAnswer
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite

BREACHES = frozenset({FindingKind.IDENTITY, FindingKind.BREACH})
"""Kinds that alone are a reason not to move."""

NOT_COVERED: Final = (
    "a breach decided, and no chance of error is promised for that: what fails now and then on "
    "both sides fails on the new one first about half of the time; declare such a check no-worse "
    "or rate"
)
"""What a reader must know of an answer that rests on a breach (docs/explanation/gate.md)."""


def find_new_breaches(
    old: tuple[MeasuredRun, Suite] | None,
    new: tuple[MeasuredRun, Suite],
    problems: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Find broken checks, limits, wire formats and identities of the new side only.

    What the old side breaks too, in any case, is no reason not to move, and is left out: the
    margins compare how often. Only a case in which the new side never passes and the old one
    always does is new all the same.

    Args:
        old: The old side and the suite that it was asked, or None when nobody is asked.
        new: The new side and its suite.
        problems: Places of problems of the wire that accepted nights had, where those stand in for
            the old side: a breaking one is then a notice that says so, another is not told.
    """
    known = [] if old is None else _findings(*old)
    places = {(finding.case, finding.metric) for finding in known}
    broken = {finding.metric for finding in known if finding.kind in BREACHES}
    fresh = [
        found
        for found in _findings(*new, problems)
        if (found.case, found.metric) not in places
        and (found.metric not in broken or _never_passes(found))
    ]
    run = None if old is None else old[0]
    return sort_findings(
        replace(found, message=found.message + _comparing(found, run, new[1])) for found in fresh
    )


def find_unread(unread: Sequence[UnreadAnswer], answers: int, sdk: str) -> tuple[Finding, ...]:
    """Find that an SDK could not read what came: to whoever uses it, that is no answer.

    Args:
        unread: Of one side.
        answers: Exchanges of that side.
        sdk: Name and version.
    """
    if not unread:
        return ()
    first = unread[0]
    return (
        Finding(
            kind=FindingKind.BREACH,
            plane="identity",
            case=first.case,
            metric="sdk",
            message=f"{sdk} could not read {len(unread)} of {answers} answers that came whole; "
            f"first: {first.words}",
        ),
    )


def _findings(
    run: MeasuredRun, suite: Suite, problems: frozenset[str] = frozenset()
) -> list[Finding]:
    return [
        *find_wire_problems(run, known=problems),
        *find_identity_changes(run, suite, None),
        *find_breaches(run, suite, budget_share=budget_share(suite)),
    ]


def _never_passes(finding: Finding) -> bool:
    """Whether a case fails a check every time, often enough to be no accident."""
    if finding.comparison is None or finding.plane != "conformance":
        return False
    estimate = finding.comparison.estimate
    return estimate.effect == 0.0 and estimate.n_candidate >= FEWEST_BLOCKS


def _comparing(finding: Finding, old: MeasuredRun | None, suite: Suite) -> str:
    """How often the old side failed, and that one failure is enough where it is."""
    if finding.plane != "conformance":
        return ""
    checks = [check for case in suite.cases if case.id == finding.case for check in case.checks]
    is_always = any(c.label == finding.metric and c.mode is CheckMode.ALWAYS for c in checks)
    words = "; mode always needs one failure" if is_always else ""
    if old is None:
        return words
    table = old.table
    rows = table[
        (table["case"] == finding.case)
        & (table["metric"] == finding.metric)
        & (table["kind"] == "check")
    ]
    failed = len(rows) - int(rows["number"].sum())
    return f"; on the old side {failed} of {len(rows)}{words}"

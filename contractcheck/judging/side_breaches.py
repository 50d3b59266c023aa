"""What a new side breaks that the old one keeps: a contract is not a matter of margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.breaches import find_breaches
from contractcheck.judging.budget import budget_share
from contractcheck.judging.identity import find_identity_changes, find_wire_problems
from contractcheck.judging.verdict import sort_findings
from contractcheck.model.judgement import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.gate import UnreadAnswer
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite

BREACHES = frozenset({FindingKind.IDENTITY, FindingKind.BREACH})
"""Kinds that alone are a reason not to move."""


def find_new_breaches(
    old: tuple[MeasuredRun, Suite] | None, new: tuple[MeasuredRun, Suite]
) -> tuple[Finding, ...]:
    """Find broken checks, limits, wire formats and identities of the new side only.

    What the old side breaks too is no reason not to move, and is left out: the margins compare
    how often.

    Args:
        old: The old side and the suite that it was asked, or None when nobody is asked.
        new: The new side and its suite.
    """
    known = {_place(finding) for finding in _findings(*old)} if old is not None else set()
    return sort_findings(found for found in _findings(*new) if _place(found) not in known)


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


def _findings(run: MeasuredRun, suite: Suite) -> list[Finding]:
    return [
        *find_wire_problems(run),
        *find_identity_changes(run, suite, None),
        *find_breaches(run, suite, budget_share=budget_share(suite)),
    ]


def _place(finding: Finding) -> tuple[str | None, str | None]:
    return finding.case, finding.metric

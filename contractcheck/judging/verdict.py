"""From findings to one word, and from the word to an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from contractcheck.model.judgement import FindingKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.model.judgement import Finding

LADDER = tuple(FindingKind)
"""Strongest first: the order in which findings are told."""

_RED = frozenset(
    {FindingKind.IDENTITY, FindingKind.BREACH, FindingKind.DRIFT, FindingKind.DIFFERENCE}
)


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by the evidence ladder; inside a rung by plane, case and metric."""
    return tuple(
        sorted(
            findings,
            key=lambda f: (LADDER.index(f.kind), f.plane, f.case or "", f.metric or "", f.message),
        )
    )


def has_red(findings: Iterable[Finding]) -> bool:
    """Whether any finding alone makes the verdict FAIL."""
    return any(finding.kind in _RED for finding in findings)


def exit_code(verdict: Verdict, on_inconclusive: Literal["warn", "fail"]) -> int:
    """Exit code of the command line: 0 good, 1 FAIL, 3 INCONCLUSIVE (if asked), 4 ERROR."""
    if verdict is Verdict.INCONCLUSIVE:
        return 3 if on_inconclusive == "fail" else 0
    return {Verdict.PASS: 0, Verdict.QUIET: 0, Verdict.FAIL: 1, Verdict.ERROR: 4}[verdict]

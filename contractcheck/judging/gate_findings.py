"""Judged margins as lines and findings of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contractcheck.judging.gate_blocks import METRIC_OF
from contractcheck.judging.gate_words import describe_move
from contractcheck.model.judgement import Comparison, Estimate, Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.gate_terms import MarginJudgement
    from contractcheck.model.judgement import Plane

REPEATED: Final = "repeated confidence interval of block differences"
PREDICTIVE: Final = "predictive interval of tonight against accepted nights"


def plane_of(name: str) -> Plane:
    """Where a margin is shown."""
    if name == "error_rate":
        return "limits"
    if name == "conformance":
        return "conformance"
    return "latency" if name in METRIC_OF else "outputs"


def compare_margin(
    one: MarginJudgement, all_of_them: Sequence[MarginJudgement], method: str = REPEATED
) -> Comparison:
    """A judged margin as a line of a report; p is against "not beyond", adjusted by Holm."""
    return Comparison(
        case=None,
        metric=one.name,
        plane=plane_of(one.name),
        estimate=Estimate(
            method=method,
            effect=one.effect,
            low=one.low,
            high=one.high,
            unit=one.unit,
            p=one.p_beyond,
            n_baseline=one.pairs,
            n_candidate=one.pairs,
            detail=one.detail,
        ),
        adjusted_p=_adjusted(one, all_of_them),
        smallest_visible=one.smallest_visible,
        margin=one.margin.value,
    )


def _adjusted(one: MarginJudgement, all_of_them: Sequence[MarginJudgement]) -> float | None:
    if one.p_beyond is None or one.is_muted:
        return None
    judged = [other for other in all_of_them if not other.is_muted]
    known = sorted(other.p_beyond for other in judged if other.p_beyond is not None)
    steps = [(len(judged) - rank) * p for rank, p in enumerate(known) if p <= one.p_beyond]
    return min(1.0, max(steps))


def find_broken(margins: Sequence[MarginJudgement], method: str = REPEATED) -> tuple[Finding, ...]:
    """A finding for each margin that is surely broken."""
    return tuple(
        Finding(
            kind=FindingKind.NOTICE if one.is_muted else FindingKind.DIFFERENCE,
            plane=plane_of(one.name),
            metric=one.name,
            message=describe_move(one),
            comparison=compare_margin(one, margins, method),
        )
        for one in margins
        if one.state == "beyond"
    )

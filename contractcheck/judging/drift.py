"""From judged streams to findings: one per plane, with the cases and a look at the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.streams import JUDGED_LATENCY
from contractcheck.judging.words import drift_message, suspect_message
from contractcheck.model.judgement import Finding, FindingKind
from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.model.judgement import Comparison, Example, Plane

_NAMED_CASES = 3
_EXAMPLES = 2


def changed_nights(judged: Sequence[StreamJudgement]) -> int:
    """How many of the last nights look changed: 2 when any stream confirms, else 1."""
    return 2 if any(one.is_over and one.was_over for one in judged) else 1


def find_drift(
    judged: Sequence[StreamJudgement],
    comparisons: Sequence[Comparison],
    *,
    nights: tuple[str | None, str],
    not_theirs: Collection[str] = (),
    example_of: Callable[[str], Example | None] = lambda _case: None,
) -> list[Finding]:
    """Tell what drifted: over the threshold on two consecutive nights, or suspect on one.

    Args:
        judged: Every stream of tonight.
        comparisons: Every case and metric, to name where.
        nights: The night before (None if there is none) and tonight.
        not_theirs: Planes in which a change of our own may be behind it.
        example_of: Finds a before/after pair for a case.
    """
    findings = []
    for plane in dict.fromkeys(one.comparison.plane for one in judged):
        over = [one for one in judged if one.comparison.plane == plane and one.is_over]
        twice = [one for one in over if one.was_over]
        chosen = sorted(twice or over, key=lambda one: -(one.comparison.score or 0.0))
        if not chosen:
            continue
        named = name_cases(comparisons, plane, {one.comparison.metric for one in chosen})
        kind = FindingKind.DRIFT if twice else FindingKind.SUSPECT
        message = drift_message(chosen) if twice else suspect_message(chosen)
        if twice and plane in not_theirs:
            kind = FindingKind.OURS
            message += "; but our own side changed too, so the provider is not blamed"
        findings.append(
            Finding(
                kind=kind,
                plane=plane,
                message=message,
                metric=chosen[0].comparison.metric,
                comparison=chosen[0].comparison,
                where=tuple(named),
                examples=find_examples(named, plane, example_of),
                since=nights[0] if twice else nights[1],
            )
        )
    return findings


def name_cases(
    comparisons: Sequence[Comparison], plane: Plane, metrics: Collection[str]
) -> list[Comparison]:
    """Name the most changed case × metric pairs behind some streams, most unusual first."""
    own = [c for c in comparisons if c.plane == plane and c.estimate.effect is not None]
    if plane == "latency":
        own = [c for c in own if c.metric in JUDGED_LATENCY]
    if plane in ("latency", "outputs") and WORST_CASE not in metrics:
        own = [c for c in own if c.metric in metrics]
    return sorted(own, key=_surprise)[:_NAMED_CASES]


def _surprise(comparison: Comparison) -> tuple[float, float]:
    estimate = comparison.estimate
    effect = estimate.effect or 0.0
    # Without a p-value the size decides: of a slow-down, or of a fall of a pass rate.
    size = effect if estimate.unit == "ratio" else abs(effect)
    return (1.0 if estimate.p is None else estimate.p, -size)


def find_examples(
    named: Sequence[Comparison], plane: Plane, example_of: Callable[[str], Example | None]
) -> tuple[Example, ...]:
    """Find before/after pairs for named cases; of times there is nothing to read."""
    if plane == "latency":
        return ()
    cases = dict.fromkeys(c.case for c in named if c.case is not None)
    found = (example_of(case) for case in cases)
    return tuple(example for example in found if example is not None)[:_EXAMPLES]

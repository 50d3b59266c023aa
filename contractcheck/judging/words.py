"""The sentences of a judgement: effect, where, how sure, in a human's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.judgement import FindingKind
from contractcheck.stats.night_rule import (
    FEWEST_NIGHTS,
    ODD_FORTNIGHT,
    chance_of_false_red,
    two_night_threshold,
)
from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.judgement import Comparison, Finding
    from contractcheck.model.suite import Policy

_STREAM_WORDS = {
    WORST_CASE: "the most unusual case",
    "text": "the wording of the answers",
    "tool_calls": "the pattern of tool calls",
    "refusal": "the share of refusals",
    "output_tokens": "the length of the answers",
    "vector": "the direction of the vectors",
    "ttft_s": "time to first token",
    "time_per_token_s": "time per output token",
    "conformance": "the share of answers that pass the contract's checks",
    "presence": "whether numbers come that always came",
}
_RULE_NIGHTS = 10
_APART = {
    "distance": "distance",
    "share of distance": "share of distance",
    "share in common": "share of the change in common",
}
"""How far apart two sets of texts are: without a sign."""


def drift_message(chosen: Sequence[StreamJudgement]) -> str:
    """Say what drifted: size, interval and p; strongest stream first."""
    return f"{_what(chosen)}, on two consecutive nights"


def suspect_message(chosen: Sequence[StreamJudgement]) -> str:
    """Say what looks changed on this one night."""
    return f"{_what(chosen)}, tonight; a second night must confirm"


def _what(chosen: Sequence[StreamJudgement]) -> str:
    comparison = chosen[0].comparison
    estimate = comparison.estimate
    if comparison.plane == "latency":
        return "; ".join(_slower(one.comparison) for one in chosen)
    if comparison.plane == "conformance":
        return f"{_subject(comparison)} fell, {estimate.detail} (p {describe_p(estimate.p)})"
    size = f"{comparison.score:.1f} standard deviations of a night"
    also = [f"{_subject(one.comparison)} by {one.comparison.score:.1f}" for one in chosen[1:]]
    more = f"; {'; '.join(also)}" if also else ""
    return (
        f"{_subject(comparison)} differs from the accepted nights by {size} "
        f"(alarm above {comparison.threshold:.1f}; p {describe_p(estimate.p)}){more}"
    )


def _subject(comparison: Comparison) -> str:
    return stream_words(comparison.metric)


def stream_words(stream: str) -> str:
    """How a sentence calls a stream."""
    return _STREAM_WORDS.get(stream, stream)


def _slower(comparison: Comparison) -> str:
    estimate = comparison.estimate
    size = f"{estimate.effect:.2f}x [{estimate.low:.2f}, {estimate.high:.2f}]"
    p = describe_p(estimate.p)
    return f"{_subject(comparison)} is {size} what it was in the accepted nights (p {p})"


def describe_effect(comparison: Comparison) -> str:
    """Effect, interval and detail of one comparison, in its unit."""
    estimate = comparison.estimate
    is_still = estimate.unit == "shift" and estimate.effect == 0.0
    if estimate.effect is None or (is_still and estimate.detail):
        return estimate.detail
    if estimate.unit in ("share", "pass rate"):
        text = f"{estimate.effect:+.0%}"
        interval = _interval(estimate.low, estimate.high, "{:+.0%}")
    elif estimate.unit == "ratio":
        text = f"{estimate.effect:.2f}x"
        interval = _interval(estimate.low, estimate.high, "{:.2f}")
    elif estimate.unit in _APART:
        text = f"{_APART[estimate.unit]} {estimate.effect:.2f}"
        interval = _interval(estimate.low, estimate.high, "{:.2f}")
    else:
        text = f"{estimate.effect:+.3g}"
        interval = _interval(estimate.low, estimate.high, "{:+.3g}")
    detail = f" ({estimate.detail})" if estimate.detail else ""
    return f"{text}{interval}{detail}"


def _interval(low: float | None, high: float | None, form: str) -> str:
    if low is None and high is None:
        return ""
    ends = ["…" if end is None else form.format(end) for end in (low, high)]
    return f" [{ends[0]}, {ends[1]}]"


def describe_p(p: float | None) -> str:
    """A p-value in a sentence: ``= 0.013`` or ``< 0.0001``."""
    if p is None:
        return "not stated"
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"  # noqa: PLR2004 - four places are enough


def drift_headline(findings: Sequence[Finding]) -> str:
    """One sentence: the strongest finding, and how many more there are."""
    first = findings[0]
    word = {
        FindingKind.IDENTITY: "another model answered",
        FindingKind.BREACH: "the contract is broken",
        FindingKind.DRIFT: f"the provider changed (first seen {first.since})",
        FindingKind.DIFFERENCE: "the two sides differ",
    }[first.kind]
    cases = [c.case for c in first.where if c.case]
    where = f" (most in {', '.join(dict.fromkeys(cases))})" if cases else ""
    return f"FAIL: {word}: {first.message}{where}"


def quiet_headline(judged: Sequence[StreamJudgement], *, learning: int = 0) -> str:
    """Say what would have been seen, and how many cases are not compared yet."""
    seen = {one.comparison.metric: one.comparison.smallest_visible for one in judged}
    parts = []
    outputs = [
        one.comparison.smallest_visible
        for one in judged
        if one.comparison.plane == "outputs" and one.comparison.metric != WORST_CASE
    ]
    if outputs and outputs[0] is not None:
        parts.append(f"{outputs[0]:.0%} of all answers changed")
    if (share := seen.get(WORST_CASE)) is not None:
        parts.append(f"{share:.0%} of one case's answers changed")
    if (ratio := seen.get("ttft_s")) is not None:
        parts.append(f"first token {ratio:.2f}x slower")
    if (drop := seen.get("conformance")) is not None:
        parts.append(f"{drop:.0%} fewer answers passing")
    would = "; ".join(parts) or "nothing short of a total change"
    still = f" ({learning} {'case is' if learning == 1 else 'cases are'} still learning)"
    scope = still if learning else ""
    return f"QUIET: complete, no alarm{scope}. Two such nights would have shown: {would}"


def state_rates(table: NightTable, policy: Policy, share: float, streams: int) -> str:
    """State the chance of a false red for exactly this rule."""
    if table.accepted < FEWEST_NIGHTS or not streams:
        return (
            "no claim about drift is made for this run: only checks, limits and the wire format "
            "can turn it red"
        )
    threshold = two_night_threshold(nights=table.accepted, budget=share)
    fortnight = streams * chance_of_false_red(
        nights=table.accepted, threshold=threshold, horizon=14
    )
    words = (
        f"chance of any false red at most {policy.alarm_budget_per_year:.0%} in 365 nights, "
        f"{fortnight:.2%} in 14, if nights vary independently and normally; where 3 nights in 16 "
        f"are odd, at most {ODD_FORTNIGHT:.0%} in 14 with ten accepted nights (simulated: "
        "docs/explanation/statistics.md)"
    )
    if table.accepted < _RULE_NIGHTS:
        words = f"provisional ({table.accepted} nights: only large changes can be seen); {words}"
    return words

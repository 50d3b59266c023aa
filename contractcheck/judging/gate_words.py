"""The gate's sentences: one for the answer, one for what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.gate_terms import FEWEST_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.gate_evidence import Difference
    from contractcheck.judging.gate_terms import GateRules, MarginJudgement, Outcome

_SUBJECTS = {
    "conformance": "conformance",
    "refusals": "the share of refusals",
    "error_rate": "the share of failed requests",
    "ttft": "time to first token",
    "total": "total time",
    "time_per_token": "time per output token",
}


def headline(
    outcome: Outcome, margins: Sequence[MarginJudgement], *, differs: bool, when: str, reason: str
) -> str:
    """One sentence for a human.

    Args:
        outcome: The answer.
        margins: All margins, as judged.
        differs: Whether outputs differ although both sides should be one model.
        when: After how much, such as ``8 of 20 slots``.
        reason: Why it ended early without an answer; empty otherwise.
    """
    judged = [one for one in margins if not one.is_muted]
    if outcome == "safe":
        kept = list_words([f"{name_margin(one)} ({_interval(one)})" for one in judged])
        verb = "stays inside its margin" if len(judged) == 1 else "stay inside their margins"
        return f"Safe to upgrade: {kept} {verb}, after {when}"
    if outcome == "do-not-upgrade":
        broken = [describe_move(one) for one in judged if one.state == "beyond"]
        if differs:
            broken.append("the answers differ, though both sides are said to be one model")
        return f"Do not upgrade: {'; '.join(broken)}"
    why = f"{reason} after {when}; " if reason else f"after {when}, "
    return f"Cannot tell yet: {why}{_open_words(judged)}"


def describe_move(one: MarginJudgement) -> str:
    """How far a margin's quantity moved, between which bounds, and what is allowed."""
    if one.effect is None:
        return f"{name_margin(one)} was not measured: {one.detail}"
    return f"{name_margin(one)} {_verb(one)} {_interval(one)}, the margin is {margin_words(one)}"


def margin_words(one: MarginJudgement) -> str:
    """The margin as a reader says it, such as ``2 points`` or ``1.25x``."""
    if one.margin.kind == "ratio":
        return f"{one.margin.value:g}x"
    if one.unit == "share":
        return f"{abs(one.margin.value) * 100:g} points"
    return f"{abs(one.margin.value):g}"


def settling(
    margins: Sequence[MarginJudgement], rules: GateRules, *, blocks: int, n_cases: int
) -> str:
    """What it would take to settle the margins that are open."""
    parts = []
    judged = [one for one in margins if not one.is_muted]
    needed = {one.name: one.more_blocks for one in judged if one.more_blocks is not None}
    if needed:
        total = blocks + max(needed.values())
        names = list_words([name_margin(one) for one in judged if one.name in needed])
        parts.append(
            f"a gate of about {total} slots ({total * n_cases * 2:,} requests) would settle "
            f"{names} with chance {rules.power:.0%}, if things are as they look"
        )
    parts += [
        f"{name_margin(one)} looks so near its margin that no reasonable number of slots settles it"
        for one in judged
        if one.state == "open" and one.more_blocks is None
    ]
    parts += [f"{name_margin(one)}: {one.detail}" for one in judged if one.state == "not measured"]
    return "; ".join(parts)


def rates_words(rules: GateRules) -> str:
    """How often margins are judged wrongly."""
    return (
        f"each of false safe and false do-not-upgrade has at most {rules.alpha:.0%} chance in one "
        "gate, over all its looks and margins; intervals hold at every look at once"
    )


def gate_notes(rules: GateRules, difference: Difference, outcome: Outcome) -> tuple[str, ...]:
    """What a reader must know besides the answer."""
    notes = []
    if rules.same_model and outcome == "safe":
        seen = "no difference of the answers was found"
        if difference.findings:
            seen = "a difference of the answers was seen that this gate's level does not reach"
        p = "" if difference.p is None else f" (p = {difference.p:.2g})"
        notes.append(f"{seen}{p}; that is no proof that there is none: safe rests on the margins")
    elif difference.findings and not rules.same_model:
        names = [str(one.metric) for one in difference.findings]
        verb = "differs" if len(names) == 1 else "differ"
        notes.append(f"{list_words(names)} {verb}; {_why_reading(rules)}")
    return tuple(notes)


def _why_reading(rules: GateRules) -> str:
    """Why a difference of the answers decides nothing."""
    if rules.comparable_tokens:
        return "this is for reading: policy.gate.same_model: true would let it decide"
    return "two models do, so this is for reading, not deciding"


def _open_words(judged: Sequence[MarginJudgement]) -> str:
    left = [one for one in judged if one.state != "inside"]
    if not left:
        return "all margins look kept so far"
    first = left[0]
    if first.effect is None:
        words = describe_move(first)
    else:
        words = f"{name_margin(first)} {_verb(first)} {_interval(first)} against a margin of "
        words += margin_words(first)
        if first.blocks < FEWEST_BLOCKS:
            words += ", with too few slots to bound it"
    others = list_words([name_margin(one) for one in left[1:]])
    return f"{words}; also open: {others}" if others else words


def name_margin(one: MarginJudgement) -> str:
    """How a sentence calls what a margin is about."""
    return _SUBJECTS.get(one.name, one.name)


def _verb(one: MarginJudgement) -> str:
    effect = one.effect or 0.0
    if one.margin.kind == "ratio":
        return "is"
    scale, digits = (100.0, 1) if one.unit == "share" else (1.0, 3)
    if not round(effect * scale, digits):
        return "does not move:"
    return "falls by" if effect < 0 else "rises by"


def _interval(one: MarginJudgement) -> str:
    """Effect and bounds; of a fall without their minus signs, since the verb says it."""
    effect, low, high = one.effect or 0.0, one.low, one.high
    if one.margin.kind == "ratio":
        return f"{effect:.2f}x [{_bound(low, 1, 2)}, {_bound(high, 1, 2)}]"
    scale, digits, unit = (100.0, 1, " points") if one.unit == "share" else (1.0, 3, "")
    if round(effect * scale, digits) < 0:
        scale, low, high = -scale, high, low
    ends = f"[{_bound(low, scale, digits)}, {_bound(high, scale, digits)}]"
    return f"{abs(round(effect * scale, digits)):.{digits}f}{unit} {ends}"


def _bound(value: float | None, scale: float, digits: int) -> str:
    return "?" if value is None else f"{value * scale:.{digits}f}"


def list_words(words: Sequence[str]) -> str:
    """Join words as a sentence does: a, b and c."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)

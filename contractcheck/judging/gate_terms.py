"""The nouns of the gate: its rules, a margin judged, a gate that goes on, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.judgement import Comparison, Finding, PathChange
    from contractcheck.model.suite import Margin

Outcome = Literal["safe", "do-not-upgrade", "cannot-tell"]
MarginState = Literal["inside", "beyond", "open", "not measured"]

FEWEST_BLOCKS: Final = 4
"""Blocks before the first look: with fewer, three degrees of freedom or less decide nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateRules:
    """What a gate decides by; nothing in it comes from the answers.

    Attributes:
        margins: Tolerance by name: ``conformance``, ``refusals``, ``error_rate``, ``ttft``,
            ``total``, ``time_per_token``, or the label of a number metric.
        alpha: Largest chance, 0..1, of a false *safe*, and of a false *do not upgrade*.
        power: Chance at which ``would_settle`` states what is needed, 0..1.
        looks: Finished blocks at each look, cumulative, at most 5.
        critical: Margins that end the gate at any look once they are broken; empty means all.
        muted: Margins that are shown and never decide.
        same_model: Both sides are meant to be one model: a difference of outputs decides too.
        comparable_tokens: Both sides count tokens alike; else pace is per character.
        cases: Ids of the planned cases; empty means those of the table.
    """

    margins: Mapping[str, Margin]
    alpha: float
    power: float
    looks: tuple[int, ...]
    critical: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()
    same_model: bool = False
    comparable_tokens: bool = True
    cases: tuple[str, ...] = ()

    def is_critical(self, name: str) -> bool:
        """Whether this margin ends the gate at any look; all do when none is named."""
        return name not in self.muted and (not self.critical or name in self.critical)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginJudgement:
    """One margin and what is known about it.

    Attributes:
        name: As declared.
        margin: As declared.
        unit: ``share``, ``ratio`` or ``value``; of ``effect``, ``low`` and ``high``.
        effect: New side minus old side, or over it for a ratio; None when not measured.
        low: Lower end of the repeated confidence interval, each side at ``alpha``; None when
            the answers give none.
        high: Upper end, likewise.
        state: ``inside`` the margin, ``beyond`` it (Holm over all), ``open``, ``not measured``.
        is_critical: Whether it ends the gate at any look.
        is_muted: Whether it never decides.
        p_safe: Smallest level at which it would be inside, or None.
        p_beyond: Smallest level at which it would be beyond, alone, or None.
        blocks: Blocks with a value on both sides.
        pairs: Answers compared on each side.
        more_blocks: Further blocks that would settle it at the observed variance, or None.
        smallest_visible: Smallest move, in ``unit``, that this look would have called beyond the
            margin with the chance ``power``; None when not measured.
        detail: The two sides' values in words, or why it was not measured.
    """

    name: str
    margin: Margin
    unit: str
    effect: float | None
    low: float | None
    high: float | None
    state: MarginState
    is_critical: bool
    is_muted: bool
    p_safe: float | None
    p_beyond: float | None
    blocks: int
    pairs: int
    more_blocks: int | None
    smallest_visible: float | None
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GateState:
    """A gate that goes on.

    Attributes:
        rules: What it decides by.
        looks_taken: Looks so far.
        margins: What the last look saw, for progress; empty before the first.
    """

    rules: GateRules
    looks_taken: int = 0
    margins: tuple[MarginJudgement, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the next look is the last one planned."""
        return self.looks_taken + 1 >= len(self.rules.looks)

    @property
    def next_look(self) -> int:
        """Blocks, on all sides, after which ``advance`` is to be called."""
        return self.rules.looks[self.looks_taken]


@dataclass(frozen=True, kw_only=True, slots=True)
class GateDecision:
    """How a gate ended.

    Attributes:
        outcome: The answer.
        margins: In the order declared.
        comparisons: Every margin, then the difference tests of outputs, suite before cases.
        findings: Broken margins, then differences of outputs as evidence.
        look: 1-based look at which it ended.
        blocks: Blocks it ended after.
        planned_blocks: Blocks it would have taken at most.
        headline: One sentence.
        would_settle: What more would settle a *cannot tell*; empty otherwise.
        reason: Why it ended before its last look without an answer; empty otherwise.
        rates: How often margins are judged wrongly.
        notes: What a reader must know besides.
        path_changes: Shapes of structured answers that are new or gone on the new side.
    """

    outcome: Outcome
    margins: tuple[MarginJudgement, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    look: int
    blocks: int
    planned_blocks: int
    headline: str
    would_settle: str = ""
    reason: str = ""
    rates: str = ""
    notes: tuple[str, ...] = field(default=())
    path_changes: tuple[PathChange, ...] = ()


def is_ceiling(name: str, margin: Margin) -> bool:
    """Whether a margin bounds from above: ``+0.02`` and ``1.25x`` do; a bare 0 by its name."""
    nothing = 1.0 if margin.kind == "ratio" else 0.0
    return name != "conformance" if margin.value == nothing else margin.value > nothing

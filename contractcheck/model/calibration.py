"""How often a rule was right, measured on one very suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RuleName = Literal["gate: do not upgrade", "gate: safe", "outputs: differ", "watch: drift"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRate:
    """How often one rule said one thing.

    Attributes:
        rule: Which rule, and what it said.
        change: What was put in; empty where nothing was.
        size: How much of it: a share of the answers, or a factor; None where nothing was.
        count: How often it said so.
        repeats: Of how many.
        low: Lower end of the 95 % Clopper-Pearson interval.
        high: Upper end.
        stated: What the documentation says it is at most, or None where nothing is stated.
    """

    rule: RuleName
    change: str
    size: float | None
    count: int
    repeats: int
    low: float
    high: float
    stated: float | None = None

    @property
    def rate(self) -> float:
        """Share of the repeats."""
        return self.count / self.repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A suite's own error rates.

    Attributes:
        suite: Suite name.
        version: Semantic version of the contract.
        target: ``provider:model``.
        source: Which recordings were drawn from, in words.
        slots: Slots of the gates.
        seed: Gives the same figures again.
        quiet: Rates where nothing was changed.
        found: Rates per change that was put in.
        notes: What a reader must know.
    """

    suite: str
    version: str
    target: str
    source: str
    slots: int
    seed: int
    quiet: tuple[MeasuredRate, ...]
    found: tuple[MeasuredRate, ...]
    notes: tuple[str, ...]

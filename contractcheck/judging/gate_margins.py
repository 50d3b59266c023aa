"""Judge declared margins at one look: inside, beyond, or still open."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.judging.gate_blocks import METRIC_OF, RATES, summarise
from contractcheck.judging.gate_terms import MarginJudgement, is_ceiling
from contractcheck.model.night import MOST_INFRA
from contractcheck.stats.block_means import mean_bounds, mean_tails, rate_bounds, rate_tails
from contractcheck.stats.group_sequential import look_levels, spent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.judging.gate_blocks import Blocks, Grid
    from contractcheck.judging.gate_terms import GateRules, MarginState
    from contractcheck.model.suite import Margin

SPENDING: Final = "power-2"
"""Between O'Brien-Fleming and Pocock: fewest requests of the three where it matters
(docs/explanation/gate.md)."""

_LATTICE: Final = tuple(float(level) for level in np.geomspace(1e-6, 0.5, 60))
"""Levels between which the smallest sufficient one is looked for; no p-value is below the first."""

_NEVER: Final = 1e-300
"""Stands for a level of 0 where its logarithm is needed."""

_WIDEST: Final = math.log(1e6)
"""Bounds on a ratio say nothing beyond a million."""

_MOST_TIMES: Final = 50
"""A gate that would have to be this many times as long settles nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How much error may be made at a look.

    Attributes:
        shares: Blocks at each look so far, over those planned; the last is this look.
    """

    shares: tuple[float, ...]

    def level(self, alpha: float) -> float:
        """Nominal one-sided level of this look, for a whole gate at ``alpha``."""
        return look_levels(alpha, self.shares, SPENDING)[-1]

    def increment(self, alpha: float) -> float:
        """What ``alpha`` allows to be spent at this look: valid however looks hang together."""
        before = spent(alpha, self.shares[-2], SPENDING) if len(self.shares) > 1 else 0.0
        return spent(alpha, self.shares[-1], SPENDING) - before

    def smallest_alpha(self, tail: float) -> float:
        """Smallest level of a whole gate at which this tail, at this look, is enough."""
        place = bisect_left(_LATTICE, tail, key=self.level)
        if place in (0, len(_LATTICE)):
            return 1.0 if place else _LATTICE[0]
        # Both scales are nearly proportional in logarithms, so a chord is good to 1e-4.
        cell = _LATTICE[place - 1 : place + 1]
        ends = [math.log(max(self.level(alpha), _NEVER)) for alpha in cell]
        part = (math.log(tail) - ends[0]) / (ends[1] - ends[0])
        return math.exp((1.0 - part) * math.log(cell[0]) + part * math.log(cell[1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredMargin:
    """A margin and the tails that decide on it.

    Attributes:
        name: As declared.
        margin: As declared.
        blocks: What it was measured by.
        is_ceiling: Whether it bounds from above.
        p_inside: Nominal p-value against "not inside".
        p_beyond: Nominal p-value against "not beyond".
        problem: Why it cannot be judged; empty if it can.
    """

    name: str
    margin: Margin
    blocks: Blocks
    is_ceiling: bool
    p_inside: float
    p_beyond: float
    problem: str

    @property
    def edge(self) -> float:
        """The margin on the scale of the block differences."""
        return math.log(self.margin.value) if self.blocks.is_ratio else self.margin.value


def measure_margins(rules: GateRules, grid: Grid) -> tuple[MeasuredMargin, ...]:
    """Measure every declared margin on the placed rows, in the order declared."""
    lost = _lost_answers(grid)
    return tuple(
        _measure(rules, grid, name, margin, lost) for name, margin in rules.margins.items()
    )


def find_beyond(
    tails: Mapping[str, float], look: Look, alpha: float, *, difference_p: float | None = None
) -> tuple[frozenset[str], bool]:
    """Names of the margins that are surely broken, the chance of any false one at most alpha.

    Holm's steps (Scandinavian Journal of Statistics 6 (1979) 65-70), each at the boundaries of
    its own level (Maurer and Bretz, Statistics in Biopharmaceutical Research 5 (2013) 311-320).

    Args:
        tails: Nominal p-value against "not beyond" of every margin that may decide.
        look: This look.
        alpha: Level of the whole gate.
        difference_p: p-value of the difference test, when it decides too; one more hypothesis.

    Returns:
        The broken margins, and whether the difference counts.
    """
    left = dict(tails)
    tests_difference, differs = difference_p is not None, False
    while (m := len(left) + (tests_difference and not differs)) > 0:
        level = look.level(alpha / m)
        found = {name for name, p in left.items() if p <= level}
        news = (
            not differs and difference_p is not None and difference_p <= look.increment(alpha / m)
        )
        if not found and not news:
            break
        differs |= news
        left = {name: p for name, p in left.items() if name not in found}
    return frozenset(tails.keys() - left.keys()), differs


def is_inside(one: MeasuredMargin, look: Look, alpha: float) -> bool:
    """Whether the margin is surely kept."""
    return not one.problem and one.p_inside <= look.level(alpha)


def describe(
    one: MeasuredMargin, rules: GateRules, look: Look, *, state: MarginState, planned: int
) -> MarginJudgement:
    """Say all that is known of a margin: interval, p-values, and what would settle it.

    Args:
        one: The measured margin.
        rules: The gate's.
        look: This look.
        state: What was found.
        planned: Blocks of the whole gate.
    """
    from scipy.special import ndtri

    if one.problem:
        return unmeasured(one.name, one.margin, rules, one.problem)
    level = look.level(rules.alpha)
    low, high = bounds(one.blocks, level)
    error = (high - low) / 2.0 / -float(ndtri(level))
    rates = one.blocks.rates
    effect = (
        float(one.blocks.differences.mean()) if rates is None else one.blocks.new - one.blocks.old
    )
    back = to_ratio if one.blocks.is_ratio else float
    reach = (float(ndtri(rules.power)) - float(ndtri(level))) * error
    visible = one.edge + reach if one.is_ceiling else one.edge - reach
    more = _more_blocks(one, rules, effect, error, planned) if state == "open" else None
    return MarginJudgement(
        name=one.name,
        margin=one.margin,
        unit=_unit(one),
        effect=back(effect),
        low=back(low),
        high=back(high),
        state=state,
        is_critical=rules.is_critical(one.name),
        is_muted=one.name in rules.muted,
        p_safe=look.smallest_alpha(one.p_inside),
        p_beyond=look.smallest_alpha(one.p_beyond),
        blocks=one.blocks.differences.size,
        pairs=one.blocks.pairs,
        more_blocks=more,
        smallest_visible=back(visible),
        detail=_two_values(one),
    )


def unmeasured(name: str, margin: Margin, rules: GateRules, why: str) -> MarginJudgement:
    """A margin of which nothing can be said, and why."""
    return MarginJudgement(
        name=name,
        margin=margin,
        unit="ratio" if margin.kind == "ratio" else "share" if name in RATES else "value",
        effect=None,
        low=None,
        high=None,
        state="not measured",
        is_critical=rules.is_critical(name),
        is_muted=name in rules.muted,
        p_safe=None,
        p_beyond=None,
        blocks=0,
        pairs=0,
        more_blocks=None,
        smallest_visible=None,
        detail=why,
    )


def bounds(blocks: Blocks, level: float) -> tuple[float, float]:
    """Lower and upper bound at a nominal one-sided level, on the scale of the differences."""
    if blocks.rates is not None:
        low, high = rate_bounds(blocks.rates, level)
    else:
        low, high = mean_bounds(blocks.differences, level)
    return float(low), float(high)


def _measure(rules: GateRules, grid: Grid, name: str, margin: Margin, lost: str) -> MeasuredMargin:
    blocks = summarise(
        grid, name, is_ratio=margin.kind == "ratio", comparable_tokens=rules.comparable_tokens
    )
    ceiling = is_ceiling(name, margin)
    problem = _problem(name, blocks) or ("" if name == "error_rate" else lost)
    inside = beyond = 1.0
    if not problem:
        edge = math.log(margin.value) if blocks.is_ratio else margin.value
        if blocks.rates is not None:
            tails = rate_tails(blocks.rates, edge)
        else:
            tails = mean_tails(blocks.differences, edge)
        above, below = (float(tail) for tail in tails)
        inside, beyond = (below, above) if ceiling else (above, below)
    return MeasuredMargin(
        name=name,
        margin=margin,
        blocks=blocks,
        is_ceiling=ceiling,
        p_inside=inside,
        p_beyond=beyond,
        problem=problem,
    )


def _problem(name: str, blocks: Blocks) -> str:
    if blocks.has_endless:
        return "a value is infinite or has no logarithm, so its block has no mean"
    if not blocks.pairs:
        source = {"conformance": "checks", "refusals": "metric refusal"}.get(name)
        words = f"no case has {source or METRIC_OF.get(name, name)} on both sides of a block"
        # A time that was taken while this process was late is not in the table.
        return f"{words} at a time when this machine was not busy" if name in METRIC_OF else words
    if blocks.differences.size < 2:  # noqa: PLR2004 - a spread needs two
        return "one block alone shows no spread"
    if blocks.rates is None and np.ptp(blocks.differences) == 0.0:
        return "all blocks differ by exactly the same, as nothing that is measured does"
    return ""


def _lost_answers(grid: Grid) -> str:
    """Too many trials without an answer: what is left was not drawn by lot."""
    for side, answered in zip(("from", "to"), grid.is_answered, strict=True):
        lost = 1.0 - float(answered.mean()) if answered.size else 1.0
        if lost > MOST_INFRA:
            return f"{lost:.0%} of the trials of --{side} have no answer; the rest is a selection"
    return ""


def _more_blocks(
    one: MeasuredMargin, rules: GateRules, effect: float, error: float, planned: int
) -> int | None:
    """Blocks beyond those sampled that would settle it, if things are as they look."""
    from scipy.special import ndtri

    distance = abs(effect - one.edge)
    looks_inside = (effect < one.edge) == one.is_ceiling
    deciding = max(1, len(set(rules.margins) - rules.muted))
    wanted = rules.alpha if looks_inside else rules.alpha / deciding
    needed = (float(ndtri(rules.power)) - float(ndtri(wanted))) * error
    n = one.blocks.differences.size
    if distance * math.sqrt(_MOST_TIMES * planned / n) <= needed:
        return None
    return max(1, math.ceil(n * (needed / distance) ** 2) - n)


def _unit(one: MeasuredMargin) -> str:
    if one.blocks.is_ratio:
        return "ratio"
    return "share" if one.blocks.rates is not None else "value"


def to_ratio(logarithm: float) -> float:
    """Back to a ratio; what few blocks cannot bound stays writable."""
    return math.exp(max(-_WIDEST, min(_WIDEST, logarithm)))


def _two_values(one: MeasuredMargin) -> str:
    if one.blocks.rates is not None:
        return f"{one.blocks.old:.1%} → {one.blocks.new:.1%}"
    unit = " s" if one.name in METRIC_OF else ""
    return f"{one.blocks.old:.3g}{unit} → {one.blocks.new:.3g}{unit}"

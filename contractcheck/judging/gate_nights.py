"""A gate whose old side is gone: accepted nights stand in for it.

The new side was asked tonight, the old one on other nights, so what a night does no longer
cancels. The night is the unit: tonight is compared with what one more night of the old side would
have been, by the spread of those there are. Where that spread is wider than a margin, the margin
cannot be judged this way, and the answer says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.judging.gate_blocks import ERRORS, METRIC_OF, RATES, SIDES, place, trial_values
from contractcheck.judging.gate_findings import PREDICTIVE, compare_margin, find_broken
from contractcheck.judging.gate_margins import Look, find_beyond, to_ratio, unmeasured
from contractcheck.judging.gate_terms import GateDecision, MarginJudgement, is_ceiling
from contractcheck.judging.gate_words import headline, list_words, name_margin
from contractcheck.stats.block_means import (
    Totals,
    next_bounds,
    next_tails,
    pooled_rate_bounds,
    pooled_rate_tails,
)
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from contractcheck.judging.gate_terms import GateRules, MarginState, Outcome
    from contractcheck.model.suite import Margin

    Floats = NDArray[np.float64]

_ONE_LOOK = Look(shares=(1.0,))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Nights:
    """One margin: a value per accepted night and tonight's, over the same cases.

    Attributes:
        name: The margin's name.
        margin: As declared.
        past: (K,) means over cases.
        new: () tonight's.
        totals: Events of all nights together and of tonight, for a share of trials.
        n_old: Trials of the accepted nights.
        n_new: Trials of tonight.
    """

    name: str
    margin: Margin
    past: Floats
    new: Floats
    totals: Totals | None
    n_old: int
    n_new: int

    @property
    def edge(self) -> float:
        """The margin on the scale of the values."""
        is_ratio = self.margin.kind == "ratio"
        return math.log(self.margin.value) if is_ratio else self.margin.value

    def tails(self) -> tuple[float, float]:
        """p-values against "not inside" and against "not beyond"."""
        above, below = next_tails(self.past, self.new, self.edge)
        if self.totals is not None:
            pooled = pooled_rate_tails(self.totals, self.edge)
            above, below = np.maximum(above, pooled[0]), np.maximum(below, pooled[1])
        tails = (float(below), float(above))
        return tails if is_ceiling(self.name, self.margin) else tails[::-1]

    def bounds(self, level: float) -> tuple[float, float]:
        """Bounds of the move, on the scale of the values; the wider of nights and trials."""
        low, high = next_bounds(self.past, self.new, level)
        if self.totals is not None:
            pooled = pooled_rate_bounds(self.totals, level)
            low, high = np.minimum(low, pooled[0]), np.maximum(high, pooled[1])
        return float(low), float(high)


def judge_against_nights(
    rules: GateRules, nights: pd.DataFrame, table: pd.DataFrame
) -> GateDecision:
    """Judge a new side by the accepted nights of the old one; one look, all blocks.

    Args:
        rules: The gate's; ``looks`` and ``same_model`` are not used.
        nights: Observation table of the accepted nights; column ``night`` tells them apart.
        table: Observation table of the new side.
    """
    names = sorted(nights["night"].dropna().unique())
    past = [nights[nights["night"] == night] for night in names]
    measured = {
        name: _measure(rules, past, table, name, margin) for name, margin in rules.margins.items()
    }
    known = {name: one for name, one in measured.items() if isinstance(one, _Nights)}
    deciding = [name for name in rules.margins if name not in rules.muted]
    tails = {name: known[name].tails()[1] if name in known else 1.0 for name in deciding}
    beyond, _ = find_beyond(tails, _ONE_LOOK, rules.alpha)
    margins = tuple(
        _describe(one, rules, is_beyond=name in beyond)
        if isinstance(one, _Nights)
        else unmeasured(name, rules.margins[name], rules, one)
        for name, one in measured.items()
    )
    outcome: Outcome = "cannot-tell"
    if beyond:
        outcome = "do-not-upgrade"
    elif all(one.state == "inside" for one in margins if not one.is_muted):
        outcome = "safe"
    return _decision(rules, margins, outcome, nights=len(names), table=table)


def _measure(
    rules: GateRules, past: Sequence[pd.DataFrame], table: pd.DataFrame, name: str, margin: Margin
) -> _Nights | str:
    """Reduce a margin to nights, or say why it cannot be."""
    if len(past) < FEWEST_NIGHTS:
        return f"{len(past)} accepted nights; it takes {FEWEST_NIGHTS} to know how nights differ"
    if name == ERRORS:
        return "accepted nights hold answers only, not how many requests failed"
    cases = rules.cases or tuple(sorted(set(table["case"])))
    values = [_values(rules, own, name, margin, cases) for own in (*past, table)]
    means = np.array([_case_means(own) for own in values])
    shared = np.isfinite(means).all(axis=0)
    if not shared.any():
        return "no case has it tonight and in every accepted night"
    nights = means[:, shared].mean(axis=1)
    if name not in RATES and np.ptp(nights[:-1]) == 0.0:
        return "all accepted nights are exactly alike, as nothing that is measured is"
    trials = [own[shared] for own in values]
    counts = [int(np.isfinite(own).sum()) for own in trials]
    return _Nights(
        name=name,
        margin=margin,
        past=nights[:-1],
        new=nights[-1],
        totals=_totals(trials, counts) if name in RATES else None,
        n_old=sum(counts[:-1]),
        n_new=counts[-1],
    )


def _values(
    rules: GateRules, table: pd.DataFrame, name: str, margin: Margin, cases: tuple[str, ...]
) -> Floats:
    """(case, trial) values of one night."""
    blocks = int(table["trial"].max()) + 1 if len(table) else 1
    grid = place(table.assign(side=SIDES[0]), cases, blocks)
    is_ratio = margin.kind == "ratio"
    values: Floats = trial_values(
        grid, name, is_ratio=is_ratio, comparable_tokens=rules.comparable_tokens
    )[0]
    return values


def _case_means(values: Floats) -> Floats:
    known = ~np.isnan(values)
    sums = np.where(known, values, 0.0).sum(axis=1)
    counts = known.sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _totals(trials: Sequence[Floats], counts: Sequence[int]) -> Totals:
    events = [float(np.nansum(own)) for own in trials]
    return Totals(
        old=np.array(sum(events[:-1])),
        n_old=np.array(float(sum(counts[:-1]))),
        new=np.array(events[-1]),
        n_new=np.array(float(counts[-1])),
    )


def _describe(one: _Nights, rules: GateRules, *, is_beyond: bool) -> MarginJudgement:
    inside, beyond = one.tails()
    is_muted = one.name in rules.muted
    low, high = one.bounds(rules.alpha)
    move, half = float(one.new - one.past.mean()), (high - low) / 2.0
    is_ratio = one.margin.kind == "ratio"
    back = to_ratio if is_ratio else float
    old, new = (_words(one, back(float(v))) for v in (one.past.mean(), one.new))
    detail = f"{old} in {one.past.size} accepted nights → {new} tonight"
    state: MarginState = "open"
    if is_beyond or (is_muted and beyond <= rules.alpha):
        state = "beyond"
    elif inside <= rules.alpha:
        state = "inside"
    elif half > abs(one.edge):
        state = "not measured"
        known = f"{back(half):.2f}x" if is_ratio else f"{half:.3g}"
        detail += f"; nights tell it only within {known}, which is wider than the margin"
    return MarginJudgement(
        name=one.name,
        margin=one.margin,
        unit="ratio" if is_ratio else "share" if one.name in RATES else "value",
        effect=back(move),
        low=back(low),
        high=back(high),
        state=state,
        is_critical=rules.is_critical(one.name),
        is_muted=is_muted,
        p_safe=_ONE_LOOK.smallest_alpha(inside),
        p_beyond=_ONE_LOOK.smallest_alpha(beyond),
        blocks=one.past.size,
        pairs=one.n_new,
        more_blocks=None,
        smallest_visible=back(one.edge + math.copysign(half, one.edge)),
        detail=detail,
    )


def _words(one: _Nights, value: float) -> str:
    if one.name in RATES:
        return f"{value:.1%}"
    return f"{value:.3g} s" if one.name in METRIC_OF else f"{value:.3g}"


def _decision(
    rules: GateRules,
    margins: tuple[MarginJudgement, ...],
    outcome: Outcome,
    *,
    nights: int,
    table: pd.DataFrame,
) -> GateDecision:
    blocks = int(table["trial"].max()) + 1 if len(table) else 0
    when = f"{blocks} slots against {nights} accepted nights"
    lines = tuple(compare_margin(one, margins, PREDICTIVE) for one in margins)
    cannot = [one for one in margins if one.state == "not measured"]
    basis = (
        "the old side was not asked: accepted nights stand in, so what tonight did to the new "
        "side does not cancel"
    )
    rates = (
        f"each of false safe and false do-not-upgrade has at most {rules.alpha:.0%} chance if "
        "nights vary independently and normally"
    )
    notes = [basis, *(f"{name_margin(one)} cannot be judged: {one.detail}" for one in cannot)]
    settled_by = ""
    if outcome == "cannot-tell":
        open_names = [name_margin(m) for m in margins if not m.is_muted and m.state != "inside"]
        settled_by = f"asking both sides at the same time would settle {list_words(open_names)}"
    return GateDecision(
        outcome=outcome,
        margins=margins,
        comparisons=lines,
        findings=find_broken(margins, PREDICTIVE),
        look=1,
        blocks=blocks,
        planned_blocks=blocks,
        headline=headline(outcome, margins, differs=False, when=when, reason=""),
        would_settle=settled_by,
        rates=rates,
        notes=tuple(notes),
    )

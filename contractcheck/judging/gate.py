"""The gate: may one side replace another? A pure step per planned look.

Both sides are sampled at the same time, interleaved. The i-th trial of every case, on either
side, is block i: what the hour does to one side it does to the other, so it cancels in the
difference. After the blocks of a planned look, :func:`advance` either decides or goes on;
what it may err by over all looks is spent by the rules of ``stats.group_sequential``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.judging.gate_blocks import place
from contractcheck.judging.gate_evidence import compare_outputs
from contractcheck.judging.gate_findings import compare_margin, find_broken
from contractcheck.judging.gate_margins import (
    Look,
    describe,
    find_beyond,
    is_inside,
    measure_margins,
)
from contractcheck.judging.gate_terms import (
    FEWEST_BLOCKS,
    GateDecision,
    GateRules,
    GateState,
    MarginJudgement,
)
from contractcheck.judging.gate_words import gate_notes, headline, rates_words, settling
from contractcheck.model.judgement import FindingKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from contractcheck.judging.gate_blocks import Grid
    from contractcheck.judging.gate_evidence import Difference
    from contractcheck.judging.gate_margins import MeasuredMargin
    from contractcheck.judging.gate_terms import MarginState, Outcome
    from contractcheck.model.judgement import Finding

__all__ = [
    "GateDecision",
    "GateRules",
    "GateState",
    "MarginJudgement",
    "advance",
    "decide",
    "open_gate",
    "plan_looks",
]

MOST_LOOKS = 5


def plan_looks(blocks: int, most: int = MOST_LOOKS) -> tuple[int, ...]:
    """Spread at most ``most`` looks evenly over the blocks, the last at the end.

    Args:
        blocks: Blocks that may be sampled at most, >= 1.
        most: Looks at most, 1..5.

    Raises:
        UsageError: If either is out of range.
    """
    if blocks < 1 or not 1 <= most <= MOST_LOOKS:
        raise UsageError(f"{blocks} blocks, {most} looks: need >= 1 block and 1 to 5 looks")
    looks = max(1, min(most, blocks // FEWEST_BLOCKS))
    return tuple(-(-blocks * (look + 1) // looks) for look in range(looks))


def open_gate(rules: GateRules) -> GateState:
    """Begin a gate.

    Raises:
        UsageError: If the rules contradict themselves, or leave nothing to decide by.
    """
    if not 0.0 < rules.alpha < 0.5 or not 0.0 < rules.power < 1.0:  # noqa: PLR2004 - one half is a coin
        raise UsageError(
            f"alpha {rules.alpha}, power {rules.power}: need 0 < alpha < 0.5, power < 1"
        )
    looks = rules.looks
    if not looks or looks[0] < 1 or any(b <= a for a, b in pairwise(looks)):
        raise UsageError(f"looks {looks}: need block numbers that ascend, from 1")
    for key, names in (("critical", rules.critical), ("muted", rules.muted)):
        if unknown := sorted(names - set(rules.margins)):
            raise UsageError(f"{key} names {', '.join(unknown)}, but no such margin is declared")
    if not set(rules.margins) - rules.muted:
        raise UsageError("no margin decides; declare one under policy.margins, or mute fewer")
    for name, margin in rules.margins.items():
        if margin.kind == "ratio" and not margin.value > 0:
            raise UsageError(f"margin {name}: {margin.value}x is no ratio")
    return GateState(rules=rules)


def advance(state: GateState, table: pd.DataFrame) -> GateState | GateDecision:
    """Take the next planned look; call it when its blocks are complete on both sides.

    Args:
        state: Where the gate stands.
        table: Observation table (``measuring.COLUMNS``) with a column ``side``: ``from`` or
            ``to``. ``trial`` is the block. Later blocks than the look's are ignored.

    Raises:
        UsageError: If the table is not of two sides.
    """
    taken = state.looks_taken
    return _look(state, table, state.rules.looks[: taken + 1], is_last=state.is_last)


def decide(
    state: GateState, table: pd.DataFrame, reason: str, *, blocks: int | None = None
) -> GateDecision:
    """End a gate early and say honestly what is known.

    Only what the share of blocks so far allows is spent, whatever the reason to end: a gate that
    is resumed with this look among its ``looks`` errs no more often than one that never ended.

    Args:
        state: Where the gate stands.
        table: As for :func:`advance`.
        reason: Why it ends, for the headline, such as ``the budget of 500 requests was reached``.
        blocks: Complete blocks; by default all that the table has.
    """
    rules = state.rules
    if blocks is None:
        blocks = int(table["trial"].max()) + 1 if len(table) else 0
    taken = [look for look in rules.looks[: state.looks_taken] if look < blocks]
    found = _look(state, table, (*taken, max(1, blocks)), is_last=True, reason=reason)
    if isinstance(found, GateState):  # pragma: no cover - the last look always decides
        raise TypeError("the last look of a gate gave no decision")
    return found


def _look(
    state: GateState,
    table: pd.DataFrame,
    looks: tuple[int, ...],
    *,
    is_last: bool,
    reason: str = "",
) -> GateState | GateDecision:
    """Judge the blocks so far; ``looks`` are those taken, with this one."""
    rules, blocks = state.rules, looks[-1]
    planned = max(rules.looks[-1], blocks)
    look = Look(shares=tuple(taken / planned for taken in looks))
    grid = place(table, rules.cases, blocks)
    measured = measure_margins(rules, grid)
    deciding = [one for one in measured if one.name not in rules.muted]
    difference = compare_outputs(grid.table, rules) if rules.same_model else None
    tails = {one.name: one.p_beyond for one in deciding}
    p = difference.p if difference else None
    beyond, differs = find_beyond(tails, look, rules.alpha, difference_p=p)
    outcome = _outcome(deciding, beyond, look, rules, differs=differs, is_last=is_last)
    margins = tuple(
        describe(one, rules, look, state=_state(one, beyond, look, rules), planned=planned)
        for one in measured
    )
    if outcome is None:
        return replace(state, looks_taken=state.looks_taken + 1, margins=margins)
    return _decision(
        rules,
        grid,
        looks,
        margins,
        difference or compare_outputs(grid.table, rules),
        outcome=outcome,
        differs=differs,
        reason=reason,
    )


def _decision(
    rules: GateRules,
    grid: Grid,
    looks: tuple[int, ...],
    margins: tuple[MarginJudgement, ...],
    difference: Difference,
    *,
    outcome: Outcome,
    differs: bool,
    reason: str,
) -> GateDecision:
    """Put in words what a look ended with."""
    finished = looks[-1] if len(grid.table) else 0
    planned = max(rules.looks[-1], looks[-1])
    is_open = outcome == "cannot-tell"
    settled_by = settling(margins, rules, blocks=finished, n_cases=grid.shape[1])
    return GateDecision(
        outcome=outcome,
        margins=margins,
        comparisons=(*(compare_margin(one, margins) for one in margins), *difference.comparisons),
        findings=(*find_broken(margins), *_deciding(difference.findings, differs=differs)),
        look=len(looks),
        blocks=finished,
        planned_blocks=planned,
        headline=headline(
            outcome,
            margins,
            differs=differs,
            when=f"{finished} of {planned} slots",
            reason=reason,
        ),
        would_settle=settled_by if is_open else "",
        reason=reason if is_open else "",
        rates=rates_words(rules),
        notes=(*gate_notes(rules, difference, outcome), *difference.notes),
        path_changes=difference.path_changes,
    )


def _deciding(differences: Sequence[Finding], *, differs: bool) -> tuple[Finding, ...]:
    """Differences of outputs, as strong as the part that they play."""
    kind = FindingKind.DIFFERENCE if differs else FindingKind.NOTICE
    return tuple(replace(finding, kind=kind) for finding in differences)


def _outcome(
    deciding: Sequence[MeasuredMargin],
    beyond: frozenset[str],
    look: Look,
    rules: GateRules,
    *,
    differs: bool,
    is_last: bool,
) -> Outcome | None:
    """The answer of a look; None to go on."""
    if differs or any(is_last or rules.is_critical(name) for name in beyond):
        return "do-not-upgrade"
    # Of one model the outputs are compared too: stopping early would stop listening to them.
    may_stop = is_last or not rules.same_model
    if may_stop and all(is_inside(one, look, rules.alpha) for one in deciding):
        return "safe"
    return "cannot-tell" if is_last else None


def _state(
    one: MeasuredMargin, beyond: frozenset[str], look: Look, rules: GateRules
) -> MarginState:
    if one.problem:
        return "not measured"
    alone = one.name in rules.muted and one.p_beyond <= look.level(rules.alpha)
    if alone or one.name in beyond:
        return "beyond"
    return "inside" if is_inside(one, look, rules.alpha) else "open"

"""The gate: may one side replace another? A pure step per planned look.

Both sides are sampled at the same time, interleaved. The i-th trial of every case, on either
side, is block i: what the hour does to one side it does to the other, so it cancels in the
difference. After the blocks of a planned look, :func:`advance` either decides or goes on;
what it may err by over all looks is spent by the rules of ``stats.group_sequential``.
"""

from __future__ import annotations

from contractcheck.errors import UsageError
from contractcheck.judging.gate_terms import (
    GateDecision,
    GateRules,
    GateState,
    MarginJudgement,
)

__all__ = [
    "GateDecision",
    "GateRules",
    "GateState",
    "MarginJudgement",
    "open_gate",
    "plan_looks",
]

MOST_LOOKS = 5
FEWEST_BLOCKS = 4
"""Blocks before the first look: with fewer, three degrees of freedom or less decide nothing."""


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
        UsageError: If the rules contradict themselves.
    """
    return GateState(rules=rules)

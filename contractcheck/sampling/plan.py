"""Which trial is made when, and for which side: blocks, and a random order inside each block."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.run import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Case


@dataclass(frozen=True, kw_only=True, slots=True)
class SideTrial:
    """A trial of one of several runs that are sampled together; ``side`` is the run's index."""

    side: int
    trial: Trial


def plan_trials(cases: Sequence[Case], *, seed: str) -> tuple[Trial, ...]:
    """Plan all trials: the i-th trial of every case is block i, shuffled inside the block.

    Interleaving spreads each case over the whole run, so that a bad minute at the provider
    touches all cases alike instead of making one case look changed.

    Args:
        cases: Cases with their number of samples.
        seed: Decides the order (the run id), so that a resumed run keeps it.
    """
    order = _order(seed)
    trials: list[Trial] = []
    for block in range(max((case.samples for case in cases), default=0)):
        members = [
            Trial(case=case.id, index=block, block=block) for case in cases if block < case.samples
        ]
        order.shuffle(members)
        trials.extend(members)
    return tuple(trials)


def plan_blocks(
    sides: Sequence[Sequence[Case]], blocks: int, *, seed: str
) -> tuple[SideTrial, ...]:
    """Plan several runs together: in each block every case once on every side, shuffled.

    What the hour does to answers and times, it does to all sides alike, and cancels in the
    difference inside a block.

    Args:
        sides: The cases of each side.
        blocks: Trials of every case.
        seed: Decides the order (the id of the whole), so that what is resumed keeps it.
    """
    order = _order(seed)
    planned: list[SideTrial] = []
    for block in range(blocks):
        members = [
            SideTrial(side=side, trial=Trial(case=case.id, index=block, block=block))
            for side, cases in enumerate(sides)
            for case in cases
        ]
        order.shuffle(members)
        planned.extend(members)
    return tuple(planned)


def _order(seed: str) -> random.Random:
    """Not for secrets: an order that can be made again."""
    return random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311 - as it says

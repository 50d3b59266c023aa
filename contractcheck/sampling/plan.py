"""Which trial is made when: blocks, and a random order inside each block."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from contractcheck.model.run import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Case


def plan_trials(cases: Sequence[Case], *, seed: str) -> tuple[Trial, ...]:
    """Plan all trials: the i-th trial of every case is block i, shuffled inside the block.

    Interleaving spreads each case over the whole run, so that a bad minute at the provider
    touches all cases alike instead of making one case look changed.

    Args:
        cases: Cases with their number of samples.
        seed: Decides the order (the run id), so that a resumed run keeps it.
    """
    # Not for secrets: an order that can be made again.
    order = random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311
    trials: list[Trial] = []
    for block in range(max((case.samples for case in cases), default=0)):
        members = [
            Trial(case=case.id, index=block, block=block) for case in cases if block < case.samples
        ]
        order.shuffle(members)
        trials.extend(members)
    return tuple(trials)

"""Comparisons that never took place, drawn from answers that were recorded.

Each trial of either side is an answer of its case, drawn with replacement and whole: all that was
measured of it moves together. Both sides draw from the same answers, so nothing has changed unless
a change was put in, and what a rule then says of them is its error rate on this very suite
(the bootstrap of Efron 1979, with the null built in).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

FROM, TO = "from", "to"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerPool:
    """Recorded answers, as they were and as a change would have made them.

    Attributes:
        table: Observation tables one under the other: as recorded, then changed.
        as_was: Per case, per recorded trial, the rows of ``table`` as recorded.
        struck: The same trials, changed; equal to ``as_was`` where nothing is changed.
        is_changed: Whether any measurement of any trial is another one after the change.
    """

    table: pd.DataFrame
    as_was: tuple[tuple[Indices, ...], ...]
    struck: tuple[tuple[Indices, ...], ...]

    is_changed: bool = False

    @property
    def cases(self) -> int:
        """Number of cases."""
        return len(self.as_was)


def make_pool(recorded: pd.DataFrame, changed: pd.DataFrame | None = None) -> AnswerPool:
    """Pool the answers of a run.

    Args:
        recorded: Observation table (columns as ``measuring.COLUMNS``), one or more trials a case.
        changed: The same trials after a change, or None.

    Raises:
        UsageError: If the table is empty, or a changed trial has no row any more.
    """
    import pandas as pd

    before = _rows_by_trial(recorded, offset=0)
    if not before:
        raise UsageError("no answer to draw from; give a run in which the provider answered")
    if changed is None:
        rows = tuple(tuple(trials.values()) for trials in before.values())
        return AnswerPool(table=recorded.reset_index(drop=True), as_was=rows, struck=rows)
    after = _rows_by_trial(changed, offset=len(recorded))
    missing = [(c, t) for c, trials in before.items() for t in trials if t not in after.get(c, {})]
    if missing:
        raise UsageError(f"trial {missing[0][1]} of {missing[0][0]} has no rows after the change")
    return AnswerPool(
        table=pd.concat([recorded, changed], ignore_index=True),
        as_was=tuple(tuple(trials.values()) for trials in before.values()),
        struck=tuple(
            tuple(after[case][trial] for trial in trials) for case, trials in before.items()
        ),
        is_changed=not recorded.reset_index(drop=True).equals(changed.reset_index(drop=True)),
    )


def draw_sides(
    pool: AnswerPool, *, slots: int, rng: np.random.Generator, struck_share: float = 0.0
) -> pd.DataFrame:
    """Draw two interleaved sides: one trial per case, side and slot.

    Args:
        pool: Answers to draw from.
        slots: Trials per case and side, >= 1; trial i of either side is slot i.
        rng: Source of the draws.
        struck_share: Chance that an answer of the new side is a changed one, 0..1.

    Returns:
        The observation table with a column ``side``, ``from`` or ``to``.
    """
    rows: list[Indices] = []
    trials: list[int] = []
    sides: list[str] = []
    for case in range(pool.cases):
        drawn = rng.integers(len(pool.as_was[case]), size=(2, slots))
        is_struck = rng.random(slots) < struck_share
        for slot in range(slots):
            rows.append(pool.as_was[case][drawn[0, slot]])
            source = pool.struck if is_struck[slot] else pool.as_was
            rows.append(source[case][drawn[1, slot]])
            trials += [slot, slot]
            sides += [FROM, TO]
    return _assemble(pool, rows, trials, sides)


def _assemble(
    pool: AnswerPool, rows: Sequence[Indices], trials: Sequence[int], sides: Sequence[str]
) -> pd.DataFrame:
    lengths = [len(own) for own in rows]
    table = pool.table.take(np.concatenate(rows)).reset_index(drop=True)
    return table.assign(trial=np.repeat(trials, lengths), side=np.repeat(sides, lengths))


def _rows_by_trial(table: pd.DataFrame, *, offset: int) -> dict[str, dict[int, Indices]]:
    """Row numbers per case and trial, in sorted order."""
    places: dict[str, dict[int, list[int]]] = {}
    pairs = zip(table["case"], table["trial"], strict=True)
    for row, (case, trial) in enumerate(pairs):
        places.setdefault(str(case), {}).setdefault(int(trial), []).append(row + offset)
    return {
        case: {trial: np.asarray(trials[trial], dtype=np.intp) for trial in sorted(trials)}
        for case, trials in sorted(places.items())
    }

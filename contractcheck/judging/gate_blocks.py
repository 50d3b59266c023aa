"""From the observation table of two sides to one difference per block and margin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.block_means import BlockRates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ERRORS: Final = "error_rate"
"""Margin on trials without an answer, and the metric of rows that say so (1) or not (0)."""

RATES: Final = frozenset({"conformance", "refusals", ERRORS})
"""Margins on shares of trials."""

METRIC_OF: Final[Mapping[str, str]] = {
    "ttft": "ttft_s",
    "total": "total_s",
    "time_per_token": "time_per_token_s",
}
"""Margins on times, and the metric that each looks at."""

SIDES: Final = ("from", "to")


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The rows of a table, placed.

    Attributes:
        table: Rows of the wanted cases and blocks.
        cell: (rows,) flat index of side, case and block.
        shape: Sides, cases, blocks.
    """

    table: pd.DataFrame
    cell: NDArray[np.intp]
    shape: tuple[int, int, int]

    def means(self, rows: NDArray[np.bool_], values: Floats) -> Floats:
        """(side, case, block) mean of the chosen rows' values; NaN where there is none."""
        size = math.prod(self.shape)
        known = rows & ~np.isnan(values)
        counts = np.bincount(self.cell[known], minlength=size)
        sums = np.bincount(self.cell[known], weights=values[known], minlength=size)
        with np.errstate(invalid="ignore"):
            return np.reshape(np.where(counts, sums / np.maximum(counts, 1), np.nan), self.shape)

    def column(self, name: str) -> NDArray[np.object_]:
        """One column as an array."""
        return self.table[name].to_numpy(dtype=object)

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """(side, case, block) whether the trial has any row of an answer."""
        answers = self.cell[self.column("metric") != ERRORS]
        counts = np.bincount(answers, minlength=math.prod(self.shape))
        return np.reshape(counts > 0, self.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """What one margin is judged by.

    Attributes:
        differences: (n,) new side minus old, of logarithms if ``is_ratio``.
        rates: The events behind them, for a share of trials.
        is_ratio: Whether differences are of logarithms.
        old: Value of the old side over all pairs: a share, a (geometric) mean.
        new: Value of the new side.
        pairs: Trials compared on each side.
        has_endless: Whether a value is infinite (censored), or 0 where a ratio is asked for.
    """

    differences: Floats
    rates: BlockRates | None
    is_ratio: bool
    old: float
    new: float
    pairs: int
    has_endless: bool = False


def place(table: pd.DataFrame, cases: Sequence[str], blocks: int) -> Grid:
    """Lay the rows of the first blocks out by side, case and block.

    Args:
        table: Observation table with the column ``side``.
        cases: Ids of the cases that count; empty means all that the table has.
        blocks: How many, from the first.

    Raises:
        UsageError: If the table has no column ``side``, or one that is neither from nor to.
    """
    if "side" not in table:
        raise UsageError("the table has no column 'side' that says 'from' or 'to'")
    sides = _codes(table["side"].to_numpy(dtype=object), SIDES)
    if (sides < 0).any():
        raise UsageError("column 'side' holds something else than 'from' and 'to'")
    cases = cases or tuple(sorted(set(table["case"])))
    case = _codes(table["case"].to_numpy(dtype=object), cases)
    trial = table["trial"].to_numpy(dtype=np.intp)
    wanted = (case >= 0) & (trial >= 0) & (trial < blocks)
    cell = (sides * len(cases) + case) * blocks + trial
    return Grid(table=table[wanted], cell=cell[wanted], shape=(len(SIDES), len(cases), blocks))


def summarise(grid: Grid, name: str, *, is_ratio: bool, comparable_tokens: bool) -> Blocks:
    """Reduce one margin to its block differences, cases paired inside each block.

    Args:
        grid: The placed rows.
        name: The margin's name.
        is_ratio: Whether it is declared as a ratio.
        comparable_tokens: Whether both sides count tokens alike.
    """
    values = trial_values(grid, name, is_ratio=is_ratio, comparable_tokens=comparable_tokens)
    if name in RATES:
        return _rates(values)
    pairs = np.isfinite(values).all(axis=0)
    moves = np.where(pairs, np.where(pairs, values[1], 0.0) - np.where(pairs, values[0], 0.0), 0.0)
    kept = pairs.any(axis=0)
    differences = moves.sum(axis=0)[kept] / pairs.sum(axis=0)[kept]
    old, new = (float(side[pairs].mean()) if pairs.any() else math.nan for side in values)
    return Blocks(
        differences=differences,
        rates=None,
        is_ratio=is_ratio,
        old=math.exp(old) if is_ratio else old,
        new=math.exp(new) if is_ratio else new,
        pairs=int(pairs.sum()),
        has_endless=bool(np.isinf(values).any()),
    )


def trial_values(grid: Grid, name: str, *, is_ratio: bool, comparable_tokens: bool) -> Floats:
    """What a margin looks at in each trial; arguments as of :func:`summarise`.

    Returns:
        (side, case, block) the share of its checks that a trial passed, or whether it is the event
        (1) or not (0); else a number, its logarithm if ``is_ratio``; NaN where there is none.
    """
    if name in RATES:
        return _shares(grid, name)
    values = _values(grid, name, comparable_tokens=comparable_tokens)
    if is_ratio:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values)
    return values


def _rates(shares: Floats) -> Blocks:
    pairs = ~np.isnan(shares).any(axis=0)
    kept = pairs.any(axis=0)
    old, new = (np.where(pairs, side, 0.0).sum(axis=0)[kept] for side in shares)
    trials = pairs.sum(axis=0)[kept].astype(np.float64)
    rates = BlockRates(old=old, new=new, trials=trials)
    n = max(1.0, float(trials.sum()))
    return Blocks(
        differences=rates.differences,
        rates=rates,
        is_ratio=False,
        old=float(old.sum()) / n,
        new=float(new.sum()) / n,
        pairs=int(trials.sum()),
    )


def _shares(grid: Grid, name: str) -> Floats:
    """(side, case, block) share of checks passed, or whether refused, or whether unanswered."""
    metrics, numbers = grid.column("metric"), grid.column("number").astype(np.float64)
    failures = metrics == ERRORS
    if name == ERRORS:
        # A planned trial that left no trace has failed, unless failures have rows of their own.
        unseen = np.where(grid.is_answered, 0.0, 1.0)
        return grid.means(failures, numbers) if failures.any() else unseen
    if name == "conformance":
        return grid.means((grid.column("kind") == "check") & ~failures, numbers)
    refused = np.where(grid.column("string") == "yes", 1.0, 0.0)
    return grid.means(metrics == "refusal", refused)


def _values(grid: Grid, name: str, *, comparable_tokens: bool) -> Floats:
    """(side, case, block) numbers that a margin is about."""
    numbers = grid.column("number").astype(np.float64)
    metrics = grid.column("metric")
    if name == "time_per_token" and not comparable_tokens:
        return _time_per_character(grid, metrics, numbers)
    return grid.means(metrics == METRIC_OF.get(name, name), numbers)


def _time_per_character(grid: Grid, metrics: NDArray[np.object_], numbers: Floats) -> Floats:
    """Time after the first content, per character of the text; total time where none is kept."""
    total, first = (grid.means(metrics == m, numbers) for m in ("total_s", "ttft_s"))
    is_text = metrics == "text"
    lengths = np.array(
        [
            float(len(s)) if t else np.nan
            for s, t in zip(grid.column("string"), is_text, strict=True)
        ]
    )
    characters = grid.means(is_text, lengths)
    if np.isnan(characters).all():
        return total
    return np.where(characters > 1, (total - first) / (characters - 1), np.nan)


def _codes(values: NDArray[np.object_], names: Sequence[str]) -> NDArray[np.intp]:
    codes = {name: code for code, name in enumerate(names)}
    return np.array([codes.get(value, -1) for value in values], dtype=np.intp)

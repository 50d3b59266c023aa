"""How small a change a comparison would have found: the answer to "nothing was seen"."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.permutation import relabel
from contractcheck.stats.two_sample import encode_samples, metric_shares
from contractcheck.stats.views import build_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contractcheck.stats.layout import Indices, Layout
    from contractcheck.stats.samples import CaseSample, Stream
    from contractcheck.stats.views import Column

_SIMULATIONS = 20
_BISECTIONS = 6


def smallest_visible_share(
    cases: Sequence[CaseSample],
    streams: Sequence[Stream],
    *,
    rng: np.random.Generator,
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """Smallest share of new answers, replaced by one never seen, that would have been found.

    The trials are relabelled inside each case (so nothing has changed), a share of the
    candidate's answers is replaced whole, in all metrics, by one answer that nobody gave (as a
    refusal would be), and the comparison is run. Each of 20 simulations is bisected for the
    share at which it starts to find the change; the ``power`` quantile of those is returned.
    Precision is that of 20 simulations: about a quarter of the share. Time grows as 2 / alpha below
    an alpha of .01.

    Args:
        cases: The very samples that were compared.
        streams: The very metrics that were compared.
        rng: Source of the simulations.
        alpha: Level of the comparison, in (0, 1).
        power: Wanted chance of finding the change, in (0, 1).

    Returns:
        A share in (0, 1]; ``inf`` if even replacing every answer would often not be found.

    Raises:
        UsageError: The samples do not fit the streams, or a level is out of range.
    """
    for name, level in (("alpha", alpha), ("power", power)):
        if not 0.0 < level < 1.0:
            raise UsageError(f"{name} is {level}; it must lie strictly between 0 and 1")
    layout, columns = encode_samples(sorted(cases, key=lambda sample: sample.case), streams)
    thresholds = sorted(_threshold(layout, columns, rng, alpha) for _ in range(_SIMULATIONS))
    return thresholds[math.ceil(power * _SIMULATIONS) - 1]


def _threshold(
    layout: Layout, columns: Sequence[Column], rng: np.random.Generator, alpha: float
) -> float:
    """Share from which one simulated comparison finds the change, bisected on a log scale."""
    shuffled = _shuffle(layout, rng)
    candidate = _candidate_rows(layout)
    ranks = rng.permutation(candidate.size)
    seed = int(rng.integers(2**63))

    def finds(n_replaced: int) -> bool:
        replaced = candidate[ranks < n_replaced]
        changed = [_replace(column, shuffled, replaced) for column in columns]
        return _is_found(layout, changed, alpha, np.random.default_rng(seed))

    if not finds(candidate.size):
        return math.inf
    low, high = 0, candidate.size
    for _ in range(_BISECTIONS):
        if high - low <= 1:
            break
        middle = min(max(round(math.sqrt(max(low, 1) * high)), low + 1), high - 1)
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high / candidate.size


def _is_found(
    layout: Layout, columns: Sequence[Column], alpha: float, rng: np.random.Generator
) -> bool:
    # Enough relabellings that p can fall well below alpha; the simulations average out the rest.
    permutations = max(199, math.ceil(2 / alpha))
    relabelled = relabel(layout, build_views(layout, columns), permutations=permutations, rng=rng)
    smallest = metric_shares(relabelled, len(columns)).min(axis=1)
    return bool(np.mean(smallest <= smallest[0]) <= alpha)


def _replace(column: Column, shuffled: Indices, replaced: Indices) -> Column:
    codes = column.codes[shuffled]
    codes[replaced] = column.never_seen
    return dataclasses.replace(column, codes=codes)


def _shuffle(layout: Layout, rng: np.random.Generator) -> Indices:
    """Row numbers with the trials of each case and block in random order."""
    order = np.empty(layout.n_trials, dtype=np.intp)
    for group in layout.groups:
        for columns, repeats, n, m in group.runs():
            rows = group.rows[:, columns].reshape(-1, repeats, n + m)
            order[rows] = rng.permuted(rows, axis=2)
    return order


def _candidate_rows(layout: Layout) -> NDArray[np.intp]:
    return np.concatenate([group.rows[:, group.observed > 0].ravel() for group in layout.groups])

"""How small a change a comparison would have found: the answer to "nothing was seen"."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING, TypeVar

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
# A threshold is searched in strides of this factor, and to this share of itself.
_STRIDE = 1.5
_RESOLUTION = 0.15
# p-values are multiples of 1 / R; anything closer is rounding.
_SAME = 1e-12
# Hash cells of all texts together, and how few there are at least for each.
_TEXT_ELEMENTS = 2**18
_FEWEST_CELLS = 64
_Real = TypeVar("_Real", bound=np.floating)


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
    refusal would be), and the comparison is run. Each of 20 simulations is searched for the
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
    columns = [_coarsened(column) if column.kind == "text" else column for column in columns]
    wanted = math.ceil(power * _SIMULATIONS)
    candidate = _candidate_rows(layout)
    thresholds: list[float] = []
    while len(thresholds) < _SIMULATIONS and thresholds.count(math.inf) <= _SIMULATIONS - wanted:
        finite = [share for share in thresholds if math.isfinite(share)]
        guess = statistics.median_low(finite) if finite else candidate.size
        thresholds.append(
            _threshold(layout, columns, candidate, guess=int(guess), rng=rng, alpha=alpha)
        )
    thresholds += [math.inf] * (_SIMULATIONS - len(thresholds))
    return sorted(thresholds)[wanted - 1] / candidate.size


def _coarsened(column: Column) -> Column:
    """Fold the hash cells of many texts into fewer, which are a hash too.

    One simulation per share needs no more: fewer cells can only hide a change, and what is
    replaced shows in a text's traits as well.
    """
    width = max(_FEWEST_CELLS, _TEXT_ELEMENTS // max(column.codes.size, 1))
    return dataclasses.replace(
        column, grams=_folded(column.grams, width), tokens=_folded(column.tokens, width)
    )


def _folded(cells: NDArray[_Real], width: int) -> NDArray[_Real]:
    while cells.shape[1] > width and cells.shape[1] % 2 == 0:
        cells = cells[:, ::2] + cells[:, 1::2]
    return cells


def _threshold(
    layout: Layout,
    columns: Sequence[Column],
    candidate: Indices,
    *,
    guess: int,
    rng: np.random.Generator,
    alpha: float,
) -> float:
    """Replaced answers from which one simulated comparison finds the change.

    Searched on a log scale, outwards from a guess and then between what fails and what finds.
    """
    shuffled = _shuffle(layout, rng)
    ranks = rng.permutation(candidate.size)
    seed = int(rng.integers(2**63))

    def finds(n_replaced: int) -> bool:
        replaced = candidate[ranks < n_replaced]
        changed = [_replace(column, shuffled, replaced) for column in columns]
        return _is_found(layout, changed, alpha, np.random.default_rng(seed))

    low, high = 0, candidate.size + 1
    middle = guess
    while high - low > max(1, _RESOLUTION * low):
        low, high = (low, middle) if finds(middle) else (middle, high)
        if high > candidate.size:
            middle = min(math.ceil(_STRIDE * low), candidate.size)
        elif not low:
            middle = math.floor(high / _STRIDE) if high < candidate.size else round(math.sqrt(high))
        else:
            middle = round(math.sqrt(low * high))
        middle = min(max(middle, low + 1), high - 1)
    return high if high <= candidate.size else math.inf


def _is_found(
    layout: Layout, columns: Sequence[Column], alpha: float, rng: np.random.Generator
) -> bool:
    # Enough relabellings that p can fall well below alpha; the simulations average out the rest.
    permutations = max(99, math.ceil(2 / alpha))
    relabelled = relabel(layout, build_views(layout, columns), permutations=permutations, rng=rng)
    smallest = metric_shares(relabelled, len(columns)).min(axis=1)
    return bool(np.mean(smallest <= smallest[0] + _SAME) <= alpha)


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

"""The stratified permutation core: sides are relabelled inside each case, never across.

A *trial* is relabelled whole, so all its metrics move together and everything computed from one
set of relabellings is jointly calibrated. The observed labelling is row 0 of every array here;
p is the share of rows at least as extreme as row 0, so it is never 0 (Phipson and Smyth 2010).

With features centred inside each case, the sum of a case's candidate rows is ``s = h * d``: d the
difference of the sides' means, ``h = n m / (n + m)`` the weight that makes cases of unequal size
comparable (van Elteren 1960). Three statistics follow:

* *within*: sum over cases of ``h |d|^2``, the squared kernel distance (MMD, Gretton et al. 2012;
  Pearson's X2 for scaled labels). Sees cases that change, each in its own direction. One trial
  against one carries nothing here.
* *common*: ``|sum s|^2 - sum |s|^2``, the products between different cases. Sees a small change
  that all cases share; for one trial against one it is the sign-flip test.
* *strongest*, per metric: the largest standardised *within* term of one case. Sees one case that
  changes wholly among many that vary by themselves.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

EXACT_GROUP_SIZE = 5000
"""Groups up to this many relabellings are enumerated instead of sampled."""

# Elements of one block of relabellings: 2**21 float64 are 16 MB, whatever the design.
_BLOCK_ELEMENTS = 2**21
# Sums of the same terms in another order differ by about 1e-13 of their size; statistics closer
# than this share of the largest one are ties.
_TIE = 1e-10
# Case statistics are kept in single precision.
_CASE_TIE = 1e-5


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Cases of one shape, so that they can be computed together.

    Attributes:
        n_baseline: Trials of the baseline in each case.
        n_candidate: Trials of the candidate in each case.
        cases: (G,) positions of the cases in the design.
        rows: (G, n_baseline + n_candidate) rows of their trials, baseline first.
    """

    n_baseline: int
    n_candidate: int
    cases: Indices
    rows: Indices

    @property
    def informative(self) -> bool:
        """Whether a case alone can show a difference (one against one cannot)."""
        return self.n_baseline + self.n_candidate > 2  # noqa: PLR2004 - one trial on each side

    @property
    def weight(self) -> float:
        """Harmonic weight n m / (n + m) of each case."""
        return self.n_baseline * self.n_candidate / (self.n_baseline + self.n_candidate)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the trials of each case stand in a flat array: case by case, baseline first.

    Attributes:
        sizes: Per case, trials of the baseline and of the candidate.
        blocks: The same cases by shape.
    """

    sizes: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]

    @property
    def n_trials(self) -> int:
        """Trials of all cases and both sides."""
        return sum(n + m for n, m in self.sizes)

    @property
    def group_size(self) -> int:
        """Number of distinct relabellings, the observed one included."""
        return math.prod(math.comb(n + m, m) for n, m in self.sizes)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One way to look at one metric: a feature vector per trial.

    Attributes:
        metric: Position of the metric it belongs to.
        within: (T, D) features compared inside cases, or None.
        common: (T, D) features whose direction is compared across cases, or None.
    """

    metric: int
    within: Floats | None
    common: Floats | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Relabelled:
    """Every statistic under every relabelling; R rows, row 0 observed.

    Attributes:
        statistics: (R, J), the larger the more different.
        tolerances: (J,) differences below which two values are ties.
        metric_of: (J,) the metric of each statistic.
        case_scores: (R, H) standardised within-case statistics.
        case_keys: H pairs of case and metric positions.
        exact: Whether the rows are the whole group.
    """

    statistics: Floats
    tolerances: Floats
    metric_of: Indices
    case_scores: NDArray[np.float32]
    case_keys: tuple[tuple[int, int], ...]
    exact: bool


def lay_out(sizes: Sequence[tuple[int, int]]) -> Layout:
    """Place the trials of cases with the given (baseline, candidate) sizes.

    Raises:
        UsageError: There is no case, or a case lacks a side.
    """
    if not sizes:
        raise UsageError("no case to compare; give at least one with trials on both sides")
    starts = np.concatenate([[0], np.cumsum([n + m for n, m in sizes])])
    shapes: dict[tuple[int, int], list[int]] = {}
    for case, (n, m) in enumerate(sizes):
        if n < 1 or m < 1:
            raise UsageError(f"case {case} has {n} baseline and {m} candidate trials; need both")
        shapes.setdefault((n, m), []).append(case)
    blocks = []
    for (n, m), members in sorted(shapes.items()):
        cases = np.asarray(members, dtype=np.intp)
        rows = starts[cases][:, None] + np.arange(n + m)
        blocks.append(Block(n_baseline=n, n_candidate=m, cases=cases, rows=rows))
    return Layout(sizes=tuple(sizes), blocks=tuple(blocks))


def relabel(
    layout: Layout, views: Sequence[View], *, permutations: int, rng: np.random.Generator
) -> Relabelled:
    """Compute every view's statistics under the relabellings of the design.

    The whole group is enumerated up to 5,000 relabellings; otherwise ``permutations`` are drawn
    with replacement and the observed one is added.

    Raises:
        UsageError: ``permutations`` is below 1.
    """
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; need at least 1 (2000 is usual)")
    exact = layout.group_size <= EXACT_GROUP_SIZE
    n_rows = layout.group_size if exact else permutations + 1
    within = np.zeros((n_rows, len(views)))
    diagonal = np.zeros((n_rows, len(views)))
    sums = [np.zeros((n_rows, 0 if v.common is None else v.common.shape[1])) for v in views]
    scores: dict[int, list[NDArray[np.float32]]] = {}
    keys: dict[int, list[tuple[int, int]]] = {}
    for block, sides in _assignments(layout, n_rows, exact=exact, rng=rng):
        best: dict[int, Floats] = {}
        for place, view in enumerate(views):
            distances = _squared_sums(sides, view.within, block)
            if distances is not None:
                within[:, place] += distances.sum(axis=1) / block.weight
                standard = _standardise(distances)
                best[view.metric] = np.maximum(best.get(view.metric, standard), standard)
            if view.common is not None:
                same = view.common is view.within
                own = distances if same else _squared_sums(sides, view.common, block)
                diagonal[:, place] += 0.0 if own is None else own.sum(axis=1)
                features = _centred(view.common, block)
                sums[place] += sides.reshape(n_rows, -1) @ features.reshape(-1, features.shape[2])
        for metric, standard in best.items():
            scores.setdefault(metric, []).append(standard.astype(np.float32))
            keys.setdefault(metric, []).extend((int(case), metric) for case in block.cases)
    common = np.stack([np.einsum("rd,rd->r", s, s) for s in sums], axis=1)
    joined = {metric: np.concatenate(parts, axis=1) for metric, parts in scores.items()}
    return Relabelled(
        statistics=np.column_stack([within, common - diagonal, *_strongest(joined)]),
        tolerances=_tolerances(within, common, len(joined)),
        metric_of=np.asarray([*(2 * [view.metric for view in views]), *joined], dtype=np.intp),
        case_scores=np.concatenate([np.zeros((n_rows, 0), np.float32), *joined.values()], axis=1),
        case_keys=tuple(key for metric in joined for key in keys[metric]),
        exact=exact,
    )


def _strongest(scores: dict[int, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Per metric the largest score of any case, in every relabelling."""
    return [own.max(axis=1) for own in scores.values()]


def _tolerances(within: Floats, common: Floats, n_metrics: int) -> Floats:
    """How close two values of each statistic must be to count as tied."""
    sums = _TIE * np.concatenate([within.max(axis=0), common.max(axis=0)])
    return np.append(sums, np.full(n_metrics, _CASE_TIE))


def tail_shares(statistics: Floats, tolerances: Floats) -> Floats:
    """Per row and column, the share of rows at least as large: each row's own p-value.

    Args:
        statistics: (R, J), row 0 observed.
        tolerances: (J,) what still counts as a tie.
    """
    n_rows = statistics.shape[0]
    shares = np.empty_like(statistics)
    for column in range(statistics.shape[1]):
        values = statistics[:, column]
        below = np.searchsorted(np.sort(values), values - tolerances[column], side="left")
        shares[:, column] = (n_rows - below) / n_rows
    return shares


def step_down_min(shares: Floats) -> Floats:
    """Adjust p-values for there being several, by the smallest one (strong family-wise control).

    Source: Westfall and Young, Resampling-Based Multiple Testing (1993), algorithm 2.8.

    Args:
        shares: (R, M) p-values under every relabelling, row 0 observed.

    Returns:
        (M,) adjusted p-values; their smallest is the global p-value.
    """
    return _step_down(-shares, tolerance=1e-12)


def step_down_max(scores: NDArray[np.float32]) -> Floats:
    """Adjust for several standardised statistics by the largest one (max-T).

    Source: Westfall and Young (1993), algorithm 4.1. Preferred to the smallest p where there are
    more hypotheses than relabellings, since p-values would then all be tied at 1 / R.

    Args:
        scores: (R, H), row 0 observed.

    Returns:
        (H,) adjusted p-values.
    """
    return _step_down(scores, tolerance=_CASE_TIE)


def case_shares(scores: NDArray[np.float32]) -> Floats:
    """(H,) unadjusted p-values of the observed row."""
    shares: Floats = np.mean(scores >= scores[0] - _CASE_TIE, axis=0)
    return shares


def _step_down(
    values: NDArray[np.float32] | Floats,
    *,
    tolerance: float,
) -> Floats:
    order = np.argsort(-values[0], kind="stable")
    rest = np.maximum.accumulate(values[:, order[::-1]], axis=1)[:, ::-1]
    shares = np.mean(rest >= values[0, order] - tolerance, axis=0)
    adjusted = np.empty(order.size)
    adjusted[order] = np.maximum.accumulate(shares)
    return adjusted


def _assignments(
    layout: Layout, n_rows: int, *, exact: bool, rng: np.random.Generator
) -> Iterator[tuple[Block, Floats]]:
    """Yield blocks with their (R, G, N) candidate indicators, row 0 observed."""
    stride = 1
    for whole in layout.blocks:
        size = whole.n_baseline + whole.n_candidate
        step = max(1, _BLOCK_ELEMENTS // (n_rows * size))
        for start in range(0, whole.cases.size, step):
            block = Block(
                n_baseline=whole.n_baseline,
                n_candidate=whole.n_candidate,
                cases=whole.cases[start : start + step],
                rows=whole.rows[start : start + step],
            )
            if exact:
                yield block, _enumerate(block, n_rows, stride)
                stride *= math.comb(size, block.n_candidate) ** block.cases.size
            else:
                yield block, _draw(block, n_rows, rng)


def _enumerate(block: Block, n_rows: int, stride: int) -> Floats:
    """All relabellings of a block, as the digits of the row number in mixed radix."""
    size = block.n_baseline + block.n_candidate
    chosen = list(itertools.combinations(range(size), block.n_candidate))[::-1]
    table = np.zeros((len(chosen), size))
    np.put_along_axis(table, np.asarray(chosen), 1.0, axis=1)
    radix = stride * len(chosen) ** np.arange(block.cases.size)
    digits = np.arange(n_rows)[:, None] // radix % len(chosen)
    sides: Floats = table[digits]
    return sides


def _draw(block: Block, n_rows: int, rng: np.random.Generator) -> Floats:
    """Random relabellings of a block after the observed one."""
    n, m = block.n_baseline, block.n_candidate
    shape = (n_rows, block.cases.size, n + m)
    if m == 1:
        chosen = rng.integers(0, n + 1, size=shape[:2])[..., None]
    else:
        chosen = np.argpartition(rng.random(shape), m - 1, axis=2)[..., :m]
    chosen[0] = np.arange(n, n + m)
    sides = np.zeros(shape)
    np.put_along_axis(sides, chosen, 1.0, axis=2)
    return sides


def _centred(features: Floats, block: Block) -> Floats:
    """(G, N, D) features of a block, each case's mean taken out."""
    rows = features[block.rows]
    centred: Floats = rows - rows.mean(axis=1, keepdims=True)
    return centred


def _squared_sums(sides: Floats, features: Floats | None, block: Block) -> Floats | None:
    """(R, G) squared norms of each case's summed candidate rows; None if nothing can vary."""
    if features is None or not block.informative:
        return None
    centred = _centred(features, block)
    labels = sides.transpose(1, 0, 2)
    left = labels
    if centred.shape[1] > centred.shape[2]:
        left = right = labels @ centred
    else:
        right = labels @ (centred @ centred.transpose(0, 2, 1))
    squared: Floats = np.einsum("grd,grd->rg", left, right)
    return squared


def _standardise(distances: Floats) -> Floats:
    """Columns to mean 0 and variance 1 over all rows; constant ones to 0."""
    mean, spread = distances.mean(axis=0), distances.std(axis=0)
    constant = spread <= _TIE * np.maximum(distances.max(axis=0), np.finfo(float).tiny)
    standard: Floats = np.where(constant, 0.0, (distances - mean) / np.where(constant, 1.0, spread))
    return standard

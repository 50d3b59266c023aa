"""The stratified permutation core: sides are relabelled inside each case and block, never across.

A *trial* is relabelled whole, so all its metrics move together and everything computed from one
set of relabellings is jointly calibrated. The observed labelling is row 0 of every array here.

With features centred inside each block, the sum of a case's candidate rows is
``s = sum over its blocks of h * d``: d the difference of the sides' means, ``h = n m / (n + m)``
the weight that makes strata of unequal size comparable (van Elteren 1960). Blocks are summed
before anything is squared, so a case has the same power whether its trials were interleaved or
not. With ``w`` the sum of a case's h, three statistics follow:

* *within*: sum over cases of ``|s|^2 / w``, for one block ``h |d|^2``, the squared kernel distance
  (MMD, Gretton et al. 2012; Pearson's X2 for scaled labels). Sees cases that change, each in its
  own direction. One trial against one carries nothing here.
* *common*: ``|sum s|^2 - sum |s|^2``, the products between different cases. Sees a small change
  that all cases share; for one trial against one it is the sign-flip test.
* *strongest*, per metric: the largest standardised *within* term of one case. Sees one case that
  changes wholly among many that vary by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.layout import draw_labels, enumerate_labels
from contractcheck.stats.multiplicity import CASE_TIE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from contractcheck.stats.layout import CaseGroup, Floats, Indices, Layout

EXACT_GROUP_SIZE = 5000
"""Groups up to this many relabellings are enumerated instead of sampled."""

# Elements of one array of labels or features: 2**21 float64 are 16 MB, whatever the design.
_CHUNK_ELEMENTS = 2**21
# Sums of the same terms in another order differ by about 1e-13 of their size; statistics closer
# than this share of the largest one are ties.
_TIE = 1e-10


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One way to look at one metric: a feature vector per trial.

    Attributes:
        metric: Position of the metric it belongs to.
        within: (T, D) features compared inside cases, or None.
        common: (T, D) features whose direction is compared across cases, or None.
        codes: (T,) where features are given once per distinct value: the row of each trial, or
            -1 for a row of zeros.
        weight: How much its p-values count beside those of the metric's other views.
    """

    metric: int
    within: NDArray[np.floating] | None
    common: NDArray[np.floating] | None
    codes: Indices | None = None
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Relabelled:
    """Every statistic under every relabelling; R rows, row 0 observed.

    Attributes:
        statistics: (R, J), the larger the more different.
        tolerances: (J,) differences below which two values are ties.
        metric_of: (J,) the metric of each statistic.
        weights: (J,) how much each counts among those of its metric.
        case_scores: (R, H) standardised within-case statistics.
        case_keys: H pairs of case and metric positions.
        exact: Whether the rows are the whole group.
    """

    statistics: Floats
    tolerances: Floats
    metric_of: Indices
    weights: Floats
    case_scores: NDArray[np.float32]
    case_keys: tuple[tuple[int, int], ...]
    exact: bool


def relabel(
    layout: Layout, views: Sequence[View], *, permutations: int, rng: np.random.Generator
) -> Relabelled:
    """Compute every view's statistics under the relabellings of the design.

    The whole group is enumerated up to 5,000 relabellings; otherwise ``permutations`` are drawn
    with replacement and the observed one is added. Time is linear in cases and relabellings, at
    most quadratic in the trials of a case; memory beyond the views is a few times 16 MB, plus the
    sums over cases (R x D per view) and the case statistics (R x cases x metrics, in single
    precision).

    Raises:
        UsageError: ``permutations`` is below 1.
    """
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; need at least 1 (2000 is usual)")
    exact = layout.group_size <= EXACT_GROUP_SIZE
    n_rows = layout.group_size if exact else permutations + 1
    tally = _Tally(n_rows, views)
    stride = 1
    for part in _parts(layout, n_rows, views):
        tally.start(part)
        for rows in _row_chunks(part, n_rows):
            if exact:
                labels = enumerate_labels(part, np.arange(rows.start, rows.stop), stride)
            else:
                labels = draw_labels(part, rows.stop - rows.start, rng)
                if rows.start == 0:
                    labels[0] = part.observed
            tally.add(part, rows, labels)
        tally.finish(part)
        stride *= math.prod(math.comb(n + m, m) for n, m in part.shape) ** part.cases.size
    return tally.result(exact=exact)


class _Tally:
    """Statistics under construction, part by part of the design."""

    def __init__(self, n_rows: int, views: Sequence[View]) -> None:
        self.views = views
        self.within = np.zeros((n_rows, len(views)))
        self.diagonal = np.zeros((n_rows, len(views)))
        self.sums = [
            np.zeros((n_rows, 0 if view.common is None else view.common.shape[1])) for view in views
        ]
        self.distances: dict[int, Floats] = {}
        self.scores: dict[int, list[NDArray[np.float32]]] = {}
        self.keys: dict[int, list[tuple[int, int]]] = {}

    def start(self, part: CaseGroup) -> None:
        """Make room for the distances of a part's cases."""
        self.distances = {
            place: np.empty((len(self.within), part.cases.size))
            for place, view in enumerate(self.views)
            if part.informative and view.within is not None
        }

    def add(self, part: CaseGroup, rows: slice, labels: Floats) -> None:
        """Take in some relabellings, (r, G, N), of a part."""
        labels = _folded(labels, part)
        for place, view in enumerate(self.views):
            if place in self.distances and view.within is not None:
                features = _centred(view.within, view.codes, part)
                self.distances[place][rows] = _squared_sums(labels, features)
            if view.common is None:
                continue
            same = view.common is view.within
            if not same or place not in self.distances:
                features = _centred(view.common, view.codes, part)
            if part.informative:
                own = self.distances[place][rows] if same else _squared_sums(labels, features)
                self.diagonal[rows, place] += own.sum(axis=1)
            flat = features.reshape(-1, features.shape[2])
            self.sums[place][rows] += labels.reshape(len(labels), -1) @ flat

    def finish(self, part: CaseGroup) -> None:
        """Reduce the distances of a part's cases; every relabelling has been taken in."""
        best: dict[int, Floats] = {}
        for place, distances in self.distances.items():
            metric = self.views[place].metric
            self.within[:, place] += distances.sum(axis=1) / part.weight
            standard = _standardise(distances)
            best[metric] = np.maximum(best.get(metric, standard), standard)
        for metric, standard in best.items():
            self.scores.setdefault(metric, []).append(standard.astype(np.float32))
            self.keys.setdefault(metric, []).extend((int(case), metric) for case in part.cases)

    def result(self, *, exact: bool) -> Relabelled:
        """All statistics of the whole design."""
        common = np.stack([np.einsum("rd,rd->r", s, s) for s in self.sums], axis=1)
        joined = {metric: np.concatenate(parts, axis=1) for metric, parts in self.scores.items()}
        strongest = [scores.max(axis=1) for scores in joined.values()]
        largest = np.concatenate([self.within.max(axis=0), common.max(axis=0)])
        metrics = [view.metric for view in self.views]
        weights = [view.weight for view in self.views]
        nothing = np.zeros((len(common), 0), np.float32)
        return Relabelled(
            statistics=np.column_stack([self.within, common - self.diagonal, *strongest]),
            tolerances=np.append(_TIE * largest, np.full(len(joined), CASE_TIE)),
            metric_of=np.asarray([*metrics, *metrics, *joined], dtype=np.intp),
            weights=np.asarray([*weights, *weights, *([1.0] * len(joined))]),
            case_scores=np.concatenate([nothing, *joined.values()], axis=1),
            case_keys=tuple(key for metric in joined for key in self.keys[metric]),
            exact=exact,
        )


def _parts(layout: Layout, n_rows: int, views: Sequence[View]) -> Iterator[CaseGroup]:
    """Parts of the groups, small enough that their labels and features fit a chunk."""
    widths = [f.shape[1] for v in views for f in (v.within, v.common) if f is not None]
    for group in layout.groups:
        size = group.rows.shape[1] * max(n_rows, *widths)
        step = max(1, _CHUNK_ELEMENTS // size)
        for start in range(0, group.cases.size, step):
            yield group.part(slice(start, start + step))


def _row_chunks(part: CaseGroup, n_rows: int) -> Iterator[slice]:
    step = max(1, _CHUNK_ELEMENTS // part.rows.size)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _folded(labels: Floats, part: CaseGroup) -> Floats:
    """Labels in the columns of ``_centred``."""
    return labels[..., 1::2] - labels[..., ::2] if _all_pairs(part) else labels


def _centred(
    features: NDArray[np.floating], codes: Indices | None, part: CaseGroup
) -> NDArray[np.float64]:
    """(G, N, D) features of a part, each block's mean taken out.

    Where all blocks are pairs, N is their number: the second row alone, since the first is its
    negative.
    """
    places = part.rows if codes is None else codes[part.rows]
    rows = features[places].astype(np.float64, copy=False)
    if codes is not None:
        rows[places < 0] = 0.0
    if _all_pairs(part):
        halves: Floats = (rows[:, 1::2] - rows[:, ::2]) / 2
        return halves
    centred = np.empty_like(rows)
    for columns, repeats, n, m in part.runs():
        blocks = rows[:, columns].reshape(len(rows), repeats, n + m, -1)
        blocks = blocks - blocks.mean(axis=2, keepdims=True)
        centred[:, columns] = blocks.reshape(len(rows), repeats * (n + m), -1)
    return centred


def _all_pairs(part: CaseGroup) -> bool:
    return set(part.shape) == {(1, 1)}


def _squared_sums(labels: Floats, features: Floats) -> Floats:
    """(r, G) squared norms of each case's summed candidate rows."""
    by_case = labels.transpose(1, 0, 2)
    left = by_case
    if features.shape[1] > features.shape[2]:
        left = right = by_case @ features
    else:
        right = by_case @ (features @ features.transpose(0, 2, 1))
    squared: Floats = np.einsum("grd,grd->rg", left, right)
    return squared


def _standardise(distances: Floats) -> Floats:
    """Columns to mean 0 and variance 1 over all rows; constant ones to 0."""
    mean, spread = distances.mean(axis=0), distances.std(axis=0)
    constant = spread <= _TIE * np.maximum(distances.max(axis=0), np.finfo(float).tiny)
    standard: Floats = np.where(constant, 0.0, (distances - mean) / np.where(constant, 1.0, spread))
    return standard

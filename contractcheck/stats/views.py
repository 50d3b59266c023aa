"""From a metric's values to the feature vectors that the permutation core compares.

Everything is computed from the pooled trials without looking at their side, so relabelling stays
exact. A missing value is information: it is a category of its own for labels, and for numbers
and texts its presence is compared apart while its row in the other views is neutral.

To add a kind: its name in ``Kind``, its types in ``_WANTED``, and in ``_BUILDERS`` a function
``(layout, column, metric) -> list[View]``. Features may hold one row per trial, or one row per
distinct value with ``View.codes`` saying which row a trial takes (-1: none, zeros).
``layout.groups`` are the cases by shape; the core centres features inside blocks itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.features import first_word, hash_text, hash_tokens, text_traits
from contractcheck.stats.permutation import View
from contractcheck.stats.vectors import stack_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from contractcheck.stats.layout import CaseGroup, Floats, Indices, Layout

Kind = Literal["label", "number", "text", "embedding", "logprobs"]
Value: TypeAlias = "str | float | tuple[float, ...]"
"""A label or text, a number, or (embedding: of norm 1; logprobs: nats) a vector."""

MISSING = -1

# Categories beyond the most frequent ones share a cell when directions are compared.
_MAX_CATEGORIES = 256
_MAX_OPENINGS = 32
# Most changes move words or manner; positions are for the few that those miss.
_GRAMS, _SURFACE = 3.0, 2.0
_NEVER_SEEN_TEXT = "\ue000\ue001\ue002\ue003 \ue004\ue005\ue006\ue007"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One metric of all trials, coded once so that views are cheap to rebuild.

    Attributes:
        kind: What the values are.
        codes: (T,) position of each value in ``values``, or -1 where missing.
        values: The distinct values, a never-seen one last.
        grams: (U, D) hashed n-grams per distinct text, or the distinct vectors; else empty.
        tokens: (U, D) hashed tokens by position per distinct text; empty for other kinds.
        traits: (U, F) traits per distinct text; empty for other kinds.
        openings: (U,) code of each distinct text's first word; empty for other kinds.
    """

    kind: Kind
    codes: Indices
    values: tuple[Value, ...]
    grams: NDArray[np.floating]
    tokens: NDArray[np.float32]
    traits: Floats
    openings: Indices

    @property
    def never_seen(self) -> int:
        """Code of a value that no trial has: a new label, a number beyond all, a strange text."""
        return len(self.values) - 1


def encode(kind: Kind, values: Sequence[Value | None], *, metric: str) -> Column:
    """Code a metric's values.

    Args:
        kind: What the values are.
        values: One per trial; None and NaN are missing, infinite numbers are censored ones.
        metric: Name of the metric, for the message.

    Raises:
        UsageError: A value does not fit the kind.
    """
    present = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    for value in present:
        if value is not None and not isinstance(value, _WANTED[kind]):
            raise UsageError(f"metric {metric!r} is a {kind}, but holds {value!r}")
    codes, distinct = _code(present)
    stranger: Value = _NEVER_SEEN_TEXT
    if kind == "number":
        numbers = [value for value in distinct if isinstance(value, int | float)]
        finite = [float(value) for value in numbers if math.isfinite(value)]
        stranger = 2.0 * max(finite, default=1.0) - min(finite, default=0.0) + 1.0
    vectors = [value for value in distinct if isinstance(value, tuple)]
    known = (*distinct, stranger)
    texts = [str(value) for value in known] if kind == "text" else []
    is_vector = kind in {"embedding", "logprobs"}
    openings, _ = _code([first_word(text) for text in texts])
    return Column(
        kind=kind,
        codes=codes,
        values=known,
        grams=stack_vectors(vectors, metric=metric) if is_vector else hash_text(texts),
        tokens=hash_tokens(texts),
        traits=text_traits(texts),
        openings=openings,
    )


def build_views(layout: Layout, columns: Sequence[Column]) -> list[View]:
    """All views of all metrics, in the metrics' order."""
    return [
        view
        for metric, column in enumerate(columns)
        for view in _BUILDERS[column.kind](layout, column, metric)
    ]


def _label_views(layout: Layout, column: Column, metric: int) -> list[View]:
    return _category_views(layout, column.codes, metric)


def _number_views(layout: Layout, column: Column, metric: int) -> list[View]:
    values = np.append(np.asarray(column.values, dtype=np.float64), np.nan)[column.codes]
    scores = np.zeros((layout.n_trials, 2))
    singles = layout.pairs
    for group in layout.groups:
        if group.informative:
            scores[group.rows] = _rank_scores(_aligned(values[group.rows], group))
    if singles.size:
        signed = _signed_ranks(values[singles])
        scores[singles[:, 0], 0], scores[singles[:, 1], 0] = -signed, signed
    view = View(metric=metric, within=scores, common=scores)
    return [view, *_presence_views(layout, column, metric)]


def _text_views(layout: Layout, column: Column, metric: int) -> list[View]:
    present = column.codes != MISSING
    traits = np.where(present[:, None], column.traits[column.codes], 0.0)
    openings = np.where(present, column.openings[column.codes], MISSING)
    words = _one_hot(openings, column.openings.max(initial=0) + 1, _MAX_OPENINGS)
    # All opening words together weigh as much as one trait.
    opening = _scaled(layout, words) / math.sqrt(max(words.shape[1], 1))
    surface = np.concatenate([_scaled(layout, traits), opening], axis=1)
    grams, tokens = column.grams, column.tokens
    return [
        View(metric=metric, within=grams, common=grams, codes=column.codes, weight=_GRAMS),
        View(metric=metric, within=tokens, common=tokens, codes=column.codes),
        View(metric=metric, within=surface, common=surface, weight=_SURFACE),
        *_presence_views(layout, column, metric),
    ]


def _vector_views(layout: Layout, column: Column, metric: int) -> list[View]:
    centred = (
        column.grams - column.grams[:-1].mean(axis=0) if len(column.grams) > 1 else column.grams
    )
    return [
        View(metric=metric, within=centred, common=centred, codes=column.codes),
        *_presence_views(layout, column, metric),
    ]


_WANTED: dict[Kind, tuple[type, ...]] = {
    "label": (str, int, float),
    "number": (int, float),
    "text": (str,),
    "embedding": (tuple,),
    "logprobs": (tuple,),
}
_BUILDERS: dict[Kind, Callable[[Layout, Column, int], list[View]]] = {
    "label": _label_views,
    "number": _number_views,
    "text": _text_views,
    "embedding": _vector_views,
    "logprobs": _vector_views,
}


def _presence_views(layout: Layout, column: Column, metric: int) -> list[View]:
    missing = column.codes == MISSING
    return _category_views(layout, missing.astype(np.intp), metric) if missing.any() else []


def _category_views(layout: Layout, codes: Indices, metric: int) -> list[View]:
    """Categories inside cases (Pearson X2), across cases (marginals) and of pairs (Bowker)."""
    within = np.zeros((layout.n_trials, 0))
    for group in layout.groups:
        if group.informative:
            scores = _x2_scores(codes[group.rows])
            if scores.shape[2] > within.shape[1]:
                extra = np.zeros((layout.n_trials, scores.shape[2] - within.shape[1]))
                within = np.concatenate([within, extra], axis=1)
            within[group.rows, : scores.shape[2]] = scores
    shifted = codes - codes.min(initial=0)
    common = _scaled(layout, _one_hot(shifted, int(shifted.max(initial=0)) + 1))
    views = [View(metric=metric, within=within, common=common)]
    singles = layout.pairs
    if singles.size:
        views.append(View(metric=metric, within=None, common=_pair_scores(codes, singles)))
    return views


def _x2_scores(codes: Indices) -> Floats:
    """(G, N, K) indicators over the root of the category's share: squared distances are X2."""
    order = np.argsort(codes, axis=1)
    ordered = np.take_along_axis(codes, order, axis=1)
    ranks = np.zeros_like(codes)
    ranks[:, 1:] = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    local = np.empty_like(codes)
    np.put_along_axis(local, order, ranks, axis=1)
    indicators = (local[..., None] == np.arange(int(local.max()) + 1)).astype(np.float64)
    shares = indicators.mean(axis=1, keepdims=True)
    scores: Floats = indicators / np.sqrt(np.where(shares > 0, shares, 1.0))
    return scores


def _aligned(values: Floats, group: CaseGroup) -> Floats:
    """(G, N) values less the median of their block, so that what a block shares moves no rank.

    Source: aligned ranks, Hodges and Lehmann (Annals of Mathematical Statistics 33, 1962).
    """
    if len(group.shape) == 1:
        return values
    finite = np.where(np.isfinite(values), values, np.nan)
    aligned = np.empty_like(values)
    for columns, repeats, n, m in group.runs():
        blocks = finite[:, columns].reshape(-1, repeats, n + m)
        blocks = np.where(np.isnan(blocks).all(axis=2, keepdims=True), 0.0, blocks)
        centres = np.repeat(np.nanmedian(blocks, axis=2), n + m, axis=1)
        aligned[:, columns] = values[:, columns] - centres
    # Subtracting breaks ties between blocks in the last digits; there are 15 of them.
    size = np.nanmax(np.abs(finite), axis=1, keepdims=True, initial=np.finfo(float).tiny)
    rounded: Floats = np.round(aligned / size, 12)
    return rounded


def _rank_scores(values: Floats) -> Floats:
    """(G, N, 2) mid-ranks for location and their squares for dispersion, of unit variance.

    Source: Kruskal and Wallis (1952) for location, Mood (1954) for dispersion, both with
    mid-ranks; missing values score 0, the mean.
    """
    present = ~np.isnan(values)
    order = np.argsort(values, axis=1, kind="stable")  # missing ones last
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    new = np.ones_like(present)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.roll(new, -1, axis=1)  # the first is always new, so the last is always last
    first_tied = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    after = np.where(last, places, values.shape[1])[:, ::-1]
    last_tied = np.minimum.accumulate(after, axis=1)[:, ::-1]
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, (first_tied + last_tied) / 2, axis=1)
    location = _unit_variance(np.where(present, ranks, 0.0), present)
    dispersion = _unit_variance(location**2, present)
    return np.stack([location, dispersion], axis=2)


def _unit_variance(scores: Floats, present: NDArray[np.bool_]) -> Floats:
    counts = np.maximum(present.sum(axis=1, keepdims=True), 1)
    mean = np.where(present, scores, 0.0).sum(axis=1, keepdims=True) / counts
    centred = np.where(present, scores - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / counts)
    flat = spread <= 1e-9  # noqa: PLR2004 - mid-ranks are multiples of 1/2: only rounding is below
    unit: Floats = np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))
    return unit


def _signed_ranks(pairs: Floats) -> Floats:
    """Half of the signed mid-rank of each pair's difference (Wilcoxon 1945), of unit variance."""
    with np.errstate(invalid="ignore"):
        differences = pairs[:, 1] - pairs[:, 0]
    differences[np.isnan(differences)] = 0.0  # missing, or both censored
    moved = differences != 0
    signed = np.zeros(differences.size)
    if moved.any():
        _, place, counts = np.unique(
            np.abs(differences[moved]), return_inverse=True, return_counts=True
        )
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
        signed[moved] = np.sign(differences[moved]) * ranks / math.sqrt(np.mean(ranks**2))
    return signed / 2


def _pair_scores(codes: Indices, singles: Indices) -> Floats:
    """Indicators of unordered pairs, signed by which comes first (Bowker, JASA 1948)."""
    pairs = np.sort(codes[singles], axis=1)
    first, second = codes[singles].T
    moved = first != second
    scores = np.zeros((codes.size, 1))
    if not moved.any():
        return scores
    _, place, counts = np.unique(pairs[moved], axis=0, return_inverse=True, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:_MAX_CATEGORIES]
    cells = np.full(counts.size, MISSING)
    cells[kept] = np.arange(kept.size)
    half = 0.5 * np.sign(second - first)[moved] / np.sqrt(counts[place.ravel()])
    scores = np.zeros((codes.size, kept.size + 1))
    scores[singles[moved, 0], cells[place.ravel()]] = -half
    scores[singles[moved, 1], cells[place.ravel()]] = half
    return scores[:, : kept.size]


def _one_hot(codes: Indices, n_categories: int, most: int = _MAX_CATEGORIES) -> Floats:
    """(T, K) indicators of the ``most`` frequent categories; the rest shares the last column."""
    present = codes != MISSING
    counts = np.bincount(codes[present], minlength=n_categories)
    order = np.argsort(-counts, kind="stable")[: int(np.sum(counts > 0))]
    cells = np.full(counts.size, min(order.size, most))
    cells[order[:most]] = np.arange(min(order.size, most))
    width = min(order.size, most + 1)
    indicators = np.zeros((codes.size, width))
    indicators[np.flatnonzero(present), cells[codes[present]]] = 1.0
    return indicators


def _scaled(layout: Layout, features: Floats) -> Floats:
    """Features divided by their root mean square around the case means; constant ones zero."""
    centred = np.empty_like(features)
    for group in layout.groups:
        rows = features[group.rows]
        centred[group.rows] = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(centred**2, axis=0))
    flat = spread <= 1e-9 * np.maximum(np.abs(features).max(axis=0), 1.0)
    scaled: Floats = np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))
    return scaled


def _code(values: Iterable[Value | None]) -> tuple[Indices, tuple[Value, ...]]:
    """Positions of the values among the distinct ones in sorted order; -1 for None."""
    keys = [None if value is None else _key(value) for value in values]
    distinct = sorted({key for key in keys if key is not None})
    places: dict[tuple[str, Value] | None, int] = {k: i for i, k in enumerate(distinct)}
    codes = [places.get(key, MISSING) for key in keys]
    return np.asarray(codes, dtype=np.intp), tuple(value for _, value in distinct)


def _key(value: Value) -> tuple[str, Value]:
    # True == 1 in Python, but an answer that moves from one to the other has changed.
    return ("number" if type(value) in (int, float) else type(value).__name__, value)

"""How large a difference is, in the metric's own unit, with a 95 % interval.

Each function takes the cases to speak about: all of them for a metric, one for a case. Intervals
are not adjusted for having looked at many; the p-values beside them are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.intervals import (
    Interval,
    hodges_lehmann,
    newcombe_difference,
    pairwise_differences,
    weighted_quantile,
)
from contractcheck.stats.vectors import mean_shift
from contractcheck.stats.views import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.stats.layout import Floats, Indices
    from contractcheck.stats.views import Column

CONFIDENCE = 0.95
"""Two-sided level of every interval here."""

Scale = Literal["linear", "log"]
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_ABSENT = "(missing)"
# Sums of distances that cancel leave this share of them at most.
_FLAT = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """The size of a difference, candidate against baseline.

    Attributes:
        effect: The estimate; 0 is no difference (1 for a ratio).
        low: Lower 95 % bound, ``-inf`` (0 for a ratio) where the data cannot give one.
        high: Upper 95 % bound, ``inf`` where the data cannot give one.
        unit: What is counted, such as ``points`` or ``ratio``.
        detail: What moved, such as the category; empty if nothing more can be said.
        distance: Squared distance between the sides as a share of the squared distance between
            an old and a new answer, over the cases with repeats: about 0 without a change
            (unbiased, so it can be negative), 1 for two constant sides that differ. None where
            no case has repeats on both sides.
    """

    effect: float
    low: float
    high: float
    unit: str
    detail: str
    distance: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Rows of one case's trials by side."""

    baseline: Indices
    candidate: Indices


def measure_effect(column: Column, cases: Sequence[Sides], scale: Scale = "linear") -> Effect:
    """Size of the difference in one metric over the given cases.

    Raises:
        UsageError: A logarithmic scale is asked for numbers that are not all positive.
    """
    if column.kind == "label":
        return label_effect(column, cases)
    if column.kind == "number":
        return number_effect(column, cases, scale)
    if column.kind == "logprobs":
        return logprob_effect(column, cases)
    return text_effect(column, cases)


def label_effect(column: Column, cases: Sequence[Sides]) -> Effect:
    """Difference in points of the category whose share moved most; cases weigh the same.

    Interval: one case, Newcombe (1998); several with repeats, the per-case Newcombe intervals
    combined by MOVER (Zou and Donner, Statistics in Medicine 27, 2008); single trials, the case
    is the unit and the matched-pair interval of Agresti and Min (Statistics in Medicine 24,
    2005) applies. The category is chosen for having moved, so the interval errs outwards.
    """
    counts = [_category_counts(column, sides) for sides in cases]
    old = np.stack([pair[0] for pair in counts])
    new = np.stack([pair[1] for pair in counts])
    n_old, n_new = old.sum(axis=1), new.sum(axis=1)
    moves = new / n_new[:, None] - old / n_old[:, None]
    most = int(np.argmax(np.abs(moves.mean(axis=0))))
    moved = bool(np.any(moves[:, most]))
    name = _ABSENT if most == column.never_seen else str(column.values[most])
    if len(cases) == 1 or min(n_old.min(), n_new.min()) > 1:
        interval = _mover(
            [
                newcombe_difference(int(a), int(n), int(b), int(m), CONFIDENCE)
                for a, n, b, m in zip(old[:, most], n_old, new[:, most], n_new, strict=True)
            ]
        )
    else:
        interval = _matched_shares(moves[:, most])
    return Effect(
        effect=100 * interval.estimate,
        low=100 * interval.low,
        high=100 * interval.high,
        unit="points",
        detail=name if moved else "",
        distance=_distance(_label_distances(old, new)),
    )


def number_effect(column: Column, cases: Sequence[Sides], scale: Scale = "linear") -> Effect:
    """Shift of the values within cases: the weighted median of candidate minus baseline.

    One case: Hodges-Lehmann with exact rank-sum bounds. Several: all within-case differences,
    weighted 1 / (n + m + 1), with bounds that invert the stratified rank-sum test of van Elteren
    (1960); for single trials this is the median difference with its sign-test bounds.

    Raises:
        UsageError: ``scale`` is ``log`` and a value is not positive.
    """
    values = np.append(np.asarray(column.values, dtype=np.float64), np.nan)
    if scale == "log":
        used = values[column.codes[column.codes != MISSING]]
        if np.any(used <= 0):
            raise UsageError(f"a ratio needs positive values, but the least is {used.min()}")
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.log(np.where(values > 0, values, np.nan))
    pairs = [_present(values[column.codes], sides) for sides in cases]
    present = [pair for pair in pairs if pair[0].size and pair[1].size]
    shift = _stratified_shift(present)
    detail = _kept_words(pairs, cases) if present else "no case has values on both sides"
    if scale == "log":
        shift = Interval(
            estimate=math.exp(shift.estimate), low=math.exp(shift.low), high=math.exp(shift.high)
        )
    return Effect(
        effect=shift.estimate,
        low=shift.low,
        high=shift.high,
        unit="ratio" if scale == "log" else "shift",
        detail=detail,
        distance=_distance(_number_distances(present)),
    )


def _kept_words(present: Sequence[tuple[Floats, Floats]], cases: Sequence[Sides]) -> str:
    """How many answers have a value, where that is what moved; a shift cannot say it."""
    kept = [sum(pair[side].size for pair in present) for side in (0, 1)]
    asked = (sum(len(s.baseline) for s in cases), sum(len(s.candidate) for s in cases))
    old, new = (f"{n / max(1, of):.0%}" for n, of in zip(kept, asked, strict=True))
    return "" if old == new else f"a value in {old} → {new} of answers"


def text_effect(column: Column, cases: Sequence[Sides]) -> Effect:
    """Squared n-gram distance between the sides as a share of that between an old and a new answer.

    Mostly repeats: the unbiased MMD (Gretton et al., JMLR 13, 2012, eq. 3) over the mean squared
    distance across sides, summed over cases. Single trials: the part of the squared change that
    all cases have in common, unbiased likewise. One single pair: its plain distance, noise
    included. Bounds are jackknifed (Efron and Stein 1981) over cases, or over trials below 5.
    """
    rows = [(_grams(column, s.baseline), _grams(column, s.candidate)) for s in cases]
    repeated = [(old, new) for old, new in rows if len(old) > 1 and len(new) > 1]
    gaps = [_gaps(np.concatenate(pair)) for pair in repeated]
    parts = [_two_sided(gap, len(old)) for gap, (old, _) in zip(gaps, repeated, strict=True)]
    if 2 * len(repeated) > len(rows):
        interval = _repeated_text(gaps, [len(old) for old, _ in repeated], np.asarray(parts))
        unit, detail = "share of distance", ""
    elif len(rows) > 1:
        changes = np.stack([new.mean(axis=0) - old.mean(axis=0) for old, new in rows])
        interval, unit = _common_text(changes), "share in common"
        detail = "one answer per case: the part of the change that cases share"
    else:
        old, new = rows[0]
        apart = float(np.mean(1.0 - old @ new.T))
        interval, unit = Interval(estimate=apart, low=0.0, high=1.0), "distance"
        detail = "one answer against another: sampling noise included"
    return Effect(
        effect=interval.estimate,
        low=interval.low,
        high=interval.high,
        unit=unit,
        detail=detail,
        distance=_distance(np.asarray(parts).reshape(-1, 2)),
    )


def logprob_effect(column: Column, cases: Sequence[Sides]) -> Effect:
    """Mean absolute shift of the first token's log-probabilities in nats; see ``mean_shift``."""
    codes = [(column.codes[s.baseline], column.codes[s.candidate]) for s in cases]
    rows = [(old[old != MISSING], new[new != MISSING]) for old, new in codes]
    known = [(column.grams[old], column.grams[new]) for old, new in rows if len(old) and len(new)]
    repeated = [(old, new) for old, new in known if len(old) > 1 and len(new) > 1]
    parts = [_two_sided(_gaps(np.concatenate(pair)), len(pair[0])) for pair in repeated]
    unknown = Interval(estimate=0.0, low=0.0, high=math.inf)
    interval, most = mean_shift(known, _Z) if known else (unknown, 0)
    return Effect(
        effect=interval.estimate,
        low=interval.low,
        high=interval.high,
        unit="nats",
        detail=f"most: likely token no. {most + 1}"
        if known
        else "no case has values on both sides",
        distance=_distance(np.asarray(parts).reshape(-1, 2)),
    )


def _grams(column: Column, rows: Indices) -> Floats:
    codes = column.codes[rows]
    grams = column.grams[codes].astype(np.float64)
    grams[codes == MISSING] = 0.0
    return grams


def _category_counts(column: Column, sides: Sides) -> tuple[Floats, Floats]:
    # -1 for missing wraps to the last cell, which no value uses.
    n_categories = len(column.values)
    old, new = (
        np.bincount(column.codes[rows] % n_categories, minlength=n_categories).astype(np.float64)
        for rows in (sides.baseline, sides.candidate)
    )
    return old, new


def _mover(parts: Sequence[Interval]) -> Interval:
    estimate = float(np.mean([part.estimate for part in parts]))
    below = math.hypot(*(part.estimate - part.low for part in parts)) / len(parts)
    above = math.hypot(*(part.high - part.estimate for part in parts)) / len(parts)
    return Interval(
        estimate=estimate, low=max(-1.0, estimate - below), high=min(1.0, estimate + above)
    )


def _matched_shares(moves: Floats) -> Interval:
    # Half a pair added to each cell of the 2 x 2 table: two pseudo-cases whose squares sum to 1.
    n = moves.size + 2
    centre = float(moves.sum()) / n
    half = _Z * math.sqrt(max(float(np.sum(moves**2)) + 1 - n * centre**2, 0.0)) / n
    return Interval(
        estimate=float(moves.mean()), low=max(-1.0, centre - half), high=min(1.0, centre + half)
    )


def _present(values: Floats, sides: Sides) -> tuple[Floats, Floats]:
    old, new = values[sides.baseline], values[sides.candidate]
    return old[~np.isnan(old)], new[~np.isnan(new)]


def _stratified_shift(cases: Sequence[tuple[Floats, Floats]]) -> Interval:
    if not cases:
        return Interval(estimate=0.0, low=-math.inf, high=math.inf)
    if len(cases) == 1:
        return hodges_lehmann(cases[0][0].tolist(), cases[0][1].tolist(), CONFIDENCE)
    weights = [np.full(old.size * new.size, 1 / (old.size + new.size + 1)) for old, new in cases]
    flat = [pairwise_differences(old.tolist(), new.tolist()) for old, new in cases]
    differences, weight = np.concatenate(flat), np.concatenate(weights)
    order = np.argsort(differences, kind="stable")
    differences, weight = differences[order], weight[order]
    total = float(weight.sum())
    half = _Z * math.sqrt(total / 12) / total
    return Interval(
        estimate=weighted_quantile(differences, weight, 0.5),
        low=weighted_quantile(differences, weight, 0.5 - half) if half < 0.5 else -math.inf,  # noqa: PLR2004 - beyond the first value
        high=weighted_quantile(differences, weight, 0.5 + half) if half < 0.5 else math.inf,  # noqa: PLR2004 - beyond the last value
    )


def _label_distances(old: Floats, new: Floats) -> Floats:
    """(C, 2) unbiased squared distance and mean distance across sides, of cases with repeats."""
    n, m = old.sum(axis=1), new.sum(axis=1)
    kept = (n > 1) & (m > 1)
    old, new, n, m = old[kept], new[kept], n[kept], m[kept]
    across = 1 - np.sum(old * new, axis=1) / (n * m)
    within_old = 1 - np.sum(old * (old - 1), axis=1) / (n * (n - 1))
    within_new = 1 - np.sum(new * (new - 1), axis=1) / (m * (m - 1))
    return np.stack([across - (within_old + within_new) / 2, across], axis=1)


def _number_distances(cases: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The same on pooled ranks with absolute differences: Székely's energy distance."""
    parts = []
    for old, new in cases:
        if old.size < 2 or new.size < 2:  # noqa: PLR2004 - spread within a side needs a pair
            continue
        _, ranks = np.unique(np.concatenate([old, new]), return_inverse=True)
        gaps = np.abs(ranks[:, None] - ranks[None, :]).astype(np.float64)
        parts.append(_two_sided(gaps, old.size))
    return np.asarray(parts).reshape(-1, 2)


def _two_sided(gaps: Floats, n: int) -> tuple[float, float]:
    m = len(gaps) - n
    across = float(gaps[:n, n:].mean())
    within_old = float(gaps[:n, :n].sum()) / (n * (n - 1))
    within_new = float(gaps[n:, n:].sum()) / (m * (m - 1))
    return across - (within_old + within_new) / 2, across


def _ratio(parts: Floats) -> float:
    total = float(parts[:, 1].sum())
    return float(parts[:, 0].sum()) / total if total > 0 else 0.0


def _distance(parts: Floats) -> float | None:
    return _ratio(parts) if len(parts) else None


def _repeated_text(gaps: Sequence[Floats], n_baseline: Sequence[int], parts: Floats) -> Interval:
    estimate = _ratio(parts)
    if len(gaps) >= 5:  # noqa: PLR2004 - fewer cases say too little about their spread
        totals = parts.sum(axis=0) - parts
        without = np.where(totals[:, 1] > 0, totals[:, 0], 0.0) / np.where(
            totals[:, 1] > 0, totals[:, 1], 1.0
        )
        return _jackknifed(estimate, [without])
    least = min(min(n, len(gap) - n) for n, gap in zip(n_baseline, gaps, strict=True))
    if least < 3:  # noqa: PLR2004 - leaving one of two out leaves no pair
        return Interval(estimate=estimate, low=-1.0, high=1.0)
    groups = []
    for case, (gap, n) in enumerate(zip(gaps, n_baseline, strict=True)):
        rest = parts.sum(axis=0) - parts[case]
        for side in (np.arange(len(gap)), np.roll(np.arange(len(gap)), -n)):
            size = n if side[0] == 0 else len(gap) - n
            left_out = _leave_one_out(gap[np.ix_(side, side)], size) + rest
            # Without the one trial that was different, only rounding is left.
            flat = left_out[:, 1] <= _FLAT * parts[:, 1].sum()
            groups.append(np.where(flat, 0.0, left_out[:, 0] / np.where(flat, 1.0, left_out[:, 1])))
    return _jackknifed(estimate, groups)


def _leave_one_out(gaps: Floats, n: int) -> Floats:
    """(n, 2) what ``_two_sided`` gives without each of the first n trials, from row sums."""
    m = len(gaps) - n
    own, other = gaps[:n, :n].sum(axis=1), gaps[:n, n:].sum(axis=1)
    across = (other.sum() - other) / ((n - 1) * m)
    within_own = (own.sum() - 2 * own) / ((n - 1) * (n - 2))
    within_other = float(gaps[n:, n:].sum()) / (m * (m - 1))
    return np.stack([across - (within_own + within_other) / 2, across], axis=1)


def _jackknifed(estimate: float, groups: Sequence[Floats]) -> Interval:
    variance = sum(
        (group.size - 1) / group.size * float(np.sum((group - group.mean()) ** 2))
        for group in groups
    )
    half = _Z * math.sqrt(variance)
    return Interval(
        estimate=estimate, low=max(-1.0, estimate - half), high=min(1.0, estimate + half)
    )


def _common_text(changes: Floats) -> Interval:
    squares = np.einsum("cd,cd->c", changes, changes)
    total = changes.sum(axis=0)
    n = len(changes)
    estimate = _common_share(float(total @ total), float(squares.sum()), n)
    if n < 5:  # noqa: PLR2004 - as above
        return Interval(estimate=estimate, low=-1.0, high=1.0)
    without = total - changes
    norms = np.einsum("cd,cd->c", without, without)
    left_out = [
        _common_share(float(norm), float(squares.sum() - square), n - 1)
        for norm, square in zip(norms, squares, strict=True)
    ]
    return _jackknifed(estimate, [np.asarray(left_out)])


def _common_share(norm: float, squares: float, n: int) -> float:
    """Mean product of two different cases' changes over the mean square of one."""
    return (norm - squares) / ((n - 1) * squares) if squares > 0 else 0.0


def _gaps(rows: Floats) -> Floats:
    gram = rows @ rows.T
    diagonal = np.diag(gram)
    gaps: Floats = diagonal[:, None] + diagonal[None, :] - 2 * gram
    return gaps

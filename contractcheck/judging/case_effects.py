"""Name the cases: how each case and metric of the changed nights differs from the accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging.night_rule import SMALLEST_P
from contractcheck.judging.night_table import (
    label_counts,
    numbers,
    presence_counts,
    rates,
    texts,
)
from contractcheck.judging.streams import series_contrasts
from contractcheck.metrics import LATENCY, VECTORS
from contractcheck.model.judgement import Comparison, Estimate
from contractcheck.model.night import LabelCell, NumberCell, RateCell
from contractcheck.stats.intervals import hodges_lehmann, newcombe_difference
from contractcheck.stats.night_rule import predictive_t
from contractcheck.stats.night_scores import wilson_hilferty
from contractcheck.stats.sketches import cosine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_table import NightTable, Series
    from contractcheck.model.judgement import Plane

_METHOD = "later nights against accepted nights, predictive t on Wilson-Hilferty scores"


def compare_cases(table: NightTable, *, later: int) -> tuple[Comparison, ...]:
    """Compare every case and metric; p-values are for the least unusual later night.

    Adjusted p-values are Holm's (1979, Scandinavian Journal of Statistics 6) over all of them.

    Args:
        table: Accepted and later nights.
        later: How many of the last nights are looked at together: those that look changed.
    """
    planes: tuple[tuple[Plane, tuple[Series, ...]], ...] = (
        ("outputs", table.outputs),
        ("latency", table.latency),
        ("conformance", table.conformance),
    )
    rows = [
        (series, plane, _estimate(_keep(series, table.accepted, later), table.accepted))
        for plane, own in planes
        for series in own
    ]
    adjusted = _holm([estimate.p for _, _, estimate in rows if estimate.p is not None])
    ranked = iter(adjusted)
    return tuple(
        Comparison(
            case=series.case,
            metric=series.metric,
            plane=plane,
            estimate=estimate,
            adjusted_p=None if estimate.p is None else next(ranked),
        )
        for series, plane, estimate in rows
    )


def _keep(series: Series, accepted: int, later: int) -> Series:
    cells = series.cells
    return replace(series, cells=(*cells[:accepted], *cells[max(accepted, len(cells) - later) :]))


def _estimate(series: Series, accepted: int) -> Estimate:
    cell = series.cells[-1]
    if isinstance(cell, RateCell):
        return _rate_estimate(series, accepted)
    p = _p_value(series, accepted)
    if isinstance(cell, LabelCell):
        return _label_estimate(series, accepted, p)
    if isinstance(cell, NumberCell):
        return _number_estimate(series, accepted, p)
    if series.metric in VECTORS:
        return _vector_estimate(series, accepted, p)
    return _text_estimate(series, accepted, p)


def _p_value(series: Series, accepted: int) -> float | None:
    """Chance of a night this unusual, taken at the least unusual of the later nights."""
    import numpy as np
    from scipy.special import stdtr

    if series.metric in LATENCY or accepted < 2:  # noqa: PLR2004 - a scale needs two nights
        return None
    worst = 1.0
    for contrast in series_contrasts(series, accepted=accepted):
        scores = wilson_hilferty(contrast.ratio, contrast.dof)
        known = contrast.dof > 0
        baseline = scores[:accepted][known[:accepted]]
        later = scores[accepted:][known[accepted:]]
        if baseline.size < 5 or not later.size:  # noqa: PLR2004 - FEWEST_NIGHTS of the rule
            continue
        t = predictive_t(baseline, later, floor_sd=1.0, floor_mean=0.0)
        worst = min(worst, float(np.max(stdtr(baseline.size - 1, -t))))
    return max(worst, SMALLEST_P)


def _label_estimate(series: Series, accepted: int, p: float | None) -> Estimate:
    names, counts = label_counts(series)
    old = [sum(column) for column in zip(*counts[:accepted], strict=True)]
    new = [sum(column) for column in zip(*counts[accepted:], strict=True)]
    n_old, n_new = sum(old), sum(new)
    if not n_old or not n_new:
        return _unknown(n_old, n_new, p)
    moves = [b / n_new - a / n_old for a, b in zip(old, new, strict=True)]
    # Of two that moved alike, such as yes and no, the one that became more frequent.
    most = max(range(len(names)), key=lambda i: (round(abs(moves[i]), 9), moves[i], names[i]))
    detail = f"{names[most]}: {old[most] / n_old:.0%} → {new[most] / n_new:.0%}"
    return _share_estimate((old[most], n_old), (new[most], n_new), p, detail)


def _share_estimate(
    old: tuple[int, int], new: tuple[int, int], p: float | None, detail: str
) -> Estimate:
    """Difference of two shares, each a count and of how many."""
    interval = newcombe_difference(*old, *new)
    return Estimate(
        method=_METHOD,
        effect=interval.estimate,
        low=interval.low,
        high=interval.high,
        unit="share",
        p=p,
        n_baseline=old[1],
        n_candidate=new[1],
        detail=detail,
    )


def _number_estimate(series: Series, accepted: int, p: float | None) -> Estimate:
    import math
    import statistics

    values = numbers(series)
    old = [value for night in values[:accepted] for value in night]
    new = [value for night in values[accepted:] for value in night]
    gone = _missing_words(series, accepted)
    if gone and old and not new:
        return _gone(series, accepted, p, gone)
    if not old or not new:
        return _unknown(len(old), len(new), p)
    detail = f"median {statistics.median(old):.4g} → {statistics.median(new):.4g}"
    detail = f"{gone}; {detail}" if gone else detail
    is_ratio = series.metric in LATENCY and min(*old, *new) > 0
    if is_ratio:
        interval = hodges_lehmann([math.log(v) for v in old], [math.log(v) for v in new])
        effect, low, high = (math.exp(v) for v in (interval.estimate, interval.low, interval.high))
    else:
        interval = hodges_lehmann(old, new)
        effect, low, high = interval.estimate, interval.low, interval.high
    return Estimate(
        method=_METHOD,
        effect=effect,
        low=_finite(low),
        high=_finite(high),
        unit="ratio" if is_ratio else "shift",
        p=p,
        n_baseline=len(old),
        n_candidate=len(new),
        detail=detail,
    )


def _missing_words(series: Series, accepted: int) -> str:
    """Say how many answers lack a number that accepted ones never lacked; empty if none does."""
    if series.metric in LATENCY:
        # A time is left out when this machine was busy.
        return ""
    counts = presence_counts(series)
    missing = sum(lacking for _, lacking in counts[accepted:])
    answers = sum(sum(pair) for pair in counts[accepted:])
    if not missing or any(lacking for _, lacking in counts[:accepted]):
        return ""
    return f"missing in {missing} of {answers} answers, accepted nights always had it"


def _gone(series: Series, accepted: int, p: float | None, detail: str) -> Estimate:
    counts = presence_counts(series)
    n_old = sum(there for there, _ in counts[:accepted])
    n_new = sum(lacking for _, lacking in counts[accepted:])
    return _share_estimate((n_old, n_old), (0, n_new), p, detail)


def _text_estimate(series: Series, accepted: int, p: float | None) -> Estimate:
    """Unbiased squared distance of the means, as share of that between two single answers.

    Gretton et al. (2012, JMLR 13, lemma 6): the U-statistic of the maximum mean discrepancy
    for the hashed n-gram kernel, whose vectors have unit norm.
    """
    n_old, n_new, likeness = _likeness(series, accepted)
    if likeness is None:
        return _unknown(n_old, n_new, p)
    within_old, within_new, between = likeness
    distance = within_old + within_new - 2.0 * between
    span = 2.0 - 2.0 * between
    return Estimate(
        method=_METHOD,
        effect=distance / span if span > 0 else 0.0,
        low=None,
        high=None,
        unit="distance",
        p=p,
        n_baseline=n_old,
        n_candidate=n_new,
        detail="0 is the same wording, 1 nothing in common",
    )


def _vector_estimate(series: Series, accepted: int, p: float | None) -> Estimate:
    """Cosine of an old and a new vector, less that of two old ones, from their sketches."""
    n_old, n_new, likeness = _likeness(series, accepted)
    if likeness is None:
        return _unknown(n_old, n_new, p)
    among_old, across = cosine_of(likeness[0]), cosine_of(likeness[2])
    return Estimate(
        method=_METHOD,
        effect=across - among_old,
        low=None,
        high=None,
        unit="cosine",
        p=p,
        n_baseline=n_old,
        n_candidate=n_new,
        detail=f"cosine to an accepted vector {among_old:.4f} → {across:.4f}",
    )


def _likeness(series: Series, accepted: int) -> tuple[int, int, tuple[float, float, float] | None]:
    """Answers of both sides; and mean products of two old, of two new, and of an old and a new.

    None where a side has a single answer, which is like nothing.
    """
    import numpy as np

    cells = texts(series)
    old = [cell for cell in cells[:accepted] if cell is not None]
    new = [cell for cell in cells[accepted:] if cell is not None]
    n_old, n_new = sum(c.count for c in old), sum(c.count for c in new)
    if n_old < 2 or n_new < 2:  # noqa: PLR2004 - one answer has no spread
        return n_old, n_new, None
    mean_old = np.average([c.mean for c in old], axis=0, weights=[c.count for c in old])
    mean_new = np.average([c.mean for c in new], axis=0, weights=[c.count for c in new])
    within_old = (float(mean_old @ mean_old) * n_old - 1.0) / (n_old - 1)
    within_new = (float(mean_new @ mean_new) * n_new - 1.0) / (n_new - 1)
    return n_old, n_new, (within_old, within_new, float(mean_old @ mean_new))


def _rate_estimate(series: Series, accepted: int) -> Estimate:
    cells = rates(series)
    old_passed, old_n = _pooled(cells[:accepted])
    new_passed, new_n = _pooled(cells[accepted:])
    if not old_n or not new_n:
        return _unknown(old_n, new_n, None)
    interval = newcombe_difference(old_passed, old_n, new_passed, new_n)
    return Estimate(
        method="difference of pooled pass rates, Newcombe interval",
        effect=interval.estimate,
        low=interval.low,
        high=interval.high,
        unit="pass rate",
        p=None,
        n_baseline=old_n,
        n_candidate=new_n,
        detail=f"passed {old_passed} of {old_n} → {new_passed} of {new_n}",
    )


def _pooled(cells: Sequence[RateCell]) -> tuple[int, int]:
    return sum(cell.passed for cell in cells), sum(cell.count for cell in cells)


def _unknown(n_old: int, n_new: int, p: float | None) -> Estimate:
    return Estimate(
        method=_METHOD,
        effect=None,
        low=None,
        high=None,
        unit="",
        p=p,
        n_baseline=n_old,
        n_candidate=n_new,
        detail="no values on one side",
    )


def _holm(p_values: list[float]) -> list[float]:
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def _finite(value: float) -> float | None:
    import math

    return value if math.isfinite(value) else None

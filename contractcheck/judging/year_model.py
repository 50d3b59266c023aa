"""What simulated years of a suite are drawn from: its own accepted nights, stream by stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from contractcheck.judging.night_scales import PRESENT, REST, LabelScale, NumberScale, RateScale
from contractcheck.judging.night_values import (
    CONFORMANCE,
    PRESENCE,
    accepted_values,
    case_of,
    is_directed,
    plane_of,
)
from contractcheck.judging.year_contrasts import fit_contrasts
from contractcheck.stats.monitor_nights import normal_bound
from contractcheck.stats.night_rule import FEWEST_NIGHTS
from contractcheck.stats.simulated_nights import StreamModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.year_contrasts import Contrasted
    from contractcheck.model.history import NightValues
    from contractcheck.stats.monitor_nights import Plane

    FloatArray = NDArray[np.float64]

MEASURED_DISPERSION = 1.4
"""Of recorded nights of unchanged models (docs/explanation/watch.md): what harsher families have at
least, however alike ten accepted nights look."""
_LEAST_SEEN = 0.01
_ODDEST = 2.0
"""Mean square over 40 cases of a night, over the median night's: as ``stats.monitor_scale``."""
_USUAL_COMMON, _MOST_COMMON = 0.1, 0.9
"""Where nights hardly move, what they have in common cannot be told: then as where it could."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WatchedStream:
    """One stream as judging names it, and what its nights are drawn from.

    Attributes:
        name: Metric, ``conformance`` or a latency.
        plane: Which charts it has.
        rows: (C,) names of its coordinates.
        undirected: Places of those whose sign means nothing across cases.
        model: What is drawn.
        contrasted: Of outputs what the rule of two nights contrasts.
    """

    name: str
    plane: Plane
    rows: tuple[str, ...]
    undirected: tuple[int, ...]
    model: StreamModel
    contrasted: tuple[Contrasted, ...] = ()


def fit_streams(reference: Reference) -> tuple[WatchedStream, ...]:
    """Fit every stream of a suite to its accepted nights.

    What is usual for a case (the most frequent label, ranks, directions of texts) is held as the
    accepted nights have it; how answers and nights vary about it is drawn.

    Args:
        reference: At least five accepted nights.
    """
    nights = accepted_values(reference)
    streams = []
    # Of numbers that were never lacking there is nothing to draw: their charts stand still.
    for name in sorted({stream for night in nights for stream in night.streams} - {PRESENCE}):
        rows = sorted({row for night in nights for row in night.streams.get(name, {})})
        values, variances = lay_out(nights, name, rows)
        known = np.isfinite(values).sum(0) >= FEWEST_NIGHTS
        rows = [row for row, is_known in zip(rows, known, strict=True) if is_known]
        if rows:
            model = _fit(reference, name, rows, values[:, known], variances[:, known])
            watched = _watch(name, rows, model)
            if watched.plane == "outputs":
                contrasted = fit_contrasts(reference, name, rows)
                watched = replace(watched, contrasted=contrasted)
            streams.append(watched)
    return tuple(streams)


def harsher(model: StreamModel) -> StreamModel:
    """The stream for families that accepted nights do not show: nights move as measured elsewhere.

    Times are as they were: their nights' moves are all that is known of them.
    """
    least = model.sampling_sd * np.sqrt(MEASURED_DISPERSION - 1.0)
    return replace(
        model,
        dispersion=np.maximum(model.dispersion, MEASURED_DISPERSION),
        night_sd=np.maximum(model.night_sd, least),
    )


def lay_out(
    nights: Sequence[NightValues], stream: str, rows: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """(T, C) values and variances of some rows of a stream; NaN where a night has none."""
    values = np.full((len(nights), len(rows)), np.nan)
    variances = values.copy()
    for place, night in enumerate(nights):
        found = night.streams.get(stream, {})
        for column, row in enumerate(rows):
            if row in found:
                values[place, column] = found[row].value
                variances[place, column] = found[row].variance
    return values, variances


def _watch(name: str, rows: Sequence[str], model: StreamModel) -> WatchedStream:
    aside = [place for place, row in enumerate(rows) if not is_directed(row)]
    has_sides = chart_plane(name) == "outputs" and len(aside) < len(rows)
    return WatchedStream(
        name=name,
        plane=chart_plane(name),
        rows=tuple(rows),
        undirected=tuple(aside) if has_sides else (),
        model=model,
    )


def chart_plane(stream: str) -> Plane:
    """The plane of a stream, of those that charts know."""
    plane = plane_of(stream)
    return "outputs" if plane not in {"conformance", "latency"} else cast("Plane", plane)


def _fit(
    reference: Reference,
    name: str,
    rows: Sequence[str],
    values: FloatArray,
    variances: FloatArray,
) -> StreamModel:
    # Of conformance what follows the case is a check, and all checks are one kind.
    kinds = ["" if name == CONFORMANCE else row.partition("#")[2] for row in rows]
    is_latency = plane_of(name) == "latency"
    spread = _measure_spread(values, variances, np.array(kinds), is_latency=is_latency)
    shares = [_share_of(reference, name, row) for row in rows]
    names = watched_cases(reference)
    return StreamModel(
        answers=np.array([share[0] for share in shares]),
        like=np.array([share[1] for share in shares], float),
        pool=np.array([share[2] for share in shares], float),
        left_of=np.array(
            [_left_of(row, rows, share) for row, share in zip(rows, shares, strict=True)]
        ),
        centre=np.nanmean(values, 0),
        variance=spread.supposed,
        sampling_sd=np.sqrt(spread.sampling),
        night_sd=np.sqrt(spread.between),
        dispersion=spread.dispersion,
        common=spread.common,
        cases=np.array([names.index(case_of(row)) for row in rows]),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Spread:
    """Per coordinate (C,) variances: supposed by judging, seen of sampling, and between nights."""

    supposed: FloatArray
    sampling: FloatArray
    between: FloatArray
    dispersion: FloatArray
    common: FloatArray


def _measure_spread(
    values: FloatArray, variances: FloatArray, kinds: NDArray[np.str_], *, is_latency: bool
) -> _Spread:
    """How much values vary; coordinates of one kind are alike in that, and in nothing more."""
    away = values - np.nanmean(values, 0)
    count = np.isfinite(values).sum(0)
    size = values.shape[1]
    found = _Spread(
        supposed=np.zeros(size),
        sampling=np.zeros(size),
        between=np.zeros(size),
        dispersion=np.ones(size),
        common=np.zeros(size),
    )
    if is_latency:
        # One deviation for all cases as far as ten nights of each can tell.
        own = np.nansum(away**2, 0) / (count - 1)
        found.between[:] = (own + own.mean()) / 2.0
        z = away / np.sqrt(np.maximum(found.between, 1e-12))
        found.common[:] = _common_share(z, None)
        return found
    found.supposed[:] = np.nanmean(variances, 0)
    z = away / np.sqrt(variances)
    for kind in np.unique(kinds):
        own = kinds == kind
        z[:, own] = _bound_nights(z[:, own])
        seen = float(np.nansum(z[:, own] ** 2) / (count[own] - 1).sum())
        found.dispersion[own] = max(1.0, seen)
        # Judging supposes more of texts than it sees: an answer that was never seen.
        found.sampling[own] = found.supposed[own] * min(1.0, max(seen, _LEAST_SEEN))
        found.common[own] = _common_share(z[:, own], max(1.0, seen))
    found.between[:] = found.sampling * (found.dispersion - 1.0)
    return found


def _bound_nights(z: FloatArray) -> FloatArray:
    """Shrink odd nights as charts do when they learn the scale: how odd is the families' matter."""
    cases = np.isfinite(z).sum(1)
    square = np.nansum(z**2, 1) / np.maximum(cases, 1)
    usual = np.median(square[cases > 0])
    bound = usual * normal_bound(_ODDEST, cases) / normal_bound(1.0, cases)
    return np.asarray(z * np.sqrt(np.minimum(1.0, bound / np.maximum(square, 1e-12)))[:, None])


def watched_cases(reference: Reference) -> tuple[str, ...]:
    """Case ids that have any scale, sorted: their places number the cases of all streams."""
    return tuple(sorted({case for case, _ in reference.scales}))


def _common_share(z: FloatArray, dispersion: float | None) -> float:
    """Share of the moves between nights that all rows have in common, by their correlation.

    The oddest night is left out: one night on which everything moved is an episode.

    Args:
        z: (K, C) deviations of the accepted nights.
        dispersion: What part of z is sampling follows from it; None where all of z is nights.
    """
    z = np.nan_to_num(z)
    z = np.delete(z, int((z**2).sum(1).argmax()), 0)
    z -= z.mean(0)
    rows = z.shape[1]
    square = float((z**2).sum())
    if rows == 1 or not square:
        return 0.0
    if dispersion is not None and dispersion < MEASURED_DISPERSION:
        return _USUAL_COMMON
    together = float((z.sum(1) ** 2).sum() - square) / ((rows - 1) * square)
    part = 1.0 if dispersion is None else 1.0 - 1.0 / dispersion
    return float(np.clip(together / part, 0.0, _MOST_COMMON))


def _share_of(reference: Reference, stream: str, row: str) -> tuple[int, int, int]:
    """Answers a night, accepted answers that count, and of how many; zeros for what is no share."""
    case, _, suffix = row.partition("#")
    scale = reference.scales[case, suffix if stream == CONFORMANCE else stream]
    nights = max(len(reference.nights), 1)
    like, pool = 0, 0
    if isinstance(scale, RateScale):
        like, pool = scale.passed, scale.count
    elif isinstance(scale, NumberScale) and suffix == PRESENT:
        like, pool = scale.present[0], sum(scale.present)
    elif isinstance(scale, LabelScale):
        like, pool = scale.pooled[scale.usual], sum(scale.pooled.values())
        if suffix == REST and scale.second is not None:
            answers = round(pool / nights)
            return max(answers, 1), scale.pooled[scale.second], pool - like
    return (max(round(pool / nights), 1), like, pool) if pool else (0, 0, 0)


def _left_of(row: str, rows: Sequence[str], share: tuple[int, int, int]) -> int:
    """Place of the coordinate whose other answers a second label is a share of."""
    case, _, suffix = row.partition("#")
    return rows.index(case) if suffix == REST and share[0] and case in rows else -1

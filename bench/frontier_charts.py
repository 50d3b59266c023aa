"""Candidate monitors: from years of nights to charts, each up when something looks changed.

A monitor maps :class:`frontier_nights.Nights` to named charts (N, R) over the later nights; a
chart's year alarms when it passes its threshold. Location is fixed at the accepted nights; scale
goes on learning from later nights up to the first alarm, which is all that a year's first alarm
depends on. Everything that a monitor estimates, it estimates from these nights alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from contractcheck.stats.night_scores import wilson_hilferty

CHARTS = (
    "outputs squares",
    "outputs largest",
    "outputs mean",
    "conformance largest",
    "conformance mean",
    "latency",
)
LEAST_LATENCY_SD = 0.05  # of log latency between nights
LAG_FAR = 8
LEARNS_AFTER = 14  # nights: a change has that long to be found before it blurs its own scale
SLOWER_BY_LESS = np.log(1.25)  # no news, whatever its p


@lru_cache(maxsize=1)
def arcsine_moments(answers=10):
    """Mean and variance of the arcsine of a binomial count, on a grid of rates."""
    from scipy.stats import binom

    rates = np.linspace(0.0, 1.0, 1001)
    angles = np.arcsin(np.sqrt((np.arange(answers + 1) + 0.375) / (answers + 0.75)))
    chance = binom.pmf(np.arange(answers + 1), answers, rates[:, None])
    mean = chance @ angles
    return rates, mean, chance @ angles**2 - mean**2


def to_angles(counts, answers=10):
    return np.arcsin(np.sqrt((counts + np.float32(0.375)) / np.float32(answers + 0.75)))


def sampling_variance(angle, accepted, answers=10):
    """Variance of one night's angle where the baseline's is ``angle``, from sampling alone."""
    rates, mean, variance = arcsine_moments(answers)
    rate = np.interp(angle, mean, rates)
    least = 0.5 / (accepted * answers + 1.0)  # half an answer that was never seen
    return np.interp(np.clip(rate, least, 1.0 - least), rates, variance)


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """An EWMA portfolio.

    Attributes:
        weight: Lambda.
        radius: An accepted or later night whose mean square over cases is larger is shrunk to it;
            infinite lets odd nights count in full.
        clip: Bound on one case's z on one night.
        scalar_clip: The same for charts of one number per night.
        likeness: Lag-one correlation that is supposed at first, and how many nights that counts
            for; None does not widen by the likeness of neighbouring nights at all.
    """

    weight: float = 0.2
    radius: float = 1.3
    clip: float = 3.0
    scalar_clip: float = 3.0
    likeness: tuple[float, int] | None = (0.0, 0)


RAW = {"radius": np.inf, "clip": np.inf, "scalar_clip": np.inf, "likeness": None}


def ewma(nights, tunings):
    """One chart per name: a plane's sum of squares, largest case, or mean; or a latency's level.

    Args:
        nights: Years.
        tunings: From each of ``CHARTS`` that is wanted to how it is made.
    """
    seen, charts = {}, {}
    for name, tuning in tunings.items():
        plane, _, kind = name.partition(" ")
        if plane == "latency":
            levels = [nights.latency[..., place] for place in (0, 1)]
            pair = [_scalar_chart(x, nights.accepted, tuning, LEAST_LATENCY_SD) for x in levels]
            charts[name] = np.maximum(*pair)
            continue
        key = plane, tuning.radius, tuning.clip
        if key not in seen:
            seen[key] = standardise(to_angles(getattr(nights, plane)), nights.accepted, tuning)
            if nights.aside is not None:
                seen[key][:, nights.aside] = 0.0
        z = seen[key]
        if kind == "mean":
            ways = (1.0, -1.0) if plane == "outputs" else (-1.0,)
            means = [_scalar_chart(way * _sum(z), nights.accepted, tuning, 1.0) for way in ways]
            charts[name] = np.maximum.reduce(means)
        else:
            charts[name] = _case_charts(z, nights.accepted, tuning, kind)
    return charts


def _sum(z):
    """(T, R) one number per night, of variance about 1 if cases were independent."""
    return z.sum(-1) / np.sqrt(z.shape[-1])


def standardise(angles, accepted, tuning):
    """Robust location and one scale; odd accepted nights weigh less in both.

    Returns:
        (T, R, C) z of all nights, accepted first, with nights shrunk and cases clipped.
    """
    base = angles[:accepted]
    centre = base.mean(0)
    variance = sampling_variance(centre, accepted).astype(np.float32)
    for _ in range(3 if np.isfinite(tuning.radius) else 1):
        square = ((base - centre) ** 2 / variance).mean(-1)  # (K, R)
        bound = np.minimum(square, 2.0 * np.median(square, 0))
        dispersion = np.maximum(_total(bound, square, tuning), 0.8)
        weight = _shrink(square / dispersion, tuning.radius)[..., None]
        centre = (base * weight).sum(0) / weight.sum(0)
    scale = np.sqrt(variance * dispersion[:, None])
    z = (angles - centre) / scale
    square = (z**2).mean(-1)
    learnt = _learn(np.minimum(square, 2.0 if np.isfinite(tuning.radius) else np.inf), accepted)
    z = np.clip(z / np.sqrt(learnt)[..., None], -tuning.clip, tuning.clip)
    return z * _shrink((z**2).mean(-1), tuning.radius)[..., None]


def _total(bound, square, tuning):
    nights = len(square)
    kept = bound if np.isfinite(tuning.radius) else square
    return kept.sum(0) / (nights - 1)


def _shrink(square, radius):
    return np.sqrt(np.minimum(1.0, radius / np.maximum(square, 1e-6))).astype(np.float32)


def _learn(values, accepted):
    """(T, R) running mean of what is known before each night; ones until anything is learnt."""
    later = values[accepted:]
    count = _learnt_nights(len(later))[:, None]
    known = (accepted - 1 + _before(later)) / (accepted - 1 + count * (1.0 + 1.0 / accepted))
    return np.concatenate([np.ones_like(values[:accepted]), known]).astype(np.float32)


def _learnt_nights(later):
    return np.maximum(np.arange(later) - LEARNS_AFTER, 0)


def _before(later):
    """Sums over all nights that are more than ``LEARNS_AFTER`` nights old."""
    total = np.zeros_like(later)
    total[LEARNS_AFTER + 1 :] = np.cumsum(later, 0)[: -LEARNS_AFTER - 1]
    return total


def _likeness(z, accepted, supposed):
    """(N, R) lag-one autocorrelation known before each later night.

    The far lag takes out what all later nights have in common: the error of the location.
    """
    near, far, square = lag(z, 1), lag(z, LAG_FAR), (z**2).mean(-1)
    weight = np.maximum(square[:accepted].sum(0), 1e-3)
    # Of independent nights about their own mean the expectation is -1/K.
    start = near[1:accepted].sum(0) / weight + 1.0 / accepted
    prior, nights = supposed
    start = (start * accepted + prior * nights) / (accepted + nights)
    weight = weight * (accepted + nights) / accepted
    excess = (near - far)[accepted:]
    excess[:LAG_FAR] = start * square[accepted : accepted + LAG_FAR]
    known = (start * weight + _before(excess)) / (weight + _before(square[accepted:]))
    return np.clip(known, 0.0, 0.9)


def lag(z, lag):
    """(T, R) mean over cases of products of nights ``lag`` apart, 0 where there is none."""
    product = np.zeros(z.shape[:2], np.float32)
    product[lag:] = (z[lag:] * z[:-lag]).mean(-1)
    return product


def _widening(z, accepted, tuning):
    """(N, R) factors of the variance of the average and of the location."""
    later = len(z) - accepted
    if tuning.likeness is None:
        return np.ones((later, z.shape[1])), np.ones((later, z.shape[1]))
    r = _likeness(z, accepted, tuning.likeness)
    kept = 1.0 - tuning.weight
    return 1.0 + 2.0 * r * kept / (1.0 - kept / 2.0), 1.0 + 4.0 * r


def _case_charts(z, accepted, tuning, kind):
    """Normal score of the sum of squares, or the largest, of the cases' averages; (N, R)."""
    variance = _variance(z, accepted, tuning)
    average = np.zeros(z.shape[1:], np.float32)
    chart = np.empty(variance.shape)
    for night, tonight in enumerate(z[accepted:]):
        average += np.float32(tuning.weight) * (tonight - average)
        chart[night] = (average**2).mean(-1) if kind == "squares" else np.abs(average).max(-1)
    if kind == "squares":
        return wilson_hilferty(chart / variance, z.shape[-1])
    return chart / np.sqrt(variance)


def _variance(z, accepted, tuning):
    """(N, R) variance of an average about the accepted location, of a z of variance 1."""
    wide, wide_location = _widening(z, accepted, tuning)
    return tuning.weight / (2.0 - tuning.weight) * wide + wide_location / accepted


def _scalar_chart(x, accepted, tuning, least_sd):
    """EWMA of one number per night, upwards, in deviations of the average; (N, R)."""
    base = x[:accepted]
    centre = np.median(base, 0) if np.isfinite(tuning.radius) else base.mean(0)
    for _ in range(3 if np.isfinite(tuning.radius) else 1):
        spread = np.maximum(np.sqrt(((base - centre) ** 2).sum(0) / (accepted - 1)), least_sd)
        clipped = np.clip(base - centre, -2.0 * spread, 2.0 * spread)
        centre = centre + clipped.mean(0)
    z = (x - centre) / spread
    square = np.minimum(z**2, tuning.scalar_clip**2)
    z /= np.sqrt(np.maximum(_learn(square, accepted), (least_sd / spread) ** 2))
    z = np.clip(z, -tuning.scalar_clip, tuning.scalar_clip)
    variance = _variance(z[..., None], accepted, tuning)
    average, chart = np.zeros(x.shape[1]), np.empty(variance.shape)
    for night, tonight in enumerate(z[accepted:]):
        average += tuning.weight * (tonight - average)
        chart[night] = average
    return chart / np.sqrt(variance)

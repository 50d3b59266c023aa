"""Candidate charts: made-up years of nights through `contractcheck.stats.monitor`.

A monitor maps :class:`frontier_nights.Nights` to named charts (N, R) over the later nights; a
chart's year alarms when it passes its threshold. The robust charts are those of the package, the
chosen ones with its own tunings; the plain ones, as textbooks have them, are here beside them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from contractcheck.stats import monitor
from contractcheck.stats.monitor_nights import TUNINGS, Tuning
from contractcheck.stats.monitor_scale import LEAST_LATENCY_SD
from contractcheck.stats.night_scores import wilson_hilferty

CHARTS = (
    "outputs squares",
    "outputs largest",
    "outputs mean",
    "conformance largest",
    "conformance mean",
    "latency",
)
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


def streams(nights):
    """The package's nights of each plane; of latency one per kind of time."""
    made = {}
    for plane in ("outputs", "conformance"):
        values = to_angles(getattr(nights, plane))
        centre = values[: nights.accepted].mean(0)
        variance = sampling_variance(centre, nights.accepted).astype(np.float32)
        variances = np.broadcast_to(variance, values.shape)
        made[plane] = monitor.Nights(values=values, variances=variances, accepted=nights.accepted)
    latency = nights.latency.astype(np.float32)
    for place in range(latency.shape[-1]):
        one = latency[..., place : place + 1]
        made[f"latency {place}"] = monitor.Nights(
            values=one, variances=np.zeros_like(one), accepted=nights.accepted
        )
    return made


def chosen():
    """Names of the charts that judge, with their tunings."""
    return {
        _name(plane, kind): one for plane, kinds in TUNINGS.items() for kind, one in kinds.items()
    }


def _name(plane, kind):
    return plane if plane == "latency" else f"{plane} {kind}"


def robust(nights, tunings):
    """The package's charts, (N, R) each; of latencies the slower one.

    Args:
        nights: Years.
        tunings: From each of ``CHARTS`` that is wanted to how it is made.
    """
    charts = {}
    for stream, one in streams(nights).items():
        plane = stream.partition(" ")[0]
        named = {kind: _name(plane, kind) for kind in TUNINGS[plane]}
        wanted = {kind: tunings[name] for kind, name in named.items() if name in tunings}
        for chart in monitor.make_charts(one, plane, {}, tunings=wanted):
            name = _name(plane, chart.kind)
            charts[name] = np.maximum(charts.get(name, -np.inf), chart.values)
    return charts


def plain(nights, weight):
    """Averages about the accepted mean in units of the accepted nights' one dispersion."""
    charts = {}
    factor = weight / (2.0 - weight) + 1.0 / nights.accepted
    for stream, one in streams(nights).items():
        plane = stream.partition(" ")[0]
        base = one.values[: one.accepted]
        away = one.values - base.mean(0)
        if plane == "latency":
            sd = np.maximum(base.std(0, ddof=1), LEAST_LATENCY_SD)
            level = _average(away / sd, one.accepted, weight)[..., 0] / np.sqrt(factor)
            charts["latency"] = np.maximum(charts.get("latency", -np.inf), level)
            continue
        z = away / np.sqrt(one.variances)
        square = (z[: one.accepted] ** 2).mean(-1).sum(0) / (one.accepted - 1)
        z /= np.sqrt(np.maximum(square, 0.8))[:, None]
        average = _average(z, one.accepted, weight) / np.sqrt(factor)
        total = z.sum(-1) / np.sqrt(z.shape[-1])
        sd = np.maximum(total[: one.accepted].std(0, ddof=1), 1.0)
        mean = _average(total / sd, one.accepted, weight) / np.sqrt(factor)
        if plane == "outputs":
            charts["outputs squares"] = wilson_hilferty((average**2).mean(-1), z.shape[-1])
        charts[f"{plane} largest"] = (np.abs(average) if plane == "outputs" else -average).max(-1)
        charts[f"{plane} mean"] = np.abs(mean) if plane == "outputs" else -mean
    return charts


def _average(z, accepted, weight):
    average, every = np.zeros(z.shape[1:]), np.empty((len(z) - accepted, *z.shape[1:]))
    for night, tonight in enumerate(z[accepted:]):
        average += weight * (tonight - average)
        every[night] = average
    return every


def portfolio(weight):
    """The same weight for every chart, nothing supposed of the likeness of neighbours."""
    return dict.fromkeys(CHARTS, Tuning(weight=weight, radius=1.3))

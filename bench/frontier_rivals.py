"""Other monitors on the same nights: rules on the predictive t of one score per stream and night.

The streams are those that `judging` scores today, restated for years at once: outputs over all
cases, the most unusual case, conformance, two latencies.
"""

from __future__ import annotations

import numpy as np
from frontier_charts import SLOWER_BY_LESS, to_angles
from scipy.special import stdtr

from contractcheck.stats.monitor_scale import LEAST_LATENCY_SD
from contractcheck.stats.night_contrasts import Contrast, contrast_labels
from contractcheck.stats.night_rule import share_of_budget, two_night_threshold
from contractcheck.stats.night_scores import (
    CONFORMANCE_FLOOR_SD,
    WORST_CASE_FLOOR_SD,
    omnibus_floor_sd,
    omnibus_score,
    worst_case_score,
)


def night_t(scores, accepted):
    """Predictive t (N, R) of each stream, without floors."""
    return {name: _t(one, accepted, 1e-6)[1] for name, one in scores.items()}


def one_night(t):
    return t


def two_nights(t):
    return {name: np.minimum(one, _past(one, 1)) for name, one in t.items()}


def two_of_three(t):
    return {name: _ranked(one, 3, 2) for name, one in t.items()}


def three_of_five(t):
    return {name: _ranked(one, 5, 3) for name, one in t.items()}


def shiryaev_roberts(t, accepted):
    """Log of Shiryaev and Roberts' sum over calibrated p-values, e = p^(-1/2) / 2."""
    charts = {}
    for name, one in t.items():
        evidence = 0.5 / np.sqrt(np.maximum(stdtr(accepted - 1, -one), 1e-200))
        total, chart = np.zeros(one.shape[1]), np.empty(one.shape)
        for night, e in enumerate(evidence):
            total = np.minimum((total + 1.0) * e, 1e100)
            chart[night] = np.log(total)
        charts[name] = chart
    return charts


def as_today(scores, floors, accepted, *, budget):
    """The two-night rule of `judging`: floors, derived thresholds, margin; red above 0.

    Whether the second night shows what the first did is not asked, so its reds are upper figures.
    """
    share = share_of_budget(len(scores), budget=budget)
    threshold = two_night_threshold(nights=accepted, budget=share)
    charts = {}
    for name, one in scores.items():
        least = 0.0 if name in ("outputs", "worst case") else None
        mean, t = _t(one, accepted, floors[name], least)
        if name in ("ttft", "per token"):
            t = np.where(one[accepted:] - mean > SLOWER_BY_LESS, t, -np.inf)
        charts[name] = np.minimum(t, _past(t, 1)) - threshold
    return charts


def naive_nights(nights, *, level=0.05):
    """(N, R) nights on which a chi-square test of all outputs against the pooled baseline cries."""
    from scipy.stats import chi2

    accepted, answers = nights.accepted, nights.answers
    old, new = nights.outputs[:accepted].sum(0), nights.outputs[accepted:]
    total = answers * (accepted + 1)
    rate = (old + new) / total
    variance = rate * (1.0 - rate) * answers * accepted * answers / total
    difference = new - answers * rate
    known = variance > 0
    square = np.where(known, difference**2 / np.where(known, variance, 1.0), 0.0)
    return square.sum(-1) > chi2.ppf(1.0 - level, np.maximum(known.sum(-1), 1))


def score(nights):
    """(T, R) score and floor per stream, accepted nights against all others of them."""
    cases = _contrasts(nights.outputs, nights.accepted, nights.answers)
    scores = {
        "outputs": omnibus_score(cases),
        "worst case": worst_case_score(cases),
        "conformance": _conformance(nights.conformance, nights.accepted),
    }
    floors = {
        "outputs": omnibus_floor_sd(cases),
        "worst case": WORST_CASE_FLOOR_SD,
        "conformance": CONFORMANCE_FLOOR_SD,
    }
    for place, name in enumerate(("ttft", "per token")):
        scores[name] = nights.latency[..., place]
        floors[name] = LEAST_LATENCY_SD
    return scores, floors


def _contrasts(counts, accepted, answers):
    reference = np.broadcast_to(counts[:accepted].sum(0), counts.shape).copy()
    reference[:accepted] -= counts[:accepted]
    pooled = np.where(np.arange(len(counts)) < accepted, accepted - 1, accepted) * answers
    both = [
        np.stack([one, total - one], axis=-1)
        for one, total in ((counts, answers), (reference, pooled[:, None, None]))
    ]
    every = contrast_labels(*both)
    return [
        Contrast(ratio=every.ratio[..., case], dof=every.dof[..., case])
        for case in range(counts.shape[-1])
    ]


def _conformance(passed, accepted):
    """`conformance_score` for many years at once."""
    answers = 10
    fall = to_angles(passed[:accepted].mean(0)) - to_angles(passed)
    return 2.0 * np.sqrt(answers + 0.5) * fall.sum(-1) / np.sqrt(passed.shape[-1])


def _t(score, accepted, floor_sd, least_mean=None):
    base = score[:accepted]
    mean = base.mean(0)
    if least_mean is not None:
        mean = np.maximum(mean, least_mean)
    sd = np.maximum(base.std(0, ddof=1), floor_sd)
    return mean, (score[accepted:] - mean) / (sd * np.sqrt(1.0 + 1.0 / accepted))


def _past(t, nights):
    return np.concatenate([np.full_like(t[:nights], -np.inf), t[:-nights]])


def _ranked(t, window, rank):
    stack = np.stack([t] + [_past(t, back) for back in range(1, window)])
    return np.sort(stack, 0)[-rank]

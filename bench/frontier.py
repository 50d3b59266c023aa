"""False reds a year against detection delay: candidate monitors on simulated years of nights.

Every calibrated monitor has its thresholds from years of the fitted family (``gaussian``), for one
yearly budget over all its charts and planes; then fresh years of that family and of harsher ones
say what it costs, and changes say what it finds.

    python bench/frontier.py --accepted 10 > frontier.md
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import frontier_charts as charts
import frontier_nights as generated
import frontier_rivals as rivals
import numpy as np
from frontier_charts import CHARTS
from frontier_plot import draw

YEAR, WATCHED, BATCH = 365, 150, 50
BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
CHOSEN_BUDGET = 0.05
PASS_CHART_SHARE = 0.5  # of an output chart's share of the budget
SHARES = {name: PASS_CHART_SHARE for name in CHARTS if name.startswith("conformance")}
CHOSEN_NAME = "portfolio of robust EWMAs"
TODAY = "two nights, as judged by run"


EWMAS = {
    **{f"EWMA {w}": partial(charts.plain, weight=w) for w in (0.1, 0.2, 0.3)},
    **{
        f"robust EWMA {w}": partial(charts.robust, tunings=charts.portfolio(w))
        for w in (0.1, 0.2, 0.3)
    },
    CHOSEN_NAME: partial(charts.robust, tunings=charts.chosen()),
}
RULES = {
    "night-t, one night": rivals.one_night,
    "night-t, two nights": rivals.two_nights,
    "night-t, 2 of 3": rivals.two_of_three,
    "night-t, 3 of 5": rivals.three_of_five,
}
SUM = "Shiryaev-Roberts"
METHODS = (*EWMAS, *RULES, SUM, TODAY)


@dataclass(frozen=True, kw_only=True)
class Played:
    """Charts of every method: (N, R) per chart, or (R,) maxima.

    Attributes:
        charts: Per method and chart.
        naive: (R,) nights a year on which a naive test cries.
    """

    charts: dict[str, dict[str, np.ndarray]]
    naive: np.ndarray


def run_methods(nights, methods):
    """Charts of each method over the later nights."""
    accepted = nights.accepted
    scores, floors = rivals.score(nights)
    t = rivals.night_t(scores, accepted)
    for name in methods:
        if name in EWMAS:
            yield name, EWMAS[name](nights)
        elif name in RULES:
            yield name, RULES[name](t)
        elif name == SUM:
            yield name, rivals.shiryaev_roberts(t, accepted)
        else:
            yield name, rivals.as_today(scores, floors, accepted, budget=0.1)


def play(family, *, years, accepted, stream, nights=YEAR, change=None):
    """Play years in batches; charts are kept whole where something changes, else their maxima."""
    found, naive = {}, []
    for batch in range(years // BATCH):
        rng = np.random.default_rng([stream, batch, generated.FAMILIES.index(family), accepted])
        one = generated.play(
            family, years=BATCH, accepted=accepted, nights=nights, rng=rng, change=change
        )
        made = dict(run_methods(one, METHODS))
        naive.append(rivals.naive_nights(one).sum(0))
        for method, several in made.items():
            for name, chart in several.items():
                kept = chart.astype(np.float32) if change else chart.max(0)
                found.setdefault(method, {}).setdefault(name, []).append(kept)
    return Played(
        charts={method: _join(several) for method, several in found.items()},
        naive=np.concatenate(naive),
    )


def _join(parts):
    return {name: np.concatenate(several, -1) for name, several in parts.items()}


def thresholds(maxima, budget):
    """Per chart the threshold by which the chance of any red in a year is ``budget``."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2.0
        reds = is_red(maxima, _at(maxima, share)).mean()
        low, high = (share, high) if reds < budget else (low, share)
    return _at(maxima, low)


def _at(maxima, share):
    return {
        name: float(np.quantile(values, max(0.0, 1.0 - share * SHARES.get(name, 1.0))))
        for name, values in maxima.items()
    }


def is_red(found, limits):
    """Whether any chart is above its threshold, in the shape of the charts."""
    return np.any([found[name] > limits[name] for name in limits], axis=0)


def delays(found, limits):
    """Nights until the first red, counted from 1; infinite if none is."""
    over = is_red(found, limits)
    return np.where(over.any(0), over.argmax(0) + 1.0, np.inf)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One method at one budget and K: reds per family, delays per change (median, 80 %)."""

    reds: dict[str, float]
    delays: dict[str, tuple[float, float]]
    limits: dict[str, float]


def measure(accepted, options):
    """Figures per method and budget; unchanged years per family."""
    learnt = play("gaussian", years=options.calibration_years, accepted=accepted, stream=1)
    years = {
        family: play(family, years=options.years, accepted=accepted, stream=2)
        for family in generated.FAMILIES
    }
    changed = {
        name: play(
            "gaussian",
            years=options.changes,
            accepted=accepted,
            stream=3,
            nights=WATCHED,
            change=change,
        )
        for name, change in generated.CHANGES.items()
    }
    figures = {}
    for method in METHODS:
        for budget in BUDGETS if method != TODAY else (CHOSEN_BUDGET,):
            maxima = learnt.charts[method]
            limits = dict.fromkeys(maxima, 0.0) if method == TODAY else thresholds(maxima, budget)
            figures[method, budget] = Figures(
                reds={f: float(is_red(y.charts[method], limits).mean()) for f, y in years.items()},
                delays={n: _quantiles(c.charts[method], limits) for n, c in changed.items()},
                limits=limits,
            )
    return figures, years


def _quantiles(found, limits):
    waits = delays(found, limits)
    return tuple(float(np.quantile(waits, q, method="inverted_cdf")) for q in (0.5, 0.8))


def wilson_upper(share, n, z=1.96):
    middle = share + z**2 / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle + half) / (1 + z**2 / n)


def print_reds(accepted, figures, years, options):
    """Chance of any red in a year, per method and family."""
    print(f"\n### K = {accepted}: chance of any false red in 365 nights, {options.years:,} years\n")
    print("| monitor | " + " | ".join(generated.FAMILIES) + " |")
    print("|---" * (len(generated.FAMILIES) + 1) + "|")
    cells = [f"{(y.naive > 0).mean():.2f} ({y.naive.mean():.0f} nights)" for y in years.values()]
    print("| naive χ² at .05, any night | " + " | ".join(cells) + " |")
    for method in METHODS:
        reds = figures[method, CHOSEN_BUDGET].reds
        cells = [f"{red:.3f}" for red in reds.values()]
        if method == CHOSEN_NAME:
            cells = [f"**{r:.3f}** (≤ {wilson_upper(r, options.years):.3f})" for r in reds.values()]
        print(f"| {method} | " + " | ".join(cells) + " |")


ELSEWHERE = {
    "odd nights in spells of three": {"family": "spells"},
    "AR(1) .8": {"family": "ar .8"},
    "skewed nights": {"family": "skewed"},
    "10 cases": {"change": generated.Change(cases=10)},
    "20 cases": {"change": generated.Change(cases=20)},
    "100 cases": {"change": generated.Change(cases=100)},
    "dispersion 1.1": {"dispersion": 1.1},
    "dispersion 2": {"dispersion": 2.0},
}


def print_elsewhere(accepted, limits, options):
    """The chosen monitor with these thresholds where neither they nor the choice were made."""
    print(f"\n### K = {accepted}: the same thresholds elsewhere, {options.years:,} years\n")
    print("| nights | red | " + " | ".join(CHARTS) + " |")
    print("|---" * (len(CHARTS) + 2) + "|")
    for label, how in ELSEWHERE.items():
        usual = {"family": "gaussian", "years": options.years, "stream": 4}
        maxima = watch_chosen(accepted, **(usual | how))
        reds = is_red(maxima, limits)
        shares = [reds, *(maxima[name] > limits[name] for name in CHARTS)]
        print(f"| {label} | " + " | ".join(f"{share.mean():.3f}" for share in shares) + " |")


def watch_chosen(accepted, *, years, stream, **how):
    """Maxima of the chosen monitor's charts over unchanged years."""
    parts = {}
    for batch in range(years // BATCH):
        rng = np.random.default_rng([stream, batch, accepted])
        one = generated.play(years=BATCH, accepted=accepted, nights=YEAR, rng=rng, **how)
        for name, chart in EWMAS[CHOSEN_NAME](one).items():
            parts.setdefault(name, []).append(chart.max(0))
    return _join(parts)


def print_delays(accepted, figures, options):
    """Median delays, and by when four in five are found."""
    head = f"{options.changes} changes each"
    print(f"\n### K = {accepted}: nights until found, median (80 %), {head}\n")
    print("| monitor | " + " | ".join(generated.CHANGES) + " |")
    print("|---" * (len(generated.CHANGES) + 1) + "|")
    print("| aim | " + " | ".join(f"{aim:.0f}" for aim in generated.AIMS.values()) + " |")
    for method in METHODS:
        waits = figures[method, CHOSEN_BUDGET].delays.values()
        print(f"| {method} | " + " | ".join(f"{_n(m)} ({_n(late)})" for m, late in waits) + " |")


def _n(nights):
    return f"> {WATCHED}" if np.isinf(nights) else f"{nights:.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--calibration-years", type=int, default=3000)
    parser.add_argument("--changes", type=int, default=500, help="changed histories of each kind")
    parser.add_argument("--accepted", type=int, nargs="+", default=[5, 10, 20])
    options = parser.parse_args()
    for accepted in options.accepted:
        figures, years = measure(accepted, options)
        print_reds(accepted, figures, years, options)
        print_delays(accepted, figures, options)
        limits = figures[CHOSEN_NAME, CHOSEN_BUDGET].limits
        print(f"\nThresholds of the {CHOSEN_NAME}: ", end="")
        print(", ".join(f"{name} {limit:.2f}" for name, limit in limits.items()))
        print_elsewhere(accepted, limits, options)
        if accepted == 10:
            draw(figures, Path(__file__).with_name("frontier.svg"))


if __name__ == "__main__":
    main()

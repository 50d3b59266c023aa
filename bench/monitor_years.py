"""The monitor that judges, with the thresholds that are shipped, on years that are not theirs.

Reds a year by family of nights, naive testing beside them; nights until a change is found, and how
it is dated; what two consecutive nights add. Made-up nights of `frontier_nights.py`.

    nice python bench/monitor_years.py --accepted 10 20 > monitor_years.md
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import frontier_nights as generated
import frontier_rivals as rivals
import frontier_unstable as unstable
import numpy as np
from frontier_charts import streams, to_angles

from contractcheck.stats import monitor
from contractcheck.stats.dating import date_change
from contractcheck.stats.intervals import clopper_pearson

YEAR, WATCHED, BATCH = 365, 150, 50
BUDGET = 0.048  # of .10 half is kept in reserve, and .002 is for two nights
SHARES = {"outputs": 0.4, "conformance": 0.2, "latency 0": 0.2, "latency 1": 0.2}
QUIET_NIGHTS = 20  # before a change that is dated
OFF_GRID = ((6, 15), (8, 25), (12, 70), (17, 6), (25, 180), (45, 3))
FAST_BUDGETS = (0.0005, 0.002, 0.005)
LEAST_COSINE = 2.0 / np.sqrt(generated.CASES)
UNSEEN = ("spells", "ar .8", "skewed")
BIG = {
    "all cases, 40 points": generated.Change(outputs=(1.0, 0.4)),
    "half of the cases, 40 points": generated.Change(outputs=(0.5, 0.4)),
    "latency x 3": generated.Change(slower=3.0),
    "20 % from another model": generated.Change(other_model=0.2),
}


QUIET = {family: {"family": family} for family in (*generated.FAMILIES, *UNSEEN)}
ELSEWHERE = {
    **{
        f"{family}, {cases} cases": {"family": family, "change": generated.Change(cases=cases)}
        for cases in (3, 10, 25, 100)
        for family in ("gaussian", "episodic")
    },
    **{f"dispersion {size}": {"dispersion": size} for size in (1.1, 2.0)},
}


def watch(nights, budget=BUDGET):
    """(N, R) whether each stream is red on each night."""
    red = {}
    for stream, one in streams(nights).items():
        plane = stream.partition(" ")[0]
        charts = monitor.chart_stream(one, plane=plane, share=budget * SHARES[stream])
        red[stream] = np.any([chart.values > chart.threshold for chart in charts], axis=0)
    return red


def two_nights(nights, budget):
    """(N, R) red by two consecutive nights, without and with the second repeating the first."""
    scores, floors = rivals.score(nights)
    over = rivals.as_today(scores, floors, nights.accepted, budget=budget)
    red = {name: one > 0.0 for name, one in over.items()}
    values = to_angles(nights.outputs)
    variance = streams(nights)["outputs"].variances
    shift = (values - values[: nights.accepted].mean(0)) / np.sqrt(variance)
    shift = shift[nights.accepted - 1 :]
    product = (shift[1:] * shift[:-1]).sum(-1)
    length = np.sqrt((shift**2).sum(-1))
    cosine = product / np.maximum(length[1:] * length[:-1], 1e-9)
    worst = np.abs(shift[1:]).argmax(-1)[..., None]
    same = np.take_along_axis(shift[1:] * shift[:-1], worst, -1)[..., 0] > 0.0
    repeats = dict.fromkeys(red, True) | {"outputs": cosine > LEAST_COSINE, "worst case": same}
    bare = np.any(list(red.values()), axis=0)
    return bare, np.any([one & repeats[name] for name, one in red.items()], axis=0)


@dataclass(frozen=True, kw_only=True)
class Years:
    """What many years came to, per year.

    Attributes:
        red: By charts.
        unstable: Whether the baseline is called so.
        naive: Nights on which a naive test cries.
        fast: By two nights, per budget, without and with a repeat.
    """

    red: np.ndarray
    unstable: np.ndarray
    naive: np.ndarray
    fast: dict[float, tuple[np.ndarray, np.ndarray]]


def play_years(family, years, *, accepted, stream=1, fast=(), **how):
    """Years of 365 nights in which nothing changes."""
    red, flags, naive, quick = [], [], [], {budget: [] for budget in fast}
    for batch in range(years // BATCH):
        rng = np.random.default_rng([7, stream, batch, accepted])
        usual = {"family": family, "years": BATCH, "accepted": accepted, "nights": YEAR}
        one = generated.play(**usual, rng=rng, **how)
        red.append(np.any([over.any(0) for over in watch(one).values()], axis=0))
        flags.append(unstable.flag_baselines(*unstable.measure(one)))
        naive.append(rivals.naive_nights(one).sum(0))
        for budget in fast:
            quick[budget].append([rule.any(0) for rule in two_nights(one, budget)])
    return Years(
        red=np.concatenate(red),
        unstable=np.concatenate(flags),
        naive=np.concatenate(naive),
        fast={budget: tuple(np.concatenate(rows, -1)) for budget, rows in quick.items()},
    )


def play_changes(change, histories, *, accepted, fast=None, nights=WATCHED):
    """(R,) nights until a change is found, counted from 1, infinite if not in time."""
    waits = []
    for batch in range(histories // BATCH):
        rng = np.random.default_rng([8, batch, accepted])
        one = generated.play(
            "gaussian", years=BATCH, accepted=accepted, nights=nights, rng=rng, change=change
        )
        over = np.any(list(watch(one).values()), axis=0)
        if fast:
            over |= two_nights(one, fast)[1]
        waits.append(np.where(over.any(0), over.argmax(0) + 1.0, np.inf))
    return np.concatenate(waits)


def date_changes(change, histories, *, accepted):
    """Of each history that is red in time: nights off, whether the interval holds, its nights."""
    found = []
    for batch in range(histories // BATCH):
        one = generated.play(
            "gaussian",
            years=BATCH,
            accepted=accepted,
            nights=QUIET_NIGHTS + WATCHED // 2,
            rng=np.random.default_rng([9, batch, accepted]),
            change=change,
            begins=QUIET_NIGHTS,
        )
        found += date_reds(one)
    return np.array(found)


def date_reds(nights):
    """Date each history by the stream that is red first, unless that is before the change."""
    made = streams(nights)
    over = watch(nights)
    never = len(nights.outputs)
    reds = {name: np.where(one.any(0), one.argmax(0), never) for name, one in over.items()}
    seen = {
        name: monitor.deviations(one, plane=name.partition(" ")[0], learn_until=reds[name])
        for name, one in made.items()
    }
    found = []
    for place in range(nights.outputs.shape[1]):
        stream = min(reds, key=lambda name: reds[name][place])
        red = reds[stream][place]
        if QUIET_NIGHTS <= red < never:
            dated = date_change(seen[stream][:, place], until=int(red), accepted=nights.accepted)
            holds = dated.low <= QUIET_NIGHTS <= dated.high
            found.append((dated.began - QUIET_NIGHTS, holds, dated.high - dated.low + 1))
    return found


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(*cells):
    row(*cells)
    row(*["---"] * len(cells))


def rate_off_grid(plane, *, accepted, cases, share, years):
    """Chance of any red of one stream at a cell that the table may not have."""
    red = []
    for batch in range(years // BATCH):
        one = generated.play(
            "gaussian",
            years=BATCH,
            accepted=accepted,
            nights=YEAR,
            rng=np.random.default_rng([10, batch, accepted, cases]),
            change=generated.Change(cases=cases),
            any_suite=True,
        )
        charts = monitor.chart_stream(streams(one)[plane], plane=plane.split()[0], share=share)
        red.append(np.any([chart.values > chart.threshold for chart in charts], axis=(0, 1)))
    return np.concatenate(red)


def print_grid(_, options):
    """Rates where the table is interpolated."""
    print(f"\nShare .05, between the table's cells, {options.years:,} years\n")
    head("plane", *(f"K = {k}, {c} cases" for k, c in OFF_GRID))
    for plane in ("outputs", "conformance", "latency 0"):
        cells = [
            rate_off_grid(plane, accepted=k, cases=c, share=0.05, years=options.years)
            for k, c in OFF_GRID
        ]
        row(plane.replace("latency 0", "one latency"), *(share_of(cell) for cell in cells))


def share_of(which):
    """A share, and its upper 95 % limit."""
    limit = clopper_pearson(int(which.sum()), len(which), 0.9).high
    return f"{which.mean():.3f} (≤ {limit:.3f})"


def quantiles(waits):
    middle, late = (np.quantile(waits, q, method="inverted_cdf") for q in (0.5, 0.8))
    return f"{_nights(middle)} ({_nights(late)})"


def _nights(wait):
    return f"> {WATCHED}" if np.isinf(wait) else f"{wait:.0f}"


def print_years(accepted, options):
    print(f"\nK = {accepted}: chance of any false red in 365 nights, {options.years:,} years\n")
    head("family", "red", "called unstable", "red, not called so", "naive, any night")
    for name, how in (QUIET | (ELSEWHERE if accepted == 10 else {})).items():
        usual = {"family": "gaussian", "accepted": accepted}
        found = play_years(years=options.years, **(usual | how))
        naive = f"{(found.naive > 0).mean():.2f} ({found.naive.mean():.0f} nights)"
        sober = share_of(found.red & ~found.unstable)
        row(name, share_of(found.red), f"{found.unstable.mean():.3f}", sober, naive)


def print_changes(accepted, options):
    print(f"\nK = {accepted}: nights until found, median (80 %), {options.changes} histories; ")
    print(f"dated after {QUIET_NIGHTS} quiet nights\n")
    head("change", "aim", "found", "dated within a night", "interval holds", "interval's nights")
    for name, change in generated.CHANGES.items():
        waits = play_changes(change, options.changes, accepted=accepted)
        off, holds, wide = date_changes(change, options.changes, accepted=accepted).T
        within = f"{(np.abs(off) <= 1).mean():.2f}"
        aim = f"{generated.AIMS[name]}"
        row(name, aim, quantiles(waits), within, f"{holds.mean():.2f}", f"{np.median(wide):.0f}")


def print_fast(accepted, options):
    print(f"\nK = {accepted}: two nights, all streams together; without / with a repeat\n")
    head(
        "family",
        "charts",
        *(f"{one}" for one in FAST_BUDGETS),
        *(f"charts or {b}" for b in FAST_BUDGETS),
    )
    for family in generated.FAMILIES:
        found = play_years(family, options.years, accepted=accepted, fast=FAST_BUDGETS)
        alone = [" / ".join(f"{red.mean():.3f}" for red in found.fast[b]) for b in FAST_BUDGETS]
        both = [f"{(found.red | found.fast[b][1]).mean():.3f}" for b in FAST_BUDGETS]
        row(family, f"{found.red.mean():.3f}", *alone, *both)
    print()
    head("change", "charts", *(f"charts or {b}" for b in FAST_BUDGETS))
    for name, change in (generated.CHANGES | BIG).items():
        cells = [
            quantiles(play_changes(change, options.changes, accepted=accepted, fast=fast))
            for fast in (None, *FAST_BUDGETS)
        ]
        row(name, *cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=500, help="changed histories of each kind")
    parser.add_argument("--accepted", type=int, nargs="+", default=[10])
    parser.add_argument("--only", choices=("years", "changes", "fast", "grid"))
    options = parser.parse_args()
    shown = {"years": print_years, "changes": print_changes, "fast": print_fast}
    shown["grid"] = print_grid
    for accepted in options.accepted:
        for name, show in shown.items():
            if options.only in (None, name):
                show(accepted, options)


if __name__ == "__main__":
    main()

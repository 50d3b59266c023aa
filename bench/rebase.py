"""Years after a re-base: one to ten nights say where the provider stands, ten older ones the scale.

Reds a year on unchanged nights by family, and nights until a second change is found that begins
five nights after the re-base; beside them a baseline of ten nights that was never re-based. Made-up
nights of `frontier_nights.py`; values, charts and thresholds are those that judge.

    nice python bench/rebase.py > rebase.md
"""

from __future__ import annotations

import argparse
from functools import lru_cache

import frontier_nights as generated
import numpy as np
from monitor_years import BUDGET, SHARES, YEAR

from contractcheck.stats import monitor
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.monitor_nights import TUNINGS
from contractcheck.stats.night_coordinates import share_coordinate

OLD, BATCH, WATCHED, QUIET_NIGHTS = 10, 50, 150, 5
SINCE = (1, 2, 3, 5, 10)
PLACING, SUITES = (1, 2, 3, 4, 5, 7, 10), (10, 40, 150)
CHANGES = (
    "4 of 40 cases, 40 points",
    "8 of 40 cases, 20 points",
    "all cases, 5 points one way",
    "latency x 1.5",
    "5 % from another model",
)


def after_rebase(family, *, years, since, nights, rng, change=None, **how):
    """Streams of nights whose last ``since`` accepted ones lie after a change of every case."""
    change = change or generated.Change()
    usual = {"years": years, "rng": rng, "any_suite": how.pop("any_suite", False)}
    unchanged = generated.Change(cases=change.cases)
    old = generated.play(family, accepted=OLD, nights=0, change=unchanged, **usual)
    new = generated.play(family, accepted=since, nights=nights, change=change, **usual, **how)
    # Each case had another rate before.
    pairs = {
        "outputs": (old.outputs[..., ::-1], new.outputs),
        "conformance": (old.conformance[..., ::-1], new.conformance),
    }
    streams = {
        name: _join(_values(one, OLD), _values(other, since), since)
        for name, (one, other) in pairs.items()
    }
    for place in (0, 1):
        before, now = old.latency[..., place, None] + 1.0, new.latency[..., place, None]
        levels = (before, np.ones_like(before)), (now, np.ones_like(now))
        streams[f"latency {place}"] = _join(*levels, since)
    return streams


def _values(counts, accepted):
    """Values and variances of counts against the first nights, as the watch makes them."""
    answers = generated.ANSWERS
    pooled = counts[:accepted].sum(0)
    is_rare = pooled * 2 < accepted * answers  # then the other answer is the usual one
    pooled = np.where(is_rare, accepted * answers - pooled, pooled).astype(int)
    counts = np.where(is_rare, answers - counts, counts).astype(int)
    values, variances = _scale(accepted * answers)
    return values[pooled, counts], np.broadcast_to(variances[pooled], counts.shape)


@lru_cache(maxsize=8)
def _scale(pool):
    n = generated.ANSWERS
    pairs = np.array(
        [
            [share_coordinate(k, n, pooled=p, pool_n=pool) for k in range(n + 1)]
            for p in range(pool + 1)
        ]
    )
    return pairs[..., 0], pairs[:, 0, 1]


def _join(old, new, since):
    (before, old_variances), (now, variances) = old, new
    moved = before - before.mean(0) + now[:since].mean(0)
    return monitor.Nights(
        values=np.concatenate([moved, now]),
        variances=np.concatenate([old_variances, variances]),
        accepted=OLD + since,
        placed=since,
    )


def never(family, *, years, nights, rng, change=None, begins=0):
    """The same watch of ten accepted nights without a re-base."""
    made = generated.play(
        family, years=years, accepted=OLD, nights=nights, rng=rng, change=change, begins=begins
    )
    streams = {}
    for name in ("outputs", "conformance"):
        values, variances = _values(getattr(made, name), OLD)
        streams[name] = monitor.Nights(values=values, variances=variances, accepted=OLD)
    for place in (0, 1):
        level = made.latency[..., place, None]
        ones = np.ones_like(level)
        streams[f"latency {place}"] = monitor.Nights(values=level, variances=ones, accepted=OLD)
    return streams


def watch(streams):
    """(N, R) whether each stream is red."""
    red = {}
    for name, nights in streams.items():
        plane = name.partition(" ")[0]
        charts = monitor.chart_stream(nights, plane=plane, share=BUDGET * SHARES[name])
        red[name] = np.any([chart.values > chart.threshold for chart in charts], axis=0)
    return red


def play_years(family, years, *, since, stream=0):
    """Per stream (R,) whether an unchanged year is red; ``since`` None is never re-based."""
    found = []
    for rng, count in _batches(years, stream, since or 0):
        made = (
            never(family, years=count, nights=YEAR, rng=rng)
            if since is None
            else after_rebase(family, years=count, since=since, nights=YEAR, rng=rng)
        )
        found.append({name: red.any(0) for name, red in watch(made).items()})
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def play_changes(name, years, *, since, stream=1):
    """(R,) nights until a second change is found; ``WATCHED`` when it is not; NaN if red before."""
    change = generated.CHANGES[name]
    waits = []
    for rng, count in _batches(years, stream, since or 0):
        common = {
            "years": count,
            "nights": QUIET_NIGHTS + WATCHED,
            "rng": rng,
            "change": change,
            "begins": QUIET_NIGHTS,
        }
        made = (
            never("gaussian", **common)
            if since is None
            else after_rebase("gaussian", since=since, **common)
        )
        red = np.any(list(watch(made).values()), axis=0)
        after = red[QUIET_NIGHTS:]
        wait = np.where(after.any(0), after.argmax(0) + 1.0, WATCHED + 1.0)
        waits.append(np.where(red[:QUIET_NIGHTS].any(0), np.nan, wait))
    return np.concatenate(waits)


def _batches(years, *key):
    for number, start in enumerate(range(0, years, BATCH)):
        yield np.random.default_rng([2026, *key, number]), min(BATCH, years - start)


def year_maxima(cases, years, *, since):
    """Per plane and chart (R,) the year's maximum as a share of the usual threshold."""
    found = {}
    for rng, count in _batches(years, 2, since, cases):
        change = generated.Change(cases=cases)
        for name, nights in after_rebase(
            "gaussian",
            years=count,
            since=since,
            nights=YEAR,
            rng=rng,
            change=change,
            any_suite=True,
        ).items():
            plane = name.partition(" ")[0]
            limits = {
                kind: monitor.threshold(
                    plane, kind, accepted=nights.accepted, cases=cases, share=BUDGET * SHARES[name]
                )
                for kind in TUNINGS[plane]
            }
            for chart in monitor.make_charts(nights, plane, limits):
                ratio = chart.values.max(0) / chart.threshold
                found.setdefault((name, chart.kind), []).append(ratio)
    return {key: np.concatenate(ratios) for key, ratios in found.items()}


def print_factors(years):
    """What `stats/rebased_thresholds.py` holds: the largest over suites of several sizes."""
    print(f"\nQuantile of a year's maximum by the usual threshold, {years} years:\n")
    for since in PLACING:
        largest = {}
        for cases in SUITES:
            for (name, kind), ratios in year_maxima(cases, years, since=since).items():
                plane = name.partition(" ")[0]
                share = BUDGET * SHARES[name] / len(TUNINGS[plane])
                level = float(np.quantile(ratios, 1.0 - share, method="higher"))
                largest[plane, kind] = max(largest.get((plane, kind), 0.0), level)
        print(since, {key: round(level, 3) for key, level in largest.items()}, flush=True)


def print_rates(years):
    print(f"\nChance of any red in {YEAR} unchanged nights after a re-base, {years} years:\n")
    names = ["never re-based", *(f"{count} since" for count in SINCE)]
    print(f"| family | {' | '.join(names)} |")
    print("|---|" + "---|" * len(names))
    for family in generated.FAMILIES:
        cells = []
        for since in (None, *SINCE):
            red = play_years(family, years, since=since)
            any_red = np.any(list(red.values()), axis=0)
            high = clopper_pearson(int(any_red.sum()), years).high
            cells.append(f"{any_red.mean():.3f} (≤ {high:.3f})")
        print(f"| {family} | {' | '.join(cells)} |", flush=True)


def print_delays(years):
    print("\nNights until a second change is found, median (80 %):\n")
    names = ["never re-based", *(f"{count} since" for count in SINCE)]
    print(f"| change | {' | '.join(names)} |")
    print("|---|" + "---|" * len(names))
    for name in CHANGES:
        cells = []
        for since in (None, *SINCE):
            waits = play_changes(name, years, since=since)
            found = waits[np.isfinite(waits)]
            middle, late = (np.quantile(found, q, method="higher") for q in (0.5, 0.8))
            cells.append(f"{_night(middle)} ({_night(late)})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _night(value):
    return f"> {WATCHED}" if value > WATCHED else f"{value:.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument(
        "--factors", type=int, metavar="YEARS", help="only what thresholds take off"
    )
    arguments = parser.parse_args()
    if arguments.factors:
        print_factors(arguments.factors)
        raise SystemExit
    print("# After a re-base")
    print_rates(arguments.years)
    print_delays(arguments.changes)

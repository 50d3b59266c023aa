"""Make `contractcheck/stats/monitor_thresholds.json`: what a quiet year's maximum seldom exceeds.

Years of the fitted family of `frontier_nights.py`, in which nothing changes; which cases waver is
drawn anew for each year. Location, scale and likeness are estimated in each as they are in life.
A table's share is the chance of any red of all charts of one stream, each chart having the same.

    nice -n 19 python bench/monitor_thresholds.py
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import frontier_nights as generated
import numpy as np
from frontier_charts import streams

import contractcheck.stats
from contractcheck.stats import monitor
from contractcheck.stats.baseline_fitness import ERRORS, measure_baseline
from contractcheck.stats.monitor_nights import TUNINGS

ACCEPTED = (5, 7, 10, 14, 20, 30, 60)
CASES = (1, 2, 4, 10, 20, 40, 100, 300)
SHARES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1)
ERRORS_OF_TESTS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
LEAST_CHANCE = 5e-4
FIRM_SHARE = 0.01  # least whose chance of any red is counted; below, the charts' own tails go on
WIDEST_SHARE = 0.25  # a tail is fitted up to
LATENCY_CASES = 10  # of the years whose latencies are used: they have nothing to do with cases
YEAR, BATCH_CELLS, SEED = 365, 2000, 20


def simulate(cases, years):
    """Maxima of a year by (K, plane) and kind, and figures of the baseline by (K, test)."""
    maxima, baselines = {}, {}
    batch = max(10, BATCH_CELLS // cases)
    batch = min(batch, 200)
    for number in range(-(-years // batch)):
        whole = generated.play(
            "gaussian",
            years=batch,
            accepted=max(ACCEPTED),
            nights=YEAR,
            rng=np.random.default_rng([SEED, cases, number]),
            change=generated.Change(cases=cases),
            any_suite=True,
        )
        for accepted in ACCEPTED:
            for stream, one in streams(last(whole, accepted)).items():
                plane = stream.partition(" ")[0]
                if plane == "latency" and cases != LATENCY_CASES:
                    continue
                for chart in monitor.make_charts(one, plane, {}):
                    key = accepted, plane, chart.kind
                    maxima.setdefault(key, []).append(chart.values.max(0))
                if plane == "outputs":
                    for test, figure in measure_baseline(one).items():
                        largest = figure if figure.ndim == 1 else figure.max(-1)
                        baselines.setdefault((accepted, test), []).append(largest)
    return _join(maxima), _join(baselines)


def last(nights, accepted):
    """The same years, had only the last nights before them been accepted."""
    dropped = nights.accepted - accepted
    return generated.Nights(
        outputs=nights.outputs[dropped:],
        conformance=nights.conformance[dropped:],
        latency=nights.latency[dropped:],
        accepted=accepted,
    )


def _join(parts):
    return {key: np.concatenate(several) for key, several in parts.items()}


def fit_tail(maxima):
    """Quantile by chance: a parabola in the logarithm, through the upper quarter of maxima.

    It rises ever slower towards small chances, or straight where so few years would have it bend
    the other way.
    """
    chances = np.geomspace(8.0 / len(maxima), WIDEST_SHARE, 40)
    heights = np.quantile(maxima, 1.0 - chances)
    precision = np.sqrt(chances * len(maxima))  # of the logarithm of a chance
    for degree in (2, 1):
        tail = np.poly1d(np.polyfit(np.log(chances), heights, degree, w=precision))
        if tail.deriv(2)(0.0) <= 0.0 and tail.deriv()(np.log(LEAST_CHANCE)) < 0.0:
            break
    return tail


def thresholds(kinds):
    """From each kind to its thresholds by share, if each has the same chance.

    Args:
        kinds: From each kind to the maxima (R,) of the same years.
    """
    tails = {kind: fit_tail(maxima) for kind, maxima in kinds.items()}

    def any_red(chance):
        over = [maxima > tails[kind](np.log(chance)) for kind, maxima in kinds.items()]
        return np.any(over, axis=0).mean()

    made = {kind: [] for kind in kinds}
    for share in SHARES:
        asked = max(share, FIRM_SHARE)
        low, high = asked / (len(kinds) + 1), asked * 1.5
        for _ in range(40):
            middle = np.sqrt(low * high)
            low, high = (middle, high) if any_red(middle) < asked else (low, middle)
        for kind, tail in tails.items():
            made[kind].append(round(float(tail(np.log(low * share / asked))), 3))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=4000)
    parser.add_argument("--years-of-many", type=int, default=1500, help="of 100 cases and more")
    parser.add_argument("--to", type=Path, default=Path(contractcheck.stats.__file__).parent)
    options = parser.parse_args()
    began_s = process_time()
    charts, baselines = {}, {test: [] for test in ERRORS}
    by_cases = {}
    for cases in CASES:
        by_cases[cases] = simulate(cases, options.years_of_many if cases >= 100 else options.years)
        print(f"{cases} cases: {(process_time() - began_s) / 60:.1f} minutes", flush=True)
    for accepted in ACCEPTED:
        for plane, kinds in TUNINGS.items():
            sizes = CASES if plane != "latency" else (LATENCY_CASES,)
            cells = [
                thresholds({kind: by_cases[size][0][accepted, plane, kind] for kind in kinds})
                for size in sizes
            ]
            for kind in kinds:
                charts.setdefault(f"{plane} {kind}", []).append([cell[kind] for cell in cells])
        for test in ERRORS:
            tails = [fit_tail(by_cases[size][1][accepted, test]) for size in CASES]
            baselines[test].append(
                [[round(float(tail(np.log(e))), 3) for e in ERRORS_OF_TESTS] for tail in tails]
            )
    document = {
        "version": 1,
        "made_by": "bench/monitor_thresholds.py",
        "seed": SEED,
        "years": [options.years_of_many if cases >= 100 else options.years for cases in CASES],
        "nights": YEAR,
        "supposes": {
            "dispersion": generated.DISPERSION,
            "common": generated.COMMON,
            "answers": generated.ANSWERS,
            "latency_sd": generated.LATENCY_SD,
        },
        "accepted": ACCEPTED,
        "cases": CASES,
        "shares": SHARES,
        "errors": ERRORS_OF_TESTS,
        "charts": charts,
        "baselines": baselines,
    }
    path = options.to / "monitor_thresholds.json"
    path.write_text(_pretty(document), "utf-8")
    print(f"{path}: {path.stat().st_size:,} bytes, {(process_time() - began_s) / 60:.0f} minutes")


def _pretty(document):
    """One line per name, and per K within a chart."""
    lines = []
    for name, value in document.items():
        if name in ("charts", "baselines"):
            rows = [
                f'    "{key}": [\n      ' + ",\n      ".join(map(json.dumps, grid)) + "\n    ]"
                for key, grid in value.items()
            ]
            lines.append(f'  "{name}": {{\n' + ",\n".join(rows) + "\n  }")
        else:
            lines.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()

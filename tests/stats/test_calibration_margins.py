"""Error rates of the exact methods of rates and latency, and coverage of their intervals.

As in ``test_calibration``: the randomised p is held against the uniform distribution, the reported
p may only be larger, an interval may only cover more often than it says, and power keeps all of it
from being vacuous. Short forms have fixed seeds; long ones (`-m calibration`) draw one and print it.
"""

import math
import zlib

import numpy as np
import pytest
import scipy.stats

from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.latency import TimedTrial
from contractcheck.stats.methods import LATENCY_METHODS, RATE_METHODS
from contractcheck.stats.rate_dispersion import measure_dispersion
from contractcheck.stats.rate_scores import Tables, score_bounds
from contractcheck.stats.rates import RateCase

# Per design: cases and their (baseline, candidate) sizes.
RATE_DESIGNS = {
    "one-by-one": [(1, 1)] * 30,
    "two": [(2, 2)] * 12,
    "five": [(5, 5)] * 8,
    "ten": [(10, 10)] * 5,
    "twenty": [(20, 20)] * 3,
    "one-case": [(10, 10)],
    "one-small-case": [(3, 3)],
    "unequal": [(12, 3)] * 6,
    "mixed": [(1, 1), (1, 4), (10, 2), (5, 5), (1, 1), (2, 3)],
    "two-hundred-cases": [(1, 1)] * 200,
}
# Blocks and cases; the last one with some of its trials missing.
LATENCY_DESIGNS = {
    "one-block": (1, 5, 0.0),
    "five-blocks": (5, 3, 0.0),
    "one-case": (10, 1, 0.0),
    "ten-blocks": (10, 4, 0.0),
    "twenty-blocks": (20, 2, 0.0),
    "missing": (12, 3, 0.3),
}


def seeded(*names):
    return np.random.default_rng(zlib.crc32("/".join(names).encode()))


def drawn(request):
    """A generator with a new seed, which the log names."""
    entropy = np.random.SeedSequence().entropy
    print(f"{request.node.name}: seed {entropy}")  # noqa: T201 - the nightly log is where seeds are read
    return np.random.default_rng(entropy)


def rate_cases(sizes, rng, shift=0.0):
    cases = []
    for number, (n, m) in enumerate(sizes):
        rate = (0.5, 0.8, 0.97)[number % 3]
        cases.append(
            RateCase(
                case=str(number),
                baseline_events=int(rng.binomial(n, rate)),
                n_baseline=n,
                candidate_events=int(rng.binomial(m, max(rate + shift, 0.0))),
                n_candidate=m,
            )
        )
    return cases


def timed_sides(design, rng, ratio=1.0, correlation=0.6):
    """Two interleaved sides; steps make ties, and neighbours in a block depend on each other."""
    n_blocks, n_cases, missing = design
    sides = []
    for factor in (1.0, ratio):
        steps = rng.standard_t(3, (n_blocks, n_cases))
        for case in range(1, n_cases):
            steps[:, case] += correlation * steps[:, case - 1]
        logs = np.round(0.3 * steps, 1) + math.log(factor)
        kept = rng.random(logs.shape) >= missing
        kept[0, 0] = True
        sides.append(
            [
                TimedTrial(
                    case=str(case),
                    block=block,
                    latency_s=math.inf if logs[block, case] > 2 else math.exp(logs[block, case]),
                )
                for block, case in np.argwhere(kept).tolist()
            ]
        )
    return sides


def check_null(results, rng, *, exact=True):
    """Randomised p uniform, reported p larger; returns the share of reported p at most .05."""
    n = len(results)
    p, mid_p = (np.array([getattr(result, name) for result in results]) for name in ("p", "mid_p"))
    assert np.all((p > 0) & (p <= 1))
    assert np.all((mid_p > 0) & (mid_p <= p))
    if exact:
        randomised = p - 2 * (p - mid_p) * rng.random(n)
        assert scipy.stats.kstest(randomised, "uniform").pvalue >= 1e-4
    for level in (0.05, 0.1, 0.25, 0.5):
        cried = int(np.sum(p <= level + 1e-9))
        assert clopper_pearson(cried, n, 0.9999).low <= level
    return float(np.mean(p <= 0.05))


def check_rates_null(method, design, rng, n_simulations):
    results = [
        RATE_METHODS[method].compare(rate_cases(RATE_DESIGNS[design], rng))
        for _ in range(n_simulations)
    ]
    named = sum(min(case.p_adjusted for case in result.cases) <= 0.05 for result in results)
    assert clopper_pearson(named, n_simulations, 0.9999).low <= 0.05
    missed = sum(not result.low <= 0 <= result.high for result in results)
    assert clopper_pearson(missed, n_simulations, 0.9999).low <= 0.05
    return check_null(results, rng)


def check_latency_null(method, design, rng, n_simulations):
    results = [
        LATENCY_METHODS[method].compare(*timed_sides(LATENCY_DESIGNS[design], rng))
        for _ in range(n_simulations)
    ]
    missed = sum(not result.low <= 1 <= result.high for result in results)
    assert clopper_pearson(missed, n_simulations, 0.9999).low <= 0.05
    return check_null(results, rng, exact=LATENCY_METHODS[method].exact)


@pytest.mark.parametrize("design", RATE_DESIGNS)
@pytest.mark.parametrize("method", RATE_METHODS)
def test_p_of_rates_is_uniform_under_no_change(method, design):
    n_simulations = 12 if design == "two-hundred-cases" else 60
    check_rates_null(method, design, seeded(method, design), n_simulations)


@pytest.mark.parametrize("design", LATENCY_DESIGNS)
@pytest.mark.parametrize("method", LATENCY_METHODS)
def test_p_of_latency_is_uniform_under_no_change(method, design):
    check_latency_null(method, design, seeded(method, design), 100)


# Floors are well below what was measured.
RATE_POWER = [
    ("one-by-one", 0.4, 0.8),
    ("five", 0.3, 0.55),
    ("ten", 0.3, 0.7),
    ("twenty", 0.25, 0.7),
]
LATENCY_POWER = [("one-case", 2.0, 0.4), ("ten-blocks", 1.5, 0.3), ("twenty-blocks", 1.5, 0.5)]


@pytest.mark.parametrize(("design", "fall", "floor"), RATE_POWER)
@pytest.mark.parametrize("method", RATE_METHODS)
def test_a_fallen_rate_is_found(method, design, fall, floor):
    rng = seeded(method, design, "power")
    found = [
        RATE_METHODS[method].compare(rate_cases(RATE_DESIGNS[design], rng, -fall)).p <= 0.05
        for _ in range(40)
    ]
    assert np.mean(found) >= floor


@pytest.mark.parametrize(("design", "ratio", "floor"), LATENCY_POWER)
@pytest.mark.parametrize("method", LATENCY_METHODS)
def test_a_slower_side_is_found(method, design, ratio, floor):
    rng = seeded(method, design, "power")
    found = [
        LATENCY_METHODS[method].compare(*timed_sides(LATENCY_DESIGNS[design], rng, ratio)).p <= 0.05
        for _ in range(40)
    ]
    assert np.mean(found) >= floor


@pytest.mark.calibration
@pytest.mark.parametrize("design", RATE_DESIGNS)
@pytest.mark.parametrize("method", RATE_METHODS)
def test_p_of_rates_is_uniform_under_no_change_long(method, design, request):
    share = check_rates_null(method, design, drawn(request), 1000)
    print(f"{method} {design}: null at .05 {share}")  # noqa: T201 - the nightly log is where rates are read


@pytest.mark.calibration
@pytest.mark.parametrize("design", LATENCY_DESIGNS)
@pytest.mark.parametrize("method", LATENCY_METHODS)
def test_p_of_latency_is_uniform_under_no_change_long(method, design, request):
    share = check_latency_null(method, design, drawn(request), 2000)
    print(f"{method} {design}: null at .05 {share}")  # noqa: T201 - as above


RATE_FAMILIES = {
    "all alike": lambda cases: (np.full(cases, 0.5), np.full(cases, 0.5)),
    "near 1": lambda cases: (np.full(cases, 0.99), np.full(cases, 0.97)),
    "spread": lambda cases: (np.linspace(0.3, 1.0, cases),) * 2,
    "moved unevenly": lambda cases: (
        np.linspace(0.5, 0.95, cases),
        np.linspace(0.5, 0.95, cases) + np.where(np.arange(cases) % 2, 0.05, -0.2),
    ),
}


@pytest.mark.calibration
@pytest.mark.parametrize("family", RATE_FAMILIES)
@pytest.mark.parametrize(("cases", "n"), [(3, 5), (3, 20), (10, 1), (10, 10), (50, 1), (50, 20)])
def test_each_bound_of_a_difference_errs_no_more_than_stated_long(family, cases, n, request):
    rng, repeats = drawn(request), 4000
    old, new = RATE_FAMILIES[family](cases)
    shape = (repeats, cases)
    tables = Tables(
        baseline_events=rng.binomial(n, old, shape).astype(float),
        n_baseline=np.full(shape, float(n)),
        candidate_events=rng.binomial(n, new, shape).astype(float),
        n_candidate=np.full(shape, float(n)),
        weights=np.full(shape, 1 / cases),
        dispersion=np.ones(repeats),
    )
    truth = float(np.mean(new - old))
    for alpha in (0.05, 0.025, 0.005):
        low, high = score_bounds(tables, scipy.stats.norm.isf(alpha))
        errors = [int(np.sum(low > truth + 1e-9)), int(np.sum(high < truth - 1e-9))]
        shares = [missed / repeats for missed in errors]
        print(f"{family}, {cases} cases of {n}: at {alpha} one-sided {shares}")  # noqa: T201 - as above
        for missed in errors:
            assert clopper_pearson(missed, repeats, 0.9999).low <= 1.3 * alpha


@pytest.mark.calibration
@pytest.mark.parametrize(("n_blocks", "spread"), [(5, 0.0), (5, 1.0), (20, 0.0), (20, 0.6)])
def test_the_dispersion_is_covered_long(n_blocks, spread, request):
    rng, repeats = drawn(request), 500
    logits = np.linspace(0.5, 3.0, 20)

    def rates(times):
        return 1 / (1 + np.exp(-(logits + spread * rng.normal(size=(times, 1)))))

    many = rates(100_000)
    chance = (many.mean(axis=0) * (1 - many.mean(axis=0))).sum()
    truth = ((many * (1 - many)).sum(axis=1).mean() + many.sum(axis=1).var()) / chance
    ones = np.ones((n_blocks, logits.size), int)
    found = [
        measure_dispersion(rng.binomial(1, rates(n_blocks)), ones, rng=rng, permutations=199)
        for _ in range(repeats)
    ]
    covered = sum(one.low <= truth <= one.high for one in found)
    print(f"{n_blocks} blocks, dispersion {truth:.2f}: covered {covered / repeats}")  # noqa: T201 - as above
    assert clopper_pearson(covered, repeats, 0.9999).high >= 0.95
    if spread == 0.0:
        assert clopper_pearson(sum(one.p <= 0.05 for one in found), repeats, 0.9999).low <= 0.05

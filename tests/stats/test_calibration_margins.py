"""Bounds of a difference of rates and of a dispersion: they err no more often than they say.

Both exact tests, of rates and of latency, and their intervals under no change are in
``tests/calibration/test_methods.py``. Seeds are new and printed; ``CONTRACTCHECK_SEED`` repeats one.
"""

import os
import secrets

import numpy as np
import pytest
import scipy.stats

from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.rate_dispersion import measure_dispersion
from contractcheck.stats.rate_scores import Tables, score_bounds


def drawn(request):
    """A generator with a new seed, which the log names."""
    seed = int(os.environ.get("CONTRACTCHECK_SEED") or secrets.randbelow(10**6))
    print(f"{request.node.name}: seed {seed}")  # noqa: T201 - the nightly log is where seeds are read
    return np.random.default_rng(seed)


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
        print(f"{family}, {cases} cases of {n}: at {alpha} one-sided {shares}")  # noqa: T201 - the nightly log is where rates are read
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
    print(f"{n_blocks} blocks, dispersion {truth:.2f}: covered {covered / repeats}")  # noqa: T201 - the nightly log is where rates are read
    assert clopper_pearson(covered, repeats, 0.9999).high >= 0.95
    if spread == 0.0:
        assert clopper_pearson(sum(one.p <= 0.05 for one in found), repeats, 0.9999).low <= 0.05

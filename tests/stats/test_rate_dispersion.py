import itertools

import numpy as np
import pytest
import scipy.stats

from contractcheck.errors import UsageError
from contractcheck.stats.rate_dispersion import block_dispersion, measure_dispersion
from contractcheck.stats.rates import RateCase, difference_bounds


def blocks(rng, rates, n_blocks, spread, n=1):
    """Events by block and case; the logit of every case moves together from block to block."""
    logits = np.log(rates / (1 - rates)) + spread * rng.normal(size=(n_blocks, 1))
    return rng.binomial(n, 1 / (1 + np.exp(-logits)))


RATES = np.linspace(0.6, 0.95, 20)


def measured(seed, spread, *, n_blocks=10, repeats=120):
    rng = np.random.default_rng(seed)
    ones = np.ones((n_blocks, RATES.size), int)
    return [
        measure_dispersion(blocks(rng, RATES, n_blocks, spread), ones, rng=rng, permutations=79)
        for _ in range(repeats)
    ]


def test_independent_trials_have_dispersion_one():
    found = measured(1, 0.0)
    assert np.mean([one.estimate for one in found]) == pytest.approx(1.0, abs=0.15)
    for level in (0.05, 0.25):
        cried = sum(one.p <= level for one in found)
        assert scipy.stats.binomtest(cried, len(found), level, alternative="greater").pvalue > 1e-4
    covered = sum(one.low <= 1 <= one.high for one in found)
    assert scipy.stats.binomtest(covered, len(found), 0.94, alternative="less").pvalue > 1e-4


def test_rates_that_move_from_block_to_block_are_seen():
    found = measured(2, 1.0)
    assert np.mean([one.p <= 0.05 for one in found]) > 0.7
    assert np.mean([one.factor for one in found]) > 2


def test_the_mean_over_every_deal_is_exactly_one():
    # Two cases of two trials in two blocks, one event each: all four ways to deal them.
    trials = np.ones((2, 2), int)
    estimates = []
    for first, second in itertools.product(([1, 0], [0, 1]), repeat=2):
        events = np.transpose([first, second])
        found = measure_dispersion(events, trials, rng=np.random.default_rng(0), permutations=9)
        estimates.append(found.estimate)
    assert np.mean(estimates) == pytest.approx(1.0)


def test_the_mean_is_one_for_blocks_of_any_size():
    # Three events among blocks of 4, 1 and 2 trials, weighted by the chance of each deal.
    sizes = [4, 1, 2]
    mean = 0.0
    for deal in itertools.product(*(range(size + 1) for size in sizes)):
        if sum(deal) == 3:
            chance = scipy.stats.multivariate_hypergeom.pmf(deal, sizes, 3)
            mean += chance * block_dispersion(np.transpose([deal]), np.transpose([sizes]))
    assert mean == pytest.approx(1.0)


def test_what_moves_both_sides_alike_cancels_in_their_difference():
    rng = np.random.default_rng(3)
    logits = np.log(RATES / (1 - RATES)) + 1.5 * rng.normal(size=(40, 1))
    both = np.stack([rng.binomial(1, 1 / (1 + np.exp(-logits))) for _ in range(2)])
    ones = np.ones_like(both)
    alone = measure_dispersion(both[0], ones[0], rng=rng)
    difference = measure_dispersion(both, ones, rng=rng)
    assert alone.p <= 0.01
    assert difference.estimate < alone.estimate / 2


def test_nothing_varied_is_told_as_nothing_known():
    for events in (np.zeros((5, 3), int), np.ones((5, 3), int)):
        found = measure_dispersion(
            events, np.ones((5, 3), int), rng=np.random.default_rng(0), permutations=9
        )
        assert (found.estimate, found.p, found.factor) == (1.0, 1.0, 1.0)
        assert (found.low, found.high) == (0.0, np.inf)


def test_a_dispersed_difference_is_covered_once_its_bounds_are_widened():
    rng = np.random.default_rng(4)
    missed = {"as it is": 0, "widened": 0}
    repeats, n_blocks = 150, 20
    ones = np.ones((2, n_blocks, RATES.size), int)
    for _ in range(repeats):
        # Not interleaved: each side has block effects of its own.
        both = np.stack([blocks(rng, RATES, n_blocks, 0.8) for _ in range(2)])
        factor = measure_dispersion(both, ones, rng=rng, permutations=19).factor
        cases = [
            RateCase(
                case=str(i),
                baseline_events=int(old),
                n_baseline=n_blocks,
                candidate_events=int(new),
                n_candidate=n_blocks,
            )
            for i, (old, new) in enumerate(zip(*both.sum(axis=1), strict=True))
        ]
        for name, dispersion in (("as it is", 1.0), ("widened", factor)):
            bounds = difference_bounds(cases, alpha=0.025, dispersion=dispersion)
            missed[name] += not bounds.low <= 0 <= bounds.high
    # The factor is itself estimated, from 20 blocks: a little above the nominal 5 %.
    assert missed["widened"] <= 0.12 * repeats < 0.2 * repeats <= missed["as it is"]


def test_the_same_seed_gives_the_same_answer():
    events = blocks(np.random.default_rng(5), RATES, 6, 0.5)
    one, other = (
        measure_dispersion(events, np.ones_like(events), rng=np.random.default_rng(6))
        for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize(
    ("events", "trials", "words"),
    [
        ([[1, 0]], [[1, 1]], "one block"),
        ([[2], [0]], [[1], [1]], "more than trials"),
        ([1, 0], [1, 1], "shape"),
        ([[1], [0]], [[1, 1], [1, 1]], "shape"),
    ],
)
def test_impossible_requests_say_what_is_wrong(events, trials, words):
    with pytest.raises(UsageError, match=words):
        measure_dispersion(events, trials, rng=np.random.default_rng(0))

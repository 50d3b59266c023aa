"""Which baselines promise nothing."""

import numpy as np

from contractcheck.stats.baseline_fitness import examine
from contractcheck.stats.monitor import Nights


def play(seed, *, accepted=20, cases=10):
    return np.random.default_rng(seed).normal(0.0, np.sqrt(1.4), (accepted, cases))


def fitness(values):
    return examine(Nights(values=values, variances=np.ones_like(values), accepted=len(values)))


def test_few_steady_baselines_are_called_unstable_whatever_the_number_of_cases():
    for cases in (1, 3, 10, 60):
        called = sum(fitness(play(seed, cases=cases)).is_unstable for seed in range(150))
        assert called <= 18, f"{cases} cases: {called} of 150"


def test_a_case_between_two_levels_is_named():
    named = 0
    for seed in range(50):
        values = play(seed)
        values[8:16, 4] += 6.0
        found = fitness(values)
        named += found.unstable_cases == (4,) and found.is_unstable
    assert named >= 40


def test_nights_that_resemble_their_neighbours_are_called_so():
    called = 0
    for seed in range(50):
        values = play(seed, cases=20)
        for night in range(1, len(values)):
            values[night] = 0.8 * values[night - 1] + 0.6 * values[night]
        called += fitness(values).is_alike
    assert called >= 40


def test_later_nights_are_not_looked_at():
    values = play(1)
    longer = np.concatenate([values, values + 9.0])
    nights = Nights(values=longer, variances=np.ones_like(longer), accepted=20)
    assert examine(nights) == fitness(values)


def test_missing_and_constant_values_are_no_trouble():
    values = play(2)
    values[3:9, 0] = np.nan
    values[:, 1] = 0.5
    values[:, 2] = np.nan
    assert set(fitness(values).unstable_cases) <= set(range(10)) - {1, 2}
    nothing = fitness(np.full((10, 2), np.nan))
    assert nothing.unstable_cases == ()
    assert not nothing.is_unstable

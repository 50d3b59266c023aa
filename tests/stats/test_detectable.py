"""The minimum detectable effect, held against the power of the very test it speaks of."""

import math

import numpy as np
import pytest

from contractcheck.stats.detectable import detectable_effect


def test_the_effect_is_found_as_often_as_stated():
    rng = np.random.default_rng(0)
    found, n = 0, 4000
    half = 1.96 * math.sqrt(2 / 50)
    effect = detectable_effect(-half, half)
    for difference in rng.normal(effect, math.sqrt(2 / 50), n):
        found += not difference - half <= 0 <= difference + half
    assert found / n == pytest.approx(0.8, abs=0.03)


def test_a_ratio_is_worked_out_on_the_log_scale():
    plain = detectable_effect(math.log(0.8), math.log(1.5))
    assert detectable_effect(0.8, 1.5, is_ratio=True) == pytest.approx(math.exp(plain))


@pytest.mark.parametrize(
    ("low", "high", "is_ratio"),
    [(-math.inf, 1.0, False), (0.0, math.inf, False), (0.0, 1.2, True), (0.0, 0.0, False)],
)
def test_without_bounds_or_spread_nothing_is_claimed(low, high, is_ratio):
    assert detectable_effect(low, high, is_ratio=is_ratio) is None


def test_more_power_and_a_smaller_level_want_a_larger_effect():
    usual = detectable_effect(-1.0, 1.0)
    assert detectable_effect(-1.0, 1.0, power=0.95) > usual
    assert detectable_effect(-1.0, 1.0, alpha=0.001) > usual

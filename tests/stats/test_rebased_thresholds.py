"""Thresholds come down while few nights place the location, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.stats.monitor import Nights, chart_stream
from contractcheck.stats.monitor_nights import TUNINGS
from contractcheck.stats.rebased_thresholds import PLACING, relief

CHARTS = [(plane, kind) for plane, kinds in TUNINGS.items() for kind in kinds]


@pytest.mark.parametrize(("plane", "kind"), CHARTS)
def test_every_chart_has_a_factor_that_rises_to_one(plane, kind):
    factors = [relief(plane, kind, placed=placed) for placed in range(1, 31)]
    assert 0.0 < factors[0] < 1.0
    assert factors == sorted(factors)
    assert set(factors[PLACING[-1] - 1 :]) == {1.0}


def test_a_baseline_that_was_never_rebased_keeps_its_thresholds():
    draw = np.random.default_rng(5)
    values = draw.normal(size=(30, 12))
    ones = np.ones_like(values)
    made = {
        placed: chart_stream(
            Nights(values=values, variances=ones, accepted=12, placed=placed),
            plane="outputs",
            share=0.02,
        )
        for placed in (None, 12, 2)
    }
    usual, whole, few = ([chart.threshold for chart in made[key]] for key in made)
    assert usual == whole
    assert all(low < high for low, high in zip(few, usual, strict=True))

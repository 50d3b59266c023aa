"""Accepted and later nights are examined together once a week, however many there are."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from contractcheck.judging.baseline_health import examine_weekly
from contractcheck.judging.night_watch import Watched
from contractcheck.stats.baseline_fitness import Fitness
from contractcheck.stats.monitor import Chart, Nights

ACCEPTED, CASES = 10, 4


def jumping(later, last):
    """A case that steps every few nights between two levels, in a chart that is never red."""
    rng = np.random.default_rng(3)
    values = rng.normal(0.0, 1.0, (ACCEPTED + later, CASES))
    values[:, 0] += np.where(np.arange(len(values)) // 5 % 2, 6.0, -6.0)
    return Watched(
        stream="label",
        plane="outputs",
        rows=tuple(f"case-{i}" for i in range(CASES)),
        nights=Nights(values=values, variances=np.ones_like(values), accepted=ACCEPTED),
        later=tuple((last - timedelta(days=i)).isoformat() for i in reversed(range(later))),
        charts=(
            Chart(
                kind="squares",
                values=np.zeros(later),
                threshold=3.0,
                averages=np.zeros((later, CASES)),
            ),
        ),
        fitness=Fitness(unstable_cases=(), is_alike=False, is_unstable=False),
        unknown=(),
    )


@pytest.mark.parametrize("later", [14, 60, 500, 501])
def test_one_night_of_a_week_is_told_whatever_the_number_of_later_nights(later):
    first = date(2026, 5, 1)
    week = [examine_weekly([jumping(later, first + timedelta(days=day))]) for day in range(7)]
    (told,) = [found for found in week if found is not None]
    assert "case-0" in told.cases


def test_a_fortnight_comes_first():
    first = date(2026, 5, 1)
    week = [examine_weekly([jumping(13, first + timedelta(days=day))]) for day in range(7)]
    assert week == [None] * 7

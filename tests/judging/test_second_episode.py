"""A change after another one that ended: dated by itself, and held to the margin by itself."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from contractcheck.judging import watch_findings
from contractcheck.judging.dating import date_alarm
from contractcheck.judging.night_watch import Watched
from contractcheck.model.suite import Policy
from contractcheck.stats.baseline_fitness import Fitness
from contractcheck.stats.monitor import Nights, chart_stream

ACCEPTED, FIRST, QUIET, SECOND = 10, 20, 60, 6


def slow_twice(seed, ratio=1.7):
    """Latency that was slow for twenty nights, as accepted for sixty, and slow again for six."""
    rng = np.random.default_rng(seed)
    later = FIRST + QUIET + SECOND
    values = rng.normal(0.0, 0.08, (ACCEPTED + later, 5)) + rng.normal(
        0, 0.04, (ACCEPTED + later, 1)
    )
    values[ACCEPTED : ACCEPTED + FIRST] += np.log(ratio)
    values[-SECOND:] += np.log(ratio)
    nights = Nights(values=values, variances=np.zeros_like(values), accepted=ACCEPTED)
    return Watched(
        stream="ttft_s",
        plane="latency",
        rows=tuple(f"case-{i}" for i in range(5)),
        nights=nights,
        later=tuple(f"night-{i:02d}" for i in range(later)),
        charts=chart_stream(nights, plane="latency", share=0.01),
        fitness=Fitness(unstable_cases=(), is_alike=False, is_unstable=False),
        unknown=(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_second_of_two_slow_downs_is_dated_and_found(seed):
    one = slow_twice(seed)
    assert one.is_red
    assert one.over[:FIRST].any()
    dated = date_alarm([one], last_accepted="accepted")
    assert abs(dated.place - (FIRST + QUIET)) <= 1
    assert dated.since == one.later[dated.place]
    assert dated.before == one.later[dated.place - 1]
    scene = SimpleNamespace(
        last_accepted="accepted",
        policy=Policy(),
        sides=(),
        compare=lambda _nights: (),
        example_of=lambda _case: None,
    )
    (finding,) = watch_findings.find_chart_drift([one], scene)
    assert finding.plane == "latency"
    assert finding.comparison.estimate.effect > 1.25

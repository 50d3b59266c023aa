"""What a chart is said to see some nights after a change is what simulated charts come to."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.stats.monitor import Nights, chart_stream
from contractcheck.stats.monitor_sight import expect_chart

ACCEPTED, CASES, LATER = 10, 20, 7


def play(rng, shifts, plane, years):
    """Charts on the seventh night of a change of so many deviations per case."""
    width = len(shifts)
    values = rng.standard_normal((years, ACCEPTED + LATER, width))
    values[:, ACCEPTED:] += shifts
    scale = 0.1 if plane == "latency" else 1.0
    return [
        chart_stream(
            Nights(values=scale * one, variances=np.ones_like(one), accepted=ACCEPTED),
            plane=plane,
            share=0.02,
        )
        for one in values
    ]


@pytest.mark.parametrize(
    ("plane", "kind", "shifts"),
    [
        ("outputs", "squares", [0.8] * CASES),
        ("outputs", "squares", [2.0] * 4 + [0.0] * (CASES - 4)),
        ("outputs", "largest", [2.5] + [0.0] * (CASES - 1)),
        ("outputs", "mean", [0.5] * CASES),
        ("outputs", "mean", [-0.5] * CASES),
        ("conformance", "largest", [-3.0] + [0.0] * (CASES - 1)),
        ("conformance", "mean", [-0.5] * CASES),
        ("latency", "level", [2.0]),
    ],
)
def test_a_chart_stands_where_it_is_expected(plane, kind, shifts):
    rng = np.random.default_rng([len(kind), len(shifts)])
    played = play(rng, np.array(shifts), plane, 80)
    found = [next(c for c in charts if c.kind == kind).values[-1] for charts in played]
    scale = 0.1 if plane == "latency" else 1.0
    expected = expect_chart(
        scale * np.array(shifts),
        plane=plane,
        kind=kind,
        nights=LATER,
        accepted=ACCEPTED,
        level_sd=scale,
    )
    # A largest of many is a little above the one that moved; a scale of ten nights is rough.
    assert expected.value == pytest.approx(np.mean(found), abs=0.25 * max(2.0, expected.value))
    assert 0.5 < expected.sd / np.std(found) < 2.0


def test_a_longer_and_a_larger_change_stand_higher():
    def at(nights, shift):
        return expect_chart(
            [shift] * CASES, plane="outputs", kind="mean", nights=nights, accepted=ACCEPTED
        ).value

    assert at(3, 0.3) < at(7, 0.3) < at(30, 0.3)
    assert at(7, 0.2) < at(7, 0.3)
    assert at(7, 0.0) == 0.0


def test_a_bounded_night_ends_no_matter_how_large_the_change():
    once, twice = (
        expect_chart(
            [shift] * CASES, plane="outputs", kind="squares", nights=30, accepted=ACCEPTED
        ).value
        for shift in (10.0, 1000.0)
    )
    assert once == pytest.approx(twice)


def test_what_has_no_direction_is_no_part_of_a_mean():
    shifts = [1.0] * 5 + [-1.0] * 5
    terms = {"plane": "outputs", "kind": "mean", "nights": 7, "accepted": ACCEPTED}
    assert expect_chart(shifts, **terms).value == pytest.approx(0.0)
    directed = [True] * 5 + [False] * 5
    assert expect_chart(shifts, directed=directed, **terms).value > 1.0

"""What a night of a row says of so many changed answers, as drawn nights do."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.judging.night_scales import LatencyScale, scale_of
from contractcheck.judging.row_moves import moves_of
from contractcheck.model.night import LabelCell, NumberCell, RateCell

NIGHTS, ANSWERS, CLIP = 10, 10, 3.5


def labels(rng, share):
    new = rng.binomial(ANSWERS, share)
    usual = rng.binomial(ANSWERS - new, 0.9)
    return LabelCell(counts={"a": usual, "b": ANSWERS - usual})


def passes(rng, share):
    return RateCell(passed=int(rng.binomial(ANSWERS, 1.0 - share)), count=ANSWERS)


def lengths(rng, share):
    values = rng.lognormal(3.0, 0.3, ANSWERS)
    values[: rng.binomial(ANSWERS, share)] = 1e9
    return NumberCell(values=tuple(sorted(values)))


@pytest.mark.parametrize("make", [labels, passes, lengths])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_it_is_the_mean_of_drawn_nights(make, share):
    rng = np.random.default_rng([len(make.__name__), round(100 * share)])
    found = []
    for _ in range(30):
        scale = scale_of([make(rng, 0.0) for _ in range(NIGHTS)], is_latency=False)
        sd = np.sqrt(scale.measure(make(rng, 0.0))[""].variance)
        drawn = {
            of: np.mean(
                [
                    np.clip(scale.measure(make(rng, of))[""].value / sd, -CLIP, CLIP)
                    for _ in range(60)
                ]
            )
            for of in (0.0, share)
        }
        told = moves_of(scale, NIGHTS).expect(share, sd=sd, clip=CLIP)
        found.append((drawn[share] - drawn[0.0], told))
    drawn, told = np.mean(found, axis=0)
    assert told == pytest.approx(drawn, abs=0.1 * abs(drawn) + 0.08)


def test_nothing_changed_moves_nothing_and_more_moves_further():
    moves = moves_of(scale_of([RateCell(passed=100, count=100)], is_latency=False), NIGHTS)
    expected = [moves.expect(share, sd=0.04, clip=CLIP) for share in (0.0, 0.1, 0.5, 1.0)]
    assert expected[0] == 0.0
    assert expected == sorted(expected, reverse=True)
    # However many answers fail, a night says no more than its bound.
    assert expected[-1] >= -CLIP - 1.0


def test_a_latency_is_moved_by_no_answer():
    assert moves_of(LatencyScale(), NIGHTS) is None
    assert moves_of(None, NIGHTS) is None

import math

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.sensitivity import smallest_visible_share
from contractcheck.stats.two_sample import compare_samples

STREAMS = (Stream(metric="label", kind="label"), Stream(metric="text", kind="text"))


def design(n_cases, n, seed=0):
    rng = np.random.default_rng(seed)

    def side():
        labels = rng.choice(["low", "high"], n).tolist()
        return {"label": labels, "text": [f"priority is {x}" for x in labels]}

    return [CaseSample(case=str(i), baseline=side(), candidate=side()) for i in range(n_cases)]


def share(cases, seed=1, **settings):
    return smallest_visible_share(cases, STREAMS, rng=np.random.default_rng(seed), **settings)


def test_more_data_and_weaker_levels_see_smaller_changes():
    small, large = share(design(5, 5)), share(design(20, 10))
    assert 0 < large < small <= 1
    assert share(design(20, 10), alpha=0.01) >= large


def test_the_stated_share_is_found_with_about_the_stated_power():
    stated = share(design(12, 10))
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed + 100)
        changed = []
        for c in design(12, 10, seed=seed + 50):
            gone = rng.random(10) < stated
            replaced = {
                metric: [
                    f"new {metric}" if hit else value
                    for hit, value in zip(gone, values, strict=True)
                ]
                for metric, values in c.candidate.items()
            }
            changed.append(CaseSample(case=c.case, baseline=c.baseline, candidate=replaced))
        found += compare_samples(changed, STREAMS, rng=rng, permutations=199).p <= 0.05
    assert 0.55 <= found / 40 <= 1.0


def test_a_design_that_can_see_nothing_says_so():
    assert share(design(1, 1)) == math.inf
    assert share(design(3, 1)) == math.inf


def test_same_seed_same_share_whatever_the_order_of_the_cases():
    cases = design(8, 4)
    assert share(cases) == share(cases[::-1])


def test_levels_out_of_range_are_refused():
    with pytest.raises(UsageError, match="power is 1"):
        share(design(2, 2), power=1.0)

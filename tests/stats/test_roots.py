import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from contractcheck.errors import UsageError
from contractcheck.stats.roots import find_root

WITHIN = 1e-6
ROOTS = st.floats(-50, 50)
SHAPES = st.sampled_from(
    [
        lambda x: x,
        lambda x: x**3,
        lambda x: math.expm1(x / 7),
        lambda x: math.atan(20 * x),
        lambda x: math.copysign(abs(x) ** 0.2, x),
        lambda x: -math.tanh(x) - x / 1000,
        lambda x: 1e-170 * x,
    ]
)


@given(shape=SHAPES, root=ROOTS, below=st.floats(1e-3, 100), above=st.floats(1e-3, 100))
def test_a_root_is_found_as_closely_as_asked(shape, root, below, above):
    found = find_root(lambda x: shape(x - root), root - below, root + above, within=WITHIN)
    assert abs(found - root) <= WITHIN * (1 + 1e-6)


@given(shape=SHAPES, root=ROOTS, below=st.floats(1e-3, 100), above=st.floats(1e-3, 100))
def test_it_takes_the_steps_that_scipy_takes(shape, root, below, above):
    seen = {"ours": [], "theirs": []}

    def noted(who):
        return lambda x: seen[who].append(x) or shape(x - root)

    find_root(noted("ours"), root - below, root + above, within=WITHIN)
    brentq(noted("theirs"), root - below, root + above, xtol=WITHIN)
    assert seen["ours"] == pytest.approx(seen["theirs"], rel=1e-9, abs=1e-12)


def test_a_smooth_root_takes_far_fewer_steps_than_halving():
    seen = []
    find_root(lambda x: seen.append(x) or math.exp(-x) - 0.1, 0.0, 64.0, within=1e-9)
    assert len(seen) < math.log2(64 / 1e-9) / 2
    assert all(one != other for one, other in pairwise(seen))


@pytest.mark.parametrize(("low", "high"), [(0.0, 5.0), (-5.0, 0.0)])
def test_an_end_may_be_the_root(low, high):
    assert find_root(lambda x: x, low, high, within=WITHIN) == 0.0


@pytest.mark.parametrize("value", [1.0, -1.0, math.nan])
def test_ends_of_one_sign_are_refused(value):
    with pytest.raises(UsageError, match="the same sign at 0 and 1"):
        find_root(lambda _x: value, 0.0, 1.0, within=WITHIN)

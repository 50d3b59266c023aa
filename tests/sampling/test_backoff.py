import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.providers.failures import Remedy
from contractcheck.sampling.backoff import RetryPolicy


def drawing(seed):
    return random.Random(seed).random  # noqa: S311 - draws that can be made again


@settings(deadline=None)
@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_a_wait_lies_between_nothing_and_a_bound_that_doubles(failures, seed):
    policy = RetryPolicy(base_s=0.5, longest_s=30.0, share=drawing(seed))
    assert 0.0 <= policy.draw_wait_s(failures) <= policy.bound_s(failures) <= 30.0
    assert policy.bound_s(failures) == min(30.0, 0.5 * 2 ** (min(failures, 99) - 1))


def test_waits_use_the_whole_range():
    policy = RetryPolicy(share=drawing(7))
    waits = [policy.draw_wait_s(3) for _ in range(2000)]
    # Full jitter: uniform on 0..2 s; the mean of 2000 draws has a standard error of 0.013.
    assert abs(sum(waits) / 2000 - 1.0) < 0.07
    assert min(waits) < 0.05
    assert max(waits) > 1.95


@pytest.mark.parametrize(
    ("remedy", "attempts", "seen", "allowed"),
    [
        (Remedy.NEVER, 1, 0, False),
        (Remedy.BUDGETED, 1, 0, True),
        (Remedy.BUDGETED, 3, 2, True),
        (Remedy.BUDGETED, 4, 3, False),
        (Remedy.ONCE, 1, 0, True),
        (Remedy.ONCE, 2, 1, False),
        (Remedy.ONCE, 3, 0, True),
        (Remedy.RENEWED, 1, 0, True),
        (Remedy.RENEWED, 2, 1, False),
    ],
)
def test_how_often_is_decided_by_what_it_may_mend(remedy, attempts, seen, allowed):
    assert RetryPolicy(attempts=4).allows(remedy, attempts, seen) is allowed


@pytest.mark.parametrize("remedy", Remedy)
def test_who_measures_raw_reliability_gets_it(remedy):
    policy = RetryPolicy(attempts=1)
    assert not policy.retries
    assert not policy.allows(remedy, 1, 0)

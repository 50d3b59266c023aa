"""When did it begin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.dating import date_change, first_eligible


def change(seed, *, began=20, nights=30, cases=40, changed=4, size=2.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(0.0, 1.0, (nights, cases)) + rng.normal(0.0, np.sqrt(0.1), cases)
    z[began:, :changed] += size
    return z


@pytest.mark.parametrize(
    ("changed", "size", "later"), [(4, 2.0, 6), (40, 0.7, 8), (1, 3.5, 10), (20, -1.0, 8)]
)
def test_most_changes_are_dated_within_a_night_and_the_interval_covers(changed, size, later):
    near = covered = 0
    for seed in range(100):
        z = change(seed, nights=20 + later, changed=changed, size=size)
        dated = date_change(z, until=len(z) - 1)
        near += abs(dated.began - 20) <= 1
        covered += dated.low <= 20 <= dated.high
        assert dated.low <= dated.began <= dated.high
    assert near >= 80
    assert covered >= 90


def test_one_number_per_night_is_dated_too():
    z = change(1, cases=1, changed=1, size=3.0)
    assert date_change(z[:, 0], until=29) == date_change(z, until=29)
    assert abs(date_change(z[:, 0], until=29).began - 20) <= 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), until=st.integers(0, 29))
def test_nights_after_the_red_one_are_not_looked_at(seed, until):
    z = change(seed)
    cut = date_change(z[: until + 1], until=until)
    assert date_change(z, until=until) == cut
    assert 0 <= cut.low <= cut.began <= cut.high <= until


def test_a_case_that_is_never_known_changes_nothing_much():
    z = change(3)
    wider = np.concatenate([z, np.zeros((30, 1))], axis=1)
    assert date_change(wider, until=29).began == date_change(z, until=29).began


def test_the_error_of_the_location_is_no_change():
    """Five accepted nights may lie off by half a deviation: that begins on no night."""
    rng = np.random.default_rng(5)
    z = rng.normal(0.0, 1.0, (60, 30)) + rng.normal(0.0, np.sqrt(1 / 5), 30)
    z[40:, :3] += 2.5
    assert abs(date_change(z, until=50, accepted=5).began - 40) <= 1


def test_a_night_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="of 30 later nights"):
        date_change(change(1), until=30)


def test_an_episode_ends_with_a_week_of_nights_that_are_not_red():
    over = np.zeros(40, bool)
    over[[3, 4, 12, 30, 31]] = True
    assert first_eligible(over, until=30) == 13
    assert first_eligible(over, until=12) == 5
    over[25] = True
    # Seen on one night, and again within the week: the same change.
    assert first_eligible(over, until=30) == 13
    assert first_eligible(np.zeros(40, bool), until=30) == 0


def test_a_change_that_came_and_went_does_not_draw_the_date_of_the_next():
    near = 0
    for seed in range(20):
        z = change(seed, began=80, nights=86, changed=20, size=1.5)
        z[:20, :20] += 1.5
        over = np.zeros(86, bool)
        over[2:22] = True
        first = first_eligible(over, until=84)
        near += abs(first + date_change(z[first:], until=84 - first).began - 80) <= 1
    assert near >= 18

"""Compact memory of attempts, against plain dictionaries and sets."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes.attempt_numbers import AttemptSet, SmallNumbers

PLACES = st.integers(0, 40) | st.sampled_from([2**20 - 1, 2**20, 10**18])
NUMBERS = st.integers(0, 3) | st.sampled_from([255, 256, 10**18])


@given(st.lists(st.tuples(st.sampled_from("ab"), PLACES, NUMBERS)))
def test_numbers_are_those_of_a_dictionary(steps):
    numbers, plain = SmallNumbers(), {}
    for row, place, number in steps:
        numbers.put(row, place, number)
        plain[row, place] = number
        assert numbers.get(row, place) == number
    for row in "abc":
        for place in [*range(42), 2**20 - 1, 2**20, 10**18]:
            assert numbers.get(row, place) == plain.get((row, place), 0)


KEYS = st.tuples(st.sampled_from("ab"), PLACES, st.integers(0, 9) | st.just(10**18))


@given(st.lists(KEYS), st.lists(KEYS))
def test_attempts_are_those_of_a_set(added, asked):
    attempts = AttemptSet.of(added)
    assert len(attempts) == len(set(added))
    assert all(key in attempts for key in added)
    assert [key in attempts for key in asked] == [key in set(added) for key in asked]


def test_a_hundred_thousand_trials_take_a_byte_or_two_each():
    attempts = AttemptSet.of(("d", trial, 0) for trial in range(100_000))
    (row,) = attempts._bits._rows.values()
    assert sys.getsizeof(row) < 300_000
    assert not attempts._others

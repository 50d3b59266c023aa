"""A row of blocks says how numbers lie, and what is missing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.report.sparkline import BLOCKS, sparkline

NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1, 2, 3, 4, 5, 6, 7, 8], BLOCKS),
        ([8.0, None, 1.0, math.nan], "█·▁·"),
        ([5.0, 5.0], "▄▄"),
        ([None], "·"),
    ],
)
def test_numbers_are_drawn_between_the_least_and_the_largest(values, drawn):
    assert sparkline(values) == drawn


def test_given_bounds_stand_and_cut_what_is_beyond():
    assert sparkline([-1.0, 0.0, 0.5, 1.0, 9.0], low=0.0, high=1.0) == "▁▁▅██"


@given(st.lists(NUMBERS, max_size=20))
def test_every_value_is_one_character_and_a_larger_one_is_no_lower(values):
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    known = [
        (v, c) for v, c in zip(values, drawn, strict=True) if v is not None and math.isfinite(v)
    ]
    assert all(c in BLOCKS for _, c in known)
    levels = [BLOCKS.index(c) for _, c in sorted(known)]
    assert levels == sorted(levels)

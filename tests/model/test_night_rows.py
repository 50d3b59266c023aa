"""Columns of one stream are the same mapping as its values one by one."""

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.history import NightValue
from contractcheck.model.night_rows import NightRows

PLAIN = st.dictionaries(
    st.text(max_size=5), st.tuples(st.floats(allow_nan=False), st.floats(min_value=0, max_value=9))
)


@given(PLAIN, st.text(max_size=5))
def test_rows_are_the_mapping_that_they_were_made_of(plain, other):
    values = {row: NightValue(value=a, variance=b) for row, (a, b) in plain.items()}
    rows = NightRows(tuple(plain), *(tuple(pair[i] for pair in plain.values()) for i in (0, 1)))
    assert rows == values
    assert values == rows
    assert list(rows) == list(values)
    assert list(rows.values()) == list(values.values())
    assert rows.get(other) == values.get(other)
    assert (other in rows) == (other in values)
    assert rows != {**values, other: NightValue(value=1.5, variance=10.0)}

import pytest

from contractcheck.judging.case_effects import _label_estimate
from contractcheck.judging.night_table import Series
from contractcheck.model.night import LabelCell


def estimate(old, new):
    cells = tuple(LabelCell(counts=counts) for counts in (*old, new))
    series = Series(case="late-parcel", metric="refusal", cells=cells)
    return _label_estimate(series, len(old), None)


@pytest.mark.parametrize("refused", range(1, 11))
def test_of_two_labels_that_moved_alike_the_one_that_became_more_frequent_is_named(refused):
    """Not, by a rounding error, ``no -30%`` in one case and ``yes +40%`` in the next."""
    found = estimate([{"no": 10}, {"no": 9, "yes": 1}], {"no": 10 - refused, "yes": refused})
    assert found.effect == pytest.approx(refused / 10 - 1 / 20)
    assert found.detail.startswith("yes: ")


def test_a_label_that_vanished_is_named_when_it_moved_most():
    found = estimate([{"a": 6, "b": 2, "c": 2}], {"b": 5, "c": 5})
    assert (found.detail, round(found.effect, 9)) == ("a: 60% → 0%", -0.6)

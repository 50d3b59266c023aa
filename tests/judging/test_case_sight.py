"""What one case alone can show: held against Fisher's test and the binomial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact

from contractcheck.judging.case_sight import smallest_new_answers, visible_share


@given(
    baseline=st.integers(1, 25),
    candidate=st.integers(1, 25),
    level=st.sampled_from([0.05, 0.01, 0.001]),
)
def test_it_is_fishers_exact_test(baseline: int, candidate: int, level: float) -> None:
    def p(new: int) -> float:
        table = [[0, baseline], [new, candidate - new]]
        two_sided = fisher_exact(table).pvalue
        one_sided = fisher_exact(table, alternative="less").pvalue
        return float(two_sided if baseline == candidate else one_sided)

    significant = [new for new in range(1, candidate + 1) if p(new) <= level * (1 + 1e-9)]
    expected = significant[0] if significant else None
    assert smallest_new_answers(baseline, candidate, level) == expected


@pytest.mark.parametrize(
    ("n", "level", "fewest"), [(3, 0.05, None), (4, 0.05, 4), (4, 0.01, None), (5, 0.01, 5)]
)
def test_three_against_three_cannot_reach_five_percent(
    n: int, level: float, fewest: int | None
) -> None:
    # Two-sided smallest p: 3 v 3 is .1, 4 v 4 .029, 5 v 5 .008.
    assert smallest_new_answers(n, n, level) == fewest


def test_the_visible_share_has_the_power_it_promises() -> None:
    share = visible_share(10, 10, level=0.05, power=0.8)
    needed = smallest_new_answers(10, 10, 0.05)
    assert share is not None
    assert needed is not None
    assert float(binom.sf(needed - 1, 10, share)) == pytest.approx(0.8, abs=0.002)


def test_a_case_that_cannot_show_anything_says_so() -> None:
    assert visible_share(3, 3, level=0.05, power=0.8) is None
    assert visible_share(1, 1, level=0.05, power=0.5) is None

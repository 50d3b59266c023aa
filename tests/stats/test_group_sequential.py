import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from contractcheck.errors import UsageError
from contractcheck.stats.group_sequential import look_levels, spent, stopping_chances

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)
SPENDING = ("obrien-fleming", "pocock", "power-2")

looks = st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True).map(
    lambda blocks: tuple(sorted(block / 40 for block in blocks))
)


@pytest.mark.parametrize(
    ("spending", "edges"),
    [
        # Lan and DeMets with five equal steps, one-sided .025; as in Jennison and Turnbull (2000),
        # chapter 7, and every program for group-sequential designs.
        ("obrien-fleming", (4.8769, 3.3570, 2.6803, 2.2898, 2.0310)),
        ("pocock", (2.4380, 2.4268, 2.4101, 2.3966, 2.3860)),
    ],
)
def test_edges_are_the_published_ones(spending, edges):
    assert -norm.ppf(look_levels(0.025, FIVE, spending)) == pytest.approx(edges, abs=2e-4)


@pytest.mark.parametrize("spending", SPENDING)
@pytest.mark.parametrize("shares", [(0.3, 1.0), (0.1, 0.15, 0.9), (0.5, 0.6, 1.0)])
def test_paths_stop_as_often_as_a_multivariate_normal_says(spending, shares):
    levels = look_levels(0.05, shares, spending)
    edges = -norm.ppf(levels)
    correlation = [[np.sqrt(min(a, b) / max(a, b)) for b in shares] for a in shares]
    for drift in (0.0, 1.5):
        mean = drift * np.sqrt(shares)
        goes_on = [
            multivariate_normal(mean[:k], np.array(correlation)[:k, :k]).cdf(edges[:k])
            for k in range(1, len(shares) + 1)
        ]
        stops = stopping_chances(levels, shares, drift)
        assert np.cumsum(stops) == pytest.approx(1.0 - np.array(goes_on), abs=2e-4)


@settings(max_examples=15, deadline=None)
@given(
    shares=looks, level=st.sampled_from([0.001, 0.025, 0.05, 0.2]), kind=st.sampled_from(SPENDING)
)
def test_every_look_spends_what_it_may_and_no_more(shares, level, kind):
    stops = stopping_chances(look_levels(level, shares, kind), shares, 0.0)
    may = [spent(level, share, kind) for share in shares]
    assert np.cumsum(stops) == pytest.approx(may, abs=1e-7)
    assert spent(level, 1.0, kind) == pytest.approx(level)


@settings(max_examples=15, deadline=None)
@given(shares=looks, kind=st.sampled_from(SPENDING))
def test_levels_of_the_first_looks_do_not_know_of_later_ones(shares, kind):
    whole = look_levels(0.05, shares, kind)
    assert look_levels(0.05, shares[:1], kind) == pytest.approx(whole[:1])
    assert look_levels(0.05, shares[:-1] or shares, kind) == pytest.approx(
        whole[: len(shares) - 1] or whole
    )


@pytest.mark.parametrize("spending", SPENDING)
def test_one_look_at_everything_has_the_whole_level(spending):
    assert look_levels(0.05, (1.0,), spending) == pytest.approx((0.05,))


def test_a_first_look_that_may_spend_next_to_nothing_never_stops():
    assert look_levels(0.001, (0.01, 1.0), "obrien-fleming")[0] == 0.0


def test_early_looks_are_cheaper_by_the_rule_between_the_two_classics():
    drift = 2 * (norm.isf(0.05) + norm.isf(0.2))
    blocks = {
        kind: 1.0
        - sum(
            (1.0 - share) * chance
            for share, chance in zip(
                FIVE, stopping_chances(look_levels(0.05, FIVE, kind), FIVE, drift), strict=True
            )
        )
        for kind in SPENDING
    }
    assert blocks["pocock"] < blocks["power-2"] < blocks["obrien-fleming"] < 0.6


@pytest.mark.parametrize(
    ("level", "shares", "words"),
    [
        (0.05, (), "one at least"),
        (0.05, (0.5, 0.5), "must ascend"),
        (0.05, (0.5, 1.5), "a share lies in"),
        (0.7, (1.0,), "one-sided level"),
    ],
)
def test_looks_that_make_no_sense_are_refused(level, shares, words):
    with pytest.raises(UsageError, match=words):
        look_levels(level, shares)

"""After a re-base the year stays as quiet as stated, and the next change is found."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import rebase

from contractcheck.stats.intervals import clopper_pearson

FITTED, HARSH = 0.10, 0.20


def any_red(family, years, since, stream):
    red = rebase.play_years(family, years, since=since, stream=stream)
    return np.any(list(red.values()), axis=0)


@pytest.mark.parametrize("since", [1, 3])
def test_a_year_after_a_rebase_is_as_quiet_as_any(since):
    red = int(any_red("gaussian", 100, since, 11).sum())
    assert clopper_pearson(red, 100, 0.98).low <= FITTED, f"{red} of 100 are red"


def test_a_second_change_is_found_by_three_nights_since():
    waits = rebase.play_changes("4 of 40 cases, 40 points", 50, since=3, stream=12)
    assert (waits[np.isfinite(waits)] <= 15).mean() >= 0.8


@pytest.mark.calibration
@pytest.mark.parametrize("since", rebase.SINCE)
@pytest.mark.parametrize("family", ["gaussian", "t3", "episodic", "ar", "weekday"])
def test_a_thousand_years_after_a_rebase_are_surely_as_quiet_as_any(family, since, capsys):
    red = any_red(family, 1000, since, 13)
    high = clopper_pearson(int(red.sum()), 1000).high
    with capsys.disabled():
        sys.stdout.write(f"\n{family}, {since} since: red {red.mean():.3f} (<= {high:.3f})")
    limit = FITTED if family == "gaussian" else HARSH
    assert red.mean() <= limit
    assert high <= limit + 0.02

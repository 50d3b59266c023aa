"""The monitor that ``bench/frontier.py`` chose: its recorded thresholds, on years not theirs.

A short form of the bench: fewer years, the chosen monitor alone. Docs: explanation/watch.md.
"""

import dataclasses

import frontier
import frontier_charts
import frontier_nights
import numpy as np
import pytest

from contractcheck.stats.intervals import clopper_pearson

ACCEPTED = 10
YEARS, MANY_YEARS = 100, 1000
LIMITS = dict(zip(frontier_charts.CHARTS, (3.54, 5.99, 3.29, 6.32, 3.74, 3.73), strict=True))
MOST_RED = {"gaussian": 0.10, "t3": 0.20, "episodic": 0.20, "ar": 0.20, "weekday": 0.20}
SEED = 2026


def watch(family, years, *, nights=frontier.YEAR, change=None, seed=SEED, tunings=frontier.CHOSEN):
    """Whether it is red, (N, R), over years of one family."""
    red = []
    for batch in range(years // frontier.BATCH):
        played = frontier_nights.play(
            family,
            years=frontier.BATCH,
            accepted=ACCEPTED,
            nights=nights,
            rng=np.random.default_rng([seed, batch]),
            change=change,
        )
        red.append(frontier.is_red(frontier_charts.ewma(played, tunings), LIMITS))
    return np.concatenate(red, axis=1)


@pytest.mark.parametrize("family", MOST_RED)
def test_unchanged_years_stay_as_quiet_as_stated(family):
    red = int(watch(family, YEARS).any(0).sum())
    assert clopper_pearson(red, YEARS, 0.98).low <= MOST_RED[family], f"{red} of {YEARS} are red"


@pytest.mark.calibration
@pytest.mark.parametrize("family", MOST_RED)
def test_a_thousand_unchanged_years_are_surely_as_quiet_as_stated(family):
    red = int(watch(family, MANY_YEARS, seed=SEED + 1).any(0).sum())
    sure = 0.12 if family == "gaussian" else 0.22
    assert clopper_pearson(red, MANY_YEARS).high <= sure, f"{red} of {MANY_YEARS} are red"


@pytest.mark.parametrize("name", frontier_nights.CHANGES)
def test_half_of_the_changes_are_found_as_soon_as_aimed_at(name):
    red = watch("gaussian", 200, nights=60, change=frontier_nights.CHANGES[name])
    found = red[: frontier_nights.AIMS[name]].any(0).mean()
    assert found >= 0.4, f"{name}: {found:.0%} found in {frontier_nights.AIMS[name]} nights"


def test_no_single_night_is_red_however_odd_it_is():
    nights = frontier_nights.play(
        "gaussian", years=50, accepted=ACCEPTED, nights=3, rng=np.random.default_rng(SEED)
    )
    nights.outputs[ACCEPTED + 1] = 0.0
    nights.conformance[ACCEPTED + 1] = 0.0
    nights.latency[ACCEPTED + 1] += 10.0
    charts = frontier_charts.ewma(nights, frontier.CHOSEN)
    assert not frontier.is_red(charts, LIMITS)[:2].any()


def test_charts_do_not_read_nights_to_come():
    nights = frontier_nights.play(
        "ar", years=50, accepted=ACCEPTED, nights=60, rng=np.random.default_rng(SEED)
    )
    before = frontier_charts.ewma(nights, frontier.CHOSEN)
    for array in (nights.outputs, nights.conformance, nights.latency):
        array[ACCEPTED + 30 :] = 0.0
    after = frontier_charts.ewma(nights, frontier.CHOSEN)
    for name, chart in before.items():
        np.testing.assert_allclose(after[name][:30], chart[:30], rtol=1e-6)
        assert not np.allclose(after[name][30:], chart[30:])


def test_without_widening_nights_that_resemble_their_neighbours_are_red():
    kept = {
        name: dataclasses.replace(tuning, likeness=None) for name, tuning in frontier.CHOSEN.items()
    }
    bare = watch("ar", YEARS, tunings=kept).any(0).mean()
    assert bare > 2 * watch("ar", YEARS).any(0).mean()

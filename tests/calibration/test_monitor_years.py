"""The monitor that judges, with the shipped thresholds, on years that they were not made from.

The short form runs always; a thousand years per cell by the marker, printed with naive testing
beside them. The same figures with more cells: ``bench/monitor_years.py``, explanation/watch.md.
"""

import dataclasses
import sys

import frontier_nights
import monitor_years
import numpy as np
import pytest
from frontier_charts import chosen as chosen_tunings
from frontier_charts import robust, streams

from contractcheck.stats import monitor
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.monitor_nights import TUNINGS

FITTED, HARSH = 0.10, 0.20
FAMILIES = dict.fromkeys(frontier_nights.FAMILIES, HARSH) | {"gaussian": FITTED}


def watched(nights):
    return np.any(list(monitor_years.watch(nights).values()), axis=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_unchanged_years_stay_as_quiet_as_stated(family):
    years = monitor_years.play_years(family, 100, accepted=10, stream=2)
    red = int((years.red & ~years.unstable).sum())
    assert clopper_pearson(red, 100, 0.98).low <= FAMILIES[family], f"{red} of 100 are red"
    assert (years.naive > 0).all(), "naive testing would be quiet too"


# Where the evidence of a night is weak, whole nights may still look as accepted ones do.
STAYS = {"latency x 1.5": 0.95, "1 of 50 constant cases flips": 0.98}


@pytest.mark.parametrize("name", STAYS)
def test_a_change_that_lasts_stays_red(name):
    change, quiet = frontier_nights.CHANGES[name], 20
    rng = np.random.default_rng([11, 1])
    one = frontier_nights.play(
        "gaussian", years=40, accepted=10, nights=100, rng=rng, change=change, begins=quiet
    )
    over = watched(one)
    first = np.where(over.any(0), over.argmax(0), 100)
    kept = [over[red:, place].mean() for place, red in enumerate(first) if quiet <= red < 70]
    assert len(kept) > 30
    assert np.mean(kept) > STAYS[name]


@pytest.mark.calibration
@pytest.mark.parametrize("accepted", [10, 20])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_thousand_unchanged_years_are_surely_as_quiet_as_stated(family, accepted, capsys):
    years = monitor_years.play_years(family, 1000, accepted=accepted, stream=3)
    sober = years.red & ~years.unstable
    with capsys.disabled():
        sys.stdout.write(
            f"\n{family}, K = {accepted}: red {monitor_years.share_of(years.red)}, unstable "
            f"{years.unstable.mean():.3f}, red and not unstable {monitor_years.share_of(sober)}, "
            f"naive {(years.naive > 0).mean():.3f} ({years.naive.mean():.0f} nights)"
        )
    judged = years.red if family == "gaussian" else sober
    assert judged.mean() <= FAMILIES[family]
    assert clopper_pearson(int(judged.sum()), 1000).high <= FAMILIES[family] + 0.02 + 0.02 * (
        family != "gaussian"
    )


@pytest.mark.parametrize("name", frontier_nights.CHANGES)
def test_half_of_the_changes_are_found_as_soon_as_aimed_at(name):
    change, aim = frontier_nights.CHANGES[name], frontier_nights.AIMS[name]
    waits = monitor_years.play_changes(change, 100, accepted=10, nights=min(aim, 60))
    found = (waits <= aim).mean()
    assert found >= 0.4, f"{name}: {found:.0%} found in {aim} nights"


@pytest.mark.calibration
@pytest.mark.parametrize("name", frontier_nights.CHANGES)
def test_the_median_delay_is_the_one_aimed_at(name, capsys):
    waits = monitor_years.play_changes(frontier_nights.CHANGES[name], 500, accepted=10)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: found after {monitor_years.quantiles(waits)} nights")
    assert np.median(waits) <= frontier_nights.AIMS[name]


@pytest.mark.parametrize(
    "name", ["4 of 40 cases, 40 points", "all cases, 5 points one way", "latency x 1.5"]
)
def test_changes_that_are_found_are_dated(name):
    off, holds, _ = monitor_years.date_changes(frontier_nights.CHANGES[name], 50, accepted=10).T
    assert len(off) >= 40
    assert (np.abs(off) <= 1).mean() >= 0.75
    assert holds.mean() >= 0.8


@pytest.mark.calibration
@pytest.mark.parametrize("name", frontier_nights.CHANGES)
def test_nine_in_ten_changes_are_dated_within_a_night(name, capsys):
    off, holds, _ = monitor_years.date_changes(frontier_nights.CHANGES[name], 500, accepted=10).T
    with capsys.disabled():
        sys.stdout.write(
            f"\n{name}: {(np.abs(off) <= 1).mean():.2f} within a night, {holds.mean():.2f} held"
        )
    assert (np.abs(off) <= 1).mean() >= 0.85
    assert holds.mean() >= 0.9


@pytest.mark.parametrize("plane", ["outputs", "conformance", "latency 0"])
def test_between_the_cells_of_the_table_a_share_is_about_kept(plane):
    red = monitor_years.rate_off_grid(plane, accepted=8, cases=25, share=0.05, years=200)
    assert 0.015 <= red.mean() <= 0.1


@pytest.mark.calibration
@pytest.mark.parametrize(("accepted", "cases"), monitor_years.OFF_GRID)
@pytest.mark.parametrize("plane", ["outputs", "conformance", "latency 0"])
def test_between_the_cells_of_the_table_a_share_is_kept(plane, accepted, cases, capsys):
    red = monitor_years.rate_off_grid(plane, accepted=accepted, cases=cases, share=0.05, years=2000)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{plane}, K = {accepted}, {cases} cases: {monitor_years.share_of(red)} for .05"
        )
    assert 0.03 <= red.mean() <= 0.07


def test_no_single_night_is_red_however_odd_it_is():
    nights = frontier_nights.play(
        "gaussian", years=50, accepted=10, nights=3, rng=np.random.default_rng(2026)
    )
    nights.outputs[11] = 0.0
    nights.conformance[11] = 0.0
    nights.latency[11] += 10.0
    assert not watched(nights)[:2].any()


def test_many_histories_at_once_are_as_each_alone():
    nights = frontier_nights.play(
        "ar", years=5, accepted=10, nights=80, rng=np.random.default_rng(1), change=None
    )
    for stream, together in streams(nights).items():
        plane = stream.partition(" ")[0]
        share = 0.3  # some history is red, and stops learning
        charts = monitor.chart_stream(together, plane=plane, share=share)
        for place in range(5):
            one = dataclasses.replace(
                together,
                values=together.values[:, place],
                variances=together.variances[:, place],
            )
            for alone, several in zip(
                monitor.chart_stream(one, plane=plane, share=share), charts, strict=True
            ):
                np.testing.assert_allclose(alone.values, several.values[:, place], atol=1e-4)


def test_without_widening_nights_that_resemble_their_neighbours_are_red():
    kept = chosen_tunings()
    bare = {name: dataclasses.replace(tuning, likeness=None) for name, tuning in kept.items()}
    nights = frontier_nights.play(
        "ar", years=100, accepted=10, nights=200, rng=np.random.default_rng(3)
    )
    limits = monitor_limits()
    red = [
        np.any([chart > limits[name] for name, chart in robust(nights, tunings).items()], axis=0)
        for tunings in (bare, kept)
    ]
    assert red[0].any(0).mean() > 2 * red[1].any(0).mean()


def monitor_limits():
    return {
        name: monitor.threshold(plane, kind, accepted=10, cases=40, share=0.02)
        for plane, kinds in TUNINGS.items()
        for kind in kinds
        for name in [plane if kind == "level" else f"{plane} {kind}"]
    }

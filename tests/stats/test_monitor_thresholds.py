"""The shipped table, and what is read between and beyond its cells."""

import json
from importlib.resources import files

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.baseline_fitness import ERRORS
from contractcheck.stats.monitor_nights import TUNINGS
from contractcheck.stats.monitor_thresholds import baseline_limit, shipped_table, threshold

CHARTS = [(plane, kind) for plane, kinds in TUNINGS.items() for kind in kinds]


def test_the_table_is_small_and_says_how_it_was_made():
    text = files("contractcheck.stats").joinpath("monitor_thresholds.json").read_text("utf-8")
    assert len(text) < 100_000
    document = json.loads(text)
    assert document["made_by"] == "bench/monitor_thresholds.py"
    assert {"seed", "years", "nights", "supposes"} <= document.keys()
    assert set(document["charts"]) == {f"{plane} {kind}" for plane, kind in CHARTS}
    assert set(document["baselines"]) == set(ERRORS)


@pytest.mark.parametrize(("plane", "kind"), CHARTS)
def test_a_cell_of_the_table_is_given_as_it_stands(plane, kind):
    table = shipped_table()
    grid = table.charts[f"{plane} {kind}"]
    for k, accepted in enumerate(table.accepted):
        for c, cases in enumerate(table.cases):
            for s, share in enumerate(table.shares):
                found = threshold(
                    plane, kind, accepted=int(accepted), cases=int(cases), share=float(share)
                )
                assert found == pytest.approx(grid[k, min(c, grid.shape[1] - 1), s])


@pytest.mark.parametrize(("plane", "kind"), CHARTS)
def test_a_smaller_share_asks_for_more_within_and_beyond_the_table(plane, kind):
    shares = np.geomspace(1e-4, 0.5, 40)
    for accepted, cases in ((5, 1), (6, 33), (12, 70), (25, 3), (60, 300), (100, 2000)):
        limits = [
            threshold(plane, kind, accepted=accepted, cases=cases, share=share) for share in shares
        ]
        assert (np.diff(limits) <= 1e-9).all()
        assert 1.0 < limits[-1] < limits[0] < 12.0


def test_between_cells_lies_what_is_between_them():
    for low, middle, high in ((40, 60, 100), (2, 3, 4), (10, 15, 20)):
        a, between, b = (
            threshold("outputs", "largest", accepted=12, cases=cases, share=0.03)
            for cases in (low, middle, high)
        )
        assert min(a, b) <= between <= max(a, b)


def test_more_accepted_nights_than_the_table_has_count_as_its_most():
    most = int(shipped_table().accepted[-1])
    for plane, kind in CHARTS:
        expected = threshold(plane, kind, accepted=most, cases=40, share=0.02)
        assert threshold(plane, kind, accepted=10 * most, cases=40, share=0.02) == expected


def test_limits_of_a_baseline_grow_with_its_cases():
    limits = [
        baseline_limit("step", accepted=10, cases=cases, error=0.02) for cases in (1, 10, 40, 300)
    ]
    assert (np.diff(limits) > 0.0).all()


@pytest.mark.parametrize("test", ERRORS)
def test_a_smaller_error_asks_for_more(test):
    errors = np.geomspace(1e-4, 0.1, 20)
    for accepted, cases in ((5, 1), (12, 70), (100, 2000)):
        limits = [
            baseline_limit(test, accepted=accepted, cases=cases, error=error) for error in errors
        ]
        assert (np.diff(limits) <= 1e-9).all()


@pytest.mark.parametrize(
    "asked", [{"accepted": 4}, {"cases": 0}, {"share": 0.0}, {"share": 1.0}, {"share": -1.0}]
)
def test_what_makes_no_sense_is_refused(asked):
    with pytest.raises(UsageError, match="a threshold needs"):
        threshold("outputs", "mean", **({"accepted": 10, "cases": 40, "share": 0.05} | asked))

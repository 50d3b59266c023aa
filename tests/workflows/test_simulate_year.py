"""A suite's own years: the same by every engine, and within the rate that the suite states."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from contractcheck.cli import cli
from contractcheck.errors import NothingToCheckError
from contractcheck.report.year_report import render_years, render_years_json
from contractcheck.stats.simulated_nights import FAMILIES
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.simulate_year import YearOptions, simulate_years
from contractcheck.workflows.workspace import Workspace

ROOT = Path(__file__).parents[2]


def simulate(name, *, years, engine=None, target=0, seed=1):
    workspace = Workspace(ROOT)
    suite = next(suite for suite in workspace.load_suites() if suite.name == name)
    options = YearOptions(years=years, seed=seed)
    with open_engine(engine) as executor:
        return simulate_years(workspace, suite, suite.targets[target], options, executor)


@pytest.fixture(scope="module")
def years():
    return simulate("order-tools", years=26)


def test_every_family_is_played_and_naive_testing_stands_beside_it(years):
    assert [family.family for family in years.families] == list(FAMILIES)
    assert {family.years for family in years.families} == {26}
    assert all(family.naive_red > 22 for family in years.families)
    assert years.share < years.stated


def test_the_rate_is_not_above_the_stated_one(years):
    """Short: 26 years of the fitted family; a thousand of each are behind `calibration`."""
    fitted = years.families[0]
    assert fitted.low <= years.stated
    assert fitted.red <= 7  # 26 years at .10: more has a chance below .01


def test_large_changes_are_found_and_small_ones_later(years):
    delays = {(one.kind, one.size, one.one_case): one for one in years.changes}
    assert delays["labels", 0.3, False].median <= 6
    assert delays["latency", 1.5, False].median <= 10
    assert delays["labels", 0.3, False].median <= delays["labels", 0.1, False].median
    assert delays["other model", 0.2, False].late <= 6


def test_processes_give_the_same_bytes(years):
    again = simulate("order-tools", years=26, engine="processes:2")
    assert render_years_json(again) == render_years_json(years)


def test_another_seed_gives_other_years(two_years):
    found, other = two_years[0], simulate("order-tools", years=2, seed=6)
    assert [f.naive_nights for f in other.families] != [f.naive_nights for f in found.families]


def test_cases_whose_text_is_always_empty_are_no_obstacle():
    """The second target of this suite calls tools without a word."""
    found = simulate("order-tools", years=1, target=1)
    assert found.streams["text"] > 0


def test_what_is_shown_holds_every_line(years):
    text = render_years(years)
    for family in years.families:
        assert f"  {family.family}" in text
    for delay in years.changes:
        assert delay.change in text
    document = orjson.loads(render_years_json(years))
    assert document["contractcheck_simulated_years"] == 1
    assert len(document["changes"]) == len(years.changes)


def test_too_few_accepted_nights_are_told(project):
    suite = project.suite()
    for day in range(1, 4):
        project.accept(project.record(day))
    with open_engine(None) as executor, pytest.raises(NothingToCheckError, match="3 complete"):
        simulate_years(project.workspace, suite, suite.targets[0], YearOptions(), executor)


def test_the_command_prints_what_the_workflow_found(two_years):
    arguments = ["simulate-year", "order-tools", "--root", str(ROOT), "--years", "2"]
    arguments += ["--seed", "5", "--format", "json", "--target", "openai:gpt-sim-mini-2026-03-01"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None
    document = json.loads(result.stdout)
    assert document == json.loads(render_years_json(two_years[0]))


class Counting(Executor):
    """Makes pieces at once, and counts them."""

    def __init__(self):
        self.pieces = 0

    def submit(self, fn, /, *args, **kwargs):
        self.pieces += 1
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def two_years():
    """Two years of each kind, and how many pieces they were."""
    workspace = Workspace(ROOT)
    suite = next(suite for suite in workspace.load_suites() if suite.name == "order-tools")
    executor, options = Counting(), YearOptions(years=2, seed=5)
    found = simulate_years(workspace, suite, suite.targets[0], options, executor)
    return found, executor.pieces


def test_any_executor_will_do_and_is_given_whole_pieces(two_years):
    found, pieces = two_years
    assert pieces == len(found.families) + len(found.changes)


def test_what_is_not_played_is_named_with_the_most_that_it_adds(two_years):
    found = two_years[0]
    spent = found.share + found.pair_share + sum(found.unplayed.values())
    assert spent == pytest.approx(found.stated / 2.0)
    text = render_years(found)
    assert all(words in text for words in found.unplayed)
    assert any("limits" in words for words in found.unplayed)

"""The shipped suites keep the rate that they state, on their own nights and on harsher ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contractcheck.report.year_report import render_years
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.simulate_year import YearOptions, simulate_years
from contractcheck.workflows.workspace import Workspace

ROOT = Path(__file__).parents[2]
SUITES = ("order-tools", "support-triage")
HARSHER = 0.20


@pytest.mark.calibration
@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("target", [0, 1])
def test_a_thousand_years_of_a_shipped_suite(name, target, capsys):
    workspace = Workspace(ROOT)
    suite = next(suite for suite in workspace.load_suites() if suite.name == name)
    options = YearOptions(years=1000, seed=2026)
    with open_engine(None) as executor:
        years = simulate_years(workspace, suite, suite.targets[target], options, executor)
    with capsys.disabled():
        sys.stdout.write(f"\n{render_years(years)}")
    families = {family.family: family for family in years.families}
    fitted = families.pop("fitted")
    assert fitted.red / fitted.years <= years.stated
    assert fitted.high <= years.stated + 0.02
    for family in families.values():
        assert family.red / family.years <= HARSHER, family.family

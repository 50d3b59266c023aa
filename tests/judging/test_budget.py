"""The yearly budget adds up, and half of it is never spent."""

from __future__ import annotations

import pytest

from contractcheck.judging.budget import RESERVE, budget_share, count_chances, watch_budget


@pytest.mark.parametrize("has_charts", [True, False])
@pytest.mark.parametrize("policy", ["{}", "{limits: {error_rate: 0.05}}"])
@pytest.mark.parametrize("checks", ["[]", "[not_empty]"])
def test_the_parts_of_the_watch_are_what_may_be_spent(make_suite, policy, checks, has_charts):
    suite = make_suite(policy=policy, checks=checks)
    budget = watch_budget(suite, has_charts=has_charts)
    rules = budget.rule * budget.rules
    spent = sum(budget.charts.values()) + budget.fast * budget.fast_streams + rules
    assert spent == pytest.approx((1.0 - RESERVE) * suite.policy.alarm_budget_per_year)
    assert bool(budget.charts) is has_charts
    assert min([budget.fast, budget.rule, *budget.charts.values()]) > 0


def test_a_plain_run_shares_the_whole_budget_equally(make_suite):
    suite = make_suite()
    assert budget_share(suite) * count_chances(suite) == pytest.approx(0.10)


def test_without_charts_two_nights_have_their_part(make_suite):
    suite = make_suite()
    alone, beside = (watch_budget(suite, has_charts=has).fast for has in (False, True))
    assert alone > 10 * beside

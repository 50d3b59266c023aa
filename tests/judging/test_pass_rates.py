"""Shares of answers that pass, with exact intervals, whatever the verdict."""

import json
from dataclasses import replace
from itertools import count

import pytest
from scipy.stats import beta

from contractcheck.judging.pass_rates import pass_rates

CHECKS = "[{contains: glad}, {contains: a, mode: always}, {matches: '^glad', mode: {rate: 0.5}}]"


def clopper_pearson(passed, n):
    """By the quantiles of beta distributions; ours is the one under test."""
    low = beta.ppf(0.025, passed, n - passed + 1) if passed else 0.0
    high = beta.ppf(0.975, passed + 1, n - passed) if passed < n else 1.0
    return pytest.approx(low), pytest.approx(high)


def test_each_check_of_each_case_is_counted(make_world, shape):
    world = make_world(checks=CHECKS, cases=("one", "two"), samples=10)
    turns = count()

    def behave(draw, case, trial):
        text = "glad" if case == "one" and next(turns) % 5 else "sad and glad"
        return replace(shape()(draw, case, trial), text=text)

    rates = pass_rates(world.run(0, behave), world.suite)
    told = [(one.case, one.check, one.rate.count, one.rate.n, one.wanted) for one in rates]
    assert told == [
        ("one", "contains:glad", 10, 10, None),
        ("one", "contains:a", 10, 10, 1.0),
        ("one", "matches:^glad", 8, 10, 0.5),
        ("two", "contains:glad", 10, 10, None),
        ("two", "contains:a", 10, 10, 1.0),
        ("two", "matches:^glad", 0, 10, 0.5),
    ]
    for one in rates:
        assert (one.rate.low, one.rate.high) == clopper_pearson(one.rate.count, one.rate.n)


def test_trouble_of_the_transport_is_not_scored(make_world, shape):
    world = make_world(checks="[{contains: glad}]", cases=("one", "two"), samples=10)

    def behave(draw, case, trial):
        status = 503 if case == "two" or trial < 3 else 200
        return replace(shape()(draw, case, trial), text="glad", status=status)

    (rate,) = pass_rates(world.run(0, behave), world.suite)
    assert (rate.case, rate.rate.count, rate.rate.n) == ("one", 7, 7)


def test_structured_answers_are_a_rate_with_an_interval(make_world, shape, tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["mood"]}))
    metrics = "[text]\n    response_schema: schema.json"
    world = make_world(checks="[{conforms: null, mode: {rate: 0.9}}]", metrics=metrics)

    def behave(draw, case, trial):
        text = '{"mood": 1}' if trial % 4 else '{"temper": 1}'
        return replace(shape()(draw, case, trial), text=text)

    for one in pass_rates(world.run(0, behave), world.suite):
        assert (one.check, one.rate.count, one.rate.n, one.wanted) == ("conforms", 6, 8, 0.9)
        assert one.rate.low < 0.75 < one.rate.high

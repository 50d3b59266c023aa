"""Simulated gates: they say what the real gate says, as often, and honest about the unseen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contractcheck.judging.calibrating import count_gates
from contractcheck.judging.gate import GateRules, plan_looks
from contractcheck.judging.gate_plan import (
    assumed_pool,
    plan_gate,
    pool_trials,
    simulate_gates,
    twice,
)
from contractcheck.judging.resampling import make_pool
from contractcheck.measuring import COLUMNS
from contractcheck.model.suite import Margin

CASES = tuple(f"case{i}" for i in range(5))
MARGINS = {
    "conformance": Margin(value=-0.1, kind="difference"),
    "ttft": Margin(value=1.25, kind="ratio"),
}
SLOTS = 16


def night(*, seed: int, slower: float = 1.0, passing: float = 0.97, answers: int = 30):
    """One recorded night: a check that mostly passes, and log-normal times."""
    draw = np.random.default_rng(seed)
    rows = []
    for case in CASES:
        for trial in range(answers):
            passed = float(draw.random() < passing)
            first_s = 0.4 * slower * float(np.exp(draw.normal(0.0, 0.5)))
            rows += [
                ("r", None, case, trial, "conforms", "check", "conformance", passed, None),
                ("r", None, case, trial, "ttft_s", "number", "latency", first_s, None),
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def rules():
    return GateRules(margins=MARGINS, alpha=0.05, power=0.8, looks=plan_looks(SLOTS), cases=CASES)


@pytest.fixture(scope="module")
def recorded():
    return night(seed=1)


def chances(pool, rules, *, seed=0, repeats=2000, **changed):
    rng = np.random.default_rng(seed)
    return simulate_gates(
        pool, rules, slots=rules.looks[-1], repeats=repeats, rng=rng, changed=changed
    )


def test_it_says_what_the_real_gate_says_on_the_same_answers(rules, recorded):
    planned = chances(pool_trials([recorded], rules), rules)
    repeats = 60
    said = count_gates([make_pool(recorded)], rules, repeats=repeats, rng=np.random.default_rng(2))
    # Three standard errors of 60 gates; the truth is near neither 0 nor 1.
    assert 0.2 < planned.safe < 0.9
    assert said["gate: safe"] / repeats == pytest.approx(planned.safe, abs=0.2)
    assert said["gate: do not upgrade"] <= 3


def test_at_its_margin_a_gate_errs_no_more_than_stated(rules, recorded):
    pool = pool_trials([recorded], rules)
    for name, margin in MARGINS.items():
        at = chances(pool, rules, **{name: margin})
        assert at.safe <= 0.065, name
        assert at.found <= 0.065, name


def test_twice_the_margin_is_found_more_often_than_no_change(rules, recorded):
    pool = pool_trials([recorded], rules)
    quiet = chances(pool, rules)
    for name, margin in MARGINS.items():
        assert chances(pool, rules, **{name: twice(margin)}).found > quiet.found + 0.1, name


def test_a_slower_night_is_no_spread(rules):
    alone = pool_trials([night(seed=1), night(seed=2)], rules)
    apart = pool_trials([night(seed=1), night(seed=2, slower=3.0)], rules)
    for one, other in zip(alone.trials["ttft"], apart.trials["ttft"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_no_failure_in_few_answers_is_no_proof_of_none(rules):
    few, many = (pool_trials([night(seed=3, passing=1.0, answers=n)], rules) for n in (4, 400))
    tight = GateRules(
        margins={"conformance": Margin(value=-0.04, kind="difference")},
        alpha=0.05,
        power=0.8,
        looks=plan_looks(SLOTS),
        cases=CASES,
    )
    assert chances(few, tight).safe < chances(many, tight).safe


def test_a_margin_that_was_never_measured_is_never_inside(rules, recorded):
    without_times = recorded[recorded["metric"] != "ttft_s"]
    assert chances(pool_trials([without_times], rules), rules).safe == 0.0


def test_the_plan_names_slots_that_are_enough(rules, recorded):
    pool = pool_trials([recorded], rules)
    planned = plan_gate(pool, rules, slots=4, repeats=500, rng=np.random.default_rng(5))
    assert planned.usual.slots == 4
    assert planned.usual.safe < rules.power
    assert planned.slots_needed is not None
    rng = np.random.default_rng(6)
    enough = simulate_gates(pool, rules, slots=planned.slots_needed, repeats=2000, rng=rng)
    assert enough.safe == pytest.approx(rules.power, abs=0.1)


def test_the_same_seed_plans_the_same(rules):
    pool = assumed_pool(rules, 5)
    one, two = (
        plan_gate(pool, rules, slots=4, repeats=50, rng=np.random.default_rng(5)) for _ in range(2)
    )
    assert one == two

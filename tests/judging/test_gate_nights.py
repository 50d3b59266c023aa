"""A gate whose old side is gone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from contractcheck.judging.gate_nights import judge_against_nights
from contractcheck.judging.gate_terms import GateRules
from contractcheck.model.suite import Margin

CASES, TRIALS = 5, 10
RULES = GateRules(
    margins={
        "conformance": Margin(value=-0.2, kind="difference"),
        "ttft": Margin(value=1.25, kind="ratio"),
    },
    alpha=0.05,
    power=0.8,
    looks=(20,),
)


def night(rng, name, *, fail=0.02, night_sd=0.03, slower=1.0):
    """One night of one side: failures by lot, times that share the night."""
    case, trial = (index.ravel() for index in np.indices((CASES, TRIALS)))
    seconds = slower * np.exp(rng.normal(0, night_sd) + rng.normal(0, 0.1, case.size))
    common = {
        "run": name,
        "night": name,
        "case": np.array([f"case-{i}" for i in case], dtype=object),
        "trial": trial,
        "string": None,
    }
    passed = (rng.random(case.size) >= fail).astype(float)
    parts = (
        {"metric": "conforms", "kind": "check", "plane": "conformance", "number": passed},
        {"metric": "ttft_s", "kind": "number", "plane": "latency", "number": seconds},
    )
    return pd.concat([pd.DataFrame(common | part) for part in parts], ignore_index=True)


def play(seed, *, accepted=10, rules=RULES, night_sd=0.03, **tonight):
    rng = np.random.default_rng(seed)
    nights = pd.concat(
        [night(rng, f"2026-03-{i + 1:02d}", night_sd=night_sd) for i in range(accepted)]
    )
    return judge_against_nights(rules, nights, night(rng, None, night_sd=night_sd, **tonight))


def by_name(decision):
    return {one.name: one for one in decision.margins}


def test_steady_nights_can_say_safe():
    decision = play(1)
    assert decision.outcome == "safe"
    assert "10 slots against 10 accepted nights" in decision.headline
    assert any("accepted nights stand in" in note for note in decision.notes)
    ttft = by_name(decision)["ttft"]
    assert (ttft.state, ttft.blocks) == ("inside", 10)
    assert ttft.low < ttft.effect < ttft.high < 1.25
    assert decision.comparisons[1].estimate.method.startswith("predictive interval")


@pytest.mark.parametrize(
    ("change", "name"), [({"fail": 0.9}, "conformance"), ({"slower": 2.5}, "ttft")]
)
def test_what_no_night_explains_is_beyond(change, name):
    decision = play(2, **change)
    assert decision.outcome == "do-not-upgrade"
    assert [one.metric for one in decision.findings] == [name]


def test_nights_that_differ_more_than_a_margin_cannot_judge_it_and_say_so():
    decision = play(3, night_sd=0.3)
    assert decision.outcome == "cannot-tell"
    ttft = by_name(decision)["ttft"]
    assert ttft.state == "not measured"
    assert "wider than the margin" in ttft.detail
    assert " s in " in ttft.detail
    assert any("time to first token cannot be judged" in note for note in decision.notes)
    assert decision.would_settle.endswith("would settle time to first token")
    muted = play(3, night_sd=0.3, rules=replace(RULES, muted=frozenset({"ttft"})))
    assert muted.outcome == "safe"


def test_few_nights_know_nothing_of_nights():
    decision = play(4, accepted=4)
    assert decision.outcome == "cannot-tell"
    assert {one.state for one in decision.margins} == {"not measured"}
    assert "4 accepted nights; it takes 5" in decision.headline


def test_failed_requests_are_not_in_accepted_nights():
    margins = {**RULES.margins, "error_rate": Margin(value=0.02, kind="difference")}
    decision = play(1, rules=replace(RULES, margins=margins))
    assert decision.outcome == "cannot-tell"
    assert "not how many requests failed" in by_name(decision)["error_rate"].detail


def test_a_case_that_the_nights_do_not_have_is_left_out():
    rng = np.random.default_rng(5)
    nights = pd.concat([night(rng, f"2026-03-{i + 1:02d}") for i in range(10)])
    tonight = night(rng, None)
    added = tonight[tonight["case"] == "case-0"].assign(case="new", number=0.0)
    whole = judge_against_nights(RULES, nights, pd.concat([tonight, added]))
    assert (
        by_name(whole)["conformance"]
        == by_name(judge_against_nights(RULES, nights, tonight))["conformance"]
    )


def test_nights_without_failures_leave_room_for_some():
    rng = np.random.default_rng(6)
    nights = pd.concat([night(rng, f"2026-03-{i + 1:02d}", fail=0.0) for i in range(10)])
    conformance = by_name(judge_against_nights(RULES, nights, night(rng, None, fail=0.0)))[
        "conformance"
    ]
    assert conformance.effect == 0.0
    assert conformance.low < -0.05


@pytest.mark.calibration
def test_at_the_margin_neither_answer_is_given_more_often_than_stated():
    """Nights vary: each of the two false answers has a chance of at most .05."""
    rules = replace(RULES, margins={"ttft": RULES.margins["ttft"]})
    ends = Counter(play(seed, rules=rules, slower=1.25).outcome for seed in range(100, 400))
    # 99.9 % of 300 gates at .05 have at most 28 of either.
    assert ends["safe"] <= 28
    assert ends["do-not-upgrade"] <= 28
    assert ends["cannot-tell"] > 240

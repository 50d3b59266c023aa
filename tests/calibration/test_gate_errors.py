"""The gate's two promises, held at the margin, where both false answers are most likely.

Nights and hours move both sides alike and must cancel; what is left is heavy-tailed, skewed, or a
rate near 1 without a single failure. The families are those of ``bench/gate_errors.py``.
"""

import os
import secrets
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from gate_errors import (
    ALLOWED,
    AT_ALL,
    AT_ONE,
    ORDINARY,
    SIZES,
    SMALL,
    TWICE,
    UNCHANGED,
    autocorrelated,
    decide_all,
    drifting_errors,
    gate_table,
    play_gates,
    print_costs,
    print_errors,
    print_gates,
    rate_errors,
    spending_costs,
    time_errors,
)

from contractcheck.judging.gate import GateState, advance, open_gate, plan_looks
from contractcheck.stats.intervals import clopper_pearson

SEED = 20_261_121
FEW_SIZES = ((5, 10), (8, 3), (12, 50), (20, 10))


def worst(errors):
    """The family whose bound is highest, and that bound."""
    return max((max(one.bounds), one.family, one.blocks, one.cases) for one in errors)


def upper_bound(count, gates):
    return clopper_pearson(count, gates, 0.9).high


def play_pooled(rng, worlds, setup, *, gates):
    ends, requests = Counter(), []
    for world in worlds:
        found, mean = play_gates(rng, world, setup, gates=gates)
        ends += found
        requests.append(mean)
    return ends, float(np.mean(requests))


def test_margins_on_times_hold_at_every_size():
    errors = time_errors(np.random.default_rng(SEED), 2000)
    assert len(errors) == 3 * len(SIZES)
    assert worst(errors)[0] <= ALLOWED, worst(errors)
    # Not because nothing is ever said.
    assert np.mean([one.safe + one.broken for one in errors]) > 0.03 * 2 * 2000


def test_margins_on_rates_hold_near_one_and_without_failures():
    errors = rate_errors(np.random.default_rng(SEED), 1000, sizes=FEW_SIZES)
    assert worst(errors)[0] <= ALLOWED, worst(errors)
    assert max(one.safe for one in errors) > 20
    assert max(one.broken for one in errors) > 20


def test_whole_gates_hold_their_margins_and_answer_in_fewer_requests(capsys):
    rng = np.random.default_rng(SEED)
    gates = 200
    everywhere, _ = play_pooled(rng, [AT_ALL], SMALL, gates=gates)
    somewhere, _ = play_pooled(rng, AT_ONE, SMALL, gates=gates)
    same, requests_same = play_pooled(rng, [UNCHANGED], SMALL, gates=40)
    twice, requests_twice = play_pooled(rng, [TWICE], SMALL, gates=40)
    most = 2 * SMALL.blocks * SMALL.cases
    with capsys.disabled():
        print(  # noqa: T201 - the expected requests are to be seen
            f"\nWhole gates of at most {most} requests: {requests_same:.0f} when nothing changed, "
            f"{requests_twice:.0f} when every margin is exceeded twice"
        )
    assert upper_bound(everywhere["do-not-upgrade"], gates) <= ALLOWED
    assert upper_bound(somewhere["safe"], 3 * gates) <= ALLOWED
    assert same["safe"] > 30
    assert twice["do-not-upgrade"] > 30
    assert max(requests_same, requests_twice) < most


def test_the_way_to_spend_takes_few_requests_where_there_is_an_answer(capsys):
    rows = spending_costs(np.random.default_rng(SEED), 4000)
    with capsys.disabled():
        print_costs(rows)
    for row in rows:
        assert row["power-2"][1] < row["obrien-fleming"][1] < row["fixed"][1] == 20
        # Pocock stops earliest, and pays with answers.
        assert row["pocock"][1] < row["power-2"][1]
        assert row["power-2"][0] > row["fixed"][0] - 0.04
    assert min(row["power-2"][0] - row["pocock"][0] for row in rows[:2]) > 0.03


def test_one_side_that_drifts_by_itself_errs_half_as_often_as_without_the_correction():
    noise = autocorrelated(np.random.default_rng(SEED), (4000, 20), 0.5)
    wrong = [
        np.mean(decide_all(noise, 0.0, plan_looks(20), is_ceiling=True, serial=serial)[0])
        for serial in (True, False)
    ]
    assert wrong[0] < 0.12
    assert wrong[1] > 1.8 * wrong[0]


@pytest.fixture(scope="module")
def new_seed():
    return int(os.environ.get("CONTRACTCHECK_SEED") or secrets.randbelow(10**6))


@pytest.mark.calibration
def test_every_family_at_a_new_seed(new_seed, capsys):
    rng = np.random.default_rng(new_seed)
    times, rates = time_errors(rng, 20_000), rate_errors(rng, 20_000)
    drifting = drifting_errors(rng, 20_000)
    with capsys.disabled():
        print(f"\nErrors of the gate, seed {new_seed}")  # noqa: T201 - says how to repeat it
        print_errors("Margins on times", times)
        print_errors("Margins on rates", rates)
        print_errors("One side drifts by itself", drifting)
    assert worst(times)[0] <= ALLOWED, worst(times)
    assert worst(rates)[0] <= ALLOWED, worst(rates)
    # What docs/explanation/gate.md says of a side that drifts by itself.
    assert worst(drifting)[0] <= 0.13, worst(drifting)


@pytest.mark.calibration
@pytest.mark.parametrize("setup", [SMALL, ORDINARY], ids=["small", "ordinary"])
def test_a_thousand_whole_gates_at_a_new_seed(setup, new_seed, capsys):
    rng = np.random.default_rng(new_seed)
    with capsys.disabled():
        print(f"\nWhole gates, seed {new_seed}")  # noqa: T201 - says how to repeat it
        print_gates(rng, 100, setup)
    everywhere, _ = play_pooled(rng, [AT_ALL], setup, gates=1000)
    assert upper_bound(everywhere["do-not-upgrade"], 1000) <= ALLOWED
    for world in AT_ONE:
        ends, _ = play_gates(rng, world, setup, gates=1000)
        assert upper_bound(ends["safe"], 1000) <= ALLOWED, world.name
        assert upper_bound(ends["do-not-upgrade"], 1000) <= ALLOWED, world.name


@pytest.mark.calibration
def test_one_model_is_seldom_called_two(new_seed, capsys):
    """Words change with the hour on both sides; exchanging sides inside blocks does not mind."""
    rng = np.random.default_rng(new_seed)
    gates = 500
    rules = replace(SMALL.rules, same_model=True)
    ends = Counter(play_words(rng, rules) for _ in range(gates))
    with capsys.disabled():
        print(f"\nOne model, seed {new_seed}: {dict(ends)}")  # noqa: T201 - says how to repeat it
    assert upper_bound(ends["do-not-upgrade"], gates) <= ALLOWED
    assert ends["safe"] > 0.8 * gates


def play_words(rng, rules):
    table = gate_table(rng, UNCHANGED, SMALL)
    words = table[table["metric"] == "refusal"].copy()
    hour = rng.random(SMALL.blocks)
    drawn = rng.random(len(words)) < hour[words["trial"]]
    words["metric"], words["string"] = "label", np.where(drawn, "b", "a").astype(object)
    state = open_gate(rules)
    while isinstance(state, GateState):
        state = advance(state, pd.concat([table, words], ignore_index=True))
    return state.outcome

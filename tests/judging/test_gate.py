"""The gate on tables whose every number the test says."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from contractcheck.errors import UsageError
from contractcheck.judging.gate import (
    GateDecision,
    GateState,
    advance,
    decide,
    open_gate,
    plan_looks,
)
from contractcheck.judging.gate_margins import Look, find_beyond
from contractcheck.judging.gate_terms import GateRules
from contractcheck.measuring import COLUMNS
from contractcheck.model.judgement import FindingKind
from contractcheck.model.suite import Margin

CASES, BLOCKS = 6, 20
MARGINS = {
    "conformance": Margin(value=-0.1, kind="difference"),
    "refusals": Margin(value=0.1, kind="difference"),
    "ttft": Margin(value=1.25, kind="ratio"),
}
RULES = GateRules(margins=MARGINS, alpha=0.05, power=0.8, looks=plan_looks(BLOCKS))


def rows(metric, kind, plane, numbers=None, strings=None):
    """One metric of all trials: arrays of (side, case, block)."""
    values = numbers if numbers is not None else strings
    side, case, block = (index.ravel() for index in np.indices(values.shape))
    empty = np.full(values.size, np.nan)
    return pd.DataFrame(
        {
            "run": "run",
            "night": None,
            "case": np.array([f"case-{i}" for i in range(values.shape[1])], dtype=object)[case],
            "trial": block,
            "metric": metric,
            "kind": kind,
            "plane": plane,
            "number": empty if numbers is None else numbers.ravel().astype(float),
            "string": None if strings is None else strings.ravel(),
            "side": np.array(["from", "to"], dtype=object)[side],
        }
    )


def table(
    *,
    fail=(0.02, 0.02),
    refuse=(0.0, 0.0),
    slower=1.0,
    words=None,
    seed=1,
    cases=CASES,
    blocks=BLOCKS,
):
    """Both sides share what an hour does to times; rates and speed are given per side."""
    rng = np.random.default_rng(seed)
    shape = (2, cases, blocks)
    hour = rng.normal(0.0, 0.5, (1, 1, blocks))
    speed = np.log([1.0, slower])[:, None, None]
    seconds = np.exp(hour + speed + rng.normal(0.0, 0.2, shape))
    passed, declined = (rng.random(shape) < np.array(p)[:, None, None] for p in (fail, refuse))
    parts = [
        rows("conforms", "check", "conformance", numbers=~passed),
        rows("refusal", "label", "outputs", strings=np.where(declined, "yes", "no").astype(object)),
        rows("ttft_s", "number", "latency", numbers=seconds),
    ]
    if words is not None:
        drawn = rng.random(shape) < np.array(words)[:, None, None]
        parts.append(
            rows("label", "label", "outputs", strings=np.where(drawn, "b", "a").astype(object))
        )
    return pd.concat(parts, ignore_index=True)


def run(rules, observed):
    """Look as planned until there is a decision; also what was seen on the way."""
    state, states = open_gate(rules), []
    while isinstance(state, GateState):
        states.append(state)
        state = advance(state, observed)
    return state, states


def by_name(decision):
    return {one.name: one for one in decision.margins}


def test_equal_sides_are_safe_early_and_the_sentence_says_by_how_much():
    decision, states = run(RULES, table(fail=(0, 0)))
    assert decision.outcome == "safe"
    assert 1 < decision.look == len(states) < 5
    assert decision.blocks == RULES.looks[decision.look - 1] < decision.planned_blocks == BLOCKS
    assert decision.headline.startswith("Safe to upgrade: conformance (0.0 points [-")
    assert f"stay inside their margins, after {decision.blocks} of 20 slots" in decision.headline
    assert (decision.would_settle, decision.reason, decision.findings) == ("", "", ())
    ttft = by_name(decision)["ttft"]
    assert ttft.state == "inside"
    assert ttft.low < ttft.effect < ttft.high < 1.25
    assert ttft.p_safe <= 0.05 < ttft.p_beyond
    assert [one.metric for one in decision.comparisons if one.case is None] == list(MARGINS)


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"fail": (0.0, 0.6)}, "conformance", "Do not upgrade: conformance falls by"),
        ({"refuse": (0.0, 0.6)}, "refusals", "Do not upgrade: the share of refusals rises by"),
        ({"slower": 2.0}, "ttft", "Do not upgrade: time to first token is 2."),
    ],
)
def test_a_broken_margin_ends_the_gate_and_is_named_with_its_interval(change, name, words):
    decision, _ = run(RULES, table(**{"fail": (0, 0)} | change))
    assert decision.outcome == "do-not-upgrade"
    assert decision.headline.startswith(words)
    assert "the margin is" in decision.headline
    broken = by_name(decision)[name]
    assert broken.state == "beyond"
    assert broken.p_beyond < 0.05 < broken.p_safe
    edge = abs(broken.margin.value)
    assert min(abs(broken.low), abs(broken.high)) > edge
    assert [(one.kind, one.metric) for one in decision.findings] == [(FindingKind.DIFFERENCE, name)]
    line = next(one for one in decision.comparisons if one.metric == name)
    assert line.margin == broken.margin.value
    assert line.estimate.p <= line.adjusted_p <= 0.05


def test_moves_the_other_way_break_nothing():
    decision, _ = run(RULES, table(fail=(0.5, 0.0), refuse=(0.5, 0.0), slower=0.5))
    assert decision.outcome == "safe"
    assert decision.look in {1, 2}


def test_what_an_hour_does_to_both_sides_cancels():
    calm = table(fail=(0, 0), seed=4)
    wild = calm.copy()
    is_time = wild["metric"] == "ttft_s"
    wild.loc[is_time, "number"] *= 10.0 ** wild.loc[is_time, "trial"].mod(5)
    ends = [by_name(run(RULES, one)[0])["ttft"] for one in (calm, wild)]
    assert ends[0].low == pytest.approx(ends[1].low)
    assert ends[0].high == pytest.approx(ends[1].high)


def test_what_stays_open_is_settled_by_so_many_slots():
    decision, states = run(RULES, table(fail=(0.3, 0.3), seed=3))
    assert decision.outcome == "cannot-tell"
    assert (decision.look, decision.blocks, len(states)) == (5, 20, 5)
    assert decision.headline.startswith("Cannot tell yet: after 20 of 20 slots, conformance ")
    more = by_name(decision)["conformance"].more_blocks
    assert (
        f"a gate of about {20 + more} slots ({(20 + more) * CASES * 2:,} requests)"
        in decision.would_settle
    )
    assert "would settle conformance with chance 80%" in decision.would_settle


def test_more_blocks_than_planned_are_not_looked_at():
    observed = table(fail=(0, 0))
    state = open_gate(RULES)
    early = observed[observed["trial"] < RULES.looks[0]]
    assert advance(state, observed) == advance(state, early)


def test_only_critical_margins_stop_before_the_last_look():
    rules = replace(RULES, critical=frozenset({"ttft"}))
    observed = table(fail=(0.0, 0.6))
    assert run(RULES, observed)[0].look < 5
    late, states = run(rules, observed)
    assert (late.outcome, late.look) == ("do-not-upgrade", 5)
    assert {
        one.state for state in states[2:] for one in state.margins if one.name == "conformance"
    } == {"beyond"}
    assert by_name(late)["ttft"].is_critical
    assert not by_name(late)["conformance"].is_critical
    assert run(rules, table(slower=2.0))[0].look < 5


def test_muted_margins_are_shown_and_never_decide():
    rules = replace(RULES, muted=frozenset({"conformance"}))
    decision, _ = run(rules, table(fail=(0.0, 0.6)))
    assert decision.outcome == "safe"
    muted = by_name(decision)["conformance"]
    assert (muted.state, muted.is_muted, muted.is_critical) == ("beyond", True, False)
    assert [one.kind for one in decision.findings] == [FindingKind.NOTICE]
    assert "conformance" not in decision.headline


def test_what_does_not_move_neither_rises_nor_falls():
    decision = decide(open_gate(RULES), table(fail=(0, 0), refuse=(0, 0)), "asked", blocks=3)
    assert decision.outcome == "cannot-tell"
    assert "conformance does not move: 0.0 points [-" in decision.headline
    assert ", with too few slots to bound it" in decision.headline


def test_different_answers_are_told_and_decide_nothing():
    decision, _ = run(RULES, table(fail=(0, 0), words=(0.1, 0.9)))
    assert decision.outcome == "safe"
    (finding,) = decision.findings
    assert (finding.kind, finding.metric) == (FindingKind.NOTICE, "label")
    assert finding.examples[0].before != finding.examples[0].after
    assert (
        "label differs; this is for reading: policy.gate.same_model: true would let it decide"
        in decision.notes
    )
    other, _ = run(replace(RULES, comparable_tokens=False), table(fail=(0, 0), words=(0.1, 0.9)))
    assert any("label differs; two models do, so this is for" in note for note in other.notes)
    assert any(one.case == "case-0" and one.metric == "label" for one in decision.comparisons)
    assert not any(one.metric == "refusal" for one in decision.comparisons)


def test_different_answers_of_one_model_speak_against_moving():
    rules = replace(RULES, same_model=True)
    decision, _ = run(rules, table(fail=(0, 0), words=(0.1, 0.9)))
    assert decision.outcome == "do-not-upgrade"
    assert decision.headline.endswith(
        "the answers differ, though both sides are said to be one model"
    )
    assert decision.findings[0].kind is FindingKind.DIFFERENCE


def test_structured_answers_are_compared_path_by_path():
    shape = (2, CASES, BLOCKS)
    number = np.arange(np.prod(shape)).reshape(shape)
    answers = [
        json.dumps({"total": int(n % 3)} | ({"note": "x"} if side and n % 2 else {}))
        for side, n in zip(np.indices(shape)[0].ravel(), number.ravel(), strict=True)
    ]
    texts = np.array(answers, dtype=object).reshape(shape)
    only_here = rows("length", "number", "outputs", numbers=number[:, :1] % 5)
    observed = pd.concat(
        [table(fail=(0, 0)), rows("answer", "json", "outputs", strings=texts), only_here],
        ignore_index=True,
    )
    decision, _ = run(RULES, observed)
    assert decision.outcome == "safe"
    assert [(one.kind, one.metric) for one in decision.findings] == [(FindingKind.NOTICE, "answer")]
    assert [(one.path, one.severity) for one in decision.path_changes] == [("$.note", "additive")]


def test_of_one_model_safe_is_said_only_at_the_last_look():
    rules = replace(RULES, same_model=True)
    observed = table(fail=(0, 0), words=(0.3, 0.3))
    assert run(RULES, observed)[0].look < 5
    decision, _ = run(rules, observed)
    assert (decision.outcome, decision.look) == ("safe", 5)
    assert any("no proof that there is none" in note for note in decision.notes)


def test_holm_looks_at_all_margins_together():
    """A move that would break one margin alone is not enough among three."""
    alone = GateRules(margins={"ttft": MARGINS["ttft"]}, alpha=0.05, power=0.8, looks=(20,))
    among = replace(RULES, looks=(20,))
    factor = next(
        f
        for f in np.arange(1.29, 1.6, 0.005)
        if run(alone, table(fail=(0, 0), slower=f))[0].outcome == "do-not-upgrade"
    )
    observed = table(fail=(0, 0), slower=factor)
    decision = run(among, observed)[0]
    assert decision.outcome == "cannot-tell"
    ttft = by_name(decision)["ttft"]
    assert ttft.low > 1.25
    line = next(one for one in decision.comparisons if one.metric == "ttft")
    assert line.estimate.p <= 0.05 < line.adjusted_p
    # With a second margin surely broken, the rest is held to a larger share of the level.
    muted = replace(among, muted=frozenset({"refusals"}))
    assert (
        by_name(run(muted, table(fail=(0.0, 0.9), slower=factor + 0.02))[0])["ttft"].state
        == "beyond"
    )


@pytest.mark.parametrize(
    ("tails", "difference", "broken", "differs"),
    [
        ((0.02, 0.5), None, {"a"}, False),
        ((0.02, 0.5), 0.5, set(), False),  # .05 / 3 is left to the first of three
        ((0.01, 0.5), 0.02, {"a"}, True),  # then .05 / 2 to the next
        ((0.01, 0.5), 0.03, {"a"}, False),
        ((0.04, 0.04), 0.01, set(), True),
        ((0.01, 0.01), 0.05, {"a", "b"}, True),  # and .05 to the last
    ],
)
def test_a_difference_of_one_model_is_one_more_step_of_holm(tails, difference, broken, differs):
    found = find_beyond(
        dict(zip("ab", tails, strict=True)), Look(shares=(1.0,)), 0.05, difference_p=difference
    )
    assert found == (broken, differs)


def test_what_a_difference_may_spend_adds_up_to_its_level():
    shares = (0.2, 0.4, 0.6, 0.8, 1.0)
    steps = [Look(shares=shares[: k + 1]).increment(0.05) for k in range(5)]
    assert sum(steps) == pytest.approx(0.05)
    assert steps == sorted(steps)


def test_a_missing_trial_takes_its_pair_out_of_the_block():
    observed = table(fail=(0, 0))
    gone = (observed["side"] == "to") & (observed["case"] == "case-2") & (observed["trial"] == 1)
    decision, _ = run(replace(RULES, looks=(8,)), observed[~gone])
    assert {one.pairs for one in decision.margins} == {8 * CASES - 1}
    assert {one.blocks for one in decision.margins} == {8}


def test_a_side_that_lost_too_many_answers_is_not_judged_by_the_rest():
    observed = table(fail=(0, 0))
    rng = np.random.default_rng(0)
    lost = rng.random((CASES, BLOCKS)) < 0.3
    case = observed["case"].str[-1].astype(int).to_numpy()
    gone = (observed["side"] == "to").to_numpy() & lost[case, observed["trial"].to_numpy()]
    errors = {"error_rate": Margin(value=0.02, kind="difference")}
    rules = replace(RULES, cases=tuple(f"case-{i}" for i in range(CASES)))
    decision, _ = run(rules, observed[~gone])
    assert decision.outcome == "cannot-tell"
    assert {one.state for one in decision.margins} == {"not measured"}
    assert "the trials of --to have no answer" in decision.headline
    counted, _ = run(replace(rules, margins=MARGINS | errors), observed[~gone])
    assert counted.outcome == "do-not-upgrade"
    assert counted.headline.startswith("Do not upgrade: the share of failed requests rises by")


def test_failures_may_have_rows_of_their_own_which_are_no_checks():
    observed = table(fail=(0, 0))
    failed = np.zeros((2, CASES, BLOCKS))
    failed[1, :, ::2] = 1.0
    own = rows("error_rate", "check", "conformance", numbers=failed)
    rules = replace(RULES, margins=MARGINS | {"error_rate": Margin(value=0.05, kind="difference")})
    decision, _ = run(rules, pd.concat([observed, own], ignore_index=True))
    assert decision.outcome == "do-not-upgrade"
    assert by_name(decision)["error_rate"].effect == pytest.approx(0.5)
    assert by_name(decision)["conformance"].effect == 0.0


def test_a_margin_without_anything_to_measure_blocks_safe_and_says_why():
    rules = replace(RULES, margins=MARGINS | {"total": Margin(value=1.25, kind="ratio")})
    decision, _ = run(rules, table(fail=(0, 0)))
    assert decision.outcome == "cannot-tell"
    assert decision.headline.endswith(
        "total time was not measured: no case has total_s on both sides of a block at a time when "
        "this machine was not busy"
    )
    assert run(replace(rules, muted=frozenset({"total"})), table(fail=(0, 0)))[0].outcome == "safe"


def test_replayed_times_are_not_taken_for_measured_ones():
    observed = table(fail=(0, 0))
    observed.loc[observed["metric"] == "ttft_s", "number"] = 0.5
    ttft = by_name(run(RULES, observed)[0])["ttft"]
    assert (ttft.state, ttft.effect) == ("not measured", None)
    assert "exactly the same" in ttft.detail


def test_an_endless_time_leaves_its_margin_open_for_good():
    observed = table(fail=(0, 0))
    observed.loc[observed.index[observed["metric"] == "ttft_s"][3], "number"] = np.inf
    decision, _ = run(RULES, observed)
    assert decision.outcome == "cannot-tell"
    assert "infinite" in by_name(decision)["ttft"].detail


def test_without_comparable_tokens_pace_is_per_character():
    rng = np.random.default_rng(6)
    shape = (2, CASES, 8)
    first, noise = np.full(shape, 0.5), np.exp(rng.normal(0, 0.05, shape))
    characters = rng.integers(200, 400, shape)
    texts = np.array(["x" * n for n in characters.ravel()], dtype=object).reshape(shape)
    total = first + characters * 0.01 * noise
    # The new side counts half as many tokens for the same text.
    tokens = 0.04 * noise * np.array([1.0, 2.0])[:, None, None]
    observed = pd.concat(
        [
            rows("ttft_s", "number", "latency", numbers=first),
            rows("total_s", "number", "latency", numbers=total),
            rows("time_per_token_s", "number", "latency", numbers=tokens),
            rows("text", "text", "outputs", strings=texts),
        ],
        ignore_index=True,
    )
    rules = GateRules(
        margins={"time_per_token": Margin(value=1.25, kind="ratio")},
        alpha=0.05,
        power=0.8,
        looks=(8,),
    )
    assert run(rules, observed)[0].outcome == "do-not-upgrade"
    other = replace(rules, comparable_tokens=False)
    decision = run(other, observed)[0]
    assert decision.outcome == "safe"
    assert by_name(decision)["time_per_token"].effect == pytest.approx(1.0, abs=0.05)
    hashed = run(other, observed[observed["metric"] != "text"])[0]
    assert by_name(hashed)["time_per_token"].detail.startswith(
        f"{np.exp(np.log(total[0]).mean()):.3g} s"
    )


def test_a_number_metric_can_have_a_margin():
    observed = rows(
        "output_tokens", "number", "outputs", numbers=np.arange(240.0).reshape(2, 6, 20) % 7 + 50
    )
    rules = GateRules(
        margins={"output_tokens": Margin(value=5.0, kind="difference")},
        alpha=0.05,
        power=0.8,
        looks=(20,),
    )
    decision, _ = run(rules, observed)
    assert decision.outcome == "safe"
    assert by_name(decision)["output_tokens"].unit == "value"


def test_an_early_end_spends_only_what_so_many_blocks_may():
    observed = table(fail=(0, 0))
    state = open_gate(RULES)
    planned, asked = advance(state, observed), decide(state, observed, "interrupted", blocks=4)
    assert [one.p_safe for one in planned.margins] == [one.p_safe for one in asked.margins]
    cut = decide(state, observed, "the budget of 60 requests was reached", blocks=5)
    assert cut.outcome == "cannot-tell"
    assert cut.headline.startswith(
        "Cannot tell yet: the budget of 60 requests was reached after 5 of 20 slots; "
    )
    assert (cut.reason, cut.look, cut.blocks) == ("the budget of 60 requests was reached", 1, 5)
    assert decide(planned, observed, "interrupted").outcome == "safe"
    resumed, _ = run(replace(RULES, looks=(4, 5, *RULES.looks[1:])), observed)
    assert (resumed.outcome, resumed.look) == ("safe", run(RULES, observed)[0].look + 1)


def test_an_end_right_after_the_beginning_of_a_long_gate_decides_nothing():
    long = replace(RULES, looks=plan_looks(1000))
    decision = decide(open_gate(long), table(fail=(0, 0.9), slower=3.0), "interrupted", blocks=2)
    assert decision.outcome == "cannot-tell"
    assert all(0.0 < one.p_beyond <= 1.0 for one in decision.margins)


def test_an_end_before_the_first_answer_is_an_honest_one():
    decision = decide(open_gate(RULES), table().iloc[:0], "interrupted")
    assert (decision.outcome, decision.blocks) == ("cannot-tell", 0)
    assert "interrupted after 0 of 20 slots" in decision.headline


def test_the_order_of_rows_changes_nothing():
    observed = table(fail=(0.05, 0.05), words=(0.2, 0.3))
    shuffled = observed.sample(frac=1.0, random_state=3)
    assert run(RULES, observed)[0] == run(RULES, shuffled)[0]


def test_swapped_sides_swap_the_answer():
    better = table(fail=(0.6, 0.0))
    worse = better.assign(side=better["side"].map({"from": "to", "to": "from"}))
    assert (run(RULES, better)[0].outcome, run(RULES, worse)[0].outcome) == (
        "safe",
        "do-not-upgrade",
    )


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 9, 20, 1000])
def test_looks_are_spread_and_end_at_the_end(blocks):
    looks = plan_looks(blocks)
    assert looks[-1] == blocks
    assert len(looks) <= 5
    assert min(np.diff((0, *looks))) >= min(4, blocks)
    assert max(np.diff((0, *looks))) - min(np.diff((0, *looks))) <= 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alpha": 0.0}, "need 0 < alpha"),
        ({"looks": ()}, "ascend"),
        ({"looks": (8, 4)}, "ascend"),
        ({"critical": frozenset({"speed"})}, "critical names speed"),
        ({"muted": frozenset(MARGINS)}, "no margin decides"),
        ({"margins": {"ttft": Margin(value=-1.0, kind="ratio")}}, "is no ratio"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        open_gate(replace(RULES, **changes))


def test_a_table_of_something_else_is_refused():
    observed = table()
    with pytest.raises(UsageError, match="no column 'side'"):
        advance(open_gate(RULES), observed.drop(columns="side"))
    with pytest.raises(UsageError, match="something else"):
        advance(open_gate(RULES), observed.assign(side="left"))
    assert set(COLUMNS) <= set(observed.columns)
    assert isinstance(decide(open_gate(RULES), observed, "done"), GateDecision)

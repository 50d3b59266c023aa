"""Every margin in every case, on tables whose numbers the test says."""

import math

import pandas as pd
import pytest

from contractcheck.judging.gate import GateRules
from contractcheck.judging.side_accounts import describe_cases
from contractcheck.measuring import COLUMNS
from contractcheck.model.suite import Margin

RULES = GateRules(
    margins={
        "conformance": Margin(value=-0.1, kind="difference"),
        "refusals": Margin(value=0.1, kind="difference"),
        "ttft": Margin(value=1.25, kind="ratio"),
    },
    alpha=0.05,
    power=0.8,
    looks=(4,),
    cases=("b", "a", "silent"),
)


def row(side, case, trial, metric, *, number=math.nan, string=None, kind="number"):
    return ("run", None, case, trial, metric, kind, "outputs", number, string, side)


def table(rows):
    return pd.DataFrame(rows, columns=[*COLUMNS, "side"])


def test_each_case_has_both_sides_of_every_margin_in_suite_order():
    rows = []
    for trial in range(4):
        for side, passed, ttft_s in (("from", 1.0, 0.1), ("to", float(trial > 1), 0.2)):
            rows += [
                row(side, "a", trial, "conforms", number=passed, kind="check"),
                row(side, "a", trial, "ttft_s", number=ttft_s),
                row(side, "b", trial, "refusal", string="yes" if side == "to" else "no"),
                row(side, "b", trial, "ttft_s", number=2.0),
            ]
    found = describe_cases(table(rows), RULES, 4)
    assert [(c.case, c.margin) for c in found] == [
        (case, name) for case in ("b", "a", "silent") for name in RULES.margins
    ]
    told = {(c.case, c.margin): (c.old, c.new, c.effect, c.n_old, c.n_new) for c in found}
    assert told["a", "conformance"] == ("100.0%", "50.0%", -0.5, 4, 4)
    assert told["b", "refusals"] == ("0.0%", "100.0%", 1.0, 4, 4)
    assert told["a", "ttft"][:2] == ("100 ms", "200 ms")
    assert told["a", "ttft"][2] == pytest.approx(2.0)
    assert told["b", "ttft"][:2] == ("2 s", "2 s")
    assert told["silent", "ttft"] == ("–", "–", None, 0, 0)
    assert {c.unit for c in found} == {"share", "ratio"}


def test_only_blocks_that_count_and_pairs_are_described():
    rows = [
        row(side, "a", trial, "ttft_s", number=0.1 * (trial + 1))
        for side in ("from", "to")
        for trial in range(4)
        if (side, trial) != ("to", 1)
    ]
    found = {c.case: c for c in describe_cases(table(rows), RULES, 3) if c.margin == "ttft"}
    assert found["a"].n_old == found["a"].n_new == 2
    assert found["a"].effect == pytest.approx(1.0)

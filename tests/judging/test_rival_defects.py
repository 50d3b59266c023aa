"""What `model-equality-testing` 0.0.2 gets wrong, each a promise here.

Measured on that package: p is exactly 0 when no permutation reaches the statistic; with one answer
per prompt the statistic is NaN and p is 0; labels are exchanged across prompts; nothing says where;
nothing corrects for having looked at many; and it prints progress to stderr.
"""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from contractcheck.judging import TableSides, judge_tables
from contractcheck.measuring import COLUMNS
from contractcheck.model.judgement import Verdict
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

WORDS = [
    "the",
    "parcel",
    "was",
    "late",
    "so",
    "we",
    "refund",
    "your",
    "money",
    "and",
    "say",
    "we",
    "are",
    "sorry",
    "for",
    "it",
]


def compare(old, new, kind="text"):
    def side(rows):
        made = [("t", None, c, 0, "answer", kind, "outputs", np.nan, v) for c, v in rows]
        return pd.DataFrame(made, columns=list(COLUMNS))

    return judge_tables(TableSides(baseline=side(old), candidate=side(new)), alpha=0.05, power=0.8)


def compare_sides(old, new):
    """The test alone, without what it would have shown."""

    def side(rows):
        by_case = {}
        for case, text in rows:
            by_case.setdefault(case, []).append(text)
        return by_case

    before, after = side(old), side(new)
    cases = [
        CaseSample(case=case, baseline={"answer": before[case]}, candidate={"answer": after[case]})
        for case in before
    ]
    stream = Stream(metric="answer", kind="text")
    return compare_samples(cases, [stream], rng=np.random.default_rng(5), permutations=399)


def sentences(seed, cases, n, words=8):
    rng = random.Random(seed)  # noqa: S311 - answers, not keys
    return [
        (f"c{i:02}", " ".join(rng.choices(WORDS, k=words))) for i in range(cases) for _ in range(n)
    ]


def p_values(judgement):
    return [p for c in judgement.comparisons for p in (c.estimate.p, c.adjusted_p) if p is not None]


@pytest.mark.parametrize(("cases", "n"), [(1, 30), (25, 3), (25, 1)])
def test_p_is_never_zero_however_large_the_change(cases, n):
    old = sentences(1, cases, n)
    judgement = compare(old, [(case, "I cannot help with that.") for case, _ in old])
    assert judgement.verdict is Verdict.FAIL
    assert min(p_values(judgement)) >= 1 / 2001
    assert max(p_values(judgement)) <= 1


def test_one_answer_per_prompt_is_compared_and_not_called_drift_for_it():
    cried = sum(
        compare_sides(sentences(seed, 25, 1), sentences(seed + 100, 25, 1)).changed
        for seed in range(20)
    )
    assert cried <= 4  # a level of .05 exceeds this once in 400 times
    found = compare(sentences(1, 25, 1), [(c, f"Certainly! {t}") for c, t in sentences(9, 25, 1)])
    assert found.verdict is Verdict.FAIL


def test_one_answer_in_all_is_no_evidence():
    judgement = compare([("c", "yes")], [("c", "no")])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert set(p_values(judgement)) == {1.0}


def flipped(n):
    old = [(f"c{i:02}", f"answer {i}") for i in range(25) for _ in range(n)]
    return old, [(case, "flipped" if case == "c07" else text) for case, text in old]


def test_one_prompt_of_25_that_flipped_at_temperature_0_is_named():
    judgement = compare(*flipped(5))
    assert judgement.verdict is Verdict.FAIL
    (finding,) = judgement.findings
    assert "surely in c07" in finding.message
    assert [example.case for example in finding.examples] == ["c07"]
    p = {c.case: c.estimate.p for c in judgement.comparisons}
    assert p.pop("c07") <= 0.02
    assert {value for case, value in p.items() if case} == {1.0}


def test_three_answers_against_three_of_one_prompt_claim_no_more_than_they_can():
    """Of the 20 ways to deal six answers, two are this extreme: .1, whatever the other prompts."""
    result = compare_sides(*flipped(3))
    assert result.p == pytest.approx(0.1, abs=0.02)
    first = min(result.cases, key=lambda case: case.p)
    assert first.case == "c07"
    assert first.p == pytest.approx(0.1, abs=0.02)


def test_prompts_that_differ_from_each_other_hide_nothing():
    """Exchanging labels across prompts would drown this change in what prompts differ by."""
    rng = np.random.default_rng(3)
    old, new = [], []
    for i in range(25):
        own = f"topic {i} " * 20
        old += [(f"c{i:02}", own + " ".join(rng.choice(WORDS, 4))) for _ in range(5)]
        new += [(f"c{i:02}", own + " ".join(rng.choice(WORDS[:8], 4))) for _ in range(5)]
    assert compare(old, new).verdict is Verdict.FAIL


def test_looking_at_many_cases_cries_no_more_often():
    cried = 0
    for seed in range(20):
        result = compare_sides(sentences(seed, 20, 4, 3), sentences(seed + 500, 20, 4, 3))
        cried += any(case.p_adjusted <= 0.05 for case in result.cases)
    assert cried <= 4  # a level of .05 exceeds this once in 400 times


def test_nothing_is_printed(capfd):
    compare(sentences(1, 3, 3), sentences(2, 3, 3))
    assert capfd.readouterr() == ("", "")

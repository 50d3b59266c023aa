"""Anchors on recorded answers of real model versions (LLMDrift, Chen, Zaharia and Zou 2023)."""

import collections
import csv
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CONTRACTCHECK_LLMDRIFT") or CHECKOUT.parent / "shared/data/llmdrift")
LETTER = Stream(metric="letter", kind="label")
TEXT = Stream(metric="text", kind="text")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"recorded answers not found at {DATA}; set CONTRACTCHECK_LLMDRIFT to a copy of LLMDrift",
)


def answers(file, model):
    found = collections.defaultdict(list)
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["model"].endswith(f"/{model}"):
                found[row["id"]].append(row["answer"])
    assert found, f"{file} has no rows of {model}"
    return found


def side(texts):
    matches = [re.match(r"\s*\(?([A-Z])\b", text) for text in texts]
    return {"text": texts, "letter": [match and match.group(1) for match in matches]}


def pair(file, old, new):
    left, right = answers(file, old), answers(file, new)
    return [
        CaseSample(case=key, baseline=side(left[key]), candidate=side(right[key]))
        for key in left
        if key in right
    ]


def compare(cases, streams, seed=0, permutations=2000):
    return compare_samples(
        cases, streams, rng=np.random.default_rng(seed), permutations=permutations
    )


def test_letters_of_two_gpt_4_versions_differ_and_it_takes_seconds():
    cases = pair("OPINIONQA_EVAL.csv", "gpt-4-0314", "gpt-4-0613")
    start = time.process_time()
    result = compare(cases, (LETTER, TEXT))
    assert time.process_time() - start <= 6  # measured 0.7 s; a shared machine gets slack
    assert result.n_cases == 1494
    assert result.p == pytest.approx(1 / 2001)
    assert all(metric.p_adjusted == pytest.approx(1 / 2001) for metric in result.metrics)


@pytest.mark.parametrize("file", ["OPINIONQA_EVAL.csv", "SENSITIVEQ_EVAL.csv"])
@pytest.mark.parametrize("model", ["gpt-4-0314", "gpt-3.5-turbo-0613"])
def test_a_model_against_its_own_rows_is_p_one(file, model):
    assert compare(pair(file, model, model), (LETTER, TEXT), permutations=200).p == 1.0


def test_texts_of_two_gpt_4_versions_differ_at_one_answer_each():
    result = compare(pair("SENSITIVEQ_EVAL.csv", "gpt-4-0314", "gpt-4-0613"), (TEXT,))
    assert result.p <= 0.001
    assert result.metrics[0].low > 0


def test_pairing_finds_the_small_change_that_pooled_tests_miss():
    # GPT-3.5 agrees with itself in 72 % of these; the pooled exact test found it in .01 of draws.
    cases = pair("OPINIONQA_EVAL.csv", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613")
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(60):
        chosen = [cases[place] for place in rng.choice(len(cases), 100, replace=False)]
        found += compare(chosen, (LETTER,), permutations=199).p <= 0.05
    assert found / 60 >= 0.35


def test_permuted_labels_of_real_answers_give_a_uniform_p():
    cases = pair("OPINIONQA_EVAL.csv", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613")
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(150):
        chosen = [cases[place] for place in rng.choice(len(cases), 60, replace=False)]
        mixed = [
            CaseSample(case=c.case, baseline=c.candidate, candidate=c.baseline)
            if rng.random() < 0.5
            else c
            for c in chosen
        ]
        shares.append(compare(mixed, (LETTER, TEXT), permutations=99).randomised_p(rng.random()))
    # The few questions that were asked twice stay together: whole sides are swapped.
    assert scipy.stats.kstest(shares, "uniform").pvalue >= 1e-3

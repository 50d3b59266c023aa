"""Answers of the simulator to twenty-five prompts in one night, to deal comparisons from.

Two kinds of prompts: the cases of a shipped suite, reworded until there are twenty-five, and plain
questions that are answered in prose. The code from bytes to metrics is the product's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from simulated_nights import History, with_samples

from contractcheck.judging.table_samples import TableSides, sample_tables
from contractcheck.model.completion import Outcome
from contractcheck.model.suite import Message
from contractcheck.providers import DIALECTS
from contractcheck.suite import load_suite

SUITES = Path(__file__).parents[1] / "suites"
PROMPTS = 25

OPENINGS = ("Hello,", "Good morning,", "Dear team,", "Hi there,", "To whom it may concern:")
TOPICS = (
    "a stain on a wooden board",
    "a loan with a variable rate",
    "a parcel that was left in the rain",
    "hand luggage on a short flight",
    "a failing test in a large program",
)
QUESTIONS = (
    "What should I know about {}?",
    "Explain {} to a beginner.",
    "What would you do about {}?",
    "Two short tips on {}, please.",
    "Why is {} a problem?",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """Answers of one state of the provider.

    Attributes:
        outputs: What the suite compares.
        values: Per case and metric, a value for each request, None where nothing was answered.
        kept: (cases, requests) whether an answer came and passed every check.
        ttft_s: (cases, requests), inf where nothing was answered.
        texts: Per case, what a client shows for each request.
    """

    outputs: tuple
    values: dict[str, dict[str, list]]
    kept: np.ndarray
    ttft_s: np.ndarray
    texts: list[list[str]]


def suite_of(name, samples):
    """A shipped suite with its cases reworded until there are twenty-five."""
    suite = load_suite(SUITES / name / "suite.contract.yaml", providers=DIALECTS)
    cases = []
    for place in range(PROMPTS):
        case = suite.cases[place % len(suite.cases)]
        opening = OPENINGS[place // len(suite.cases)]
        *before, last = case.messages
        asked = replace(last, content=f"{opening} {last.content}")
        cases.append(replace(case, id=f"p{place:02}", messages=(*before, asked)))
    return with_samples(replace(suite, cases=tuple(cases)), samples)


def free_suite(samples):
    """Twenty-five plain questions, answered in prose at temperature 1."""
    suite = load_suite(SUITES / "support-triage" / "suite.contract.yaml", providers=DIALECTS)
    case = suite.cases[0]
    metrics = tuple(metric for metric in case.metrics if metric.name == "text")
    asked = [question.format(topic) for topic in TOPICS for question in QUESTIONS]
    cases = tuple(
        replace(
            case,
            id=f"p{place:02}",
            messages=(Message(role="user", content=text),),
            response_schema=None,
            parameters=replace(case.parameters, temperature=1.0, max_output_tokens=50),
            checks=(),
            metrics=metrics,
        )
        for place, text in enumerate(asked)
    )
    return with_samples(replace(suite, cases=cases), samples)


def fill(suite, seed, changes=()):
    """Ask every case of the suite as often as it has samples, and measure."""
    target = next(target for target in suite.targets if target.provider == "openai")
    run = History(suite=suite, target=target, seed=seed).night(0, changes)
    names = [case.id for case in suite.cases]
    samples = suite.cases[0].samples
    table = run.table
    sides = sample_tables(TableSides(baseline=table, candidate=table), sorted(set(table["case"])))
    answered = {case: sorted(set(rows["trial"])) for case, rows in table.groupby("case")}
    values = {name: {o.metric: [None] * samples for o in sides.outputs} for name in names}
    for case in sides.cases:
        for metric, column in case.baseline.items():
            for trial, value in zip(answered[case.case], column, strict=True):
                values[case.case][metric][trial] = value
    kept = np.zeros((len(names), samples), dtype=bool)
    ttft_s = np.full(kept.shape, math.inf)
    texts = [[""] * samples for _ in names]
    failed = table[(table["kind"] == "check") & (table["number"] == 0.0)]
    broken = set(zip(failed["case"], failed["trial"], strict=True))
    for one in run.answers:
        place, completion = names.index(one.case), one.answer.completion
        if completion.outcome is not Outcome.ANSWERED:
            continue
        kept[place, one.trial] = (one.case, one.trial) not in broken
        ttft_s[place, one.trial] = one.answer.timing.ttft_s
        calls = [f"{call.name} {call.arguments}" for call in completion.tool_calls]
        texts[place][one.trial] = " ".join([completion.text, *calls])
    return Pool(outputs=sides.outputs, values=values, kept=kept, ttft_s=ttft_s, texts=texts)

"""From recorded bytes to rows and night statistics."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from contractcheck.measuring import COLUMNS, observe, read_trials, tabulate
from contractcheck.model.completion import Outcome
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.night import LabelCell, NumberCell, RateCell, TextCell
from contractcheck.model.run import CasePlan, Run, RunHeader
from contractcheck.providers import DIALECTS
from contractcheck.suite import load_suite

SUITE = """\
suite: tickets
version: 1.0.0
targets: [openai:gpt-sim-2026-03-01]
defaults: {samples: 4}
cases:
  - id: one
    messages: [{role: user, content: "Hello?"}]
    checks: [{contains: calm}, {contains: c, mode: always}]
    metrics: [{label: '^(c|a)'}, {number: '^([0-9]+)$'}, text, output_tokens]
  - id: two
    messages: [{role: user, content: "Hello?"}]
    metrics: [text]
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "suite.contract.yaml"
    path.write_text(SUITE)
    return load_suite(path, providers=tuple(DIALECTS))


def answer(case, trial, text="calm", *, status=200, model="gpt-sim-2026-03-01", **changes):
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 12, "total_tokens": 13},
    }
    data = json.dumps(body if status == 200 else {"error": {"message": "busy"}}).encode()
    made = Exchange(
        case=case,
        trial=trial,
        attempt=0,
        request=Request(method="POST", url="/", headers=(), body=b"", digest="d"),
        response=Response(
            status=status,
            http_version="HTTP/1.1",
            headers=(("content-type", "application/json"),),
            body=data,
            chunk_bytes=(len(data),),
            chunk_times_us=(2_000_000,),
        ),
        started_at="2026-03-01T02:00:00+00:00",
        waited_us=0,
        headers_us=1,
        end_us=2_000_000,
        ended="eof",
        error=None,
    )
    return replace(made, **changes)


def run(suite, *exchanges, status="complete"):
    plan = {
        case.id: CasePlan(
            samples=case.samples,
            request_fingerprint=case.request_fingerprint,
            parts=case.fingerprint_parts,
        )
        for case in suite.cases
    }
    header = RunHeader(
        id="20260301t020000z-abc",
        suite=suite.name,
        suite_version="1.0.0",
        suite_fingerprint="f",
        target=suite.targets[0],
        night="2026-03-01",
        started_at="2026-03-01T02:00:00+00:00",
        ended_at=None,
        status=status,
        cases=plan,
        vantage={},
    )
    return Run(header=header, exchanges=exchanges)


def whole(suite):
    texts = ["calm", "12", "angry", "calm"]
    return run(suite, *(answer(c.id, t, texts[t]) for c in suite.cases for t in range(4)))


def test_one_row_per_answered_trial_and_metric_or_check(suite):
    table = observe(whole(suite), suite).table
    assert list(table.columns) == list(COLUMNS)
    one = table[table["case"] == "one"]
    # Two checks, four metrics, three latencies.
    assert len(one) == 4 * (2 + 4 + 3)
    assert not one.duplicated(["trial", "metric"]).any()
    total = one[one["metric"] == "total_s"]["number"]
    assert total.tolist() == [2.0] * 4
    failed = one[(one["metric"] == "contains:calm") & (one["number"] == 0.0)]
    assert failed["trial"].tolist() == [1, 2]
    assert failed["string"].notna().all()


def test_a_night_is_reduced_to_one_cell_per_metric(suite):
    cells = observe(whole(suite), suite).statistics.cases["one"].cells
    assert cells["contains:calm"] == RateCell(passed=2, count=4)
    assert "contains:c" not in cells
    assert cells["label:^(c|a)"] == LabelCell(counts={"<no match>": 1, "a": 1, "c": 2})
    assert cells["number:^([0-9]+)$"] == NumberCell(values=(12.0,), missing=3)
    assert cells["output_tokens"] == NumberCell(values=(12.0,) * 4)
    assert cells["ttft_s"] == NumberCell(values=(), missing=4)
    text = cells["text"]
    assert isinstance(text, TextCell)
    assert text.count == 4
    assert 0 < np.linalg.norm(text.mean) <= 1
    assert text.effective_dimension >= 1


def test_failures_have_an_outcome_and_no_rows(suite):
    exchanges = [answer("one", t, status=503 if t else 200) for t in range(4)]
    measured = observe(run(suite, *exchanges), suite)
    assert measured.count(Outcome.INFRA) == 3
    assert set(measured.table["trial"]) == {0}
    assert measured.statistics.cases["one"].answered == 1
    assert measured.statistics.cases["one"].planned == 4
    assert "two" not in measured.statistics.cases
    assert not measured.statistics.is_complete


def test_the_last_attempt_of_a_trial_counts(suite):
    exchanges = (answer("one", 0, status=503), answer("one", 0, "calm", attempt=1))
    measured = observe(run(suite, *exchanges), suite)
    assert [one.answer.completion.outcome for one in measured.answers] == [Outcome.ANSWERED]


def test_answers_are_the_same_without_a_look_at_the_wire(suite):
    retried = (answer("one", 0, status=503), answer("one", 0, "calm", attempt=1))
    gone = (answer("one", 3, ended="closed"), answer("gone", 0))
    recorded = run(suite, answer("two", 1, "12"), *retried, answer("one", 2, status=503), *gone)
    trials, measured = read_trials(recorded, suite), observe(recorded, suite)
    assert len(trials) == 4
    assert trials == [
        replace(one, answer=replace(one.answer, completion=replace(own, wire_problems=())))
        for one in measured.answers
        for own in [one.answer.completion]
    ]
    assert tabulate(recorded.header, trials, suite).equals(measured.table)


def test_contended_trials_have_no_latency_rows_and_keep_their_answers(suite):
    late = [answer("one", t, lag_us=9_000_000) for t in range(4)]
    table = observe(run(suite, *late), suite).table
    assert set(table["plane"]) == {"outputs", "conformance"}


@pytest.mark.parametrize("status", ["interrupted", "partial"])
def test_only_a_complete_run_is_a_complete_night(suite, status):
    recorded = whole(suite)
    assert observe(recorded, suite).statistics.is_complete
    header = replace(recorded.header, status=status)
    assert not observe(replace(recorded, header=header), suite).statistics.is_complete


def test_up_to_a_fifth_of_failures_a_night_counts(suite):
    texts = [(c.id, t) for c in suite.cases for t in range(4)]
    for lost, is_complete in ((1, True), (2, False)):
        exchanges = [
            answer(case, trial, status=503 if place < lost else 200)
            for place, (case, trial) in enumerate(texts)
        ]
        assert observe(run(suite, *exchanges), suite).statistics.is_complete is is_complete


def test_cases_that_left_the_suite_are_left_out_of_the_plan_too(suite):
    smaller = replace(suite, cases=suite.cases[1:])
    measured = observe(whole(suite), smaller)
    assert list(measured.header.cases) == ["two"]
    assert {one.case for one in measured.answers} == {"two"}
    assert measured.statistics.is_complete


def test_every_model_that_answered_is_noted(suite):
    models = ["gpt-sim-2026-03-01", "gpt-x", "gpt-x", "gpt-sim-2026-03-01"]
    exchanges = [answer("one", t, model=models[t]) for t in range(4)]
    assert observe(run(suite, *exchanges), suite).statistics.models == (
        "gpt-sim-2026-03-01",
        "gpt-x",
    )


def test_the_order_of_exchanges_does_not_matter(suite):
    recorded = whole(suite)
    turned = replace(recorded, exchanges=recorded.exchanges[::-1])
    assert observe(turned, suite).statistics == observe(recorded, suite).statistics


def test_a_run_without_any_answer_is_measured_too(suite):
    measured = observe(run(suite), suite)
    assert measured.table.empty
    assert measured.statistics.cases == {}


def test_an_imported_answer_has_no_latency_but_all_the_rest(suite):
    imported = [replace(one, via="vcrpy") for one in whole(suite).exchanges]
    table = observe(run(suite, *imported), suite).table
    assert len(table)
    assert set(table["plane"]) == {"outputs", "conformance"}
    sampled = observe(whole(suite), suite).table
    rest = sampled[sampled["plane"] != "latency"].reset_index(drop=True)
    assert table.reset_index(drop=True).equals(rest)

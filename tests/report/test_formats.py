"""Canonical reports, one per verdict, as both formats print them.

``CONTRACTCHECK_WRITE_GOLDEN=1 pytest tests/report`` writes the files anew; review the difference.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from contractcheck.model.history import ChartReading
from contractcheck.model.judgement import (
    Comparison,
    Estimate,
    Example,
    Finding,
    FindingKind,
    PassRate,
    PathChange,
    Rate,
    Verdict,
)
from contractcheck.model.report import Report, TrialCounts
from contractcheck.report.formats import FORMATS

GOLDEN = Path(__file__).with_name("golden")
SUFFIX = {"terminal": "txt", "json": "json"}


def estimate(effect, low=None, high=None, *, unit="share", p=None, detail="", n=(80, 16)):
    return Estimate(
        method="a documented method",
        effect=effect,
        low=low,
        high=high,
        unit=unit,
        p=p,
        n_baseline=n[0],
        n_candidate=n[1],
        detail=detail,
    )


def stream(metric, plane, score, numbers, visible):
    return Comparison(
        case=None,
        metric=metric,
        plane=plane,
        estimate=numbers,
        score=score,
        threshold=3.7,
        smallest_visible=visible,
    )


STREAMS = (
    stream("refusal", "outputs", 9.25, estimate(9.25, unit="sd", p=3e-6), 0.17),
    stream("*", "outputs", -0.6, estimate(-0.6, unit="sd", p=0.71), 0.47),
    stream("ttft_s", "latency", 0.2, estimate(1.02, 0.9, 1.15, unit="ratio", p=0.42), 1.29),
    stream("conformance", "conformance", 0.0, estimate(0.0, unit="pass rate", p=0.5), 0.24),
)
PLACE = Comparison(
    case="late-parcel",
    metric="refusal",
    plane="outputs",
    estimate=estimate(0.5, 0.21, 0.78, p=2e-7, detail="yes: 0% → 50%"),
    adjusted_p=0.0004,
)
DRIFT = Finding(
    kind=FindingKind.DRIFT,
    plane="outputs",
    metric="refusal",
    message="the share of refusals differs from the accepted nights, on two consecutive nights",
    comparison=STREAMS[0],
    where=(PLACE,),
    examples=(
        Example(
            case="late-parcel",
            before='{"priority": "high"}',
            after="I can't help with that.\n\x1b[31m::error::[/red]",
            rule="before: the most typical; after: the least like those",
        ),
    ),
    since="2026-03-12",
)
BREACH = Finding(
    kind=FindingKind.BREACH,
    plane="identity",
    metric="wire choices[0].delta",
    message="wire format: choices[0].delta: required field is missing",
)
SUSPECT = replace(DRIFT, kind=FindingKind.SUSPECT, message="it looks changed, tonight")
NOTICE = Finding(kind=FindingKind.NOTICE, plane="identity", message="new system_fingerprint fp_2")
BASE = Report(
    verdict=Verdict.QUIET,
    exit_code=0,
    headline="QUIET: complete, no alarm. Two such nights would have shown: 17% of all answers",
    suite="tickets",
    suite_version="1.0.0",
    suite_fingerprint="0123456789abcdef",
    target="openai:gpt-sim-2026-03-01",
    source="live",
    run_id="20260313t020000z-1a2b3c4d",
    night="2026-03-13",
    baseline="10 accepted nights, 2026-03-01 … 2026-03-10",
    error_rates="chance of any false red at most 10% in 365 nights",
    counts=TrialCounts(planned=64, answered=64, infra=0, malformed=0, config=0),
    comparisons=STREAMS,
    findings=(),
    notes=(),
    next_steps=("contractcheck report 20260313t020000z-1a2b3c4d --format json",),
)
PATHS = tuple(
    Comparison(
        case=case,
        metric=metric,
        plane="outputs",
        estimate=numbers,
        adjusted_p=numbers.p,
        smallest_visible=visible,
        margin=margin,
    )
    for case, metric, numbers, visible, margin in (
        (
            None,
            "answer $.priority",
            estimate(0.3, 0.12, 0.45, p=0.0005, detail="urgent"),
            0.24,
            0.1,
        ),
        (None, "answer $.refund_eur", estimate(0.1, -2.0, 2.5, unit="shift", p=0.6), 3.2, None),
        (
            None,
            "answer $.reason",
            estimate(0.02, -0.1, 0.2, unit="share of distance", p=1),
            0.2,
            None,
        ),
        (None, "logprobs", estimate(0.3, 0.1, 0.5, unit="nats", p=0.02), 0.29, None),
        (None, f"answer $.{'x' * 60}", estimate(0, p=1.0), None, None),
        ("late-parcel", "answer $.priority", estimate(0.9, 0.5, 1.0, p=0.001), 0.4, None),
        ("early-bird", "answer $.priority", estimate(0.1, -0.2, 0.4, p=0.8), 0.4, None),
        (
            "early-bird",
            "answer $.reason",
            estimate(0.1, unit="share of distance", p=0.9),
            None,
            None,
        ),
        ("early-bird", "logprobs", estimate(0.2, 0.1, None, unit="nats", p=0.7), None, None),
    )
)
DIFFERENCE = Finding(
    kind=FindingKind.DIFFERENCE,
    plane="outputs",
    metric="answer",
    message="answer $.priority differs: +30% [+12%, +45%] (urgent), adjusted p = 0.0005",
    comparison=PATHS[0],
    examples=(replace(DRIFT.examples[0], after='{"priority": "urgent"}'),),
)
CHANGES = tuple(
    PathChange(
        metric="answer",
        path=path,
        what=what,
        severity=severity,
        baseline=Rate(count=0, n=80, low=0.0, high=0.045),
        candidate=Rate(count=24, n=80, low=0.2, high=0.41),
        cases=("late-parcel", "a", "b", "c\x1b[31m"),
    )
    for path, what, severity in (
        ("$.priority", "can be null now", "breaking"),
        ("$['::error::\n']", "new path", "additive"),
        *((f"$.new{i}", "new path", "additive") for i in range(8)),
    )
)
PASS_RATES = tuple(
    PassRate(
        case=case, check=check, rate=Rate(count=count, n=16, low=low, high=high), wanted=wanted
    )
    for case, check, count, low, high, wanted in (
        ("late-parcel", "conforms", 12, 0.476, 0.927, None),
        ("late-parcel", "tool_called:look_up", 16, 0.794, 1.0, None),
        ("early-bird", "contains:\x1b[31mred", 3, 0.04, 0.456, 1.0),
        ("early-bird", "conforms", 15, 0.698, 0.998, 0.98),
        *((f"case-{i}", "not_empty", 13, 0.54, 0.96, None) for i in range(8)),
    )
)
WATCHED = replace(
    DRIFT,
    message="the label moved away from the accepted nights (a single case: 6.1, alarm above 5.6); "
    "it began between 2026-03-01 and 2026-03-02 (95 %: between 2026-02-27 and 2026-03-03)",
    since="2026-03-02",
)
CHARTS = (
    ChartReading(stream="label", plane="outputs", kind="squares", value=2.04, threshold=3.77),
    ChartReading(stream="label", plane="outputs", kind="largest", value=6.11, threshold=5.58),
    ChartReading(stream="label", plane="outputs", kind="mean", value=-0.2, threshold=3.5),
    ChartReading(stream="ttft_s", plane="latency", kind="level", value=0.4, threshold=4.01),
)
REPORTS = {
    "quiet": BASE,
    "fail": replace(
        BASE,
        verdict=Verdict.FAIL,
        exit_code=1,
        headline="FAIL: the contract is broken: wire format: choices[0].delta",
        comparisons=(*STREAMS, PLACE),
        findings=(BREACH, DRIFT, NOTICE),
        notes=("this run is labelled: simulated",),
        pass_rates=PASS_RATES,
    ),
    "inconclusive": replace(
        BASE,
        verdict=Verdict.INCONCLUSIVE,
        headline="INCONCLUSIVE: tonight looks changed, and one night is never enough",
        findings=(SUSPECT,),
        counts=TrialCounts(planned=64, answered=60, infra=3, malformed=1, config=0),
    ),
    "error": replace(
        BASE,
        verdict=Verdict.ERROR,
        exit_code=4,
        headline="ERROR: could not measure: 64 of 64 requests failed in transport",
        counts=TrialCounts(planned=64, answered=0, infra=64, malformed=0, config=0),
        comparisons=(),
        error_rates="",
        next_steps=(),
    ),
    "pass": replace(
        BASE,
        verdict=Verdict.PASS,
        headline="PASS: every margin's interval lies inside",
        suite="old.csv → new.csv",
        suite_version="",
        suite_fingerprint="",
        target="",
        source="tables",
        run_id=None,
        night=None,
        counts=None,
        comparisons=(PLACE,),
    ),
    "structured": replace(
        BASE,
        verdict=Verdict.FAIL,
        exit_code=1,
        headline="FAIL: the two sides differ: answer $.priority differs: +30% [+12%, +45%] (urgent)",
        suite="old.jsonl → new.jsonl",
        suite_version="",
        suite_fingerprint="",
        target="",
        source="tables",
        run_id=None,
        night=None,
        counts=None,
        comparisons=PATHS,
        findings=(DIFFERENCE,),
        next_steps=(),
        path_changes=CHANGES,
    ),
    "watch": replace(
        BASE,
        verdict=Verdict.FAIL,
        exit_code=1,
        headline="FAIL: the provider changed (first seen 2026-03-02): the label moved",
        findings=(WATCHED,),
        comparisons=(),
        notes=("flaky-bird is in quarantine (until 2026-04-01, Ann: two levels): in no chart",),
        charts=CHARTS,
    ),
}


@pytest.mark.parametrize("format_name", sorted(FORMATS))
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_canonical_reports_print_as_reviewed(name, format_name):
    text = FORMATS[format_name](REPORTS[name])
    path = GOLDEN / f"{name}.{SUFFIX[format_name]}"
    if os.environ.get("CONTRACTCHECK_WRITE_GOLDEN"):
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


def test_there_is_a_canonical_report_for_every_verdict():
    assert {report.verdict for report in REPORTS.values()} == set(Verdict)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_the_verdict_comes_first_and_nothing_controls_the_terminal(name):
    text = FORMATS["terminal"](REPORTS[name])
    assert text.startswith(REPORTS[name].verdict.value)
    assert "\x1b" not in text
    assert "::" not in text
    assert "[/red]" in text or name not in ("fail", "inconclusive")


def test_text_of_others_never_looks_like_a_line_of_ours():
    forged = replace(BREACH, message="x\nQUIET: complete, no alarm", case="a\nPASS: b")
    report = replace(BASE, findings=(forged,), headline="FAIL: x\nPASS: all good")
    lines = FORMATS["terminal"](report).splitlines()
    assert not [line for line in lines if line.lstrip().startswith(("PASS", "QUIET"))]


def test_a_megabyte_of_answer_makes_a_short_report():
    huge = "x" * 2**20
    example = replace(DRIFT.examples[0], before=huge, after=huge)
    finding = replace(DRIFT, message=huge, examples=(example,))
    assert len(FORMATS["terminal"](replace(BASE, findings=(finding,), headline=huge))) < 5_000


def test_json_has_no_number_that_json_does_not_have():
    odd = replace(PLACE.estimate, effect=math.nan, low=-math.inf, high=math.inf)
    report = replace(BASE, comparisons=(replace(PLACE, estimate=odd),), headline="half \ud800")
    text = FORMATS["json"](report)
    document = json.loads(text, parse_constant=pytest.fail)
    written = document["comparisons"][0]["estimate"]
    assert (written["effect"], written["low"], written["high"]) == (None, None, None)
    assert document["headline"] == "half \\ud800"


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_json_keeps_every_field_and_the_order_of_findings(name):
    report = REPORTS[name]
    document = json.loads(FORMATS["json"](report))
    # Only the report of a gate has this part, and only a night of the watch has charts.
    absent = {"gate"} if report.charts else {"gate", "charts"}
    fields = [name for name in Report.__dataclass_fields__ if name not in absent]
    assert list(document) == ["contractcheck_report", *fields]
    assert [f["message"] for f in document["findings"]] == [f.message for f in report.findings]
    assert document["exit_code"] == report.exit_code


def test_of_notices_only_the_surest_shows_examples_and_none_beside_a_difference():
    def notice(metric, p):
        comparison = replace(PLACE, metric=metric, adjusted_p=p)
        example = replace(DRIFT.examples[0], case=f"case-of-{metric}")
        return Finding(
            kind=FindingKind.NOTICE,
            plane="outputs",
            metric=metric,
            message=f"{metric} differs",
            comparison=comparison,
            examples=(example,),
        )

    notices = (notice("a", 0.04), notice("b", 0.001), notice("c", 0.02))
    shown = FORMATS["terminal"](replace(BASE, findings=notices))
    assert [m for m in "abc" if f"case-of-{m}" in shown] == ["b"]
    difference = replace(notices[0], kind=FindingKind.DIFFERENCE)
    shown = FORMATS["terminal"](replace(BASE, findings=(difference, *notices[1:])))
    assert [m for m in "abc" if f"case-of-{m}" in shown] == ["a"]
    whole = FORMATS["json"](replace(BASE, findings=notices))
    assert all(f"case-of-{metric}" in whole for metric in "abc")

"""The report of a gate, printed; golden beside those of the other reports.

``CONTRACTCHECK_WRITE_GOLDEN=1 pytest tests/report`` writes the files anew; review the difference.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from contractcheck.model.gate import CaseAccount, GateAccount, MarginAccount, SideAccount
from contractcheck.model.judgement import Example, Finding, FindingKind, Verdict
from contractcheck.model.report import Report, TrialCounts
from contractcheck.report.formats import FORMATS

GOLDEN = Path(__file__).with_name("golden")
SUFFIX = {"terminal": "txt", "json": "json"}


def margin(name, plane, allowed, unit, *, numbers, state, **more):
    effect, low, high = numbers
    fields = {"is_critical": True, "is_muted": False, "more_blocks": None, "detail": ""} | more
    return MarginAccount(
        name=name, plane=plane, margin=allowed, unit=unit, effect=effect, low=low, high=high,
        state=state, blocks=8, **fields,
    )  # fmt: skip


def side(name, words, run):
    return SideAccount(
        name=name,
        words=words,
        run_id=run,
        endpoint="https://api.openai.com",
        first_at="2026-03-01T02:15:00.123456+00:00",
        last_at="2026-03-01T02:18:30.654321+00:00",
        requests=64,
        answered=63,
    )


GATE = GateAccount(
    id="20260301t021459z-1a2b3c4d",
    look=2,
    looks=(4, 8, 12),
    blocks=8,
    used_requests=128,
    planned_requests=192,
    spent_usd=0.0123,
    would_settle="",
    sides=(
        side("from", "openai:a", "20260301t021459z-1a2b3c4dfrom"),
        side("to", "openai:b (0123456789)", "20260301t021459z-1a2b3c4dto"),
    ),
    margins=(
        margin(
            "conformance", "conformance", "-0.02", "share", numbers=(-0.344, -0.48, -0.224), state="beyond",
            detail="100.0% → 65.6%",
        ),
        margin(
            "ttft", "latency", "1.25x", "ratio", numbers=(1.02, 0.9, 1.15), state="inside",
            detail="0.32 s → 0.33 s",
        ),
        margin(
            "total", "latency", "1.25x", "ratio", numbers=(1.3, 1.1, 1.5), state="open", is_muted=True,
            is_critical=False, detail="1.1 s → 1.4 s",
        ),
        margin(
            "refusals", "outputs", "+0.02", "share", numbers=(None, None, None), state="not measured",
            detail="no case has it on both sides",
        ),
    ),
    cases=(
        CaseAccount(case="late-parcel", margin="conformance", old="100.0%", new="50.0%",
                    effect=-0.5, unit="share", n_old=8, n_new=8),
        CaseAccount(case="late-parcel", margin="ttft", old="320 ms", new="352 ms", effect=1.1,
                    unit="ratio", n_old=8, n_new=8),
        CaseAccount(case="thanks", margin="conformance", old="–", new="–", effect=None,
                    unit="share", n_old=0, n_new=0),
        CaseAccount(case="thanks", margin="ttft", old="320 ms", new="320 ms", effect=1.0,
                    unit="ratio", n_old=8, n_new=8),
    ),
)  # fmt: skip
NOT = Report(
    verdict=Verdict.FAIL,
    exit_code=1,
    headline="Do not upgrade: conformance falls by 34.4 points [22.4, 48.0], the margin is 2",
    suite="mail",
    suite_version="1.0.0",
    suite_fingerprint="f",
    target="openai:a → openai:b (0123456789)",
    source="live",
    run_id="20260301t021459z-1a2b3c4dto",
    night=None,
    baseline="openai:a, asked at the same time",
    error_rates="at most 5% chance of a false safe",
    counts=TrialCounts(planned=128, answered=126, infra=2, malformed=0, config=0),
    comparisons=(),
    findings=(
        Finding(
            kind=FindingKind.DIFFERENCE,
            plane="conformance",
            metric="conformance",
            message="conformance falls by 34.4 points",
            examples=(
                Example(
                    case="late-parcel",
                    before='{"priority": "high"}',
                    after="I cannot \x1b[31mhelp",
                    rule="cases that moved most",
                ),
            ),
        ),
    ),
    notes=("the sides ask differently in late-parcel",),
    next_steps=("contractcheck runs diff a b",),
    gate=GATE,
)
OPEN = replace(
    NOT,
    verdict=Verdict.INCONCLUSIVE,
    exit_code=3,
    headline="Cannot tell yet: after 12 of 12 slots time to first token is 1.02x [0.70, 1.40]",
    findings=(),
    gate=replace(
        GATE,
        look=3,
        spent_usd=None,
        would_settle="a gate of about 24 slots (384 requests) would settle time to first token",
        cases=(),
    ),
)


@pytest.mark.parametrize("format_name", sorted(FORMATS))
@pytest.mark.parametrize(("name", "report"), [("gate_fail", NOT), ("gate_open", OPEN)])
def test_reports_of_gates_print_as_reviewed(name, report, format_name):
    text = FORMATS[format_name](report)
    path = GOLDEN / f"{name}.{SUFFIX.get(format_name, format_name)}"
    if os.environ.get("CONTRACTCHECK_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
    assert "\x1b" not in text


def test_only_the_report_of_a_gate_has_a_gate():
    assert "gate" in json.loads(FORMATS["json"](NOT))
    assert "gate" not in json.loads(FORMATS["json"](replace(NOT, gate=None)))


def test_many_cases_are_cut_and_the_largest_moves_come_first():
    cases = tuple(
        replace(GATE.cases[0], case=f"c{index}", effect=-0.02 * index) for index in range(20)
    )
    text = FORMATS["terminal"](replace(NOT, gate=replace(GATE, cases=cases)))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  c1")]
    assert shown == [f"c{index}" for index in range(19, 9, -1)]
    assert "  … 7 more rows in --format json" in text

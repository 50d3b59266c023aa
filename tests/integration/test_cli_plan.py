"""``plan`` and ``calibrate`` as their user meets them: offline, on the shipped nights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = "openai:gpt-sim-mini-2026-03-01"


def contractcheck(*arguments, root=ROOT):
    # No proxy answers here: whoever asked the network would fail.
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "contractcheck.cli", *arguments, "--root", str(root)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )


def test_a_plan_says_what_it_takes_and_what_would_be_seen():
    done = contractcheck("plan", "support-triage", "--target", TARGET)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"plan of support-triage 2.0.0 × {TARGET}"
    assert any(line.startswith("  a night") and " 70 " in line for line in lines)
    assert any("declared 1.25x: no number of nights" in line for line in lines)
    assert any(line.startswith("gate: level 0.05") for line in lines)
    assert f"no price of {TARGET} is known" in done.stdout


def test_a_plan_for_programs_is_one_document_per_target():
    done = contractcheck("plan", "order-tools", "--format", "json")
    documents = [json.loads(part) for part in done.stdout.replace("}\n{", "}\x00{").split("\x00")]
    assert [document["contractcheck_plan"] for document in documents] == [2, 2]
    assert documents[0]["target"] == TARGET
    assert 0 <= documents[0]["gate"]["usual"]["safe"] <= 1
    assert documents[0]["gate_run"]["requests"] == 2 * 6 * documents[0]["gate"]["usual"]["slots"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plan", "nobody"), 2, "no suite named 'nobody'"),
        (("plan", "--target", "openai:none"), 2, "no target 'openai:none'; there are: anthropic"),
        (("plan", "--prices", "none.json"), 2, "none.json: prices cannot be read"),
        (("calibrate", "nobody"), 2, "no suite named 'nobody'"),
        (("calibrate", "order-tools", "--target", "x:y"), 2, "order-tools has no target 'x:y'"),
    ],
)
def test_mistakes_are_told_with_what_is_there(arguments, code, words):
    done = contractcheck(*arguments)
    assert done.returncode == code
    assert words in done.stderr


def test_nothing_accepted_is_nothing_to_calibrate(tmp_path):
    shutil.copytree(ROOT / "suites", tmp_path / "suites")
    done = contractcheck("calibrate", "order-tools", root=tmp_path)
    assert done.returncode == 5
    assert "no accepted night of order-tools; name a run" in done.stderr


def test_a_calibration_has_rates_with_intervals():
    done = contractcheck(
        *("calibrate", "order-tools", "--target", TARGET),
        *("--repeats", "8", "--slots", "2", "--seed", "7", "--format", "json"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["seed"] == 7
    for rate in (*found["quiet"], *found["found"]):
        assert 0 <= rate["low"] <= rate["count"] / rate["repeats"] <= rate["high"] <= 1
    assert {rate["change"] for rate in found["found"]} >= {"argument_types", "skipped_tools"}
    at_margin = [rate for rate in found["quiet"] if rate["change"].endswith("at its margin")]
    assert len(at_margin) == 8
    assert all(rate["stated"] == 0.05 and rate["low"] <= 0.05 for rate in at_margin)

"""Recorded tables on the command line, real ones among them."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[3] / "shared" / "data" / "llmdrift"
LLMDRIFT = Path(os.environ.get("CONTRACTCHECK_LLMDRIFT") or BESIDE)
needs_llmdrift = pytest.mark.skipif(
    not LLMDRIFT.is_dir(),
    reason=f"the LLMDrift recordings (Chen et al. 2023) are not at {LLMDRIFT}; "
    "set CONTRACTCHECK_LLMDRIFT to their folder",
)
OLD, NEW = "openaichat/gpt-4-0314", "openaichat/gpt-4-0613"


def compare(baseline, candidate, *arguments, cwd=None):
    command = [sys.executable, "-m", "contractcheck.cli", "compare"]
    command += ["--baseline", str(baseline), "--candidate", str(candidate), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, timeout=120
    )


def compare_models(name, old, new, *arguments):
    table = LLMDRIFT / name
    return compare(
        table, table, "--case", "id", "--output", "answer",
        "--baseline-where", f"model={old}", "--candidate-where", f"model={new}", *arguments,
    )  # fmt: skip


@needs_llmdrift
def test_two_snapshots_of_gpt_4_differ_in_the_letters_they_choose():
    done = compare_models("OPINIONQA_EVAL.csv", OLD, NEW, "--label", r"\(([A-E])\)")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("FAIL: the two sides differ: label differs: ")
    assert "surely in RACESURV" in done.stdout
    assert "night-to-night variation is not covered" in done.stdout


@needs_llmdrift
@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_snapshot_does_not_differ_from_itself(model):
    done = compare_models("OPINIONQA_EVAL.csv", model, model, "--label", r"\(([A-E])\)")
    assert done.returncode in (0, 3), done.stdout


@needs_llmdrift
def test_the_snapshots_answer_sensitive_questions_in_other_words():
    done = compare_models("SENSITIVEQ_EVAL.csv", OLD, NEW, "--format", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["findings"][0]["kind"] == "difference"
    assert 0 < report["findings"][0]["comparison"]["estimate"]["p"] < 0.01


@pytest.fixture
def save(tmp_path):
    def write(name, nights, shares, *, seed=0):
        rng = random.Random(f"{name} {seed}")  # noqa: S311 - answers, not keys
        with (tmp_path / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["night", "id", "answer", "s"])
            for night in nights:
                for case in range(6):
                    for _ in range(8):
                        (answer,) = rng.choices(list(shares), shares.values())
                        writer.writerow(
                            [night, f"c{case}", answer, f"{rng.lognormvariate(0, 0.2):.3f}"]
                        )
        return tmp_path / name

    return write


NIGHTLY = ["--case", "id", "--output", "answer", "--label", "^(.*)$", "--night", "night"]
CALM, OTHER = {"a": 7, "b": 3}, {"a": 1, "c": 9}


@pytest.mark.parametrize(
    ("counts", "shares", "code", "words"),
    [
        ((10, 2), CALM, 0, "QUIET: complete, no alarm."),
        ((10, 2), OTHER, 1, "FAIL: the provider changed (first seen 11)"),
        ((10, 1), OTHER, 3, "INCONCLUSIVE: the last night looks changed; the next one decides"),
        ((4, 2), OTHER, 3, "INCONCLUSIVE: the baseline has 4 of the 5 nights that it takes"),
    ],
)
def test_with_nights_the_night_is_the_unit(save, counts, shares, code, words):
    accepted, later = counts
    old = save("old.csv", range(1, accepted + 1), CALM)
    new = save("new.csv", range(accepted + 1, accepted + 1 + later), shares)
    done = compare(old, new, *NIGHTLY, "--strict")
    assert done.returncode == code, done.stdout
    assert done.stdout.startswith(words)
    assert "night-to-night variation is not covered" not in done.stdout


def test_inconclusive_exits_0_unless_it_is_to_be_strict(save):
    old, new = save("old.csv", [1], CALM), save("new.csv", [2], CALM)
    assert compare(old, new, *NIGHTLY).returncode == 0
    assert compare(old, new, *NIGHTLY, "--strict").returncode == 3


def test_latency_without_nights_is_an_estimate_without_a_verdict(save):
    old, new = save("old.csv", [1], CALM), save("new.csv", [1], CALM, seed=4)
    text = new.read_text().splitlines()
    slower = [text[0], *(f"{line.rpartition(',')[0]},9.5" for line in text[1:])]
    new.write_text("\n".join(slower))
    arguments = ["--case", "id", "--output", "answer", "--label", "^(.*)$", "--latency", "s"]
    done = compare(old, new, *arguments)
    assert done.returncode == 0, done.stdout
    assert "an estimate, not judged" in done.stdout


def test_a_filter_of_both_sides_and_of_one_meet(save):
    both = save("both.csv", [1, 2], CALM)
    done = compare(
        both, both, "--case", "id", "--output", "answer", "--where", "id=c1",
        "--baseline-where", "night=1", "--candidate-where", "night=2", "--format", "json",
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["baseline"] == "1 case, 8 against 8 rows"
    assert report["suite"] == "both.csv (id=c1, night=1) → both.csv (id=c1, night=2)"


@pytest.fixture
def save_lines(tmp_path):
    def write(name, answer):
        rng = random.Random(name)  # noqa: S311 - answers, not keys
        rows = [
            {"id": f"c{case}", "answer": answer(case, rng)} for case in range(5) for _ in range(8)
        ]
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


ANSWERS = ["--case", "id", "--output", "answer"]


def ticket(case, rng, *, priorities=("low", "high")):
    return json.dumps({"priority": rng.choice(priorities), "cost": rng.randint(1, 9)})


def changed_ticket(case, rng):
    return ticket(case, rng, priorities=("urgent",)) if case == 3 else ticket(case, rng)


def test_json_answers_are_compared_by_path_and_the_note_says_so(save_lines):
    old, new = save_lines("old.jsonl", ticket), save_lines("new.jsonl", changed_ticket)
    done = compare(old, new, *ANSWERS)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("FAIL: the two sides differ: answer $.priority differs: ")
    assert "surely in c3" in done.stdout
    assert "additive  $.priority  new value: urgent  0 of 40" in done.stdout
    assert "note: every answer is a JSON object, so they are compared path by path" in done.stdout
    report = json.loads(compare(old, new, *ANSWERS, "--format", "json").stdout)
    assert report["path_changes"][0]["candidate"]["count"] == 8
    as_text = compare(old, new, *ANSWERS, "--kind", "text")
    assert "answer differs: share of distance" in as_text.stdout
    assert "path by path" not in as_text.stdout


def test_answers_that_are_not_all_json_are_text_unless_they_are_said_to_be(save_lines):
    def sorry(case, rng):
        return "Sorry!" if rng.random() < 0.5 else ticket(case, rng)

    old, new = save_lines("old.jsonl", ticket), save_lines("new.jsonl", sorry)
    assert "path by path" not in compare(old, new, *ANSWERS).stdout
    done = compare(old, new, *ANSWERS, "--kind", "json")
    assert "answer $ (type) differs" in done.stdout
    assert "breaking  $     not always JSON now  0 of 40" in done.stdout


def test_tool_calls_are_compared_by_argument(save_lines):
    def calls(case, rng):
        function = {"name": "look_up", "arguments": json.dumps({"order": rng.choice("AB")})}
        return [{"id": f"call_{rng.random()}", "type": "function", "function": function}]

    def other(case, rng):
        return [{"name": "look_up", "input": {"order": rng.choice("AB") if case else "C"}}]

    old, new = save_lines("old.jsonl", calls), save_lines("new.jsonl", other)
    done = compare(old, new, *ANSWERS, "--kind", "tools")
    assert done.returncode == 1, done.stderr
    assert "answer look_up.arguments.order differs" in done.stdout
    assert "surely in c0" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "json", "--night", "id"], "--kind json compares two sides answer by answer"),
        (["--kind", "json", "--label", "(a)"], "leave out --kind json"),
        (["--kind", "number"], "old.jsonl:1: answer is "),
        (["--kind", "tools"], "old.jsonl:1: answer holds no tool calls"),
    ],
)
def test_a_kind_that_does_not_fit_exits_2(save_lines, arguments, words):
    old = save_lines("old.jsonl", ticket)
    done = compare(old, old, *ANSWERS, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("data", "arguments", "words"),
    [
        ("id,answer\n1,x\n", ["--case", "nr", "--output", "answer"], "t.csv: no column 'nr'"),
        ("", ["--case", "id", "--output", "answer"], "t.csv: holds no rows"),
        ("id,answer\n1\n", ["--case", "id", "--output", "answer"], "t.csv:2: 1 cells under"),
        (
            "id,answer\n1,x\n",
            ["--case", "id", "--output", "answer", "--where", "id"],
            "'id': expected COLUMN=VALUE",
        ),
        ("id,answer\n1,x\n", ["--case", "id"], "Missing option '--output'"),
    ],
)
def test_what_cannot_be_compared_exits_2(tmp_path, data, arguments, words):
    (tmp_path / "t.csv").write_text(data)
    done = compare("t.csv", "t.csv", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_no_such_file_exits_2(tmp_path):
    done = compare("none.csv", "none.csv", "--case", "id", "--output", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "contractcheck: none.csv: cannot be read (No such file or directory)\n"


def test_tables_without_a_common_case_are_nothing_to_check(tmp_path):
    for name in ("old", "new"):
        (tmp_path / f"{name}.csv").write_text(f"id,other,answer\n{name}1,x,yes\n{name}2,x,no\n")
    columns = ("--case", "id", "--output", "answer")
    done = compare(tmp_path / "old.csv", tmp_path / "new.csv", *columns)
    assert done.returncode == 5
    assert "have no case in common (the first ones are 'old1' and 'new1')" in done.stderr
    assert not done.stdout


def test_what_nobody_foresaw_is_no_verdict(save):
    tables = save("old.csv", [1], CALM), save("new.csv", [1], CALM)
    command = [sys.executable, "-m", "contractcheck.cli", "compare"]
    command += ["--baseline", str(tables[0]), "--candidate", str(tables[1])]
    command += ["--case", "id", "--output", "answer", "--format", "json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120
        )
    assert done.returncode == 4
    assert done.stderr.startswith("contractcheck: could not measure: OSError: ")
    assert "Traceback" not in done.stderr

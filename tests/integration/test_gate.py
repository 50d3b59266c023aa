"""The release gate as its user meets it: two providers over real HTTP, one command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from dataclasses import replace
from importlib.metadata import version
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner

from contractcheck.cassettes import read_run
from contractcheck.cli import cli
from contractcheck.errors import ContractcheckError
from contractcheck.simulator import Conditions, Simulator, parse_change, parse_faults
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

KEY = "sk-live-Zq81nVtR5mPx0aLw"
TARGET = "openai:gpt-sim-mini-2026-03-01"
SUITE = """\
suite: mail
version: 1.0.0
targets: [{target}]
defaults: {{samples: 3, max_output_tokens: 12}}
policy:
  gate: {gate}
  margins: {margins}
cases:
  - id: greet
    messages: [{{role: user, content: "{content}"}}]
    metrics: [text, output_tokens]
  - id: part
    messages: [{{role: user, content: "Say goodbye."}}]
    metrics: [text]
  - id: thank
    messages: [{{role: user, content: "Say thank you."}}]
    checks: {checks}
    metrics: [text]
"""


def at(change=None, *, seed=0, time_scale=0.0, error_rate=0.0):
    changes = (parse_change(change),) if change else ()
    return Conditions(
        night="2026-03-01",
        changes=changes,
        seed=seed,
        time_scale=time_scale,
        night_effects=False,
        error_rate=error_rate,
    )


@pytest.fixture(scope="module")
def servers():
    with Simulator(at()) as old, Simulator(at()) as new:
        yield old, new


class Project:
    """A folder with one suite, two providers, and the command line run in this process."""

    def __init__(self, root, old, new):
        self.root, self.old, self.new = root, old, new
        self.write()

    def write(
        self, content="Say hello.", margins="{refusals: +0.25}", gate="{slots: 8}", checks="[]"
    ):
        path = self.root / "suites" / "mail" / "mail.contract.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            SUITE.format(target=TARGET, content=content, margins=margins, gate=gate, checks=checks)
        )
        return path

    def side(self, server, **more):
        pairs = {"target": TARGET, "base_url": server.base_url, **more}
        return ",".join(f"{key}={value}" for key, value in pairs.items())

    def call(self, *arguments):
        runner = CliRunner()
        try:
            done = runner.invoke(
                cli, ["gate", "--root", str(self.root), *arguments], standalone_mode=False
            )
            if done.exception is not None:
                raise done.exception
        except ContractcheckError as error:
            return error.exit_code, f"{error}\n", ""
        except click.ClickException as error:
            return error.exit_code, error.format_message(), ""
        return done.return_value, done.stdout, done.stderr

    def gate(self, *arguments, old=None, new=None):
        return self.call(
            *("--from", self.side(old or self.old), "--to", self.side(new or self.new)), *arguments
        )

    def report(self, *arguments, **sides):
        code, out, _ = self.gate("--format", "json", *arguments, **sides)
        return code, json.loads(out)

    def runs(self):
        return sorted(self.root.glob(".contractcheck/runs/*/*/*"))


@pytest.fixture
def project(tmp_path, servers, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    old, new = servers
    old.conditions, new.conditions = at(), at(seed=1)
    return Project(tmp_path, old, new)


def test_the_same_provider_on_both_sides_is_never_a_reason_to_stay(project):
    project.old.conditions = replace(at(), night_effects=True)
    codes = []
    for _ in range(20):
        code, report = project.report(old=project.old, new=project.old)
        codes.append(code)
        assert report["verdict"] in ("PASS", "INCONCLUSIVE")
        assert (code == 0) == (report["verdict"] == "PASS")
    # Two sides without refusals in 24 answers each stay inside 25 points.
    assert codes.count(0) >= 15


def test_more_refusals_are_a_reason_to_stay(project):
    project.new.conditions = at("refusals=0.8", seed=1)
    code, out, _ = project.gate()
    assert code == 1
    assert re.match(
        r"Do not upgrade: the share of refusals rises by \d+\.\d points "
        r"\[\d+\.\d, \d+\.\d\], the margin is 25 points\n",
        out,
    )
    assert re.search(r"refusals +\+0\.25 +\+\d+\.\d% \[.*\] +broken +0\.0% → \d+\.\d%", out)
    assert "before  " in out
    assert "the old side's most typical answer" in out
    assert re.search(r"used \d+ of at most 48 requests; ended at look \d \(planned after 4, 8", out)


def test_a_renamed_field_is_a_reason_to_stay_whatever_the_margins_say(project):
    project.new.conditions = at("renamed_field", seed=1)
    code, report = project.report()
    assert code == 1
    assert report["headline"].startswith(
        "Do not upgrade: the new side breaks the contract: wire format: choices[0].delta: "
    )
    assert report["findings"][0]["kind"] == "breach"
    assert report["gate"]["blocks"] == 4
    assert report["counts"]["malformed"] == 12


def test_a_breach_that_decides_is_not_covered_by_the_chances_of_error(project):
    project.write(checks="[{contains: zebra, mode: always}]")
    code, report = project.report(old=project.old, new=project.old)
    assert code == 0
    assert any("has at most 5% chance in one gate" in note for note in report["notes"])
    project.write(checks="[{matches: '(?s).*', mode: always}]")
    project.new.conditions = at("renamed_field", seed=1)
    code, report = project.report()
    assert code == 1
    assert not any("% chance" in note for note in report["notes"])
    assert report["notes"][0].startswith("a breach decided, and no chance of error is promised")
    assert report["error_rates"] == "a breach decided, which no chance of error is promised for"


def test_a_slower_first_token_is_a_reason_to_stay(project):
    project.write(margins="{ttft: 1.5x}")
    project.old.conditions = at(time_scale=0.1)
    project.new.conditions = at("slow_first_token=8", seed=1, time_scale=0.1)
    code, report = project.report("--concurrency", "2")
    assert code == 1
    assert report["headline"].startswith("Do not upgrade: time to first token is ")
    (margin,) = report["gate"]["margins"]
    assert margin["low"] > 1.5
    assert {row["margin"] for row in report["gate"]["cases"]} == {"ttft"}


def test_what_the_old_side_breaks_too_is_no_reason_to_stay(project):
    project.write(checks="[{contains: zebra, mode: always}]")
    code, report = project.report(old=project.old, new=project.old)
    assert code == 0
    # Equal sides differ beyond chance now and then, which is told and decides nothing.
    assert {finding["kind"] for finding in report["findings"]} <= {"notice"}


def test_what_cannot_be_told_says_what_would_settle_it(project):
    project.write(margins="{refusals: +0.10}")
    code, out, _ = project.gate()
    assert code == 3
    assert out.startswith("Cannot tell yet: after 8 of 8 slots, the share of refusals ")
    told = re.search(r"to settle it: .* about (\d+) slots \([\d,]+ requests\) would settle", out)
    step = re.search(r"gate --suite \S+ --from \S+ --to \S+ --slots (\d+) \(a new gate", out)
    assert told[1] == step[1]
    assert project.gate("--allow-inconclusive")[0] == 0


def test_requests_interleave_and_each_side_keeps_a_recording_of_its_own(project):
    project.write(margins="{refusals: +0.02}")
    code, report = project.report("--slots", "4")
    assert code == 3
    old, new = (
        next(folder for folder in project.runs() if folder.name == side["run_id"])
        for side in report["gate"]["sides"]
    )
    order = []
    for name, folder in (("from", old), ("to", new)):
        run = read_run(folder)
        assert run.header.status == "partial"
        assert run.header.label == f"gate {report['gate']['id']}: {name}"
        assert {(x.case, x.trial) for x in run.exchanges} == {
            (case, block) for case in ("greet", "part", "thank") for block in range(4)
        }
        order += [(x.started_at, name) for x in run.exchanges]
    names = [name for _, name in sorted(order)]
    assert names != sorted(names)
    assert {"from", "to"} == set(names[:6])
    held = b"".join(p.read_bytes() for p in project.root.rglob("*") if p.is_file())
    assert KEY.encode() not in held


def test_a_side_of_a_gate_never_becomes_a_night(project):
    project.report("--slots", "4")
    workspace = Workspace(project.root)
    (suite,) = workspace.load_suites()
    report = judge_recorded(workspace, suite, project.runs()[0])
    assert report.headline == (
        "INCONCLUSIVE: this run is a part of something larger, such as a gate, and never a night"
    )
    with pytest.raises(ContractcheckError, match=r"is a side of gate .*, and never a night"):
        accept_runs(
            workspace, project.runs(), workspace.load_suites(), AcceptOptions(reason="x", by="me")
        )


def test_several_new_sides_are_sampled_together_and_judged_apart(project):
    project.new.conditions = at("refusals=0.9", seed=1)
    asked = project.old.request_count
    code, out, _ = project.call(
        *("--from", project.side(project.old), "--to", project.side(project.old)),
        *("--to", project.side(project.new), "--format", "json"),
    )
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(out)
    second, _ = decoder.raw_decode(out[end:].strip())
    assert (first["exit_code"], second["exit_code"]) == (0, 1)
    assert code == 1
    assert first["gate"]["id"] == second["gate"]["id"]
    # The old side is asked once for both.
    old_runs = {report["gate"]["sides"][0]["run_id"] for report in (first, second)}
    assert len(old_runs) == 1
    assert project.old.request_count - asked <= 48
    assert len(project.runs()) == 3


def test_a_bound_on_requests_plans_fewer_slots(project):
    project.write(margins="{refusals: +0.02}")
    before = project.old.request_count + project.new.request_count
    code, report = project.report("--max-requests", "34")
    assert code == 3
    assert report["gate"]["looks"] == [5]
    assert report["gate"]["used_requests"] == report["gate"]["planned_requests"] == 30
    assert project.old.request_count + project.new.request_count - before == 30


def test_a_bound_on_money_ends_the_gate_with_what_is_known(project, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"as_of": "2026-03-01", "models": {TARGET: [1000, 1000]}}))
    project.write(margins="{refusals: +0.02}")
    whole = project.report("--prices", str(prices))[1]["gate"]["spent_usd"]
    code, report = project.report("--prices", str(prices), "--max-usd", str(whole / 2))
    assert code == 3
    assert re.search(
        r" USD were spent \(one more request may take 0\.\d+\) after ", report["headline"]
    )
    assert 0 < report["gate"]["blocks"] < 8
    assert 0 < report["gate"]["spent_usd"] <= whole / 2
    asked = project.old.request_count + project.new.request_count
    more = ("--prices", str(prices), "--max-usd", str(2 * whole), "--format", "json")
    assert json.loads(project.call("--resume", report["gate"]["id"], *more)[1]) == report
    assert project.old.request_count + project.new.request_count == asked


def test_money_that_ends_before_one_slot_measures_nothing_and_the_gate_can_go_on(project, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"as_of": "2026-03-01", "models": {TARGET: [1000, 1000]}}))
    options = ("--prices", str(prices), "--concurrency", "1", "--max-usd")
    code, words, _ = project.gate(*options, "0.07")
    assert code == 4
    assert re.match(
        r"0\.0\d+ USD of at most 0\.07 USD were spent \(one more request may take 0\.0\d+\) before "
        r"one slot was finished on every side; go on with: contractcheck gate --resume \S+ --max-usd X\n",
        words,
    )
    gate = words.split("--resume ")[1].split()[0]
    sent = project.old.request_count + project.new.request_count
    code, out, _ = project.call("--resume", gate, *options, "10", "--format", "json")
    report = json.loads(out)
    assert code == 0
    sent_again = project.old.request_count + project.new.request_count - sent
    assert 0 < sent_again < report["gate"]["used_requests"]


def test_a_prompt_change_is_gated_against_the_commit_before(project):
    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True)

    git("init", "-q", "-b", "main")
    git("add", "suites")
    git("commit", "-q", "-m", "before")
    path = project.write(content="Say hello to the customer, and ask how you can help.")
    path.write_text(path.read_text().replace("id: part", "id: leave"))
    sides = (f"rev=main,base_url={project.old.base_url}", f"base_url={project.old.base_url}")
    code, out, _ = project.call("--from", sides[0], "--to", sides[1], "--format", "json")
    report = json.loads(out)
    assert code == 0
    assert any(note.startswith("the sides ask differently in greet:") for note in report["notes"])
    assert (
        "not compared, because not all sides have them: part (only --from), leave (only --to)"
        in report["notes"]
    )
    commit = report["gate"]["sides"][0]["words"][-11:-1]
    assert re.fullmatch(r"[0-9a-f]{10}", commit)
    bodies = [
        {x.request.body for x in read_run(folder).exchanges if x.case == "greet"}
        for folder in project.runs()
    ]
    assert len(bodies) == 2
    assert bodies[0].isdisjoint(bodies[1])


def test_accepted_nights_stand_in_for_a_side_that_is_gone(project, monkeypatch):
    project.write(margins="{refusals: +0.30, error_rate: +0.05}", gate="{muted: [error_rate]}")
    workspace = Workspace(project.root)
    (suite,) = workspace.load_suites()
    refused, words, _ = project.call("--from", "accepted", "--to", project.side(project.new))
    assert refused == 2
    assert "targets of mail with accepted nights: none" in words
    folders = []
    for day in range(1, 7):
        options = RecordOptions(night=f"2026-02-{day:02d}", base_url=project.old.base_url)
        folders.append(record_run(workspace, suite, suite.targets[0], options))
    accept_runs(workspace, folders[:4], [suite], AcceptOptions(reason="x", by="me"))
    asked = project.new.request_count
    refused, words, _ = project.call("--from", "accepted", "--to", project.side(project.new))
    assert refused == 2
    assert "has 4 accepted nights that count, and it takes 5 to know how nights differ" in words
    assert project.new.request_count == asked
    accept_runs(workspace, folders[4:], [suite], AcceptOptions(reason="x", by="me"))
    asked = project.old.request_count
    code, out, _ = project.call(
        *("--from", "accepted", "--to", project.side(project.new)), "--format", "json"
    )
    report = json.loads(out)
    assert code == 0, report["headline"]
    assert project.old.request_count == asked
    assert report["baseline"] == f"accepted nights of {TARGET}; the old side was not asked"
    states = {margin["name"]: margin["state"] for margin in report["gate"]["margins"]}
    assert states == {"refusals": "inside", "error_rate": "not measured"}
    assert not any("our side changed" in note for note in report["notes"])
    monkeypatch.setenv("CONTRACTCHECK_REGION", "elsewhere")
    project.write(margins="{refusals: +0.30, ttft: 1.5x}")
    code, out, _ = project.call("--from", "accepted", "--to", project.side(project.new))
    assert code == 3
    assert "(region unset → elsewhere): times are not compared" in out
    project.new.conditions = at("refusals=0.9", seed=1)
    code, out, _ = project.call("--from", "accepted", "--to", project.side(project.new))
    assert code == 1
    assert out.startswith("Do not upgrade: the share of refusals rises by ")


def test_a_wire_that_was_accepted_as_it_is_does_not_keep_anybody_from_moving(project):
    """Accepted nights came with a chunk without choices first, which this wire forbids."""
    project.write(margins="{refusals: +0.30}")
    workspace = Workspace(project.root)
    (suite,) = workspace.load_suites()
    project.old.conditions = project.new.conditions = at("empty-choices-first")
    options = [
        RecordOptions(night=f"2026-02-{day:02d}", base_url=project.old.base_url)
        for day in range(1, 6)
    ]
    folders = [record_run(workspace, suite, suite.targets[0], one) for one in options]
    accept_runs(workspace, folders, [suite], AcceptOptions(reason="x", by="me"))
    asking = ("--from", "accepted", "--to", project.side(project.new), "--format", "json")
    code, out, _ = project.call(*asking)
    report = json.loads(out)
    assert code == 0, report["headline"]
    (told,) = [f for f in report["findings"] if f["metric"] == "wire stream order"]
    assert told["kind"] == "notice"
    assert told["message"].endswith("as in accepted nights")
    project.new.conditions = at("renamed_field")
    code, out, _ = project.call(*asking)
    assert code == 1
    broken = "the new side breaks the contract: wire format: choices[0].delta: "
    assert json.loads(out)["headline"].startswith(f"Do not upgrade: {broken}")


def test_a_provider_that_fails_cannot_be_measured(project):
    project.new.conditions = at(error_rate=1.0)
    code, out, _ = project.gate("--no-retry")
    assert code == 4
    assert out.startswith(f"Could not measure: {TARGET}: 3 of 3 requests failed in transport")
    project.write(margins="{error_rate: +0.10}")
    code, out, _ = project.gate("--no-retry")
    assert code == 1
    assert out.startswith("Do not upgrade: the share of failed requests rises by 100.0 points")


def test_a_provider_that_is_down_ends_the_session_and_the_gate_goes_on_later(project):
    project.new.conditions = at(error_rate=1.0)
    code, out, _ = project.gate("--patience", "0.2")
    assert code == 4
    assert "of this look to go; go on with: contractcheck gate --resume " in out
    gate = out.split()[-1]
    project.new.conditions = at(seed=1)
    code, out, _ = project.call("--resume", gate)
    assert code in {0, 3}
    assert "Could not measure" not in out


def test_a_side_that_loses_answers_unjudged_is_not_safe(project):
    # Which of a case's requests break off depends on how many there were: a provider of its own.
    cutting = replace(at(seed=1), faults=parse_faults(["cut_stream=0.15"]))
    project.write(gate="{slots: 12}", margins="{refusals: +0.3}")
    with Simulator(cutting) as provider:
        code, report = project.report("--no-retry", new=provider)
    lost = report["counts"]["infra"]
    note = next(n for n in report["notes"] if "no answer that could be read" in n)
    assert note.startswith(f"{lost} of {report['gate']['sides'][1]['requests']} requests of the ")
    assert lost >= 5
    assert code == 3
    assert report["headline"].startswith(f"Cannot tell yet: {note}")
    project.write(margins="{refusals: +0.3, error_rate: +0.9}", gate="{slots: 12}")
    with Simulator(cutting) as provider:
        code, report = project.report("--no-retry", new=provider)
    assert code == 0
    assert report["counts"]["infra"] > 0
    assert not any("no answer that could be read" in n for n in report["notes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "x", "--to", TARGET], "--from 'target=x': 'x' is not a target such as"),
        (["--from", TARGET], "give --from SIDE and --to SIDE; a side is PROVIDER:MODEL"),
        (["--from", TARGET, "--to", "accepted"], "can stand in for the old side only"),
        (["--from", TARGET, "--to", f"{TARGET},rev=-x"], "rev='-x' is not a commit, branch or"),
        (
            ["--from", f"{TARGET},base_url=http://x.example", "--to", TARGET],
            "a credential is never sent over plain http",
        ),
        (
            ["--from", TARGET, "--to", f"{TARGET},base_url=http://127.0.0.1:9/v1?key=x"],
            "it may not hold a user, a query or a fragment",
        ),
        (
            ["--from", TARGET, "--to", TARGET, "--max-requests", "5"],
            "--max-requests 5 is less than one slot, which is 6 requests",
        ),
        (
            ["--from", TARGET, "--to", TARGET, "--max-requests", "22"],
            "3 slots are too few: a gate looks first after 4, which is 24 requests; raise --slots",
        ),
        (["--from", TARGET, "--to", TARGET, "--slots", "1"], "1 slot is too few: a gate looks"),
        (["--from", TARGET, "--to", TARGET, "--max-usd", "nan"], "--max-usd nan bounds nothing"),
        (["--from", TARGET, "--to", TARGET, "--max-usd", "inf"], "--max-usd inf bounds nothing"),
        (
            ["--from", TARGET, "--to", "openai:nobody", "--max-usd", "1"],
            "is known, so --max-usd cannot be kept; give one with --prices FILE",
        ),
        (["--resume", "2099"], "no gate '2099' below "),
        (["--resume", "2099", "--slots", "3"], "leave out --from, --to, --suite, --slots"),
    ],
)
def test_what_cannot_be_done_exits_2_and_asks_nobody(project, arguments, words):
    before = project.old.request_count + project.new.request_count
    code, out, _ = project.call(*arguments)
    assert code == 2
    assert words in out
    assert project.old.request_count + project.new.request_count == before
    assert project.runs() == []


def test_a_suite_without_margins_has_nothing_to_decide_by(project):
    project.write(margins="{}")
    code, out, _ = project.gate()
    assert code == 2
    assert "policy.margins declares nothing, so there is nothing to decide by" in out


def test_without_a_suite_there_is_nothing_to_check(tmp_path, servers):
    project = Project(tmp_path, *servers)
    (tmp_path / "suites" / "mail" / "mail.contract.yaml").unlink()
    assert project.gate()[0] == 5


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_sdk_of_another_environment_asks_and_is_recorded(project, provider, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    target = TARGET if provider == "openai" else "anthropic:claude-sim-mini-2026-03-01"
    where = {"target": target}
    code, out, _ = project.call(
        *("--from", project.side(project.old, **where)),
        *("--to", project.side(project.old, **where, env=sys.prefix)),
        *("--format", "json", "--slots", "4"),
    )
    report = json.loads(out)
    assert code in (0, 3)
    old, new = report["gate"]["sides"]
    assert old["answered"] == new["answered"] == 12
    assert new["words"].endswith(f" through {provider} {version(provider)}")
    folder = next(folder for folder in project.runs() if folder.name == new["run_id"])
    run = read_run(folder)
    assert run.header.vantage["http_client"] == f"{provider} {version(provider)}"
    assert {(x.case, x.trial, x.attempt) for x in run.exchanges} == {
        (case, block, 0) for case in ("greet", "part", "thank") for block in range(4)
    }
    assert all(x.response.status == 200 and x.ended == "eof" for x in run.exchanges)
    held = b"".join(p.read_bytes() for p in project.root.rglob("*") if p.is_file())
    assert KEY.encode() not in held
    # The secret path of a call is in no recording: it names the trial only on this machine.
    assert {urlsplit(x.request.url).path for x in run.exchanges} <= {
        "/v1/chat/completions",
        "/v1/messages",
    }


def test_another_provider_is_gated_by_time_per_character(project, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    project.write(margins="{refusals: +0.25, time_per_token: 10x}")
    project.old.conditions = at(time_scale=0.1)
    other = project.side(project.old, target="anthropic:claude-sim-mini-2026-03-01")
    code, out, _ = project.call(
        *("--from", project.side(project.old), "--to", other, "--format", "json"),
        *("--slots", "4", "--concurrency", "2"),
    )
    report = json.loads(out)
    assert code in (0, 3)
    assert [side["answered"] for side in report["gate"]["sides"]] == [12, 12]
    pace = report["gate"]["margins"][1]
    assert pace["name"] == "time_per_token"
    assert pace["unit"] == "ratio"
    assert pace["effect"] > 0


def test_an_environment_without_the_sdk_is_refused_before_anybody_is_asked(project, tmp_path):
    empty = tmp_path / "empty"
    venv.create(empty, symlinks=True, with_pip=False)
    code, out, _ = project.call("--from", TARGET, "--to", project.side(project.new, env=str(empty)))
    assert code == 2
    assert "cannot use the SDK 'openai': ModuleNotFoundError: No module named 'openai'" in out
    code, out, _ = project.call("--from", TARGET, "--to", f"{TARGET},env={tmp_path}")
    assert code == 2
    assert f"env={tmp_path}: no virtual environment here (no bin/python)" in out
    code, out, _ = project.call("--from", TARGET, "--to", f"openai-responses:m,env={tmp_path}")
    assert code == 2
    assert "the SDKs of anthropic and openai can be asked through" in out
    assert project.runs() == []

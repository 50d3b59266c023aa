"""The command line as a user meets it: real processes, real HTTP, a simulated provider."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

KEY = "sk-live-Zq81nVtR5mPx0aLw"
TARGET = "openai:gpt-sim-mini-2026-03-01"
SUITE = """\
suite: {name}
version: 1.0.0
targets: [{targets}]
defaults: {{samples: {samples}, max_output_tokens: 20}}
policy: {{on_inconclusive: {strictness}}}
cases:
  - id: greet
    messages: [{{role: user, content: "Say hello."}}]
    checks: {checks}
    metrics: [text, output_tokens]
  - id: part
    messages: [{{role: user, content: "Say goodbye."}}]
    metrics: [text]
"""


class Project:
    """A folder with suites, and the command line run in it."""

    def __init__(self, root, provider=None):
        self.root = root
        self.provider = provider

    def write(self, name="hello", *, targets=TARGET, samples=3, strictness="warn", checks="[]"):
        path = self.root / "suites" / name / "suite.contract.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            SUITE.format(
                name=name, targets=targets, samples=samples, strictness=strictness, checks=checks
            )
        )
        return path

    def start(self, *arguments, **options):
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_KEY")}
        environment |= {"OPENAI_API_KEY": KEY} | options.pop("env", {})
        return subprocess.Popen(
            [sys.executable, "-m", "contractcheck.cli", *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def call(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def record(self, *arguments, **options):
        return self.call("run", "--base-url", self.provider, *arguments, **options)

    def files(self):
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def runs(self):
        return sorted(path.name for path in self.root.glob(".contractcheck/runs/*/*/*"))


@contextmanager
def simulate(*arguments):
    command = [sys.executable, "-m", "contractcheck.cli", "simulator", "--time-scale", "0.01"]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        yield line.removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def provider_that(behave):
    """A server whose answers the test writes; counts its requests."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(self.path)
            behave(self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def read_reports(done):
    """The JSON documents that a command printed one after the other."""
    decoder, rest, reports = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        report, end = decoder.raw_decode(rest)
        reports.append(report)
        rest = rest[end:].strip()
    return reports


@pytest.fixture(scope="module")
def provider():
    with simulate() as url:
        yield url


@pytest.fixture
def project(tmp_path, provider):
    made = Project(tmp_path, provider)
    made.write()
    return made


def test_a_first_run_is_recorded_and_says_how_many_nights_are_missing(project):
    done = project.record("--night", "2026-03-01", "--label", "first try")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("INCONCLUSIVE: 0 accepted nights cannot tell a change")
    assert "trials    6 answered of 6 planned" in done.stdout
    assert "this run is labelled: first try" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert f"hello × {TARGET}: 6 of 6" in done.stderr
    (run,) = project.runs()
    listed = project.call("runs")
    columns = listed.stdout.removesuffix("\n").split("  ")
    size = columns.pop(7)
    told = [
        run,
        "hello",
        TARGET,
        "2026-03-01",
        "6 of 6 trials",
        "complete",
        "sealed",
        "(first try)",
    ]
    assert columns == told
    assert re.fullmatch(r"\d+\.\d kB", size)


def test_the_key_is_in_no_file_and_in_no_output(project):
    done = project.record(env={"OTHER_TOKEN": "tok-Yx72kQ93hh"})
    assert done.returncode == 0
    held = b"".join(project.files().values())
    for secret in (KEY, "tok-Yx72kQ93hh"):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in held
    assert b"bearer" not in held.lower()


def test_under_a_strict_policy_inconclusive_exits_3(project):
    project.write(strictness="fail")
    assert project.record().returncode == 3


def test_a_breach_exits_1_and_report_judges_it_again(project):
    project.write(checks="[{contains: zebra, mode: always}]")
    done = project.record("--format", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["verdict"] == "FAIL"
    assert report["exit_code"] == 1
    assert report["findings"][0]["kind"] == "breach"
    again = project.call("report", report["run_id"], "--format", "json")
    assert again.returncode == 1
    assert json.loads(again.stdout) == {**report, "source": "replay"}
    # The suite as it is now: without the check, the old answers break nothing.
    project.write()
    assert project.call("report", report["run_id"]).returncode == 0


def test_a_provider_that_fails_exits_4(project):
    with simulate("--error-rate", "1") as url:
        done = project.call("run", "--base-url", url, "--no-retry")
    assert done.returncode == 4
    assert done.stdout.startswith("ERROR: could not measure: ")
    refused = project.call("accept", project.runs()[0], "--reason", "x")
    assert refused.returncode == 2
    assert "(at most 20% may fail)" in refused.stderr


def test_of_several_targets_the_worst_verdict_counts(project):
    project.write("broken", checks="[{contains: zebra, mode: always}]")
    done = project.record("--suite", "broken", "--suite", "hello", "--format", "json")
    assert done.returncode == 1
    verdicts = [(report["suite"], report["verdict"]) for report in read_reports(done)]
    assert verdicts == [("broken", "FAIL"), ("hello", "INCONCLUSIVE")]


def test_a_suite_is_found_by_name_by_file_and_by_folder(project):
    path = project.write("other")
    relative = path.relative_to(project.root)
    same = [word for name in ("other", relative, relative.parent) for word in ("--suite", name)]
    # Whatever is not found is refused, and a suite that was named three times runs once.
    named = project.record(*same, "--suite", "hello", "--format", "json")
    assert [report["suite"] for report in read_reports(named)] == ["other", "hello"]
    elsewhere = project.record("--suite", path, "--format", "json")
    assert [report["suite"] for report in read_reports(elsewhere)] == ["other"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--suite", "helo"], "no suite named 'helo' below suites; there are: hello"),
        (["--target", "openai:x"], f"no target 'openai:x'; there are: {TARGET}"),
        (["--case", "x", "--case", "part"], "no case 'x'; there are: greet, part"),
        (["--night", "yesterday"], "--night 'yesterday' is not a date such as"),
        (["--max-requests", "0"], "--max-requests"),
        (["--resume", "2099"], "no run '2099' below .contractcheck/runs"),
        (["--base-url", "ftp://x"], "is no address; expected http(s)://host"),
        (["--base-url", "http://[x"], "is no address; expected http(s)://host"),
        (["--base-url", "https://x.example?key=pw"], "holds a query or a fragment; take it out"),
        (["--base-url", "https://me:pw@x.example"], "holds a user or password; take it out"),
        (["--base-url", "http://x.example"], "a credential is never sent over plain http"),
    ],
)
def test_what_cannot_be_done_exits_2_says_so_and_asks_nobody(project, arguments, words):
    before = project.files()
    done = project.record(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert project.files() == before


def test_nothing_to_check_exits_5(tmp_path, provider):
    done = Project(tmp_path, provider).record()
    assert done.returncode == 5
    assert done.stderr == (
        "contractcheck: no *.contract.yaml below suites; write a suite there, or name where one is\n"
    )


def test_a_missing_key_is_one_sentence(project):
    done = project.call("run", env={"OPENAI_API_KEY": ""})
    assert done.returncode == 2
    assert done.stderr == (
        f"contractcheck: {TARGET}: set OPENAI_API_KEY to a key for api.openai.com\n"
    )


@pytest.mark.parametrize("url", ["https://{}", "http://{}", "https://api.openai.com.{}"])
def test_a_suite_alone_never_directs_a_key_to_a_foreign_host(project, url):
    with socket.create_server(("127.0.0.2", 0)) as trap:
        trap.settimeout(0)
        host = f"127.0.0.2:{trap.getsockname()[1]}"
        target = f"{{model: '{TARGET}', base_url: '{url.format(host)}'}}"
        project.write(targets=target)
        done = project.call("run")
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr
    assert project.runs() == []


def test_max_requests_leaves_a_run_that_can_be_resumed(project):
    done = project.record("--max-requests", "4", "--night", "2026-03-01")
    assert done.returncode == 0
    assert done.stdout.startswith("INCONCLUSIVE: only 4 of 6 planned trials were made")
    (run,) = project.runs()
    assert f"contractcheck run --resume {run}" in done.stdout
    assert "interrupted" in project.call("runs").stdout

    refused = project.call("accept", run, "--reason", "x")
    assert refused.returncode == 2
    assert f"{run}: was interrupted; finish it with run --resume first" in refused.stderr
    mixed = project.record("--resume", run, "--case", "greet")
    assert mixed.returncode == 2
    assert "--resume goes on with the plan of its run" in mixed.stderr

    resumed = project.record("--resume", run)
    assert "trials    6 answered of 6 planned" in resumed.stdout
    assert project.runs() == [run]
    again = project.record("--resume", run)
    assert again.returncode == 2
    assert "is complete and sealed; there is nothing to resume" in again.stderr


def test_a_selection_of_cases_is_a_partial_run_and_never_a_night_of_the_baseline(project):
    done = project.record("--case", "greet", "--night", "2026-03-01")
    assert done.stdout.startswith("INCONCLUSIVE: 1 of 2 cases were asked (not part)")
    refused = project.call("accept", project.runs()[0], "--reason", "x")
    assert refused.returncode == 2
    assert "is partial: a baseline night has every case of the suite" in refused.stderr
    assert not (project.root / "cassettes").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_was_finished(tmp_path, number, code):
    answer = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": TARGET.split(":")[1],
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    body = json.dumps(answer).encode()
    release = threading.Event()
    count = iter(range(100))

    def behave(handler):
        if next(count) >= 2:
            release.wait(20)
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with provider_that(behave) as (url, asked):
        project = Project(tmp_path, url)
        project.write()
        process = project.start("run", "--base-url", url, "--concurrency", "1")
        while len(asked) < 3:
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        release.set()
        assert process.returncode == code, err
        assert "Traceback" not in err
        assert "every finished answer is kept" in err
        (run,) = project.runs()
        resumed = project.record("--resume", run)
        assert "trials    6 answered of 6 planned" in resumed.stdout
        # The two that were finished are not asked again; the one under way is.
        assert len(asked) == 3 + 4


def test_a_reader_that_goes_away_is_no_error(project):
    process = project.start("simulator", "--list-changes", bufsize=0)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=20) == 128 + signal.SIGPIPE
    assert err == ""


def look(project, run_id, env):
    """What a terminal with this environment is shown of a run."""
    import pty

    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | env
    command = [sys.executable, "-m", "contractcheck.cli", "report", run_id]
    subprocess.run(command, cwd=project.root, env=environment, stdout=follower, check=True)
    os.close(follower)
    output = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        output += chunk
    os.close(leader)
    return output


def test_colour_only_where_it_is_wanted(project):
    run_id = json.loads(project.record("--format", "json").stdout)["run_id"]
    for env, is_coloured in (
        ({"TERM": "xterm"}, True),
        ({"NO_COLOR": "1", "TERM": "xterm"}, False),
        ({"TERM": "dumb"}, False),
    ):
        output = look(project, run_id, env)
        assert b"INCONCLUSIVE" in output
        assert (b"\x1b[" in output) is is_coloured


def test_every_command_is_listed_and_explains_itself(project):
    listed = project.call("--help").stdout
    for command in ("accept", "compare", "demo", "report", "run", "runs", "simulator", "suite"):
        assert f"\n  {command} " in listed
    for command in ("accept", "run"):
        done = project.call(command, "--help")
        assert done.returncode == 0
        assert f" {command} [OPTIONS]" in done.stdout.splitlines()[0]

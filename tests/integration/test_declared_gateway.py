"""A gateway with a wire of its own, asked and judged through nothing but a mapping file."""

import http.server
import json
import threading

import pytest
from click.testing import CliRunner

from contractcheck.cli import cli
from contractcheck.errors import UsageError

KEY = "gw-Zq81nVtR5mPx0aLw"
SUITE = """\
suite: house
version: 1.0.0
targets:
  - {{target: "http:team/model-1", base_url: "{url}/llm/v1", mapping: gateway.yaml}}
defaults: {{samples: 2, max_output_tokens: 20, stream: {stream}}}
cases:
  - id: greet
    system: Be brief.
    messages: [{{role: user, content: "Say hello."}}]
    checks: [{{contains: house, mode: always}}, {{finish_reason: done, mode: always}}]
    metrics: [text, output_tokens]
"""
MAPPING = """\
path: /models/{model}/ask
headers: {x-team: evals}
key: {variable: CONTRACTCHECK_HOUSE_KEY, header: x-house-key}
body: {turns: "{messages}", limit: "{max_output_tokens}", live: "{stream}"}
answer: {text: $.said, finish_reason: $.why, output_tokens: $.cost}
stream: {text: $.piece, finish_reason: $.why, output_tokens: $.cost, end: bye}
"""


class Gateway(http.server.BaseHTTPRequestHandler):
    asked = []  # noqa: RUF012 - emptied by each test

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, self.headers["x-house-key"], self.headers["x-team"], body))
        if body["live"]:
            events = [{"piece": "Hello from "}, {"piece": "the house"}, {"why": "done", "cost": 4}]
            data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: bye\n\n"
            kind = "text/event-stream"
        else:
            data = json.dumps({"said": "Hello from the house", "why": "done", "cost": 4})
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    Gateway.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Project:
    def __init__(self, root, url):
        self.root, self.url = root, url
        self.suite = root / "suites" / "house" / "house.contract.yaml"
        self.mapping = self.suite.parent / "gateway.yaml"
        self.suite.parent.mkdir(parents=True)
        self.mapping.write_text(MAPPING)
        self.write()

    def write(self, *, stream="true"):
        self.suite.write_text(SUITE.format(url=self.url, stream=stream))

    def call(self, *arguments):
        environment = {"CONTRACTCHECK_HOUSE_KEY": KEY}
        return CliRunner().invoke(cli, [*arguments, "--root", str(self.root)], env=environment)

    def report(self, *arguments):
        done = self.call(*arguments, "--format", "json")
        assert done.exit_code in (0, 1), done.output
        return json.loads(done.stdout)


@pytest.fixture
def project(tmp_path, url):
    return Project(tmp_path, url)


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_gateway_is_asked_recorded_and_judged(project, stream):
    project.write(stream=stream)
    report = project.report("run")
    assert report["findings"] == []
    assert report["verdict"] == "INCONCLUSIVE"  # no accepted nights yet
    body = {
        "turns": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Say hello."},
        ],
        "limit": 20,
        "live": stream == "true",
    }
    assert Gateway.asked == [("/llm/v1/models/team%2Fmodel-1/ask", KEY, "evals", body)] * 2
    shown = project.call("runs", "show", report["run_id"], "--case", "greet", "--trial", "0")
    assert "Hello from the house" in shown.output


def test_the_key_is_in_no_file(project):
    project.report("run")
    files = [path.read_bytes() for path in project.root.rglob("*") if path.is_file()]
    assert files
    assert not [data for data in files if KEY.encode() in data]


def test_old_answers_are_read_by_the_mapping_as_it_is_now(project):
    project.mapping.write_text(MAPPING.replace("$.piece", "$.wrong"))
    wrong = project.report("run")
    assert wrong["verdict"] == "FAIL"
    project.mapping.write_text(MAPPING)
    again = project.report("report", wrong["run_id"])
    assert (again["verdict"], again["findings"]) == ("INCONCLUSIVE", [])


def test_a_case_that_the_mapping_cannot_ask_costs_nothing(project):
    project.suite.write_text(project.suite.read_text().replace("samples: 2", "samples: 2, seed: 7"))
    refused = project.call("run")
    assert isinstance(refused.exception, UsageError)
    assert '"{seed}"' in str(refused.exception)
    assert Gateway.asked == []
    assert not list(project.root.glob(".contractcheck/runs/*/*/*"))

"""A token expires while sixteen requests are under way: one refresh, one retry, nothing on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from contractcheck.cassettes import read_run
from contractcheck.content_coding import decode_available
from contractcheck.errors import MeasurementError
from contractcheck.workflows.record import RecordOptions, record_run, resume
from contractcheck.workflows.workspace import Workspace

AT_ONCE, SAMPLES = 16, 60
SECRET = "client-secret-Zq81nVtR5mPx0aLw"  # noqa: S105 - made up
TOKENS = [f"token-{n}-of-the-gateway-Kx92mQ" for n in range(9)]
SUITE = """\
suite: mail
version: 1.0.0
targets:
  - target: openai:gpt-sim
    base_url: URL
    auth:
      oauth2:
        token_url: URL/token
        client_id: nightly
        client_secret: ${GATEWAY_SECRET}
cases:
  - id: greet
    samples: SAMPLES
    messages: [{role: user, content: "Say hello."}]
    metrics: [text]
"""


class Gateway(ThreadingHTTPServer):
    """Grants tokens; when all workers ask at once for the second time, theirs have expired.

    Every answer repeats the token that it was asked with, as careless gateways do.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.all_here = threading.Barrier(AT_ONCE)
        self.granted = self.asked = self.refused = 0
        self.accepted = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def grant(self, authorization):
        assert b64decode(authorization.removeprefix("Basic ")).decode() == f"nightly:{SECRET}"
        with self.lock:
            self.granted += 1
            return {"access_token": TOKENS[self.granted], "token_type": "bearer", "expires_in": 900}

    def is_welcome(self, token):
        with self.lock:
            self.asked += 1
            number = self.asked
        if AT_ONCE < number <= 2 * AT_ONCE:
            self.all_here.wait(20)
            with self.lock:
                self.refused += 1
            return False
        with self.lock:
            self.accepted.append(token)
        return token == TOKENS[self.granted]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        authorization = self.headers["authorization"]
        if self.path == "/token":
            self.reply(200, json.dumps(self.server.grant(authorization)), "application/json")
            return
        token = authorization.removeprefix("Bearer ")
        if not self.server.is_welcome(token):
            error = {"error": {"message": f"the token {token} has expired", "type": "auth"}}
            self.reply(401, json.dumps(error), "application/json")
            return
        chunk = {
            "id": "c-1",
            "object": "chat.completion.chunk",
            "model": "gpt-sim",
            "choices": [{"index": 0, "delta": {"content": f"hi {token}"}, "finish_reason": "stop"}],
        }
        self.reply(200, f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n", "text/event-stream")

    def reply(self, status, text, kind):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-request-id", self.headers["authorization"])
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def gateway():
    made = Gateway()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def write(folder, gateway):
    (folder / "suites").mkdir()
    text = SUITE.replace("URL", gateway.url).replace("SAMPLES", str(SAMPLES))
    (folder / "suites" / "mail.contract.yaml").write_text(text)


def run(folder, gateway, *options):
    write(folder, gateway)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "GATEWAY_SECRET": SECRET,
        "CONTRACTCHECK_ALLOWED_VARIABLES": "GATEWAY_SECRET",
    }
    command = [sys.executable, "-m", "contractcheck.cli", "run", *options]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False
    )


@pytest.fixture
def suite(tmp_path, gateway, monkeypatch):
    monkeypatch.setenv("GATEWAY_SECRET", SECRET)
    monkeypatch.setenv("CONTRACTCHECK_ALLOWED_VARIABLES", "GATEWAY_SECRET")
    write(tmp_path, gateway)
    return Workspace(tmp_path).load_suites([tmp_path / "suites" / "mail.contract.yaml"])[0]


@pytest.fixture
def record(tmp_path, suite):
    """Record in this process."""
    return lambda options: record_run(Workspace(tmp_path), suite, suite.targets[0], options)


def everything_in(folder):
    """Every file's bytes, and what is packed in them."""
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield path, data
            if path.suffix == ".zst":
                yield path, decode_available(data, "zstd").body


def test_sixteen_refusals_at_once_cause_one_refresh_and_one_retry_each(tmp_path, gateway):
    done = run(tmp_path, gateway, "--concurrency", str(AT_ONCE))
    assert done.returncode == 0, done.stderr.decode()
    assert gateway.refused == AT_ONCE
    assert gateway.granted == 2
    # Whoever was refused came again once, with the new token; nobody else came twice.
    assert gateway.asked == SAMPLES + AT_ONCE
    assert gateway.accepted == [TOKENS[1]] * AT_ONCE + [TOKENS[2]] * (SAMPLES - AT_ONCE)

    (folder,) = {path.parent for path in tmp_path.rglob("*.jsonl*")}
    exchanges = read_run(folder).exchanges
    # What is granted is no answer of the provider: it is not recorded.
    assert {exchange.request.url for exchange in exchanges} == {
        f"{gateway.url}/v1/chat/completions"
    }
    statuses = {}
    for exchange in exchanges:
        statuses.setdefault(exchange.trial, []).append(exchange.response.status)
    assert sorted(statuses.values()) == [[200]] * (SAMPLES - AT_ONCE) + [[401, 200]] * AT_ONCE

    shown = [("stdout", done.stdout), ("stderr", done.stderr)]
    held = [secret.encode() for secret in (SECRET, TOKENS[1], TOKENS[2])]
    held += [b64encode(secret)[:-4] for secret in held]
    found = [
        (place, s) for place, data in (*everything_in(tmp_path), *shown) for s in held if s in data
    ]
    assert found == []
    bodies = b"".join(exchange.response.body for exchange in exchanges)
    assert bodies.count(b"*" * len(TOKENS[1])) == SAMPLES + AT_ONCE, "starred, not lost"


def test_a_gateway_that_refuses_every_token_is_asked_twice_per_trial(record, gateway):
    gateway.is_welcome = lambda _token: False
    folder = record(RecordOptions(concurrency=1, max_requests=6))
    asked = [(x.trial, x.attempt, x.response.status) for x in read_run(folder).exchanges]
    assert len(asked) == 6
    assert len({trial for trial, _, _ in asked}) == 3
    assert {status for _, _, status in asked} == {401}
    assert gateway.granted == 1 + 3


def test_a_client_that_is_not_known_ends_the_run_before_any_request(record, gateway):
    gateway.grant = lambda _authorization: {"error": "invalid_client", "error_description": SECRET}
    with pytest.raises(MeasurementError) as caught:
        record(RecordOptions())
    assert str(caught.value) == "no token: the answer of 127.0.0.1 has no access_token"
    assert gateway.asked == 0


def test_an_interrupted_run_goes_on_with_what_its_suite_chose(record, suite, gateway):
    folder = record(RecordOptions(concurrency=1, max_requests=3))
    assert "auth" not in json.loads((folder / "header.json").read_text())["target"]
    resume(folder, suite, RecordOptions(concurrency=1, max_requests=3))
    assert gateway.granted == 2, "a token for each session"
    assert gateway.accepted == [TOKENS[1]] * 3 + [TOKENS[2]] * 3

"""Credentials stay with their host: whatever a server says, no secret arrives at another one."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from contractcheck.cassettes import read_run
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

KEY = "sk-live-Zq81nVtR5mPx0aLw"
AWS_ID, AWS_SECRET, AWS_TOKEN = (
    "AKIDEXAMPLE",
    "secret-0123456789-abcdef",
    "session-0123456789-abcdef",
)
SUITE = """\
suite: mail
version: 1.0.0
targets:
  - {target: "PROVIDER:m", base_url: "URL", region: eu-central-1AUTH}
cases:
  - id: greet
    samples: 1
    messages: [{role: user, content: "Say hello."}]
"""


@contextmanager
def listening(answer):
    """A server that keeps every byte it hears and answers each request with the same bytes."""
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    is_over = threading.Event()
    listener.settimeout(0.05)

    def serve():
        while not is_over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(2)
                data = b""
                while b"\r\n\r\n" not in data or not data.rstrip().endswith(b"}"):
                    data += connection.recv(65536)
                heard.append(data)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield address, heard
    finally:
        is_over.set()
        thread.join()
        listener.close()


def redirect(status, place):
    head = f"HTTP/1.1 {status} Elsewhere\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    return head.encode()


@pytest.mark.parametrize(
    ("provider", "status"),
    [
        *(("openai", status) for status in (301, 302, 303, 307, 308)),
        ("anthropic", 307),
        ("bedrock", 307),
    ],
)
def test_a_redirect_is_an_answer_and_is_not_followed(tmp_path, monkeypatch, provider, status):
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", AWS_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", AWS_TOKEN)
    auth = ", auth: aws" if provider == "bedrock" else ""
    with listening(b"") as (elsewhere, heard_there):
        place = f"http://{elsewhere}/v1/chat/completions"
        with listening(redirect(status, place)) as (here, heard_here):
            (tmp_path / "suites").mkdir()
            text = SUITE.replace("PROVIDER", provider).replace("URL", f"http://{here}")
            path = tmp_path / "suites" / "mail.contract.yaml"
            path.write_text(text.replace("AUTH", auth))
            workspace = Workspace(tmp_path)
            (suite,) = workspace.load_suites([path])
            once = Bounds(retry=RetryPolicy(attempts=1))
            folder = record_run(workspace, suite, suite.targets[0], RecordOptions(bounds=once))
    expected = AWS_TOKEN if provider == "bedrock" else KEY
    assert expected.encode() in heard_here[0]
    assert len(heard_here) == 1
    assert heard_there == []
    (exchange,) = read_run(folder).exchanges
    assert exchange.response.status == status

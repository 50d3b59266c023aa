"""A server on loopback that answers as a test tells it to, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from contractcheck.model.wire import WireRequest


class Asked:
    """A request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Server(ThreadingHTTPServer):
    """Answers what ``answer(request)`` returns: a status, a JSON value or bytes, and headers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.answer = lambda _request: (200, {}, {})

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        self.server.asked.append(asked)
        status, value, more = self.server.answer(asked)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", **more}.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def shown():
    """What a traceback that prints local variables shows of us and of the libraries."""

    def show(error):
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        told.stack = traceback.StackSummary.from_list(
            [frame for frame in told.stack if frame.filename.rpartition("/")[2][:5] != "test_"]
        )
        assert told.stack
        return "".join(told.format())

    return show


@pytest.fixture
def request_of():
    def make(path="/v1/chat", body=b"{}", headers=(("content-type", "application/json"),)):
        return WireRequest(method="POST", path=path, headers=headers, body=body)

    return make


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    """Where the shared files of AWS are looked for: an empty folder, and nothing elsewhere."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path
